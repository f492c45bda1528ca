"""Reductions over dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.dim import Dim, Size
from dlp.dialects.dlp.elementwise import (
    CompareOp,
    DivOp,
    IotaOp,
    MulOp,
    OrOp,
    SelectOp,
    SqrtOp,
    SubOp,
)
from dlp.dialects.dlp.reduction import AllOp, AnyOp, MaxOp, MinOp, ProdOp, ReduceOp, SumOp
from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.registry import imports

Dims = Sequence[int] | int | None


def dimensions(g: Emitter, x: SSAValue, dims: Dims) -> list[int]:
    """The dimensions meant: all of them for None and for an empty list."""
    rank = len(g.shape_of(x))
    chosen = [dims] if isinstance(dims, int) else list(dims or [])
    return sorted({d % rank for d in chosen} if rank and chosen else range(rank))


def reduce(g: Emitter, op: type[ReduceOp], x: SSAValue, dims: Dims) -> SSAValue:
    """The reduction in the shape of the node's result, which keeps or drops the dimensions."""
    over = dimensions(g, x, dims)
    return g.reshape(g(op, x, dims=over) if over else x, g.shape)


@imports("aten.sum.dim_IntList", "aten.sum.default")
def total(g: Emitter, x: SSAValue, dims: Dims = None, *_: object) -> SSAValue:
    over = None if g.node.target is torch.ops.aten.sum.default else dims
    return reduce(g, SumOp, g.cast(x, g.dtype), over)


@imports("aten.mean.dim", "aten.mean.default")
def mean(g: Emitter, x: SSAValue, dims: Dims = None, *_: object) -> SSAValue:
    over = None if g.node.target is torch.ops.aten.mean.default else dims
    return g.reshape(average(g, g.cast(x, g.dtype), dimensions(g, x, over)), g.shape)


def average(g: Emitter, x: SSAValue, over: Sequence[int]) -> SSAValue:
    """The mean over dimensions, which stay with size 1."""
    if not over:
        return x
    count = prod(g.shape_of(x)[d] for d in over)
    return _divided(g, g(SumOp, x, dims=over), count)


def _divided(g: Emitter, total: SSAValue, count: Size | float) -> SSAValue:
    """A sum by the number of what was summed."""
    dtype = g.dtype_of(total)
    if isinstance(count, Dim):
        return g(DivOp, total, g.number(count, dtype))
    return g(MulOp, total, g.constant(1 / count, dtype))


@imports("aten.prod.default", "aten.prod.dim_int")
def product(g: Emitter, x: SSAValue, dims: Dims = None, *_: object) -> SSAValue:
    over = None if g.node.target is torch.ops.aten.prod.default else dims
    return reduce(g, ProdOp, g.cast(x, g.dtype), over)


@imports("aten.amax.default", "aten.amin.default", "aten.max.default", "aten.min.default")
def extremum(g: Emitter, x: SSAValue, dims: Dims = None, *_: object) -> SSAValue:
    largest = "max" in str(g.node.target)
    if g.dtype == torch.bool:
        return reduce(g, AnyOp if largest else AllOp, x, dims)
    return reduce(g, MaxOp if largest else MinOp, x, dims)


@imports("aten.any.default", "aten.any.dim", "aten.any.dims")
def any_(g: Emitter, x: SSAValue, dims: Dims = None, *_: object) -> SSAValue:
    return _truth(g, AnyOp, x, dims)


@imports("aten.all.default", "aten.all.dim", "aten.all.dims")
def all_(g: Emitter, x: SSAValue, dims: Dims = None, *_: object) -> SSAValue:
    return _truth(g, AllOp, x, dims)


def _truth(g: Emitter, op: type[ReduceOp], x: SSAValue, dims: Dims) -> SSAValue:
    truth = g.cast(x, torch.bool)
    # An empty list means no dimension, not all of them as it does elsewhere.
    return g.cast(truth, g.dtype) if isinstance(dims, list) and not dims else reduce(g, op, truth, dims)


@imports("aten.var.correction")
def variance(g: Emitter, x: SSAValue, dims: Dims, correction: float | None, keepdim: bool) -> SSAValue:
    return g.reshape(_variance(g, x, dims, correction)[0], g.shape)


@imports("aten.var_mean.correction")
def variance_and_mean(
    g: Emitter, x: SSAValue, dims: Dims, correction: float | None, keepdim: bool
) -> tuple[SSAValue, SSAValue]:
    found, centre = _variance(g, x, dims, correction)
    return g.reshape(found, g.shape), g.reshape(centre, g.shape)


@imports("aten.std.correction")
def deviation(g: Emitter, x: SSAValue, dims: Dims, correction: float | None, keepdim: bool) -> SSAValue:
    return g(SqrtOp, variance(g, x, dims, correction, keepdim))


def _variance(g: Emitter, x: SSAValue, dims: Dims, correction: float | None) -> tuple[SSAValue, SSAValue]:
    """Variance and mean over dimensions, which stay with size 1; two passes, so that nothing cancels."""
    if not g.shape_of(x):
        x = g.reshape(x, (1,))
    over = dimensions(g, x, dims)
    count = prod(g.shape_of(x)[d] for d in over)
    degrees = max(0, count - (1 if correction is None else correction))
    centre = average(g, x, over)
    centred = g(SubOp, x, centre)
    squares = g(SumOp, g(MulOp, centred, centred), dims=over)
    if degrees == 0:  # not a number, or infinite
        return g(DivOp, squares, g.constant(0.0, g.dtype)), centre
    return _divided(g, squares, degrees), centre


def place_of_extremum(g: Emitter, x: SSAValue, dimension: int, largest: bool) -> tuple[SSAValue, SSAValue]:
    """The extremum along a dimension, which stays with size 1, and the first place where it, or a NaN, is."""
    value = g(MaxOp if largest else MinOp, x, dims=[dimension])
    found = g(CompareOp, x, value, predicate="eq")
    if g.dtype_of(x).is_floating_point:
        found = g(OrOp, found, g(CompareOp, x, x, predicate="ne"))
    size = g.shape_of(x)[dimension]
    place = g(IotaOp, shape=g.shape_of(x), dimension=dimension)
    candidates = g(SelectOp, found, place, g.number(size, torch.int64))
    return value, g(MinOp, candidates, dims=[dimension])


@imports("aten.argmax.default", "aten.argmin.default")
def argument(g: Emitter, x: SSAValue, dimension: int | None, keepdim: bool) -> SSAValue:
    if not g.shape_of(x):
        return g.constant(0, torch.int64)
    if dimension is None:
        x, dimension = g.reshape(x, (prod(g.shape_of(x)),)), 0
    largest = "max" in str(g.node.target)
    _, place = place_of_extremum(g, _ordered(g, x), dimension % len(g.shape_of(x)), largest)
    return g.reshape(place, g.shape)


@imports("aten.max.dim", "aten.min.dim")
def extremum_and_place(g: Emitter, x: SSAValue, dimension: int, keepdim: bool) -> tuple[SSAValue, SSAValue]:
    if not g.shape_of(x):
        return x, g.constant(0, torch.int64)
    largest = "max" in str(g.node.target)
    value, place = place_of_extremum(g, _ordered(g, x), dimension % len(g.shape_of(x)), largest)
    return g.reshape(g.cast(value, g.dtype), g.shape), g.reshape(place, g.shape)


def _ordered(g: Emitter, x: SSAValue) -> SSAValue:
    """Booleans as numbers, which have an order."""
    return g.cast(x, torch.int32) if g.dtype_of(x) == torch.bool else x
