"""Convolutions of images whose size is open, captured without guards of the framework's own.

The framework's fake convolution asks which library eager mode would take, and some of the answers depend on how large
the image is. It is asked for nothing but the strides of the result; yet each answer is a guard, and sizes on both sides
of it are captures of their own. Here the question is asked for the size that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_select: Any = torch._C._select_conv_backend  # type: ignore[attr-defined]


@contextmanager
def formats_of_seen_sizes() -> Iterator[None]:
    """Within it no size of an image is guarded for the sake of the result's strides."""
    torch._C._select_conv_backend = _select_as_seen  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch._C._select_conv_backend = _select  # type: ignore[attr-defined]


def _select_as_seen(image: torch.Tensor, weight: torch.Tensor, **options: Any) -> Any:
    return _select(_as_seen(image), _as_seen(weight), **options)


def _as_seen(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of the sizes and strides that were seen, without memory."""
    if not any(isinstance(n, torch.SymInt) for n in (*tensor.shape, *tensor.stride())):
        return tensor
    sizes, strides = ([_seen(n) for n in numbers] for numbers in (tensor.shape, tensor.stride()))
    return torch.empty_strided(sizes, strides, dtype=tensor.dtype, device=tensor.device)


def _seen(n: int | torch.SymInt) -> int:
    if not isinstance(n, torch.SymInt):
        return n
    found = n.node.hint
    return int(n) if found is None else int(found)
