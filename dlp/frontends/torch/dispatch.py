"""The call path of an optimised model: an object in place of `forward` that captures, compiles and dispatches.

Dynamo checks guards on everything that a captured graph depends on (sizes, attributes, hooks, replaced submodules,
grad mode) and calls the graphs' functions. Everything here is per model: the cache of compiled variants belongs to a
private copy of the forward's code object, so that neither the limit on variants nor a frame that cannot be compiled
affects another instance of the class.
"""

from __future__ import annotations

import inspect
import time
import types
import warnings
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch._dynamo
from torch._C._dynamo.eval_frame import reset_code
from torch._C._functorch import peek_interpreter_stack
from torch._dynamo import config as dynamo_config
from torch._dynamo import pgo, trace_rules
from torch._dynamo.exc import BackendCompilerFailed, TorchDynamoException
from torch._dynamo.types import ConvertFrameReturn, FrameAction, FrameExecStrategy
from torch._dynamo.utils import graph_break_reasons
from torch.autograd import forward_ad

from dlp.errors import FallbackError, FallbackWarning
from dlp.frontends.torch import source_lines
from dlp.frontends.torch.conv_format import formats_of_seen_sizes
from dlp.frontends.torch.direct import Variants, direct_call
from dlp.frontends.torch.graph_backend import GraphBackend
from dlp.frontends.torch.padded_encoder import zeros_for_padding
from dlp.frontends.torch.quiet import quiet_capture
from dlp.frontends.torch.seam import CompileFunction, Options
from dlp.frontends.torch.session import ACTIVE, CallRecord, Session
from dlp.frontends.torch.tracing_rules import tracing_rules

VARIANTS = 64
"""How many variants of one model (sizes, strides, modes) are compiled; further ones run in the framework."""

UNQUESTIONED = 8
CALLS_PER_VARIANT = 8
"""Beyond the first few, a variant is compiled only while there are so many calls for each: a model that generates
text has other sizes in every call, and would do nothing but compile."""

FAILURES = 3
"""After so many calls whose capture failed with an internal error, capture is not tried again."""

# `use_recursive_dict_tags_for_guards` stays off: it makes guards six times as fast, and in Python before 3.12 it reads
# dictionaries that may have been freed.
_CAPTURE_CONFIG = {
    # Hooks that are registered, and submodules whose hooks change, after the first call count.
    "skip_nnmodule_hook_guards": False,
    # Marks for the profiler in the code of every variant: two calls through Dynamo's wrappers.
    "record_runtime_overhead": False,
    # A number that is known only at run time is no constant that code could be made for, and guards on it cost little.
    "specialize_float": True,
    # Dynamo leaves recurrent modules alone by default, for the sake of other backends.
    "allow_rnn": True,
    # The limit on variants is per model; this one is per code object over all models.
    "accumulated_recompile_limit": 1 << 20,
}


_SIZES = {
    # The first sizes are constants of the compiled code; where the next call has others, they stay open.
    None: {"automatic_dynamic_shapes": True, "assume_static_by_default": True},
    True: {"automatic_dynamic_shapes": True, "assume_static_by_default": False},
    False: {"automatic_dynamic_shapes": False, "assume_static_by_default": True},
}
"""By what `dynamic` says."""


class OptimizedForward:
    """Stands in for `module.forward`; copies and pickles with the module that it belongs to."""

    def __init__(
        self,
        module: torch.nn.Module,
        eager: Callable[..., Any] | None,
        options: Options,
        compile_function: CompileFunction,
    ) -> None:
        """`eager` is the `forward` that the module instance itself has; `None` means that of its class."""
        self.module = module
        self.options = options
        self._override = eager
        self._compile_function = compile_function
        self._start()

    def _start(self) -> None:
        self.session = Session(self.options, self._compile_function)
        self._captured: Callable[..., Any] | None = None
        self._warned = False

    @property
    def eager(self) -> Callable[..., Any]:
        """The framework's way: the forward as it would be without dlp."""
        return (
            self._override if self._override is not None else type(self.module).forward.__get__(self.module)
        )

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.eager)

    def __getattr__(self, name: str) -> Any:
        # What else one asks a method for (its code, what a decorator left there) is the eager forward's.
        if "module" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.eager, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_dynamo_compiling() or _being_traced():
            return self.eager(*args, **kwargs)  # a part of what somebody else captures
        session = self.session
        reason = self._reason_for_framework()
        record, outer = CallRecord(), ACTIVE.record
        ACTIVE.record = record
        try:
            if reason:
                session.fall_back(reason, source_lines.of_code(getattr(self.eager, "__code__", None)))
                result = self.eager(*args, **kwargs)
            else:
                captured = self._captured
                if captured is None:
                    with session.lock:
                        captured = self._captured = self._captured or _capturing(self, session)
                result = captured(self.module, *args, **kwargs)
        finally:
            ACTIVE.record = outer
        session.count(record)
        if record.failed_captures:
            # Only now: had the framework failed too, the mistake would have been the caller's.
            session.failed_captures += 1
            for reason, location in record.failed_captures:
                session.fall_back(reason, location)
        if session.fallbacks and not self._warned:
            self._warn()
        return result

    def _reason_for_framework(self) -> str:
        """Why the whole call is the framework's, or an empty string; cheap, for every call asks."""
        if self.module.training and torch.is_grad_enabled():
            return "training: the model is in training mode and gradients are enabled"
        if peek_interpreter_stack() is not None:
            return "a function transform (torch.func) is active"
        if forward_ad._current_level >= 0:
            return "forward-mode differentiation is active"
        if torch._C._len_torch_dispatch_stack():
            return "a dispatch mode is active"
        if self.session.failed_captures >= FAILURES:
            return "the framework could not capture the model"
        return ""

    def _warn(self) -> None:
        self._warned = True
        first = next(iter(self.session.fallbacks))
        warnings.warn(
            f"dlp leaves a part of {type(self.module).__name__} to the framework, and may again: {first}. "
            "dlp.report(model) lists all of it, docs/fallbacks.md says what to do; this warning comes once a model.",
            FallbackWarning,
            stacklevel=5,  # this, __call__, and torch's _call_impl and _wrapped_call_impl
        )

    def __getstate__(self) -> dict[str, Any]:
        return {
            "module": self.module,
            "override": self._override,
            "options": self.options,
            "compile_function": self._compile_function,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.module = state["module"]
        self._override = state["override"]
        self.options = state["options"]
        self._compile_function = state["compile_function"]
        self._start()

    def __repr__(self) -> str:
        return f"<forward of {type(self.module).__name__}, optimised by dlp>"


def _being_traced() -> bool:
    """Whether this thread traces: `torch.compiler.is_compiling()` is also true while another thread compiles."""
    if torch._C._get_tracing_state() is not None:
        return True
    modes, key = torch._C._len_torch_dispatch_stack(), torch._C._TorchDispatchModeKey
    return modes != 0 and any(torch._C._get_dispatch_mode(kind) is not None for kind in (key.PROXY, key.FAKE))


def _capturing(forward: OptimizedForward, session: Session) -> Callable[..., Any]:
    """The eager forward as a function of the module and the arguments, under Dynamo with our backend."""
    function = _private_function(forward)
    weakref.finalize(forward, _release, session, function.__code__).atexit = False
    context: Any = torch._dynamo.optimize(
        GraphBackend(session), recompile_limit=VARIANTS, isolate_recompiles=True, dynamic=None
    )
    if not hasattr(context, "callback"):  # TORCHDYNAMO_DISABLE=1
        session.fall_back("Dynamo is disabled")
        return function
    outer, variants = context.callback, Variants(function)
    outer._torchdynamo_orig_backend = _Converter(
        outer._torchdynamo_orig_backend, session, variants, function.__code__, type(forward.module).__name__
    )
    through_dynamo = context(function)
    location = source_lines.of_code(getattr(forward.eager, "__code__", None))

    def otherwise(*args: Any, **kwargs: Any) -> Any:
        # Asked here and not before, where it would cost more than all other questions together: a variant's guards
        # compare the state of autocast, and it is off wherever one is captured.
        if torch.is_autocast_enabled("cpu"):
            session.fall_back("autocast is on", location)
            return function(*args, **kwargs)
        return through_dynamo(*args, **kwargs)

    return direct_call(function, variants.find, otherwise) or otherwise


def _release(session: Session, code: types.CodeType) -> None:
    """Free what a model that is gone had compiled: Dynamo keeps compiled code in a cycle that Python cannot see."""
    reset_code(code)
    for graph in session.records:
        if graph.parameters is not None:
            graph.parameters.invalidate()


def _calling(override: Callable[..., Any] | None) -> types.FunctionType:
    """A function for what Dynamo cannot begin with: a callable object, or a wrapper inside the framework.

    `@torch.no_grad()` makes such wrappers.
    """
    if override is not None:

        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            return override(*args, **kwargs)

    else:

        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            return type(module).forward(module, *args, **kwargs)

    return call  # type: ignore[return-value]


def _private_function(forward: OptimizedForward) -> types.FunctionType:
    """A function `f(module, *args)` with a code object of its own."""
    override = forward._override
    found = type(forward.module).forward if override is None else getattr(override, "__func__", None)
    bound_elsewhere = override is not None and getattr(override, "__self__", None) is not forward.module
    if isinstance(found, types.FunctionType) and not bound_elsewhere and not trace_rules.check(found):
        function = found
    else:
        function = _calling(override)
    private = types.FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    private.__kwdefaults__ = function.__kwdefaults__
    return private


class _Converter:
    """Around Dynamo's conversion of one frame: our configuration, the stop-watch, and a reason for every failure."""

    def __init__(
        self, convert: Any, session: Session, variants: Variants, own_code: types.CodeType, title: str
    ) -> None:
        self._torchdynamo_orig_backend = convert._torchdynamo_orig_backend
        self._convert = convert._inner_convert
        self._session = session
        self._variants = variants
        self._own_code = own_code
        self._captured = 0
        self._sizes_seen: defaultdict[pgo.CodeId, pgo.CodeState] = defaultdict(pgo.CodeState)
        self._title = title

    def __call__(
        self, frame: Any, cache_entry: Any, hooks: Any, frame_state: Any, skip: int = 0
    ) -> ConvertFrameReturn:
        session, code = self._session, frame.f_code
        if self._rarely_called():
            reason = f"sizes that change with nearly every call ({self._captured} variants so far)"
            session.fall_back(reason, source_lines.of_code(code))
            strategy = FrameExecStrategy(FrameAction.SKIP, FrameAction.SKIP)
            return _in_framework(strategy, for_good=False, reason=reason)
        breaks = len(graph_break_reasons)
        started, compiling = time.perf_counter(), session.compile_seconds
        try:
            with (
                dynamo_config.patch(_CAPTURE_CONFIG | _SIZES[session.options.dynamic]),
                self._own_sizes(),
                quiet_capture(),
                zeros_for_padding(),
                formats_of_seen_sizes(),
                tracing_rules(),
                session.show_progress(self._title) as progress,
            ):
                progress.stage("capture")
                converted = self._convert(frame, cache_entry, hooks, frame_state, skip=skip + 1)
        except Exception as error:
            strict = _strict_error(error)
            if strict is not None:
                raise strict from None
            return self._in_framework(code, error)
        finally:
            elapsed = time.perf_counter() - started
            session.capture_seconds += elapsed - (session.compile_seconds - compiling)
        self._captured += code is self._own_code
        broken = graph_break_reasons[breaks:]
        if code is self._own_code and not broken and converted.guarded_code is not None:
            self._variants.add(converted.guarded_code.code, converted.guarded_code.guard_manager)
        for reason in broken:
            session.fall_back(
                f"graph break: {_first_line(reason.reason)}", source_lines.of_stack(reason.user_stack)
            )
        return converted

    @contextmanager
    def _own_sizes(self) -> Iterator[None]:
        """The sizes that this model has seen: Dynamo keeps them by lines of code, and would mix those of two models."""
        others, pgo._CODE_STATE = pgo._CODE_STATE, self._sizes_seen
        try:
            yield
        finally:
            pgo._CODE_STATE = others

    def _rarely_called(self) -> bool:
        return self._captured >= UNQUESTIONED and self._session.calls < CALLS_PER_VARIANT * self._captured

    def _in_framework(self, code: types.CodeType, error: Exception) -> ConvertFrameReturn:
        """This frame runs in the framework, and functions that it calls are tried one by one."""
        session = self._session
        stack = getattr(error, "real_stack", None)
        location = source_lines.of_stack(stack) if stack else source_lines.of_code(code)
        strategy = getattr(error, "frame_exec_strategy", None)
        if strategy is not None and strategy.cur_action == FrameAction.RUN_ONLY:
            reason = f"more than {VARIANTS} variants (sizes, strides, modes) of the model"
            session.fall_back(reason, source_lines.of_code(code))
            return _in_framework(strategy, for_good=code is self._own_code, reason=reason)
        reason = f"not captured: {_first_line(error)}"
        assert ACTIVE.record is not None
        ACTIVE.record.failed_captures += ((reason, location),)
        strategy = FrameExecStrategy(FrameAction.SKIP, FrameAction.DEFAULT)
        return _in_framework(strategy, for_good=False, reason=reason)


def _in_framework(strategy: FrameExecStrategy, *, for_good: bool, reason: str) -> ConvertFrameReturn:
    # Never for good on code that other models share.
    return ConvertFrameReturn(frame_exec_strategy=strategy, apply_to_code=for_good, skip_reason=reason)


def _strict_error(error: BaseException) -> FallbackError | None:
    """The error of strict mode, also from inside the framework's wrappers."""
    if isinstance(error, FallbackError):
        return error
    if isinstance(error, BackendCompilerFailed):
        return _strict_error(error.inner_exception)
    return None


def _first_line(error: BaseException | str) -> str:
    text = getattr(error, "msg", None) if isinstance(error, TorchDynamoException) else None
    return (str(text or error).strip() or type(error).__name__).splitlines()[0]
