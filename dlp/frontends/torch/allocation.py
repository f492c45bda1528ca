"""Memory for results."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._C._dynamo import guards


def _through_the_dispatcher(
    shape: tuple[int, ...], strides: tuple[int, ...], dtype: torch.dtype
) -> torch.Tensor:
    return torch.empty_strided(shape, strides, dtype=dtype)


empty_strided: Callable[[tuple[int, ...], tuple[int, ...], torch.dtype], torch.Tensor] = getattr(
    guards, "_empty_strided_cpu", _through_the_dispatcher
)
"""A new tensor without contents: what the framework's own compiled code uses, at a third of the time."""


def row_major_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Those that the framework gives a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
