"""The function that Dynamo calls for a graph: counts the call, and decides what of it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from dlp.frontends.torch.captured_graph import first_location, inputs_of
from dlp.frontends.torch.gradients import CompiledForward, GraphFunction
from dlp.frontends.torch.graph_call import BoundGraph, GraphCall
from dlp.frontends.torch.graph_checks import any_overlaps
from dlp.frontends.torch.lowering import Lowered
from dlp.frontends.torch.session import Session, count_graph


class _CompiledFunction:
    """A compiled graph whose results carry no gradients."""

    def __init__(self, session: Session, lowered: Lowered, captured: torch.fx.GraphModule) -> None:
        self._session = session
        self._lowered = lowered
        self._captured = captured
        self._mixed = bool(lowered.record.parts)
        self._overlapping = _overlapping(lowered.written, captured) if any(lowered.written) else None
        self.__name__ = "compiled_graph"

    def __call__(self, *args: Any) -> Sequence[Any]:
        session, captured = self._session, self._captured
        if self._overlapping is not None and self._overlapping(args):
            count_graph(session, framework=True)
            session.fall_back("inputs: inputs that share memory are written to", first_location(captured))
            return captured.forward(*args)
        count_graph(session, compiled=True, framework=self._mixed)
        return self._lowered.function(*args)

    def bind(self, known: Sequence[torch.Tensor | None]) -> BoundGraph | None:
        """The graph for the weights among its inputs (`GraphCall.bind`); `None` where not all of it is one call."""
        call, session = self._lowered.call, self._session
        if not isinstance(call, GraphCall) or self._lowered.function is not call:
            return None
        bound = call.bind(known)
        if bound is None:
            return None
        run_bound = bound.run

        def run(*args: Any) -> list[Any]:
            results = run_bound(*args)
            count_graph(session, compiled=True)
            return results

        return replace(bound, run=run)


def compiled_function(
    session: Session, lowered: Lowered, captured: torch.fx.GraphModule, differentiable: list[bool]
) -> GraphFunction:
    """What runs for a graph of which these results are differentiable."""
    if not any(differentiable):
        return _CompiledFunction(session, lowered, captured)
    run, mixed = lowered.function, bool(lowered.record.parts)

    def run_with_gradients(*args: torch.Tensor) -> Sequence[Any]:
        if any(isinstance(value, torch.Tensor) and value.is_inference() for value in args):
            count_graph(session, framework=True)  # autograd saves no inference tensors; eager may not need to
            return captured.forward(*args)
        count_graph(session, compiled=True, framework=mixed)
        return CompiledForward.apply(run, captured.forward, differentiable, *args)

    return run_with_gradients


def _overlapping(written: Sequence[bool], captured: torch.fx.GraphModule) -> Callable[[Sequence[Any]], bool]:
    """Whether inputs of a call overlap that were apart in the capture: no guard of the framework looks."""
    _, is_parameter = inputs_of(captured)
    others = [i for i, yes in enumerate(is_parameter) if not yes or written[i]]
    writes = [written[i] for i in others]
    return lambda args: any_overlaps([args[i] for i in others], writes)
