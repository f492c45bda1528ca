"""Pools whose windows divide the input among a given number of results; their sizes may differ by one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import (
    AddOp,
    AndOp,
    CompareOp,
    DivOp,
    IotaOp,
    MinimumOp,
    MulOp,
    SubOp,
)
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.reduction import MaxOp, MaxPoolOp, SumPoolOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.contraction import matmul
from dlp.frontends.torch.nodes.reduction import average
from dlp.frontends.torch.registry import imports


def _even_kernel(g: Emitter, x: SSAValue, size: Sequence[int]) -> list[int] | None:
    """The window where all have one size."""
    source = g.shape_of(x)[-len(size) :]
    if any(n % m for n, m in zip(source, size, strict=True)):
        return None
    return [n // m for n, m in zip(source, size, strict=True)]


def _batched(g: Emitter, x: SSAValue, rank: int) -> SSAValue:
    shape = g.shape_of(x)
    return g.reshape(x, (1, *shape)) if len(shape) == rank + 1 else x


@imports("aten._adaptive_avg_pool2d.default", "aten._adaptive_avg_pool3d.default")
def adaptive_avg_pool(g: Emitter, x: SSAValue, size: Sequence[int]) -> SSAValue:
    """Windows of one size where the sizes divide; else one averaging matrix a dimension."""
    rank, shape = len(size), g.shape_of(x)
    kernel = _even_kernel(g, x, size)
    if kernel is not None:
        y = _batched(g, x, rank)
        if kernel == list(shape[-rank:]):
            return g.reshape(average(g, y, range(2, rank + 2)), g.shape)
        y = g(SumPoolOp, y, layout="channels_first", kernel=kernel, strides=kernel, dilations=[1] * rank)
        return g.reshape(g(MulOp, y, g.constant(1 / prod(kernel), g.dtype)), g.shape)
    for d in range(len(shape) - rank, len(shape)):
        order = [*(i for i in range(len(shape)) if i != d), d]
        back = [order.index(i) for i in range(len(shape))]
        rows = matmul(g, g.transpose(x, order), _averaging_matrix(g, g.shape_of(x)[d], g.shape[d]))
        x = g.transpose(rows, back)
    return x


@imports("aten.adaptive_max_pool2d.default", "aten.adaptive_max_pool3d.default")
def adaptive_max_pool(g: Emitter, x: SSAValue, size: Sequence[int]) -> tuple[SSAValue, None]:
    """Windows of one size where the sizes divide; else the windows of one dimension after the other, gathered."""
    if g.is_used(1):
        raise NotSupported("the indices of an adaptive max pool")
    rank, shape = len(size), g.shape_of(x)
    kernel = _even_kernel(g, x, size)
    if kernel is not None:
        y = _batched(g, x, rank)
        y = g(MaxPoolOp, y, layout="channels_first", kernel=kernel, strides=kernel, dilations=[1] * rank)
        return g.reshape(y, g.shape), None
    for d in range(len(shape) - rank, len(shape)):
        windows = g(GatherOp, x, _window_places(g, g.shape_of(x)[d], g.shape[d]), dimension=d)
        largest = g(MaxOp, windows, dims=[d + 1])
        x = g.reshape(largest, (*g.shape_of(x)[:d], g.shape[d], *g.shape_of(x)[d + 1 :]))
    return x, None


def _bounds(g: Emitter, window: SSAValue, size: int, out: int) -> tuple[SSAValue, SSAValue]:
    """Window i: from floor(i * size / out) up to ceil((i + 1) * size / out)."""
    scaled = g(MulOp, window, g.constant(size, torch.int64))
    begin = g(DivOp, scaled, g.constant(out, torch.int64))
    end = g(DivOp, g(AddOp, scaled, g.constant(size + out - 1, torch.int64)), g.constant(out, torch.int64))
    return begin, end


def _window_places(g: Emitter, size: int, out: int) -> SSAValue:
    """[out, longest]: the places of each window; the last one again where a window is shorter than the longest."""
    longest = max(-(-(i + 1) * size // out) - i * size // out for i in range(out))
    window, place = (g(IotaOp, shape=(out, longest), dimension=d) for d in (0, 1))
    begin, end = _bounds(g, window, size, out)
    return g(MinimumOp, g(AddOp, begin, place), g(SubOp, end, g.constant(1, torch.int64)))


def _averaging_matrix(g: Emitter, size: int, out: int) -> SSAValue:
    """[size, out]: column i averages the elements of window i."""
    rows, columns = (g(IotaOp, shape=(size, out), dimension=d) for d in (0, 1))
    begin, end = _bounds(g, columns, size, out)
    inside = g(AndOp, g(CompareOp, rows, begin, predicate="ge"), g(CompareOp, rows, end, predicate="lt"))
    return g(DivOp, g.cast(inside, g.dtype), g.cast(g(SubOp, end, begin), g.dtype))
