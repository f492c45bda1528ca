"""Pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.dim import Dim
from dlp.dialects.dlp.elementwise import DivOp, MulOp
from dlp.dialects.dlp.pool_places import MaxPoolPlacesOp
from dlp.dialects.dlp.reduction import MaxPoolOp, PoolOp, SumPoolOp
from dlp.errors import StaticShapeRequired
from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.nodes.view import pad
from dlp.frontends.torch.registry import imports


class Window:
    """A sliding window over the last dimensions of a tensor that is [c, s...] or [n, c, s...]."""

    def __init__(
        self,
        g: Emitter,
        x: SSAValue,
        kernel: Sequence[int],
        strides: Sequence[int],
        padding: Sequence[int],
        dilations: Sequence[int] = (1,),
    ) -> None:
        self.g = g
        self.rank = _SPATIAL[str(g.node.target)]
        shape = g.shape_of(x)
        self.x = x if len(shape) == self.rank + 2 else g.reshape(x, (1, *shape))
        self.kernel = self._spread(kernel)
        self.strides = self._spread(strides) if strides else self.kernel
        self.padding = self._spread(padding)
        self.dilations = self._spread(dilations)
        self.size = g.shape_of(self.x)[2:]
        self.out = g.shape[-self.rank :]
        self.behind = [self._behind(d) for d in range(self.rank)]

    def _behind(self, d: int) -> int:
        """Elements of the frame behind the end.

        With ceil_mode the last window may reach over the padded end; without it, elements may be left over.
        """
        size, out, low, stride = self.size[d], self.out[d], self.padding[d], self.strides[d]
        window = (self.kernel[d] - 1) * self.dilations[d] + 1
        if isinstance(size, Dim):
            possible = range(low, low + stride)
            fitting = (high for high in possible if (low + size + high - window) // stride + 1 == out)
            found = next(fitting, None)
            if found is None:
                raise StaticShapeRequired(f"the windows of a pool that are {out}")
            return found
        return max(low, (out - 1) * stride + window - size - low)

    def _spread(self, values: Sequence[int]) -> list[int]:
        return list(values) * self.rank if len(values) == 1 else list(values)

    def pool(
        self, op: type[PoolOp], x: SSAValue, value: float, behind: Sequence[int] | None = None
    ) -> SSAValue:
        """Pool `x` in a frame of `value`."""
        framed = pad(self.g, x, (0, 0, *self.padding), (0, 0, *(behind or self.behind)), value)
        return self.g(
            op,
            framed,
            layout="channels_first",
            kernel=self.kernel,
            strides=self.strides,
            dilations=self.dilations,
        )

    def places(self) -> SSAValue:
        """Where the largest elements are, in the plane."""
        return self.g(
            MaxPoolPlacesOp,
            self.x,
            kernel=self.kernel,
            strides=self.strides,
            dilations=self.dilations,
            low=self.padding,
            high=self.behind,
        )


_SPATIAL = {
    "aten.max_pool2d_with_indices.default": 2,
    "aten.max_pool3d_with_indices.default": 3,
    "aten.avg_pool1d.default": 1,
    "aten.avg_pool2d.default": 2,
    "aten.avg_pool3d.default": 3,
}


@imports("aten.max_pool2d_with_indices.default", "aten.max_pool3d_with_indices.default")
def max_pool(
    g: Emitter,
    x: SSAValue,
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool,
) -> tuple[SSAValue, SSAValue | None]:
    window = Window(g, x, kernel, strides, padding, dilations)
    lowest = -math.inf if g.dtype.is_floating_point else torch.iinfo(g.dtype).min
    values = g.reshape(window.pool(MaxPoolOp, window.x, lowest), g.shape)
    return values, g.reshape(window.places(), g.shape) if g.is_used(1) else None


@imports("aten.avg_pool1d.default", "aten.avg_pool2d.default", "aten.avg_pool3d.default")
def avg_pool(
    g: Emitter,
    x: SSAValue,
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None = None,
) -> SSAValue:
    """Averages of integers are rounded towards zero."""
    window = Window(g, x, kernel, strides, padding)
    total = window.pool(SumPoolOp, window.x, 0)
    framed = list(zip(window.padding, window.behind, strict=True))
    if divisor is None and (not any(a or b for a, b in framed) or (
        count_include_pad and all(b == p for p, b in framed)
    )):  # fmt: skip
        divisor = prod(window.kernel)
    if divisor is not None:
        if g.dtype.is_floating_point:
            return g.reshape(g(MulOp, total, g.constant(1 / divisor, g.dtype)), g.shape)
        return g.reshape(g(DivOp, total, g.constant(divisor, g.dtype)), g.shape)
    # What a window counts differs at the edges: the pool of ones, which is constant.
    ones = g.constant(1, g.dtype, (1, 1, *window.size))
    if count_include_pad:
        ones = pad(g, ones, (0, 0, *window.padding), (0, 0, *window.padding), 1)
        over = [b - p for p, b in framed]
        ones = pad(g, ones, (0,) * (window.rank + 2), (0, 0, *over), 0)
        count = g(
            SumPoolOp,
            ones,
            layout="channels_first",
            kernel=window.kernel,
            strides=window.strides,
            dilations=window.dilations,
        )
    else:
        count = window.pool(SumPoolOp, ones, 0)
    return g.reshape(g(DivOp, total, count), g.shape)
