"""From a captured graph to functional ATen without gradients, and to code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._functorch._aot_autograd.schemas import OutputType
from torch._functorch.aot_autograd import aot_module_simplified
from torch._guards import TracingContext

from dlp.errors import DlpError, StaticShapeRequired, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch.aten_graph import AtenGraph
from dlp.frontends.torch.captured_graph import inputs_of
from dlp.frontends.torch.gradients import GraphFunction
from dlp.frontends.torch.quiet import without_printed_errors
from dlp.frontends.torch.session import GraphRecord, Session
from dlp.frontends.torch.tracing_rules import tracing_rules


class Lowered:
    """A graph after the compile function, and whether the framework's wrapper must stay around it."""

    def __init__(
        self, record: GraphRecord, call: GraphFunction, function: GraphFunction, written: Sequence[bool]
    ) -> None:
        """Of the graph's inputs those that are `written` change."""
        self.record = record
        self.call = call
        self.function = function
        self.written = written


def lower(
    captured: torch.fx.GraphModule, inputs: list[Any], session: Session, *, for_all_sizes: bool = False
) -> Lowered:
    """Trace to functional ATen without gradients, and compile that.

    Raises:
        StaticShapeRequired: `for_all_sizes`, and the graph can only be compiled for known ones.
    """
    from dlp.frontends.torch.decompositions import decomposition_table

    names, is_parameter = inputs_of(captured)
    done: list[tuple[GraphRecord, GraphFunction, bool, list[bool]]] = []

    def compile_inference(graph: torch.fx.GraphModule, fakes: Sequence[Any]) -> GraphFunction:
        metadata = TracingContext.get().fw_metadata
        assert metadata is not None
        if metadata.tokens:
            reason = "an operation with effects beside its results"
            raise UnsupportedOpsError([UnsupportedOp("effects", reason, "")])
        if len(fakes) != len(inputs):
            raise UnsupportedOpsError(
                [UnsupportedOp("inputs", "inputs that share memory, or have parts, are written to", "")]
            )
        # A buffer that the graph writes to changes every call: packing it would be of no use.
        written = [info.mutates_data or info.mutates_metadata for info in metadata.input_info]
        simple = not any(written) and all(
            info.output_type in (OutputType.non_alias, OutputType.unsafe_view_alias)
            for info in metadata.output_info
        )
        if for_all_sizes and not simple:
            raise StaticShapeRequired("results that share memory with inputs, or inputs that are written to")
        weights = [yes and not changes for yes, changes in zip(is_parameter, written, strict=True)]
        tensors = [isinstance(value, torch.Tensor) for value in inputs]
        record, call = AtenGraph(graph, tensors, weights, names, session, for_all_sizes).compile()
        record.weight_bytes = sum(v.nbytes for v, yes in zip(inputs, weights, strict=True) if yes)
        done.append((record, call, simple, written))

        def boxed(args: list[torch.Tensor]) -> Sequence[torch.Tensor]:
            values = tuple(args)
            args.clear()
            return call(*values)

        boxed._boxed_call = True  # type: ignore[attr-defined]
        return boxed

    with torch.no_grad(), tracing_rules():
        wrapped = aot_module_simplified(
            without_printed_errors(captured),
            inputs,
            fw_compiler=compile_inference,  # type: ignore[arg-type]
            bw_compiler=compile_inference,  # type: ignore[arg-type]
            inference_compiler=compile_inference,  # type: ignore[arg-type]
            decompositions=decomposition_table(),  # type: ignore[arg-type]
        )
    if not done:
        raise DlpError("the framework had nothing to compile")
    record, call, simple, written = done[0]
    with session.lock:
        session.graphs.append(record)
    return Lowered(record, call, call if simple else wrapped, written)
