"""What one optimised model knows about itself: its options, its graphs, what fell back and how often it ran."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlp.compile_statistics import CompileStatistics
from dlp.errors import FallbackError, UnsupportedOp
from dlp.frontends.torch.seam import CompileFunction, Options
from dlp.progress import SILENT, Progress

if TYPE_CHECKING:
    from dlp.frontends.torch.parameters import ParameterSets


@dataclass(frozen=True)
class Fallback:
    """A part of the model that the framework runs."""

    reason: str
    location: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.reason}" if self.location else self.reason


@dataclass
class GraphRecord:
    """One graph that was captured."""

    operations: Counter[str] = field(default_factory=Counter)
    """ATen operation -> how often it occurs, if the graph was compiled."""
    left: tuple[UnsupportedOp, ...] = ()
    """Operations that the framework runs."""
    for_all_sizes: bool = False
    """Whether it was compiled once for all sizes that the framework keeps open."""
    parts: list[GraphRecord] = field(default_factory=list)
    """What is compiled of a graph that is not compiled as a whole."""
    gradients: bool = False
    """Whether its results carry gradients."""
    weight_bytes: int = 0
    statistics: CompileStatistics = field(default_factory=CompileStatistics)
    parameters: ParameterSets | None = None


class CallRecord:
    """What happened inside one call of the model, on one thread: how many graphs ran, and in which way."""

    __slots__ = ("compiled", "failed_captures", "framework")

    def __init__(self, compiled: int = 0, framework: int = 0) -> None:
        self.compiled = compiled
        self.framework = framework
        self.failed_captures: tuple[tuple[str, str], ...] = ()
        """Reason and location."""


class _Active(threading.local):
    record: CallRecord | None = None


ACTIVE = _Active()
"""The call that this thread is in."""


class Session:
    """Shared by the dispatch and the graphs of one model. Holds no module, so that it keeps none alive."""

    def __init__(
        self,
        options: Options,
        compile_function: CompileFunction,
        parameter_sets: MutableMapping[Hashable, ParameterSets] | None = None,
    ) -> None:
        """`parameter_sets`: by what packs them; graphs that pack alike share them."""
        self.options = options
        self.compile_function = compile_function
        self.lock = threading.RLock()
        self.parameter_sets = {} if parameter_sets is None else parameter_sets
        self.graphs: list[GraphRecord] = []
        self.memo: dict[Hashable, object] = {}
        """Graphs that differ in nothing but the grad mode are compiled once."""
        self.static_only: set[Hashable] = set()
        """Captures that cannot be compiled for all sizes."""
        self.each_size: Counter[Fallback] = Counter()
        """Why every size is compiled by itself, and how often that was found."""
        self.fallbacks: Counter[Fallback] = Counter()
        self.calls_compiled = 0
        self.calls_mixed = 0
        self.calls_framework = 0
        self.capture_seconds = 0.0
        """The framework's: tracing the model's Python, then the graph down to ATen operations, and its guards."""
        self.compile_seconds = 0.0
        """From an ATen graph to code that is loaded."""
        self.failed_captures = 0
        """Calls that ran although something of them could not be captured."""
        self.progress: Progress = SILENT

    @property
    def records(self) -> list[GraphRecord]:
        """All graphs, and the parts of those that are compiled in parts."""
        return [part for graph in self.graphs for part in (graph, *graph.parts)]

    @property
    def calls(self) -> int:
        return self.calls_compiled + self.calls_mixed + self.calls_framework

    def fall_back(self, reason: str, location: str = "") -> None:
        """Note that the framework runs something.

        Raises:
            FallbackError: in strict mode.
        """
        fallback = Fallback(reason, location)
        with self.lock:
            self.fallbacks[fallback] += 1
        if self.options.strict:
            raise FallbackError(
                f"strict=True, and the framework would have to run a part of the model: {fallback}"
            )

    def compile_each_size(self, reason: Fallback) -> None:
        """Note why something is compiled for known sizes only."""
        with self.lock:
            self.each_size[reason] += 1

    def count(self, record: CallRecord) -> None:
        """Add a finished call."""
        with self.lock:
            if not record.compiled:
                self.calls_framework += 1
            elif record.framework:
                self.calls_mixed += 1
            else:
                self.calls_compiled += 1

    @contextmanager
    def show_progress(self, title: str) -> Iterator[Progress]:
        """Display progress of a compilation, if nobody does already."""
        if self.progress is not SILENT:
            yield self.progress
            return
        with Progress(title) as progress:
            self.progress = progress
            try:
                yield progress
            finally:
                self.progress = SILENT


def count_graph(session: Session, *, compiled: bool = False, framework: bool = False) -> None:
    """A graph has run, as code, in the framework, or in parts of both kinds.

    It is a part of this thread's call, or a call of its own under `torch.compile`.
    """
    record = ACTIVE.record
    if record is None:
        session.count(CallRecord(compiled=int(compiled), framework=int(framework)))
    else:
        record.compiled += compiled
        record.framework += framework
