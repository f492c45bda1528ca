"""What a compilation says about itself; `dlp.report` adds it up over the graphs of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter


@dataclass
class CompileStatistics:
    """Figures of one compiled graph. Who fills what: the compiler all of it, except the stages before it."""

    kernels: int = 0
    """Distinct kernels, after equal ones became one."""
    kernel_calls: int = 0
    arena_bytes: int = 0
    """Size of the one buffer that holds all intermediates."""
    intermediate_bytes: int = 0
    """Sum of all intermediates, as if none shared memory."""
    largest_live_bytes: int = 0
    """The largest set of intermediates that are live at once: no arena can be smaller."""
    cache_hits: int = 0
    cache_misses: int = 0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    """Stage name -> seconds, in the order in which they ran."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the body takes to the stage `name`."""
        started = perf_counter()
        try:
            yield
        finally:
            self.add(name, perf_counter() - started)

    def add(self, name: str, seconds: float) -> None:
        """Add to the time of the stage `name`."""
        self.stage_seconds[name] = self.stage_seconds.get(name, 0.0) + seconds
