"""Pictures of other sizes: a pixel is a weighted mean of those around its place, of more for fewer pixels if wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor
from torch._decomp import get_decompositions
from torch._decomp.decompositions import upsample_compute_output_size
from torch._prims_common import suggest_memory_format
from torch.fx.experimental.symbolic_shapes import statically_known_true

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


def _linear(x: Tensor, sizes: Sequence[int], align_corners: bool, scales: Sequence[float | None]) -> Tensor:
    """x is [n, c, *spatial]; of the two neighbours along each axis, each times its weight, as in the framework.

    Its own decomposition adds a part of their difference to one of them: infinity minus infinity.
    """
    axes = [
        _neighbours(size, out, align_corners, scale, len(sizes) - 1 - d, x.dtype)
        for d, (size, out, scale) in enumerate(zip(x.shape[2:], sizes, scales, strict=True))
    ]
    y = [
        torch.ops.aten._unsafe_index(x, [None, None, *(place for place, _ in corner)])
        for corner in product(*axes)
    ]
    for (_, first), (_, second) in reversed(axes):
        y = [a * first + b * second for a, b in zip(y[::2], y[1::2], strict=True)]
    return y[0].contiguous(memory_format=suggest_memory_format(x))


def _neighbours(
    size: int, out: int, align_corners: bool, scale: float | None, behind: int, dtype: torch.dtype
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The places of both neighbours and their weights, [out] and `behind` axes of size 1."""
    number = torch.arange(out).reshape(-1, *(1,) * behind)
    if statically_known_true(size == out):
        weight = torch.zeros_like(number, dtype=dtype)
        return (number, 1 - weight), (number, weight)
    place = number.to(dtype)
    if align_corners:
        place = place * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:
        place = torch.clamp_min((place + 0.5) * (1 / scale if scale else size / out) - 0.5, 0.0)
    first = place.to(torch.int64)
    weight = torch.clamp(place - first, 0.0, 1.0)
    return (first, 1 - weight), (torch.clamp_max(first + 1, size - 1), weight)


def _upsample_linear(
    framework: Callable[..., Tensor],
    x: Tensor,
    sizes: Sequence[int] | None,
    align_corners: bool,
    *scales: Any,
) -> Tensor:
    """`framework` is its own decomposition; `scales` is one list or None if there may be no `sizes`."""
    if not x.is_floating_point():
        return framework(x, sizes, align_corners, *scales)
    given = scales[0] if len(scales) == 1 and isinstance(scales[0], (list, tuple)) else scales
    of_axes = [*(given or ()), *(None,) * x.dim()][: x.dim() - 2]
    if sizes is None:
        sizes = cast("Sequence[int]", upsample_compute_output_size(x.shape, None, of_axes))
    return _linear(x, sizes, align_corners, of_axes)


_LINEAR = [
    getattr(getattr(torch.ops.aten, name), overload)
    for name in ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
    for overload in ("default", "vec")
]

LINEAR = {op: partial(partial, _upsample_linear) for op in _LINEAR}
"""What takes the place of the framework's own decomposition, by operation: a function of that."""

RESAMPLING: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten._upsample_bilinear2d_aa.default: partial(_upsample_aa, 1, _triangle),
    torch.ops.aten._upsample_bicubic2d_aa.default: partial(_upsample_aa, 2, _cubic),
    **{op: partial(_upsample_linear, known) for op, known in get_decompositions(_LINEAR).items()},
}
"""Decompositions, by operation."""
