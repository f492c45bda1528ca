"""How some operations are traced, where the framework has rules of its own, which come before any decomposition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C import DispatchKey

from dlp.frontends.torch.decomposed.resampling import LINEAR
from dlp.frontends.torch.recurrent import RECURRENT_LAYERS

_KEYS = (DispatchKey.Autograd, DispatchKey.CompositeImplicitAutograd)
"""Where the framework keeps such rules."""

_Kernel = Callable[..., Any]


@contextmanager
def tracing_rules() -> Iterator[None]:
    """Within it recurrent layers are traced as operations of ours, and linear interpolation as `decomposed` has it."""
    before: dict[torch._ops.OpOverload, dict[DispatchKey, _Kernel]] = {}
    for op, rule in {**RECURRENT_LAYERS, **LINEAR}.items():
        before[op] = {key: op.py_kernels[key] for key in _KEYS if key in op.py_kernels}
        _set_kernels(op, {key: rule(kernel) for key, kernel in before[op].items()})
    try:
        yield
    finally:
        for op, kernels in before.items():
            _set_kernels(op, kernels)


def _set_kernels(op: torch._ops.OpOverload, kernels: dict[DispatchKey, _Kernel]) -> None:
    op.py_kernels.update(kernels)
    op._dispatch_cache.clear()
