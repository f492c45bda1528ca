"""The function that Dynamo calls for a graph: counts the call, and decides what of it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dlp.frontends.torch.captured_graph import first_location, inputs_of
from dlp.frontends.torch.gradients import CompiledForward, GraphFunction
from dlp.frontends.torch.graph_checks import any_overlaps
from dlp.frontends.torch.lowering import Lowered
from dlp.frontends.torch.session import Session, count_graph


def compiled_function(
    session: Session, lowered: Lowered, captured: torch.fx.GraphModule, differentiable: list[bool]
) -> GraphFunction:
    run, mixed = lowered.function, bool(lowered.record.parts)
    if not any(differentiable):
        overlapping = _overlapping(lowered.written, captured) if any(lowered.written) else None

        def run_compiled(*args: torch.Tensor) -> Sequence[Any]:
            if overlapping is not None and overlapping(args):
                count_graph(session, framework=True)
                session.fall_back("inputs: inputs that share memory are written to", first_location(captured))
                return captured.forward(*args)
            count_graph(session, compiled=True, framework=mixed)
            return run(*args)

        return run_compiled

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
