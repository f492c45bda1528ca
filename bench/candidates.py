"""What a network can be run with. A candidate names its function and the environment whose Python runs it.

Another tool becomes a candidate by a function here, decorated, that imports the tool inside itself; what cannot live
in dlp's own environment names another one, a virtual environment `build/bench/env-NAME`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Ready:
    """A network that is ready to run."""

    run: Callable[[], Any]
    """One call. Returns the output, or a tuple whose first element is compared."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What else is worth a line in the results."""


Prepare = Callable[["torch.nn.Module", "tuple[torch.Tensor, ...]"], Ready]


@dataclass(frozen=True)
class Candidate:
    """A way to run a network."""

    name: str
    prepare: Prepare
    environment: str = ""

    @property
    def python(self) -> str:
        """The interpreter that runs it."""
        if not self.environment:
            return sys.executable
        return str(ROOT / "build" / "bench" / f"env-{self.environment}" / "bin" / "python")


CANDIDATES: dict[str, Candidate] = {}


def candidate(name: str, environment: str = "") -> Callable[[Prepare], Prepare]:
    """Registers a function that makes a network ready."""

    def register(prepare: Prepare) -> Prepare:
        CANDIDATES[name] = Candidate(name, prepare, environment)
        return prepare

    return register


@candidate("eager")
def _eager(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(*args)
    return Ready(lambda: model(*args), {"flops": counter.get_total_flops()})


@candidate("channels_last")
def _channels_last(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    """Eager with images and the weights of convolutions in the other layout."""
    import torch

    moved = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = tuple(a.to(memory_format=torch.channels_last) if a.ndim == 4 else a for a in args)
    return Ready(lambda: moved(*images))


@candidate("dlp")
def _dlp(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    import dlp

    optimized = dlp.optimize(model)
    optimized(*args)
    report = dlp.report(optimized)
    seconds = dict(report.compile_seconds)
    facts = {
        "capture_seconds": seconds.pop("capture", 0.0),
        "compile_seconds": sum(seconds.values()),
        "ops_left": len(report.ops_left),
        "kernels": report.kernels,
        "arena_bytes": report.arena_bytes,
        "weight_bytes": report.weight_bytes_raw,
        "packed_bytes": report.weight_bytes_packed,
    }
    return Ready(lambda: optimized(*args), facts)
