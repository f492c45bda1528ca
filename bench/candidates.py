"""What a network can be run with. A candidate names its function and the environment whose Python runs it.

Another tool becomes a candidate by a function here, decorated, that imports the tool inside itself; what cannot live
in dlp's own environment names another one, a virtual environment `build/bench/env-NAME`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from dlp.compiled_module import CompiledModule

ROOT = Path(__file__).resolve().parents[1]
OURS = "dlp"
REFERENCE = "eager"
"""Whose outputs are right."""


@dataclass
class Ready:
    """A network that is ready to run."""

    run: Callable[[], Any]
    """One call. Returns the output, or a tuple whose first element is compared."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What else is worth a line in the results; `compile_seconds` and `capture_seconds` have columns."""


@dataclass(frozen=True)
class Work:
    """What a candidate is given.

    Attributes:
        model: the network, in eval mode.
        args: its inputs.
        threads: how many to use.
        folder: for files that candidates share, such as an exported network; kept from run to run.
    """

    model: torch.nn.Module
    args: tuple[torch.Tensor, ...]
    threads: int
    folder: Path


Prepare = Callable[[Work], Ready]


@dataclass(frozen=True)
class Candidate:
    """A way to run a network.

    Attributes:
        name: on the command line and in the results.
        prepare: makes a network ready, in the process that will run it.
        environment: which has the tool; empty for dlp's own.
        cache: the environment variable that says where it keeps what it compiled; there it starts with nothing.
        compared: whether it computes the network, and is a rival; or else something to measure by.
    """

    name: str
    prepare: Prepare
    environment: str = ""
    cache: str = ""
    compared: bool = True

    @property
    def python(self) -> str:
        """The interpreter that runs it."""
        if not self.environment:
            return sys.executable
        return str(ROOT / "build" / "bench" / f"env-{self.environment}" / "bin" / "python")

    @property
    def missing(self) -> str:
        """Why it cannot run here, or an empty string."""
        if Path(self.python).exists():
            return ""
        return f"not installed: python -m bench.environments {self.environment}"


CANDIDATES: dict[str, Candidate] = {}


def candidate(
    name: str, environment: str = "", cache: str = "", *, compared: bool = True
) -> Callable[[Prepare], Prepare]:
    """Registers a function that makes a network ready."""

    def register(prepare: Prepare) -> Prepare:
        CANDIDATES[name] = Candidate(name, prepare, environment, cache, compared)
        return prepare

    return register


def find(name: str) -> Candidate:
    """The candidate of a name; `dlp:CHANGE` is dlp without a pass, or with other options of one.

    Raises:
        KeyError: there is none.
    """
    ours, colon, change = name.partition(":")
    if colon and ours == OURS:
        return dataclasses.replace(CANDIDATES[OURS], name=name, prepare=partial(_ours, change=change))
    return CANDIDATES[name]


@candidate(REFERENCE)
def _eager(work: Work) -> Ready:
    from bench.flops import count_flops

    model, args = work.model, work.args
    return Ready(lambda: model(*args), {"flops": count_flops(model, args)})


@candidate("channels_last")
def _channels_last(work: Work) -> Ready:
    """Eager with images and the weights of convolutions in the other layout."""
    import torch

    moved = work.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = tuple(a.to(memory_format=torch.channels_last) if a.ndim == 4 else a for a in work.args)
    if all(a.ndim != 4 for a in images):
        raise ValueError("no images among the inputs: the same as eager")
    return Ready(lambda: moved(*images))


@candidate("copy", compared=False)
def _copy(work: Work) -> Ready:
    """One plain copy of the first input: what memory allows."""
    import torch

    source = work.args[0]
    destination = torch.empty_like(source)
    return Ready(lambda: destination.copy_(source))


@candidate(OURS, cache="DLP_CACHE_DIR")
def _dlp(work: Work) -> Ready:
    return _ours(work)


def _ours(work: Work, change: str = "") -> Ready:
    import dlp

    if not change:
        optimized = dlp.optimize(work.model)
    else:
        from dlp.compiler import compile_module
        from dlp.frontends.torch.compile import compile_fx
        from dlp.frontends.torch.optimize import optimize_with
        from dlp.frontends.torch.seam import Options

        changed = changed_pipeline(change)

        def compiler(*args: Any, pipeline: str, **keywords: Any) -> CompiledModule:
            return compile_module(*args, pipeline=changed, **keywords)

        optimized = optimize_with(
            partial(compile_fx, compiler=compiler), work.model, Options(threads=work.threads)
        )
    args = work.args
    optimized(*args)
    report = dlp.report(optimized)
    seconds = dict(report.compile_seconds)
    facts = {
        "capture_seconds": seconds.pop("capture", 0.0),
        "compile_seconds": sum(seconds.values()),
        "compile_stages": seconds,
        "ops_left": len(report.ops_left),
        "kernels": report.kernels,
        "arena_bytes": report.arena_bytes,
        "weight_bytes": report.weight_bytes_raw,
        "packed_bytes": report.weight_bytes_packed,
    }
    return Ready(lambda: optimized(*args), facts)


def changed_pipeline(change: str) -> str:
    """The default pipeline without a pass (`share-padding`), or with other options of it (`fuse{limit=1}`).

    Raises:
        dlp.errors.InputError: there is no such pass in it.
    """
    from dlp.compiler import PIPELINE
    from dlp.errors import InputError, nearest
    from dlp.pass_pipeline import parse_passes

    name, brace, _ = change.partition("{")
    steps = [str(step) for step in parse_passes(PIPELINE)]
    named = [step.partition("{")[0] for step in steps]
    if name not in named:
        raise InputError(f"the pipeline has no pass '{name}'{nearest(name, named)}")
    replaced: Sequence[str] = [change] if brace else []
    kept = [
        text for step, own in zip(steps, named, strict=True) for text in (replaced if own == name else [step])
    ]
    return ",".join(kept)
