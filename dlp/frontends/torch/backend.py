"""The Dynamo backend: from a captured graph to a function that runs it, compiled or in the framework.

`torch.compile(model, backend="dlp")` finds `dlp_backend` through the entry point; `dlp.optimize` makes a
`GraphBackend` of its own a model.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch._dynamo.exc import RestartAnalysis
from torch._functorch._aot_autograd.schemas import OutputType
from torch._functorch.aot_autograd import aot_module_simplified
from torch._guards import TracingContext, tracing
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.fx.node import _get_qualified_name

from dlp.errors import (
    DlpError,
    FallbackError,
    InputError,
    PassError,
    StaticShapeRequired,
    UnsupportedOp,
    UnsupportedOpsError,
)
from dlp.frontends.torch import source_lines
from dlp.frontends.torch.constants import attribute_name, drop_numbers, lift_constants
from dlp.frontends.torch.gradients import CompiledForward
from dlp.frontends.torch.graph_call import GraphCall
from dlp.frontends.torch.graph_checks import any_overlaps, reason_against_inputs, unsupported_values
from dlp.frontends.torch.numbers import separate_numbers
from dlp.frontends.torch.parameters import ParameterSets, pick
from dlp.frontends.torch.partition import compile_parts
from dlp.frontends.torch.recurrent import recurrent_layers_whole
from dlp.frontends.torch.seam import CompiledGraph, CompileFunction, Options, compile_graph
from dlp.frontends.torch.session import Fallback, GraphRecord, Session, count_graph
from dlp.frontends.torch.symbols import has_symbols, require_equal_sizes, require_least

GraphFunction = Callable[..., Sequence[Any]]


class GraphBackend:
    """Compiles the graphs of one model.

    Dynamo keeps every backend for ever, so this one must not keep what it compiled.
    """

    def __init__(self, session: Session) -> None:
        self._session = weakref.ref(session)
        self.__name__ = "dlp"

    @property
    def session(self) -> Session:
        session = self._session()
        assert session is not None, "the model that this backend belongs to is gone"
        return session

    def __call__(self, captured: torch.fx.GraphModule, inputs: Sequence[Any]) -> GraphFunction:
        """What Dynamo calls with the graph that it captured and the values of its inputs."""
        tensors, with_numbers = separate_numbers(captured)
        function = self._function(tensors, list(inputs))
        return function if with_numbers is None else with_numbers(function)

    def _function(self, captured: torch.fx.GraphModule, inputs: list[Any]) -> GraphFunction:
        session = self.session
        location = _first_location(captured)
        reason = "autocast is on" if torch.is_autocast_enabled("cpu") else reason_against_inputs(inputs)
        if reason:
            return self._in_framework(captured, reason, location)
        static = not any(map(has_symbols, inputs))
        lowered: object = None
        why_each_size: list[Fallback] = []
        if not static:
            lowered, why_each_size = self._for_all_sizes(captured, inputs, location)
        key = None
        if lowered is None:
            # The sizes become constants of the compiled code: reading one makes it a guard.
            inputs = [int(value) if isinstance(value, torch.SymInt) else value for value in inputs]
            key = _structure(captured, inputs)
            lowered = session.memo.get(key) if key is not None else None
        if not isinstance(lowered, _Lowered):
            try:
                with contextlib.nullcontext() if static else _static_tracing():
                    lowered = _lower(captured, inputs, session)
            except (FallbackError, RestartAnalysis):
                raise
            except UnsupportedOpsError as error:
                return self._in_framework(captured, "", location, error.ops)
            except Exception as error:  # whatever is wrong here, the framework can still run the model
                return self._in_framework(captured, _reason(error), location)
            if key is not None:
                session.memo[key] = lowered
            for fallback in why_each_size:
                session.compile_each_size(fallback)

        differentiable = _differentiable(captured)
        if any(differentiable) and lowered.function is not lowered.call:
            reason = "gradients through a graph that writes to its inputs or returns them"
            return self._in_framework(captured, reason, location)
        record = lowered.record
        if any(differentiable):
            record.gradients = True
        return _compiled_function(session, lowered, captured, differentiable)

    def _for_all_sizes(
        self, captured: torch.fx.GraphModule, inputs: list[Any], location: str
    ) -> tuple[_Lowered | None, list[Fallback]]:
        """The graph compiled for whatever sizes the framework keeps open; None where that cannot be, and why."""
        session = self.session
        key = _code_of(captured)
        if key in session.static_only:
            return None, []
        try:
            return _lower(captured, inputs, session, for_all_sizes=True), []
        except RestartAnalysis:
            raise
        except Exception as error:
            reasons = [Fallback(f"{op.name}: {op.reason}", op.location) for op in _named_in(error)]
            reasons = reasons or [Fallback(_first_line(error), location)]
        session.static_only.add(key)
        return None, list(dict.fromkeys(reasons))

    def _in_framework(
        self,
        captured: torch.fx.GraphModule,
        reason: str,
        location: str,
        unsupported: Sequence[UnsupportedOp] = (),
    ) -> GraphFunction:
        session = self.session
        others = reason or "shares a graph with operations that dlp does not compile"
        lines = {op.location for op in unsupported}
        left = list(unsupported)
        for node in captured.graph.nodes:
            if node.op in ("call_function", "call_method", "call_module"):
                where = source_lines.of_node(node)
                if where not in lines:
                    left.append(UnsupportedOp(_target_name(node), others, where))
        with session.lock:
            session.graphs.append(GraphRecord(left=tuple(left)))
        for op in unsupported:
            session.fall_back(f"{op.name}: {op.reason}", op.location)
        if not unsupported:
            session.fall_back(reason, location)

        def run_in_framework(*args: Any) -> Sequence[Any]:
            count_graph(session, framework=True)
            return captured.forward(*args)

        return run_in_framework


def _static_tracing() -> contextlib.AbstractContextManager[object]:
    return tracing(TracingContext(FakeTensorMode()))


class _Lowered:
    """A graph after the compile function, and whether the framework's wrapper must stay around it."""

    def __init__(
        self, record: GraphRecord, call: GraphFunction, function: GraphFunction, written: Sequence[bool]
    ) -> None:
        """Of the graph's inputs those that are `written` change."""
        self.record = record
        self.call = call
        self.function = function
        self.written = written


def _compiled_function(
    session: Session, lowered: _Lowered, captured: torch.fx.GraphModule, differentiable: list[bool]
) -> GraphFunction:
    run, mixed = lowered.function, bool(lowered.record.parts)
    if not any(differentiable):
        overlapping = _overlapping(lowered.written, captured) if any(lowered.written) else None

        def run_compiled(*args: torch.Tensor) -> Sequence[Any]:
            if overlapping is not None and overlapping(args):
                count_graph(session, framework=True)
                session.fall_back(
                    "inputs: inputs that share memory are written to", _first_location(captured)
                )
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
    _, is_parameter = _inputs_of(captured)
    others = [i for i, yes in enumerate(is_parameter) if not yes or written[i]]
    writes = [written[i] for i in others]
    return lambda args: any_overlaps([args[i] for i in others], writes)


def _lower(
    captured: torch.fx.GraphModule, inputs: list[Any], session: Session, *, for_all_sizes: bool = False
) -> _Lowered:
    """Trace to functional ATen without gradients, and compile that.

    Raises:
        StaticShapeRequired: `for_all_sizes`, and the graph can only be compiled for known ones.
    """
    from dlp.frontends.torch.decompositions import decomposition_table

    names, is_parameter = _inputs_of(captured)
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
        record, call = _AtenGraph(graph, tensors, weights, names, session, for_all_sizes).compile()
        record.weight_bytes = sum(v.nbytes for v, yes in zip(inputs, weights, strict=True) if yes)
        done.append((record, call, simple, written))

        def boxed(args: list[torch.Tensor]) -> Sequence[torch.Tensor]:
            values = tuple(args)
            args.clear()
            return call(*values)

        boxed._boxed_call = True  # type: ignore[attr-defined]
        return boxed

    with torch.no_grad(), recurrent_layers_whole():
        wrapped = aot_module_simplified(
            captured,
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
    return _Lowered(record, call, call if simple else wrapped, written)


class _AtenGraph:
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
            for node in _results(self.graph)
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
        outputs = [node.meta["val"] for node in _results(graph)]
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
        self._forward = mixed.forward
        self._pick_tensors = pick([i for i, tensor in enumerate(tensors) if tensor])
        self._constants = tuple(constants)

    def __call__(self, *args: Any) -> list[torch.Tensor]:
        return list(self._forward(*self._pick_tensors(args), *self._constants))


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


def _inputs_of(captured: torch.fx.GraphModule) -> tuple[list[str], list[bool]]:
    """Names of a captured graph's inputs, and which of them are weights of the model.

    Other tensors that a module holds, such as the state that one call leaves for the next, are inputs like those of
    the call: packing them would be repeated in every call.
    """
    names, weights = [], []
    for node in captured.graph.nodes:
        if node.op != "placeholder":
            continue
        argument = node.meta.get("grapharg")
        source = argument.source.name if argument is not None else ""
        weight = "._parameters[" in source or "._buffers[" in source
        weight = weight or isinstance(getattr(argument, "example", None), torch.nn.Parameter)
        names.append(attribute_name(source) if weight else node.name)
        weights.append(weight)
    return names, weights


def _differentiable(captured: torch.fx.GraphModule) -> list[bool]:
    """Which results of a captured graph carry gradients in eager."""
    values = [
        node.meta.get("example_value") if isinstance(node, torch.fx.Node) else None
        for node in _results(captured)
    ]
    return [isinstance(value, torch.Tensor) and value.requires_grad for value in values]


def _results(graph: torch.fx.GraphModule) -> Sequence[Any]:
    results = graph.graph.output_node().args[0]
    assert isinstance(results, Sequence)
    return results


def _structure(captured: torch.fx.GraphModule, inputs: list[Any]) -> Hashable | None:
    """Equal for graphs that compute the same from inputs of the same kind; `None` when that cannot be told."""
    names, is_parameter = _inputs_of(captured)
    nodes = []
    for node in captured.graph.nodes:
        if node.op in ("get_attr", "call_module"):
            return None
        nodes.append((node.op, node.target, node.name, str(node.args), str(sorted(node.kwargs.items()))))
    kinds = tuple((v.dtype, tuple(v.shape), v.stride()) if isinstance(v, torch.Tensor) else v for v in inputs)
    return (tuple(nodes), kinds, tuple(names), tuple(is_parameter))


def _code_of(captured: torch.fx.GraphModule) -> Hashable:
    """Equal for captures of one piece of code."""
    return tuple((node.op, str(node.target)) for node in captured.graph.nodes if node.op != "placeholder")


def _first_location(captured: torch.fx.GraphModule) -> str:
    for node in captured.graph.nodes:
        if node.op.startswith("call") and (found := source_lines.of_node(node)):
            return found
    return ""


def _target_name(node: torch.fx.Node) -> str:
    return node.target if isinstance(node.target, str) else _get_qualified_name(node.target)


def _named_in(error: Exception) -> Sequence[UnsupportedOp]:
    """The operations that an error is about, where it says which."""
    if isinstance(error, UnsupportedOpsError):
        return error.ops
    return (error.op,) if isinstance(error, StaticShapeRequired) and error.op is not None else ()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


def _reason(error: Exception) -> str:
    """Why a graph could not be lowered."""
    if isinstance(error, DynamicOutputShapeException):
        return f"a size that is known only at run time ({error.func})"
    if isinstance(error, DataDependentOutputException):
        return f"a number that is known only at run time ({error.func})"
    return f"{type(error).__name__}: {_first_line(error)}"


_sets_under_torch_compile: weakref.WeakValueDictionary[Hashable, ParameterSets] = (
    weakref.WeakValueDictionary()
)
"""There each graph is a session of its own."""

_OPTIONS = ("target", "threads", "strict", "dump_dir", "numerics")


def dlp_backend(
    captured: torch.fx.GraphModule,
    inputs: Sequence[Any],
    options: dict[str, Any] | None = None,
    mode: str | None = None,
    *,
    compile_function: CompileFunction = compile_graph,
) -> GraphFunction:
    """The backend behind `torch.compile(model, backend="dlp", options={"threads": 2})`.

    Options are those of `dlp.optimize`: target, threads, strict, dump_dir, numerics.

    Raises:
        InputError: an unknown option.
    """
    from dlp.frontends.torch.report import remember_graph

    options = dict(options or {})
    if unknown := set(options) - set(_OPTIONS):
        raise InputError(
            f"unknown option {sorted(unknown)[0]!r} of the backend dlp; it has {', '.join(_OPTIONS)}"
        )
    if mode not in (None, "default"):
        raise InputError(f"the backend dlp has no mode {mode!r}")
    options.setdefault("threads", torch.get_num_threads())
    session = Session(Options(**options), compile_function, _sets_under_torch_compile)
    with session.show_progress("torch.compile") as progress:
        progress.stage("compile")
        function = GraphBackend(session)(captured, inputs)
    _, is_parameter = _inputs_of(captured)
    remember_graph(session, [value for value, mine in zip(inputs, is_parameter, strict=True) if mine])
    return function
