"""`dlp.report`: what became of a model."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from dlp.errors import UnsupportedOp
from dlp.frontends.torch.seam import Options
from dlp.frontends.torch.session import Fallback, Session
from dlp.size_text import size_text

if TYPE_CHECKING:
    from dlp.profiling.profile import Profile


@dataclass(frozen=True)
class Report:
    """All figures of one model so far; prints as a page of text. Sizes are bytes, times seconds."""

    model: str
    graphs_captured: int
    ops_compiled: int
    """Operations in compiled graphs, after decomposition."""
    ops_compiled_by_name: dict[str, int]
    ops_left: tuple[UnsupportedOp, ...]
    """Operations that the framework runs, each with the line of the user's code and the reason."""
    fallbacks: dict[Fallback, int]
    """Why the framework ran something, and how often that was decided."""
    graphs_for_all_sizes: int
    """Graphs that serve every size; each other one serves those at which it was captured."""
    each_size: dict[Fallback, int]
    """Why something is compiled for every size anew."""
    calls_compiled: int
    """Calls of which all that was captured ran compiled."""
    calls_mixed: int
    """Calls that ran compiled graphs and others in the framework."""
    calls_eager: int
    """Calls that ran in the framework alone."""
    gradients: str
    """How gradients come about, and what the fast way is; empty if no call needed them."""
    kernels: int
    weight_bytes_raw: int
    weight_bytes_packed: int
    """Memory of packed copies, now; weights that are used as they are do not count."""
    weights_packed: int
    """How often weights were packed: once, and again after every change."""
    arena_bytes: int
    intermediate_bytes: int
    """Sum of all intermediates: what they would take if none shared memory."""
    largest_live_bytes: int
    """The largest set of intermediates that are live at once."""
    compile_seconds: dict[str, float]
    """Stage -> seconds; the capture by the framework is the first stage, packing the weights the last."""
    cache_hits: int
    cache_misses: int
    _profile: Callable[[Any, Any, float], Profile] = field(repr=False, compare=False)

    def profile(self, *args: Any, seconds: float = 1.0, **kwargs: Any) -> Profile:
        """Run the model on some inputs and say where the time goes; print the result, or read its fields.

        It is compiled once more, with a clock around every call of a kernel.

        Args:
            args, kwargs: of the model's call.
            seconds: to measure for.

        Raises:
            InputError: nothing of the model is compiled.
        """
        return self._profile(args, kwargs, seconds)

    def __str__(self) -> str:
        calls = f"{self.calls_compiled} compiled, {self.calls_mixed} mixed, {self.calls_eager} eager"
        raw, packed = size_text(self.weight_bytes_raw), size_text(self.weight_bytes_packed)
        arena, live = size_text(self.arena_bytes), size_text(self.largest_live_bytes)
        all_of_them = size_text(self.intermediate_bytes)
        lines = [
            f"dlp report of {self.model}",
            f"  graphs captured    {self.graphs_captured}, {self.graphs_for_all_sizes} of them for all sizes",
            f"  ops compiled       {self.ops_compiled}",
            f"  ops left to torch  {len(self.ops_left)}",
            f"  calls              {calls}",
            f"  kernels            {self.kernels}",
            f"  weights            {raw} raw, {packed} packed (packed {self.weights_packed} times)",
            f"  arena              {arena} for {all_of_them} of intermediates, {live} live at once",
            "  compile time       "
            + ", ".join(f"{name} {s:.2f} s" for name, s in self.compile_seconds.items()),
            f"  cache              {self.cache_hits} hits, {self.cache_misses} misses",
        ]
        if self.gradients:
            lines.append(f"  gradients          {self.gradients}")
        if self.each_size:
            lines.append("  why each size is compiled by itself:")
            lines += [f"    {reason} (x{count})" for reason, count in self.each_size.items()]
        if self.fallbacks:
            lines.append("  why the framework ran something:")
            lines += [f"    {fallback} (x{count})" for fallback, count in self.fallbacks.items()]
        if self.ops_left:
            lines.append("  ops left to torch, by line:")
            counted = Counter(self.ops_left)
            lines += [f"    {op}" + (f" (x{count})" if count > 1 else "") for op, count in counted.items()]
        return "\n".join(lines)


def report(model: torch.nn.Module) -> Report:
    """What dlp did with a model: print the result, or read its fields.

    Args:
        model: what `dlp.optimize` returned (or a module that has such parts), or a module that is called through
            `torch.compile(..., backend="dlp")`.

    Raises:
        InputError: the model is not optimised.
    """
    from dlp.frontends.torch.optimize import sessions_of

    sessions = sessions_of(model)
    graphs = [graph for session in sessions for graph in session.records]
    names: Counter[str] = Counter()
    for graph in graphs:
        names.update(graph.operations)
    seconds = {"capture": sum(session.capture_seconds for session in sessions)}
    for graph in graphs:
        for stage, spent in graph.statistics.stage_seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + spent
    fallbacks: Counter[Fallback] = Counter()
    for session in sessions:
        fallbacks.update(session.fallbacks)
    each_size: Counter[Fallback] = Counter()
    for session in sessions:
        each_size.update(session.each_size)
    packers = {id(g.parameters): g.parameters for g in graphs if g.parameters is not None}.values()
    if packers:
        seconds["pack weights"] = sum(packer.seconds for packer in packers)
    return Report(
        model=type(model).__name__,
        graphs_captured=sum(len(session.graphs) for session in sessions),
        ops_compiled=names.total(),
        ops_compiled_by_name=dict(names.most_common()),
        ops_left=tuple(op for graph in graphs for op in graph.left),
        fallbacks=dict(fallbacks),
        graphs_for_all_sizes=sum(graph.for_all_sizes for graph in graphs),
        each_size=dict(each_size),
        calls_compiled=sum(session.calls_compiled for session in sessions),
        calls_mixed=sum(session.calls_mixed for session in sessions),
        calls_eager=sum(session.calls_framework for session in sessions),
        gradients=_gradients(any(graph.gradients for graph in graphs)),
        kernels=sum(graph.statistics.kernels for graph in graphs),
        weight_bytes_raw=max((graph.weight_bytes for graph in graphs), default=0),
        weight_bytes_packed=sum(packer.packed_bytes for packer in packers),
        weights_packed=sum(packer.prepared for packer in packers),
        arena_bytes=max((graph.statistics.arena_bytes for graph in graphs), default=0),
        intermediate_bytes=max((graph.statistics.intermediate_bytes for graph in graphs), default=0),
        largest_live_bytes=max((graph.statistics.largest_live_bytes for graph in graphs), default=0),
        compile_seconds=seconds,
        cache_hits=sum(graph.statistics.cache_hits for graph in graphs),
        cache_misses=sum(graph.statistics.cache_misses for graph in graphs),
        _profile=partial(_profile, model, sessions[0].options),
    )


def _profile(model: torch.nn.Module, options: Options, args: Any, kwargs: Any, seconds: float) -> Profile:
    from dlp.frontends.torch.profile import profile

    return profile(model, args, kwargs, options=options, seconds=seconds)


_graphs_under_torch_compile: list[tuple[Session, tuple[weakref.ref[torch.Tensor], ...]]] = []
"""Under `torch.compile` no module of ours exists to ask: a graph is found by the weights that it was compiled with."""


def remember_graph(session: Session, weights: Sequence[torch.Tensor]) -> None:
    """Keep what is known of a graph for as long as one of its weights lives."""
    _graphs_under_torch_compile[:] = [
        entry for entry in _graphs_under_torch_compile if any(weight() is not None for weight in entry[1])
    ]
    _graphs_under_torch_compile.append((session, tuple(map(weakref.ref, weights))))


def sessions_under_torch_compile(model: torch.nn.Module) -> list[Session]:
    """Of the graphs that `torch.compile` made with weights of this model."""
    mine = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    return [
        session
        for session, weights in _graphs_under_torch_compile
        if any((weight := ref()) is not None and id(weight) in mine for ref in weights)
    ]


def _gradients(needed: bool) -> str:
    if not needed:
        return ""
    return (
        "forward compiled; a backward runs the forward once more in the framework and differentiates that. "
        "If no gradients are wanted, calls under torch.inference_mode() are the fast way"
    )
