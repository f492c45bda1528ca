"""How many elements lie between the edges of bins, or what they weigh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

_MOST_BINS = 256
"""With edges that are constants of the graph, each one by itself."""


def histc(x: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Elements outside of the bins, and those that are no numbers, do not count; the bins are equally wide."""
    if not x.is_floating_point():
        return NotImplemented
    row = x.reshape(-1)
    low, high = _range(row, float(min), float(max))
    place = torch.where(_inside(row, low, high), (row - low) * bins / (high - low), 0.0).to(torch.int64)
    return _counts(row, place, bins, low, high, None)


def histogram(
    x: Tensor,
    bins: int = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> tuple[Tensor, Tensor]:
    if range is None or bins > _MOST_BINS:  # edges from elements are rounded in the framework's own way
        return NotImplemented
    low, high = range
    if low == high:
        low, high = low - 0.5, high + 0.5
    with _disable_current_modes():
        values = torch.linspace(low, high, bins + 1, dtype=x.dtype).tolist()
    edges = torch.stack([torch.full((), value, dtype=x.dtype) for value in values])
    return histogram_between(x, edges, weight=weight, density=density)


def histogram_between(
    x: Tensor, edges: Tensor, *, weight: Tensor | None = None, density: bool = False
) -> tuple[Tensor, Tensor]:
    """The last bin has both of its edges, every other one the left one only."""
    row = x.reshape(-1)
    place = torch.searchsorted(edges, row, right=True) - 1
    counts = _counts(row, place, edges.shape[0] - 1, edges[0], edges[-1], weight)
    if density:
        counts = counts / counts.sum() / (edges[1:] - edges[:-1])
    return counts, edges.clone()


def _range(row: Tensor, low: float, high: float) -> tuple[Any, Any]:
    """What was asked for, or the range of the elements; one of no width is widened."""
    if low != high:
        return low, high
    if row.numel() == 0:
        return low - 1, high + 1
    smallest, largest = row.amin(), row.amax()
    finite = torch.isfinite(smallest) & torch.isfinite(largest)
    torch.ops.aten._assert_async.msg(finite, "RuntimeError: the range of the elements is not finite")
    narrow = smallest == largest
    return torch.where(narrow, smallest - 1, smallest), torch.where(narrow, largest + 1, largest)


def _inside(row: Tensor, low: Any, high: Any) -> Tensor:
    return (row >= low) & (row <= high)


def _counts(row: Tensor, place: Tensor, bins: int, low: Any, high: Any, weight: Tensor | None) -> Tensor:
    """What falls into each bin; what falls into none goes to one behind the last, which is left out."""
    place = torch.where(_inside(row, low, high), torch.clamp_max(place, bins - 1), bins)
    weights = torch.ones_like(row) if weight is None else weight.reshape(-1)
    return torch.zeros(bins + 1, dtype=row.dtype).scatter_add(0, place, weights)[:bins]


HISTOGRAMS: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten.histc.default: histc,
    torch.ops.aten.histogram.bin_ct: histogram,
    torch.ops.aten.histogram.bins_tensor: histogram_between,
}
"""Decompositions, by operation."""
