"""A traced graph on its way to code: the whole of it, or the parts that can be compiled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from dlp.errors import PassError, StaticShapeRequired, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch.captured_graph import results_of
from dlp.frontends.torch.constants import drop_numbers, lift_constants
from dlp.frontends.torch.gradients import GraphFunction
from dlp.frontends.torch.graph_call import GraphCall
from dlp.frontends.torch.graph_checks import unsupported_values
from dlp.frontends.torch.parameters import ParameterSets, pick
from dlp.frontends.torch.partition import compile_parts
from dlp.frontends.torch.seam import CompiledGraph
from dlp.frontends.torch.session import GraphRecord, Session
from dlp.frontends.torch.source_lines import run_in_framework
from dlp.frontends.torch.symbols import require_equal_sizes, require_least


class AtenGraph:
    """A traced graph on its way to code, and what is known of its inputs."""

    def __init__(
        self,
        graph: torch.fx.GraphModule,
        tensors: list[bool],
        weights: list[bool],
        names: list[str],
        session: Session,
        for_all_sizes: bool,
    ) -> None:
        """Of the inputs `tensors` are tensors and `weights` weights."""
        drop_numbers(graph)
        if for_all_sizes:
            require_equal_sizes(graph)
        self.graph = graph
        self.for_all_sizes = for_all_sizes
        self.session = session
        self.tensors = tensors
        self.constants = lift_constants(graph)
        self.is_parameter = [yes for yes, tensor in zip(weights, tensors, strict=True) if tensor]
        self.is_parameter += [True] * len(self.constants)
        self.names = [name for name, tensor in zip(names, tensors, strict=True) if tensor]
        self.names += [f"constant{i}" for i in range(len(self.constants))]

    def compile(self) -> tuple[GraphRecord, GraphFunction]:
        """The whole graph as code, or else the parts of it that can be.

        Raises:
            UnsupportedOpsError: no part can.
        """
        unsupported = unsupported_values(self.graph)
        unsupported += [
            UnsupportedOp("output", "a result that is not a tensor")
            for node in results_of(self.graph)
            if not isinstance(node, torch.fx.Node) or not isinstance(node.meta["val"], torch.Tensor)
        ]
        try:
            if unsupported:
                raise UnsupportedOpsError(unsupported)
            return self._code(self.graph, self.is_parameter, self.names, self.tensors, self.constants)
        except UnsupportedOpsError as error:
            already = set(error.ops)
            error = UnsupportedOpsError([*error.ops, *(op for op in unsupported if op not in already)])
            mixed = None if self.for_all_sizes else self._parts(error.ops)
            if mixed is None:
                raise error from None
            return mixed

    def _code(
        self,
        graph: torch.fx.GraphModule,
        is_parameter: list[bool],
        names: list[str],
        tensors: list[bool],
        constants: Sequence[torch.Tensor],
    ) -> tuple[GraphRecord, GraphFunction]:
        """A graph as code: for all sizes, or those that are not so small that they need code of their own."""
        while True:
            try:
                return self._code_of_sizes(graph, is_parameter, names, tensors, constants)
            except (StaticShapeRequired, PassError) as error:
                cause = error if isinstance(error, StaticShapeRequired) else error.__cause__
                if not isinstance(cause, StaticShapeRequired) or not require_least(graph, cause.least):
                    raise

    def _code_of_sizes(
        self,
        graph: torch.fx.GraphModule,
        is_parameter: list[bool],
        names: list[str],
        tensors: list[bool],
        constants: Sequence[torch.Tensor],
    ) -> tuple[GraphRecord, GraphFunction]:
        session = self.session
        placeholders = [node.meta["val"] for node in graph.graph.nodes if node.op == "placeholder"]
        started = time.perf_counter()
        try:
            compiled = session.compile_function(
                graph,
                [value for value in placeholders if not isinstance(value, torch.SymInt)],
                is_parameter=is_parameter,
                names=names,
                options=session.options,
                progress=session.progress,
            )
        finally:
            session.compile_seconds += time.perf_counter() - started
        parameters = _parameter_sets(compiled, session)
        outputs = [node.meta["val"] for node in results_of(graph)]
        call = GraphCall(compiled, parameters, tensors, is_parameter, constants, outputs)
        record = GraphRecord(
            _operations(graph),
            statistics=compiled.statistics,
            parameters=parameters,
            for_all_sizes=self.for_all_sizes,
        )
        return record, call

    def _parts(self, unsupported: Sequence[UnsupportedOp]) -> tuple[GraphRecord, GraphFunction] | None:
        """What can be compiled without these operations, with the rest in the framework."""
        session = self.session
        if session.options.strict or not all(op.node for op in unsupported):
            return None
        record = GraphRecord(left=tuple(unsupported))
        known = {op.node for op in unsupported}

        def compile_part(part: torch.fx.GraphModule, places: list[int]) -> GraphFunction | None:
            is_parameter = [place >= 0 and self.is_parameter[place] for place in places]
            names = [self.names[place] if place >= 0 else f"input{k}" for k, place in enumerate(places)]
            try:
                own, call = self._code(part, is_parameter, names, [True] * len(places), ())
            except UnsupportedOpsError as error:
                if new := [op for op in error.ops if op.node and op.node not in known]:
                    raise UnsupportedOpsError(new) from None
                record.left += error.ops
                return None
            record.parts.append(own)
            return call

        try:
            mixed = compile_parts(self.graph, known, compile_part)
        except UnsupportedOpsError as error:  # operations that were hidden behind the first ones
            return self._parts([*unsupported, *error.ops])
        if mixed is None:
            return None
        for op in unsupported:
            session.fall_back(f"{op.name}: {op.reason}", op.location)
        return record, _MixedCall(mixed, self.tensors, self.constants)


class _MixedCall:
    """A graph whose parts are compiled, and the rest of it in the framework between them."""

    def __init__(
        self, mixed: torch.fx.GraphModule, tensors: Sequence[bool], constants: Sequence[torch.Tensor]
    ) -> None:
        self._mixed = mixed
        self._pick_tensors = pick([i for i, tensor in enumerate(tensors) if tensor])
        self._constants = tuple(constants)

    def __call__(self, *args: Any) -> list[torch.Tensor]:
        return list(run_in_framework(self._mixed, *self._pick_tensors(args), *self._constants))


def _operations(graph: torch.fx.GraphModule) -> Counter[str]:
    """ATen operation -> how often a graph has it."""
    return Counter(
        str(node.target)
        for node in graph.graph.nodes
        if node.op == "call_function" and "getitem" not in str(node.target)
    )


def _parameter_sets(compiled: CompiledGraph, session: Session) -> ParameterSets:
    """The packed weights of a graph: those of the session's other graphs too that pack alike.

    So the packed copies of a model do not multiply with the sizes of its inputs.
    """
    sets = ParameterSets(compiled.prepare)
    return (
        sets
        if compiled.prepare_key is None
        else session.parameter_sets.setdefault(compiled.prepare_key, sets)
    )
