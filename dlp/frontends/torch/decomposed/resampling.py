"""Pictures made smaller without aliasing: a pixel is a mean of those around it, of more where fewer are left."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

_CUBIC = -0.5


def _triangle(x: Tensor) -> Tensor:
    return torch.clamp_min(1 - x.abs(), 0.0)


def _cubic(x: Tensor) -> Tensor:
    """Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    x = x.abs()
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _CUBIC
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def _upsample_aa(
    radius: int,
    weigh: Callable[[Tensor], Tensor],
    x: Tensor,
    output_size: Sequence[int],
    align_corners: bool,
    scale_h: float | None = None,
    scale_w: float | None = None,
) -> Tensor:
    """x is [n, c, h, w]; first along w, then along h."""
    if output_size[1] == 1 and output_size[0] != x.shape[2]:
        return NotImplemented  # there the framework mixes up columns, and has its own idea of the result
    for d, scale in ((3, scale_w), (2, scale_h)):
        size, out = x.shape[d], output_size[d - 2]
        if size == out:
            continue
        if align_corners:
            step = (size - 1) / (out - 1) if out > 1 else 0.0
        else:
            step = 1 / scale if scale else size / out
        x = _along(x, d, out, step, radius, weigh)
    return x


def _along(
    x: Tensor, d: int, out: int, step: float, radius: int, weigh: Callable[[Tensor], Tensor]
) -> Tensor:
    size = x.shape[d]
    support = radius * max(step, 1.0)
    longest = min(2 * math.ceil(support) + 1, size)
    centre = step * (torch.arange(out, dtype=torch.float64) + 0.5)
    begin = torch.clamp_min((centre - support + 0.5).to(torch.int64), 0).unsqueeze(1)
    end = torch.clamp_max((centre + support + 0.5).to(torch.int64), size).unsqueeze(1)
    place = begin + torch.arange(longest)
    weights = weigh((place - centre.unsqueeze(1) + 0.5) / max(step, 1.0))
    weights = torch.where(place < end, weights, 0.0)
    weights = (weights / weights.sum(1, keepdim=True)).to(x.dtype)
    behind = (1,) * (x.dim() - d - 1)
    windows = x.index_select(d, torch.clamp_max(place, size - 1).reshape(-1))
    windows = windows.reshape(*x.shape[:d], out, longest, *x.shape[d + 1 :])
    inside = (place < end).reshape(out, longest, *behind)
    return torch.where(inside, windows * weights.reshape(out, longest, *behind), 0.0).sum(d + 1)


RESAMPLING: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten._upsample_bilinear2d_aa.default: partial(_upsample_aa, 1, _triangle),
    torch.ops.aten._upsample_bicubic2d_aa.default: partial(_upsample_aa, 2, _cubic),
}
"""Decompositions, by operation."""
