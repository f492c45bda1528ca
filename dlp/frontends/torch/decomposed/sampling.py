"""Volumes read at points between their elements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor

_NEAREST = 1
_ZEROS, _BORDER = 0, 1


def grid_sampler_3d(x: Tensor, grid: Tensor, interpolation: int, padding: int, align_corners: bool) -> Tensor:
    """x is [n, c, d, h, w], grid [n, d', h', w', 3] with (x, y, z) from -1 to 1; the result is [n, c, d', h', w']."""
    sizes = x.shape[2:]
    at = [
        _place(grid[..., 2 - i], size, padding, align_corners) for i, size in enumerate(sizes)
    ]  # along depth, height, width
    if interpolation == _NEAREST:
        return _weighted(x, [a.round() for a in at], None)
    low = [a.floor() for a in at]
    total: Tensor | None = None
    for corner in product((0, 1), repeat=3):
        weight: Tensor | None = None
        for a, b, up in zip(at, low, corner, strict=True):
            part = a - b if up else b + 1 - a
            weight = part if weight is None else weight * part
        assert weight is not None
        value = _weighted(x, [b + up for b, up in zip(low, corner, strict=True)], weight)
        total = value if total is None else total + value
    assert total is not None
    return total


def _place(along: Tensor, size: int, padding: int, align_corners: bool) -> Tensor:
    """Where a coordinate from -1 to 1 is, in elements."""
    place = (along + 1) / 2 * (size - 1) if align_corners else ((along + 1) * size - 1) / 2
    if padding == _ZEROS:
        return place
    if padding != _BORDER:
        place = _reflected(place, 0, 2 * (size - 1)) if align_corners else _reflected(place, -1, 2 * size - 1)
    # What is no number becomes the last place, as it does in the framework.
    return torch.where(place.isnan(), float(size - 1), place.clamp(0, size - 1))


def _reflected(place: Tensor, twice_low: int, twice_high: int) -> Tensor:
    """A place brought between two bounds by mirrors at both."""
    if twice_low == twice_high:
        return torch.zeros_like(place)
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    away = (place - low).abs()
    beyond = torch.fmod(away, span)
    flips = (away / span).floor()
    return torch.where(flips % 2 == 0, beyond + low, span - beyond + low)


def _weighted(x: Tensor, at: list[Tensor], weight: Tensor | None) -> Tensor:
    """[n, c, d', h', w']: the elements at whole places times their weights; 0 outside."""
    n, c = x.shape[:2]
    sizes = x.shape[2:]
    inside: Tensor | None = None
    index: Tensor | None = None
    for a, size in zip(at, sizes, strict=True):
        within = (a >= 0) & (a <= size - 1)
        inside = within if inside is None else inside & within
        place = torch.where(within, a, 0.0).to(torch.int64)
        index = place if index is None else index * size + place
    assert inside is not None and index is not None
    rows = x.reshape(n, c, sizes[0] * sizes[1] * sizes[2])
    picked = rows.gather(2, index.reshape(n, 1, -1).expand(n, c, index[0].numel()))
    picked = picked.reshape(n, c, *index.shape[1:])
    return torch.where(inside.unsqueeze(1), picked if weight is None else picked * weight.unsqueeze(1), 0.0)


SAMPLING: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten.grid_sampler_3d.default: grid_sampler_3d,
}
"""Decompositions, by operation."""
