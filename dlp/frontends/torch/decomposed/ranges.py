"""Numbers at even distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions
from torch.utils._python_dispatch import _disable_current_modes

_aten = torch.ops.aten
_THEIRS = get_decompositions([_aten.linspace])

_MOST_CORRECTED = 16
"""Elements that may differ from the exact ones."""


def linspace(start: Any, end: Any, steps: int, *, dtype: torch.dtype | None = None, **where: Any) -> Tensor:
    """The framework computes integers in double precision, and truncates; its decomposition does so in single.

    Here they are computed exactly, and corrected where the framework's fall short of an integer.
    """
    if dtype is None or dtype.is_floating_point or dtype.is_complex or steps < 2:
        return _THEIRS[_aten.linspace.default](start, end, steps, dtype=dtype, **where)
    if isinstance(start, Tensor) or isinstance(end, Tensor) or not isinstance(steps, int):
        return NotImplemented
    with _disable_current_modes():
        wanted = torch.linspace(start, end, steps, dtype=dtype).to(torch.int64)
        difference = wanted - _exact(int(start), int(end), steps)
        corrections = [(i, int(difference[i])) for i in difference.nonzero().flatten().tolist()]
    if len(corrections) > _MOST_CORRECTED:
        return NotImplemented
    value, place = _exact(int(start), int(end), steps), torch.arange(steps)
    for i, correction in corrections:
        value = torch.where(place == i, value + correction, value)
    return value.to(dtype)


def _exact(start: int, end: int, steps: int) -> Tensor:
    numerators = torch.arange(steps) * (end - start) + start * (steps - 1)
    return torch.div(numerators, steps - 1, rounding_mode="trunc")


RANGES: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    _aten.linspace.default: linspace,
    _aten.linspace.Tensor_Tensor: linspace,
    _aten.linspace.Tensor_Scalar: linspace,
    _aten.linspace.Scalar_Tensor: linspace,
}
"""Decompositions, by operation."""
