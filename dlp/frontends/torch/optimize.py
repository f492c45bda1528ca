"""`dlp.optimize` and `dlp.refresh`."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import torch

from dlp.errors import FallbackWarning, InputError
from dlp.frontends.torch.copying import copy_sharing_tensors
from dlp.frontends.torch.dispatch import OptimizedForward
from dlp.frontends.torch.seam import CompileFunction, Options, compile_graph
from dlp.frontends.torch.session import Session
from dlp.targets import load

M = TypeVar("M", bound=torch.nn.Module)


def optimize(
    model: M,
    *,
    target: str | None = None,
    dynamic: bool | None = None,
    threads: int | None = None,
    strict: bool = False,
    example_inputs: Any = None,
    dump_dir: str | os.PathLike[str] | None = None,
    numerics: Literal["fast", "strict"] = "fast",
) -> M:
    """A model of the same kind that computes the same, faster.

    The result is a copy of the module tree that shares the tensors: modes, hooks and submodules are its own, an
    in-place change of a weight shows in both. The first call with inputs of new sizes compiles. Whatever dlp cannot
    compile, the framework runs; the first time a warning says so, and `dlp.report(model)` tells all of it.

    Args:
        model: any module. Put it into evaluation mode (`model.eval()`), and call it under `torch.inference_mode()`.
        target: name of the machine to compile for (`avx2`, `avx512`, `scalar`); this machine if not given.
        dynamic: whether sizes change between calls. By default the first sizes are constants of the compiled code, and
            the first call with others compiles once more, for all sizes (but 0 and 1). `True` leaves sizes open from
            the first call on, `False` compiles each by itself, up to 64 variants a model. So does what needs known
            sizes; `dlp.report` says why.
        threads: how many a call uses; by default those that torch uses in this thread now.
        strict: raise `dlp.errors.FallbackError`, with the line of the model, where the framework would run a part.
        example_inputs: compile now, for these: a tensor, a tuple of arguments, or a dict of keyword arguments.
        dump_dir: a directory for the IR after every pass that changed it, and the C.
        numerics: `"strict"` allows no rounding but that of the operations as they are written, in any order of a sum:
            no Winograd convolutions, no batch normalisation folded into weights, no multiplication by a reciprocal for
            a division; results do not depend on the number of threads. docs/numerics.md has the errors of both.

    Returns:
        The optimised copy. Copies and pickles of it are optimised too.

    Raises:
        InputError: an argument is of the wrong kind.
        TargetError: there is no such target, or its description cannot be read.
        FallbackError: only if `strict` and `example_inputs` are given.
    """
    options = _options(target, dynamic, threads, strict, dump_dir, numerics)
    return optimize_with(compile_graph, model, options, example_inputs)


def optimize_with(
    compile_function: CompileFunction, model: M, options: Options, example_inputs: Any = None
) -> M:
    """`optimize` with another compiler behind it."""
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"dlp.optimize takes a torch.nn.Module, not {type(model).__name__}")
    if isinstance(model, torch.jit.ScriptModule):
        return _leave_scripted(compile_function, model, options)
    optimized = copy_sharing_tensors(model)
    eager = optimized.__dict__.pop("forward", None)
    if isinstance(eager, OptimizedForward):  # the model was optimised before: new options, not twice
        eager = eager._override
    optimized.__dict__["forward"] = OptimizedForward(optimized, eager, options, compile_function)
    if example_inputs is not None:
        _call_once(optimized, example_inputs)
    return optimized


def refresh(model: torch.nn.Module) -> None:
    """Pack the weights of an optimised model again at its next call.

    Changes of weights are noticed by themselves, except writes that bump no version counter and change only few
    elements, such as `weight.data[3, 5] = 0`: after those, call this.

    Raises:
        InputError: the model is not optimised.
    """
    for session in sessions_of(model):
        for graph in session.records:
            if graph.parameters is not None:
                graph.parameters.invalidate()


def sessions_of(model: torch.nn.Module) -> list[Session]:
    """What dlp knows about a model and about optimised models inside it.

    Raises:
        InputError: nothing.
    """
    from dlp.frontends.torch.report import sessions_under_torch_compile

    forwards = [module.__dict__.get("forward") for module in model.modules()]
    sessions = [forward.session for forward in forwards if isinstance(forward, OptimizedForward)]
    sessions += sessions_under_torch_compile(model)
    if model in _scripted:
        sessions.append(_scripted[model])
    if not sessions:
        raise InputError(
            f"this {type(model).__name__} is not optimised: use the module that dlp.optimize returned, "
            'or call the one from torch.compile(..., backend="dlp") first'
        )
    return sessions


_scripted: weakref.WeakKeyDictionary[torch.nn.Module, Session] = weakref.WeakKeyDictionary()


def _leave_scripted(compile_function: CompileFunction, model: M, options: Options) -> M:
    session = _scripted[model] = Session(options, compile_function)
    reason = "TorchScript hides what a module computes: optimise the module from before torch.jit.script"
    session.fall_back(reason)
    warnings.warn(f"dlp leaves the scripted module as it is. {reason}", FallbackWarning, stacklevel=4)
    return model


def _options(
    target: str | None,
    dynamic: bool | None,
    threads: int | None,
    strict: bool,
    dump_dir: str | os.PathLike[str] | None,
    numerics: str,
) -> Options:
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise InputError(f"threads must be a positive number, not {threads!r}")
    if target is not None:
        load(target)
    if numerics not in ("fast", "strict"):
        raise InputError(f'numerics must be "fast" or "strict", not {numerics!r}')
    return Options(
        target=target,
        dynamic=dynamic,
        threads=torch.get_num_threads() if threads is None else threads,
        strict=strict,
        dump_dir=None if dump_dir is None else os.fspath(dump_dir),
        numerics=numerics,
    )


def _call_once(model: torch.nn.Module, example_inputs: Any) -> None:
    """Compile for a call under inference mode, and for one in the present mode; both share the code."""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    if isinstance(example_inputs, Mapping):
        kwargs = dict(example_inputs)
    elif isinstance(example_inputs, tuple | list):
        args = tuple(example_inputs)
    else:
        args = (example_inputs,)
    with torch.inference_mode():
        model(*args, **kwargs)
    training = torch.is_grad_enabled() and model.training
    if not (training or torch.is_inference_mode_enabled()):
        model(*args, **kwargs)
