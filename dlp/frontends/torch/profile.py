"""Profiles of models: the same network compiled once more, with a clock around each kernel."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import torch

from dlp.errors import InputError
from dlp.frontends.torch.compile import compile_fx
from dlp.frontends.torch.optimize import optimize_with
from dlp.frontends.torch.seam import Options
from dlp.profiling.profile import Profile, measure_limits, summarise
from dlp.profiling.timed_module import TimedModule, compile_timed
from dlp.targets import host, load

_AT_LEAST = 5
"""Runs that are measured, however long they take."""


def profile(
    model: torch.nn.Module, args: Any, kwargs: Any = None, *, options: Options, seconds: float = 1.0
) -> Profile:
    """Run a model for some time and say where the time goes.

    Args:
        model: optimised or not; it is not changed.
        args, kwargs: of its call.
        options: for the compiler.
        seconds: to measure for.

    Raises:
        InputError: nothing of the model is compiled.
        DlpError: the compiler or the machine cannot do it.
    """
    modules: list[TimedModule] = []

    def keep(*given: Any, **named: Any) -> TimedModule:
        modules.append(compile_timed(*given, **named))
        return modules[-1]

    fast = optimize_with(partial(compile_fx, compiler=keep), model, options)
    times: list[float] = []
    with torch.inference_mode():
        fast(*args, **(kwargs or {}))
        if not modules:
            raise InputError(
                f"nothing of this {type(model).__name__} is compiled: print(dlp.report(model)) says why"
            )
        end = time.perf_counter() + seconds
        while len(times) < _AT_LEAST or time.perf_counter() < end:
            started = time.perf_counter()
            fast(*args, **(kwargs or {}))
            times.append(time.perf_counter() - started)
    target = host() if options.target is None else load(options.target)
    used = [module for module in modules if len(module.runs) > len(times)]
    return summarise(
        type(model).__name__, used, times, options.threads, measure_limits(target, options.threads)
    )
