"""Memory for results."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._C._dynamo import guards

from dlp.runtime.huge_pages import use_huge_pages


def _through_the_dispatcher(
    shape: tuple[int, ...], strides: tuple[int, ...], dtype: torch.dtype
) -> torch.Tensor:
    return torch.empty_strided(shape, strides, dtype=dtype)


empty_strided: Callable[[tuple[int, ...], tuple[int, ...], torch.dtype], torch.Tensor] = getattr(
    guards, "_empty_strided_cpu", _through_the_dispatcher
)
"""A new tensor without contents: what the framework's own compiled code uses, at a third of the time."""


def on_huge_pages(tensor: torch.Tensor) -> torch.Tensor:
    """A new tensor, whose memory is to be on huge pages if that is worth it.

    What is large the C library takes from the system for each call anew, and returns afterwards.
    """
    use_huge_pages(tensor.data_ptr(), tensor.untyped_storage().nbytes())
    return tensor


def row_major_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Those that the framework gives a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
