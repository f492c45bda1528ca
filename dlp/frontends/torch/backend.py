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
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.node import _get_qualified_name

from dlp.errors import (
    DlpError,
    FallbackError,
    InputError,
    StaticShapeRequired,
    UnsupportedOp,
    UnsupportedOpsError,
)
from dlp.frontends.torch import source_lines
from dlp.frontends.torch.constants import attribute_name, drop_numbers, lift_constants
from dlp.frontends.torch.gradients import CompiledForward
from dlp.frontends.torch.graph_call import GraphCall
from dlp.frontends.torch.graph_checks import reason_against_inputs, unsupported_values
from dlp.frontends.torch.parameters import ParameterSets
from dlp.frontends.torch.seam import CompiledGraph, CompileFunction, Options, compile_graph
from dlp.frontends.torch.session import GraphRecord, Session, count_graph
from dlp.frontends.torch.symbols import has_symbols

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
        started = time.perf_counter()
        try:
            return self._function(captured, list(inputs))
        finally:
            self.session.backend_seconds += time.perf_counter() - started

    def _function(self, captured: torch.fx.GraphModule, inputs: list[Any]) -> GraphFunction:
        session = self.session
        location = _first_location(captured)
        reason = "autocast is on" if torch.is_autocast_enabled("cpu") else reason_against_inputs(inputs)
        if reason:
            return self._in_framework(captured, reason, location)
        static = not any(map(has_symbols, inputs))
        lowered: object = None if static else self._for_all_sizes(captured, inputs, location)
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
                return self._in_framework(captured, f"{type(error).__name__}: {_first_line(error)}", location)
            if key is not None:
                session.memo[key] = lowered

        differentiable = _differentiable(captured)
        if any(differentiable) and lowered.function is not lowered.call:
            reason = "gradients through a graph that writes to its inputs or returns them"
            return self._in_framework(captured, reason, location)
        record = lowered.record
        if any(differentiable):
            record.gradients = True
        return _compiled_function(session, lowered.function, captured, differentiable)

    def _for_all_sizes(
        self, captured: torch.fx.GraphModule, inputs: list[Any], location: str
    ) -> _Lowered | None:
        """The graph compiled for whatever sizes the framework keeps open; None where that cannot be."""
        session = self.session
        key = _operations(captured)
        if key in session.static_only:
            return None
        try:
            return _lower(captured, inputs, session, for_all_sizes=True)
        except RestartAnalysis:
            raise
        except Exception as error:
            if not isinstance(
                error, UnsupportedOpsError
            ):  # those are refused with known sizes as well, and reported
                session.compile_each_size(f"{_first_line(error)}", location)
            session.static_only.add(key)
            return None

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
            count_graph(session, compiled=False)
            return captured.forward(*args)

        return run_in_framework


def _static_tracing() -> contextlib.AbstractContextManager[object]:
    return tracing(TracingContext(FakeTensorMode()))


class _Lowered:
    """A graph after the compile function, and whether the framework's wrapper must stay around it."""

    def __init__(self, record: GraphRecord, call: GraphCall, function: GraphFunction) -> None:
        self.record = record
        self.call = call
        self.function = function


def _compiled_function(
    session: Session, run: GraphFunction, captured: torch.fx.GraphModule, differentiable: list[bool]
) -> GraphFunction:
    if not any(differentiable):

        def run_compiled(*args: torch.Tensor) -> Sequence[Any]:
            count_graph(session, compiled=True)
            return run(*args)

        return run_compiled

    def run_with_gradients(*args: torch.Tensor) -> Sequence[Any]:
        if any(isinstance(value, torch.Tensor) and value.is_inference() for value in args):
            count_graph(session, compiled=False)  # autograd saves no inference tensors; eager may not need to
            return captured.forward(*args)
        count_graph(session, compiled=True)
        return CompiledForward.apply(run, captured.forward, differentiable, *args)

    return run_with_gradients


def _lower(
    captured: torch.fx.GraphModule, inputs: list[Any], session: Session, *, for_all_sizes: bool = False
) -> _Lowered:
    """Trace to functional ATen without gradients, and compile that.

    Raises:
        StaticShapeRequired: `for_all_sizes`, and the graph can only be compiled for known ones.
    """
    from dlp.frontends.torch.decompositions import decomposition_table

    names, is_parameter = _inputs_of(captured)
    done: list[tuple[GraphRecord, GraphCall, bool]] = []

    def compile_inference(graph: torch.fx.GraphModule, fakes: Sequence[Any]) -> GraphFunction:
        metadata = TracingContext.get().fw_metadata
        assert metadata is not None
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
        record, call = _compile(graph, tensors, weights, names, session)
        record.weight_bytes = sum(v.nbytes for v, yes in zip(inputs, weights, strict=True) if yes)
        done.append((record, call, simple))

        def boxed(args: list[torch.Tensor]) -> list[torch.Tensor]:
            values = tuple(args)
            args.clear()
            return call(*values)

        boxed._boxed_call = True  # type: ignore[attr-defined]
        return boxed

    with torch.no_grad():
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
    record, call, simple = done[0]
    with session.lock:
        session.graphs.append(record)
    return _Lowered(record, call, call if simple else wrapped)


def _compile(
    graph: torch.fx.GraphModule, tensors: list[bool], weights: list[bool], names: list[str], session: Session
) -> tuple[GraphRecord, GraphCall]:
    """Compile a traced graph, of whose inputs `tensors` are tensors and `weights` weights."""
    drop_numbers(graph)
    constants = lift_constants(graph)
    unsupported = unsupported_values(graph)
    outputs = [node.meta["val"] if isinstance(node, torch.fx.Node) else node for node in _results(graph)]
    unsupported += [
        UnsupportedOp("output", "a result that is not a tensor")
        for o in outputs
        if not isinstance(o, torch.Tensor)
    ]
    placeholders = [node.meta["val"] for node in graph.graph.nodes if node.op == "placeholder"]
    fakes = [value for value in placeholders if not isinstance(value, torch.SymInt)]
    is_parameter = [yes for yes, tensor in zip(weights, tensors, strict=True) if tensor] + [True] * len(
        constants
    )
    names = [name for name, tensor in zip(names, tensors, strict=True) if tensor]
    names += [f"constant{i}" for i in range(len(constants))]
    try:
        if unsupported:
            raise UnsupportedOpsError(unsupported)
        compiled = session.compile_function(
            graph,
            fakes,
            is_parameter=is_parameter,
            names=names,
            options=session.options,
            progress=session.progress,
        )
    except UnsupportedOpsError as error:
        already = set(error.ops)
        raise UnsupportedOpsError([*error.ops, *(op for op in unsupported if op not in already)]) from None
    parameters = _parameter_sets(compiled, session)
    call = GraphCall(compiled, parameters, tensors, is_parameter, constants, outputs)
    record = GraphRecord(
        operations=Counter(
            str(node.target)
            for node in graph.graph.nodes
            if node.op == "call_function" and "getitem" not in str(node.target)
        ),
        statistics=compiled.statistics,
        parameters=parameters,
        for_all_sizes=any(map(has_symbols, fakes)),
    )
    return record, call


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


def _operations(captured: torch.fx.GraphModule) -> Hashable:
    """Equal for captures of one piece of code."""
    return tuple((node.op, str(node.target)) for node in captured.graph.nodes if node.op != "placeholder")


def _first_location(captured: torch.fx.GraphModule) -> str:
    for node in captured.graph.nodes:
        if node.op.startswith("call") and (found := source_lines.of_node(node)):
            return found
    return ""


def _target_name(node: torch.fx.Node) -> str:
    return node.target if isinstance(node.target, str) else _get_qualified_name(node.target)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no message").splitlines()[0]


_sets_under_torch_compile: weakref.WeakValueDictionary[Hashable, ParameterSets] = (
    weakref.WeakValueDictionary()
)
"""There each graph is a session of its own."""

_OPTIONS = ("target", "threads", "strict", "dump_dir")


def dlp_backend(
    captured: torch.fx.GraphModule,
    inputs: Sequence[Any],
    options: dict[str, Any] | None = None,
    mode: str | None = None,
    *,
    compile_function: CompileFunction = compile_graph,
) -> GraphFunction:
    """The backend behind `torch.compile(model, backend="dlp", options={"threads": 2})`.

    Options are those of `dlp.optimize`: target, threads, strict, dump_dir.

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
