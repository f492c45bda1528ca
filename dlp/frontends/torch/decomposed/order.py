"""Elements that are found by sorting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def nanmedian(x: Tensor) -> Tensor:
    return nanmedian_along(x.reshape(-1), 0)[0]


def nanmedian_along(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The lower one of two in the middle of the numbers, which are sorted in front of the NaN."""
    if not x.is_floating_point():
        return torch.median(x, dim, keepdim)
    if x.dim() == 0:
        return x.clone(), torch.zeros((), dtype=torch.int64)
    values, places = torch.sort(x, dim=dim, stable=True)
    count = x.isnan().logical_not().sum(dim, keepdim=True)
    middle = torch.clamp_min(count - 1, 0) // 2
    return _picked(values, places, middle, dim, keepdim)


def mode(x: Tensor, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest of the most frequent elements, and where its last one is: the end of the longest run when sorted."""
    if x.dim() == 0:
        return x.clone(), torch.zeros((), dtype=torch.int64)
    x, dim = x.movedim(dim, -1), dim % x.dim()
    values, places = torch.sort(x, dim=-1, stable=True)
    number = torch.arange(x.shape[-1]).expand(x.shape)
    begins = torch.cat(
        [torch.ones_like(values[..., :1], dtype=torch.bool), values[..., 1:] != values[..., :-1]], -1
    )
    begun = torch.cummax(torch.where(begins, number, 0), -1).values
    longest = torch.argmax(number - begun, -1, keepdim=True)
    value, place = _picked(values, places, longest, -1, True)
    value, place = value.movedim(-1, dim), place.movedim(-1, dim)
    return (value, place) if keepdim else (value.squeeze(dim), place.squeeze(dim))


def _picked(values: Tensor, places: Tensor, which: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    value, place = values.gather(dim, which), places.gather(dim, which)
    return (value, place) if keepdim else (value.squeeze(dim), place.squeeze(dim))


ORDER: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten.nanmedian.default: nanmedian,
    torch.ops.aten.nanmedian.dim: nanmedian_along,
    torch.ops.aten.mode.default: mode,
}
"""Decompositions, by operation."""
