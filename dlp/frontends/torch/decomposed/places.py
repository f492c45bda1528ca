"""Pairs of rows, and places of elements: to read, as many as are known beforehand, and to write."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor


def pdist(x: Tensor, p: float = 2) -> Tensor:
    """Distances of all pairs of rows, each pair once."""
    first, second = torch.triu_indices(x.shape[0], x.shape[0], 1).unbind(0)
    return torch.linalg.vector_norm(x[first] - x[second], p, 1)


def nonzero_static(x: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """[size, rank of x]: where the first elements are that are not zero."""
    count = prod(x.shape)
    if not count:
        return torch.full((size, x.dim()), fill_value, dtype=torch.int64)
    chosen = (x != 0).reshape(count)
    number = chosen.to(torch.int64).cumsum(0) - 1
    target = torch.where(chosen & (number < size), number, size)
    places = torch.full((size + 1,), -1, dtype=torch.int64).scatter(0, target, torch.arange(count))[:size]
    columns = [
        torch.where(places < 0, fill_value, places // prod(x.shape[d + 1 :]) % x.shape[d])
        for d in range(x.dim())
    ]
    return torch.stack(columns, 1) if columns else places.new_empty((size, 0))


def index_fill(x: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Tensor:
    """The framework's way copies into the order that `x` has in memory, by an operation that is no function."""
    if x.dim() == 0:
        return index_fill(x.reshape(1), 0, index, value).reshape(())
    if not isinstance(value, Tensor):
        value = torch.full((), value, dtype=x.dtype)
    return torch.ops.aten.index_put(x, [None] * (dim % x.dim()) + [index.reshape(-1)], value.to(x.dtype))


def as_strided_scatter(
    x: Tensor, source: Tensor, size: list[int], stride: list[int], offset: int | None = None
) -> Tensor:
    """x with the elements replaced that lie at these strides in memory."""
    if not x.is_contiguous() or x.storage_offset() != 0:
        return NotImplemented
    places = torch.full((), offset or 0, dtype=torch.int64)
    for n, step in zip(size, stride, strict=True):
        places = places.unsqueeze(-1) + torch.arange(n) * step
    row = torch.ops.aten.index_put(x.reshape(-1), [places.reshape(-1)], source.to(x.dtype).reshape(-1))
    return row.reshape(x.shape)


PLACES: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten._pdist_forward.default: pdist,
    torch.ops.aten.as_strided_scatter.default: as_strided_scatter,
    torch.ops.aten.nonzero_static.default: nonzero_static,
    torch.ops.aten.index_fill.int_Scalar: index_fill,
    torch.ops.aten.index_fill.int_Tensor: index_fill,
}
"""Decompositions, by operation."""
