"""The Dynamo backend: from a captured graph to a function that runs it, compiled or in the framework."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch._dynamo.exc import RestartAnalysis
from torch._guards import TracingContext, tracing
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from dlp.errors import FallbackError, StaticShapeRequired, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch import source_lines
from dlp.frontends.torch.captured_graph import (
    code_of,
    differentiable_results,
    first_location,
    structure_of,
    target_name,
)
from dlp.frontends.torch.gradients import GraphFunction
from dlp.frontends.torch.graph_checks import reason_against_inputs
from dlp.frontends.torch.graph_function import compiled_function
from dlp.frontends.torch.lowering import Lowered, lower
from dlp.frontends.torch.numbers import separate_numbers
from dlp.frontends.torch.session import Fallback, GraphRecord, Session, count_graph
from dlp.frontends.torch.symbols import has_symbols


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
        location = first_location(captured)
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
            key = structure_of(captured, inputs)
            lowered = session.memo.get(key) if key is not None else None
        if not isinstance(lowered, Lowered):
            try:
                with contextlib.nullcontext() if static else _static_tracing():
                    lowered = lower(captured, inputs, session)
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

        differentiable = differentiable_results(captured)
        if any(differentiable) and lowered.function is not lowered.call:
            reason = "gradients through a graph that writes to its inputs or returns them"
            return self._in_framework(captured, reason, location)
        record = lowered.record
        if any(differentiable):
            record.gradients = True
        return compiled_function(session, lowered, captured, differentiable)

    def _for_all_sizes(
        self, captured: torch.fx.GraphModule, inputs: list[Any], location: str
    ) -> tuple[Lowered | None, list[Fallback]]:
        """The graph compiled for whatever sizes the framework keeps open; None where that cannot be, and why."""
        session = self.session
        key = code_of(captured)
        if key in session.static_only:
            return None, []
        try:
            return lower(captured, inputs, session, for_all_sizes=True), []
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
                    left.append(UnsupportedOp(target_name(node), others, where))
        with session.lock:
            session.graphs.append(GraphRecord(left=tuple(left)))
        for op in unsupported:
            session.fall_back(f"{op.name}: {op.reason}", op.location)
        if not unsupported:
            session.fall_back(reason, location)

        def run_in_framework(*args: Any) -> Sequence[Any]:
            count_graph(session, framework=True)
            return source_lines.run_in_framework(captured, *args)

        return run_in_framework


def _static_tracing() -> contextlib.AbstractContextManager[object]:
    return tracing(TracingContext(FakeTensorMode()))


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
