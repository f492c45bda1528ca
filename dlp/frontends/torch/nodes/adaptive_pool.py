"""Pools whose windows divide the input among a given number of results; their sizes may differ by one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.dim import Dim, known_not_below
from dlp.dialects.dlp.elementwise import (
    AddOp,
    CompareOp,
    DivOp,
    IotaOp,
    MinimumOp,
    MulOp,
    SelectOp,
    SubOp,
)
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.reduction import MaxOp, MaxPoolOp, SumOp, SumPoolOp
from dlp.errors import StaticShapeRequired
from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.nodes.reduction import average, place_of_extremum
from dlp.frontends.torch.registry import imports


def _even_kernel(g: Emitter, x: SSAValue, out: Sequence[int]) -> list[int] | None:
    """The window where all are known to have one size."""
    kernel: list[int] = []
    for size, n in zip(g.shape_of(x)[-len(out) :], out, strict=True):
        try:
            rest = size % n
        except StaticShapeRequired:
            return None
        if isinstance(rest, Dim) or rest:
            return None
        kernel.append(size // n)
    return kernel


def _take_wholes(g: Emitter, x: SSAValue, kernel: list[int]) -> list[int]:
    """The dimensions of [n, c, s...] that the window covers as a whole; along these the window becomes 1."""
    wholes = [i for i, (n, size) in enumerate(zip(kernel, g.shape_of(x)[2:], strict=True)) if n == size]
    for i in wholes:
        kernel[i] = 1
    return [i + 2 for i in wholes]


def _batched(g: Emitter, x: SSAValue, rank: int) -> SSAValue:
    shape = g.shape_of(x)
    return g.reshape(x, (1, *shape)) if len(shape) == rank + 1 else x


@imports("aten._adaptive_avg_pool2d.default", "aten._adaptive_avg_pool3d.default")
def adaptive_avg_pool(g: Emitter, x: SSAValue, size: Sequence[int]) -> SSAValue:
    """Windows of one size where the sizes divide; else the windows of one dimension after the other, gathered."""
    rank, shape = len(size), g.shape_of(x)
    kernel = _even_kernel(g, x, g.shape[-len(size) :])
    if kernel is not None:
        y = _batched(g, x, rank)
        y = average(g, y, _take_wholes(g, y, kernel))
        if prod(kernel) == 1:
            return g.reshape(y, g.shape)
        y = g(SumPoolOp, y, layout="channels_first", kernel=kernel, strides=kernel, dilations=[1] * rank)
        return g.reshape(g(MulOp, y, g.constant(1 / prod(kernel), g.dtype)), g.shape)
    count = g.constant(1, g.dtype)
    for d in range(len(shape) - rank, len(shape)):
        extent, out = g.shape_of(x)[d], g.shape[d]
        if extent == out:
            continue
        windows = g(GatherOp, x, _window_places(g, extent, out), dimension=d)
        behind = (1,) * (len(shape) - d - 1)
        place, length = _places_and_lengths(g, extent, out)
        inside = g(CompareOp, place, length, predicate="lt")
        inside = g.reshape(inside, (*g.shape_of(place), *behind))
        windows = g(SelectOp, inside, windows, g.constant(0, g.dtype))
        x = g.reshape(g(SumOp, windows, dims=[d + 1]), (*g.shape[: d + 1], *g.shape_of(x)[d + 1 :]))
        count = g(MulOp, count, g.reshape(g.cast(length, g.dtype), (out, *behind)))
    return g(DivOp, x, count)


@imports("aten.adaptive_max_pool2d.default", "aten.adaptive_max_pool3d.default")
def adaptive_max_pool(g: Emitter, x: SSAValue, size: Sequence[int]) -> tuple[SSAValue, SSAValue | None]:
    """Windows of one size where the sizes divide; else the windows of one dimension after the other, gathered."""
    rank, shape = len(size), g.shape_of(x)
    if g.is_used(1):
        return _largest_and_places(g, x, rank)
    kernel = _even_kernel(g, x, g.shape[-rank:])
    if kernel is not None:
        y = _batched(g, x, rank)
        wholes = _take_wholes(g, y, kernel)
        y = g(MaxOp, y, dims=wholes) if wholes else y
        y = g(MaxPoolOp, y, layout="channels_first", kernel=kernel, strides=kernel, dilations=[1] * rank)
        return g.reshape(y, g.shape), None
    for d in range(len(shape) - rank, len(shape)):
        if g.shape_of(x)[d] == g.shape[d]:
            continue
        windows = g(GatherOp, x, _window_places(g, g.shape_of(x)[d], g.shape[d]), dimension=d)
        largest = g(MaxOp, windows, dims=[d + 1])
        x = g.reshape(largest, (*g.shape_of(x)[:d], g.shape[d], *g.shape_of(x)[d + 1 :]))
    return x, None


def _largest_and_places(g: Emitter, x: SSAValue, rank: int) -> tuple[SSAValue, SSAValue]:
    """All windows, [..., out..., elements of a window], and with them where their elements are in the plane."""
    shape = g.shape_of(x)
    lead, plane = shape[:-rank], shape[-rank:]
    out = g.shape[-rank:]
    places = g.constant(0, torch.int64)
    for i in range(rank):
        along = _window_places(g, plane[i], out[i])
        x = g(GatherOp, x, along, dimension=len(lead) + 2 * i)
        window = [g.shape_of(along)[k] if j == i else 1 for j in range(rank) for k in (0, 1)]
        step = g.number(prod(plane[i + 1 :]), torch.int64)
        places = g(AddOp, places, g(MulOp, g.reshape(along, window), step))
    elements = prod(g.shape_of(places)[1::2])
    front = [*range(0, 2 * rank, 2), *range(1, 2 * rank, 2)]
    rows = g.reshape(g.transpose(places, front), (*out, elements))
    order = [*range(len(lead)), *(len(lead) + d for d in front)]
    windows = g.reshape(g.transpose(x, order), (*lead, *out, elements))
    last = len(lead) + rank
    largest, first = place_of_extremum(g, windows, last, True)
    number = g(IotaOp, shape=(elements,), dimension=0)
    # Of several NaN the framework takes the last one.
    unordered = g(CompareOp, windows, windows, predicate="ne")
    nan = g(MaxOp, g(SelectOp, unordered, number, g.constant(-1, torch.int64)), dims=[last])
    first = g(SelectOp, g(CompareOp, nan, g.constant(0, torch.int64), predicate="ge"), nan, first)
    chosen = g(SelectOp, g(CompareOp, number, first, predicate="eq"), rows, g.constant(0, torch.int64))
    return g.reshape(largest, g.shape), g.reshape(g(SumOp, chosen, dims=[last]), g.shape)


def _bounds(g: Emitter, window: SSAValue, size: int, out: int) -> tuple[SSAValue, SSAValue]:
    """Window i: from floor(i * size / out) up to ceil((i + 1) * size / out)."""
    scaled, divisor = g(MulOp, window, g.number(size, torch.int64)), g.number(out, torch.int64)
    begin = g(DivOp, scaled, divisor)
    end = g(DivOp, g(AddOp, scaled, g.number(size + out - 1, torch.int64)), divisor)
    return begin, end


_MOST_TIMES = 32
"""Up to so many times a result that is not known the input may be."""


def _longest(size: int, out: int) -> int:
    """Elements of the longest window; for sizes that only a run knows at most so many."""
    if isinstance(out, Dim):
        times = next((k for k in range(1, _MOST_TIMES) if known_not_below(k * out, size)), None)
        if times is None:
            raise StaticShapeRequired(f"how many times {out} the size {size} is")
        return times + 1
    if isinstance(size, Dim):
        return (size + 2 * out - 2) // out
    return max(-(-(i + 1) * size // out) - i * size // out for i in range(out))


def _window_places(g: Emitter, size: int, out: int) -> SSAValue:
    """[out, longest]: the places of each window; the last one again where a window is shorter than the longest."""
    window, place = (g(IotaOp, shape=(out, _longest(size, out)), dimension=d) for d in (0, 1))
    begin, end = _bounds(g, window, size, out)
    return g(MinimumOp, g(AddOp, begin, place), g(SubOp, end, g.constant(1, torch.int64)))


def _places_and_lengths(g: Emitter, size: int, out: int) -> tuple[SSAValue, SSAValue]:
    """[out, longest]: the number of an element in its window; [out, 1]: how many elements a window has."""
    place = g(IotaOp, shape=(out, _longest(size, out)), dimension=1)
    begin, end = _bounds(g, g(IotaOp, shape=(out, 1), dimension=0), size, out)
    return place, g(SubOp, end, begin)
