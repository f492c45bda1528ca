"""Writing through indices and masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import cast

import torch
from torch.fx import Node
from xdsl.ir import SSAValue

from dlp.dialects.dlp.cumulative import CumulateOp
from dlp.dialects.dlp.elementwise import (
    AddOp,
    CompareOp,
    DivOp,
    IotaOp,
    MaximumOp,
    MulOp,
    OrOp,
    SelectOp,
    SubOp,
)
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.scatter import ScatterOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.indexing import IndexedDimensions, before_repetition, linear_index, valid
from dlp.frontends.torch.nodes.integer import floor_quotient
from dlp.frontends.torch.nodes.view import broadcast, slice_of
from dlp.frontends.torch.registry import imports

COMBINE = {
    "sum": "add",
    "add": "add",
    "mean": "add",
    "prod": "mul",
    "multiply": "mul",
    "amax": "maximum",
    "amin": "minimum",
}
"""The framework's names of the ways to combine."""


@imports("aten.scatter.src", "aten.scatter.value", "aten.scatter_add.default", updates=True)
def scatter(g: Emitter, x: SSAValue, dimension: int, index: SSAValue, source: SSAValue | float) -> SSAValue:
    adds = g.node.target is torch.ops.aten.scatter_add.default
    return _scatter(g, x, dimension, index, source, "add" if adds else None)


@imports("aten.scatter.reduce", "aten.scatter.value_reduce", updates=True)
def scatter_combined(
    g: Emitter, x: SSAValue, dimension: int, index: SSAValue, source: SSAValue | float, reduce: str
) -> SSAValue:
    return _scatter(g, x, dimension, index, source, COMBINE[reduce])


@imports("aten.scatter_reduce.two", updates=True)
def scatter_reduce(
    g: Emitter,
    x: SSAValue,
    dimension: int,
    index: SSAValue,
    source: SSAValue,
    reduce: str,
    include_self: bool,
) -> SSAValue:
    def put(x: SSAValue, source: SSAValue | float, combine: str | None) -> SSAValue:
        return _scatter(g, x, dimension, index, source, combine)

    return _reduced(g, x, source, reduce, include_self, put)


@imports("aten.index_reduce.default", updates=True)
def index_reduce(
    g: Emitter,
    x: SSAValue,
    dimension: int,
    index: SSAValue,
    source: SSAValue,
    reduce: str,
    include_self: bool,
) -> SSAValue:
    def put(x: SSAValue, source: SSAValue | float, combine: str | None) -> SSAValue:
        if not isinstance(source, SSAValue):
            source = g.constant(source, g.dtype_of(x), shape)
        return _scatter_slices(g, x, dimension, index, source, combine)

    shape = g.shape_of(source)
    return _reduced(g, x, source, reduce, include_self, put)


def _reduced(
    g: Emitter,
    x: SSAValue,
    source: SSAValue,
    reduce: str,
    include_self: bool,
    put: Callable[[SSAValue, SSAValue | float, str | None], SSAValue],
) -> SSAValue:
    """Updates combined with each other, and with x if that counts; a mean of integers is rounded down."""
    if not include_self:
        x = put(x, _neutral(g, reduce), None)
    total = put(x, source, COMBINE[reduce])
    if reduce != "mean":
        return total
    start = g.constant(int(include_self), g.dtype, g.shape_of(x))
    count = g(MaximumOp, put(start, 1, "add"), g.constant(1, g.dtype))
    if g.dtype.is_floating_point:
        return g(DivOp, total, count)
    return floor_quotient(g, total, count)


def _neutral(g: Emitter, reduce: str) -> float | int:
    """What a combination starts from where x does not count."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if g.dtype.is_floating_point:
        return float("-inf") if reduce == "amax" else float("inf")
    if g.dtype == torch.bool:
        return reduce == "amin"
    return torch.iinfo(g.dtype).min if reduce == "amax" else torch.iinfo(g.dtype).max


def _scatter(
    g: Emitter, x: SSAValue, dimension: int, index: SSAValue, source: SSAValue | float, combine: str | None
) -> SSAValue:
    """The framework's scatter: one index an element, updates as far as there are indices."""
    shape = g.shape_of(x)
    if not shape:
        x, index = (g.reshape(v, (1,)) for v in (x, index))
        source = g.reshape(source, (1,)) if isinstance(source, SSAValue) else source
    elif not g.shape_of(index):
        index = g.reshape(index, (1,))
    sizes, bounds = g.shape_of(index), g.shape_of(x)
    index = before_repetition(index)
    dimension %= len(bounds)
    if not isinstance(source, SSAValue):
        source = g.constant(source, g.dtype_of(x), sizes)
    elif not g.shape_of(source):
        source = g.reshape(source, (1,))
    for d, n in enumerate(sizes):
        source = slice_of(g, source, d, 0, n)
    index = valid(g, index, bounds[dimension], negative=False)
    return g.reshape(g(ScatterOp, x, index, source, dimension=dimension, combine=combine), shape)


@imports("aten.index_add.default", "aten.index_copy.default", updates=True)
def index_add(
    g: Emitter, x: SSAValue, dimension: int, index: SSAValue, source: SSAValue, alpha: float = 1
) -> SSAValue:
    """x[..., index[i], ...] += source[..., i, ...]."""
    adds = g.node.target is torch.ops.aten.index_add.default
    if alpha != 1:
        source = g(MulOp, source, g.constant(alpha, g.dtype_of(source)))
    return _scatter_slices(g, x, dimension, index, source, "add" if adds else None)


def _scatter_slices(
    g: Emitter, x: SSAValue, dimension: int, index: SSAValue, source: SSAValue, combine: str | None
) -> SSAValue:
    """One index a slice of the updates."""
    shape = g.shape_of(x)
    x, source = (g.reshape(v, g.shape_of(v) or (1,)) for v in (x, source))
    dimension %= max(1, len(shape))
    index = valid(g, index, g.shape_of(x)[dimension], negative=False)
    index = g.reshape(index, _along(g, x, dimension, prod(g.shape_of(index))))
    return g.reshape(g(ScatterOp, x, index, source, dimension=dimension, combine=combine), shape)


def _along(g: Emitter, x: SSAValue, dimension: int, n: int) -> tuple[int, ...]:
    """The shape of n indices along a dimension of x."""
    return tuple(n if d == dimension else 1 for d in range(len(g.shape_of(x))))


@imports("aten.index_put.default", "aten._unsafe_index_put.default", updates=True)
def index_put(
    g: Emitter, x: SSAValue, indices: Sequence[SSAValue | None], values: SSAValue, accumulate: bool
) -> SSAValue:
    """x[:, i, j] = values; what a mask selects is chosen element by element where all of it gets the same values."""
    given = cast(Sequence[Node | None], g.node.args[1])
    if any(i is not None and i.meta["val"].dtype == torch.uint8 for i in given):
        raise NotSupported("a mask of bytes")
    chosen = [i for i in indices if i is not None]
    if all(g.dtype_of(i) == torch.bool for i in chosen):
        return _put_at_mask(g, x, indices, values, accumulate)
    if any(g.dtype_of(i) == torch.bool for i in chosen):
        raise NotSupported("an index that is a mask beside one that is not")
    indexed = IndexedDimensions(g, x, indices)
    table = indexed.together()
    linear = linear_index(g, [g.shape_of(x)[d] for d in indexed.places], indexed.indices)
    before, size, behind = prod(indexed.before), indexed.size, prod(indexed.behind)
    index = broadcast(g, linear, indexed.index_shape)
    count = prod(indexed.index_shape)
    updates = broadcast(g, values, (*indexed.before, *indexed.index_shape, *indexed.behind))
    result = g(
        ScatterOp,
        g.reshape(table, (before, size, behind)),
        g.reshape(index, (1, count, 1)),
        g.reshape(updates, (before, count, behind)),
        dimension=1,
        combine="add" if accumulate else None,
    )
    return indexed.apart(result)


def _put_at_mask(
    g: Emitter, x: SSAValue, indices: Sequence[SSAValue | None], values: SSAValue, accumulate: bool
) -> SSAValue:
    shape = g.shape_of(x)
    if sum(i is not None for i in indices) != 1:
        raise NotSupported("several masks in one index")
    first = next(d for d, i in enumerate(indices) if i is not None)
    mask = indices[first]
    assert mask is not None
    masked = g.shape_of(mask)
    behind = len(shape) - first - len(masked)
    given = g.shape_of(values)
    # The values line up with [before, selected elements, behind].
    if len(given) > behind and given[len(given) - behind - 1] != 1:
        raise NotSupported("values for as many elements as a mask selects")
    lead, trail = given[: max(0, len(given) - behind - 1)], given[len(given) - min(behind, len(given)) :]
    values = g.reshape(values, (*lead, *(1,) * (len(masked) if len(given) > behind else 0), *trail))
    mask = g.reshape(mask, (*masked, *(1,) * behind))
    if accumulate:
        values = g(OrOp if g.dtype_of(x) == torch.bool else AddOp, x, values)
    return broadcast(g, g(SelectOp, mask, values, x), shape)


@imports("aten.masked_scatter.default")
def masked_scatter(g: Emitter, x: SSAValue, mask: SSAValue, source: SSAValue) -> SSAValue:
    """The elements that a mask selects become those of the source, one after the other."""
    shape, given = g.shape, prod(g.shape_of(source))
    mask = broadcast(g, mask, shape)
    row = g.reshape(g.cast(mask, torch.int64), (prod(shape),))
    number = g(SubOp, g(CumulateOp, row, dimension=0, kind="add"), g.constant(1, torch.int64))
    number = g.reshape(number, shape)
    one = g.constant(0, torch.int64)
    enough = g(CompareOp, number, g.number(given, torch.int64), predicate="lt")
    number = g(SelectOp, mask, number, one)
    number = g.require(enough, number, one, "the mask selects more elements than the source has")
    return g(
        SelectOp, mask, g(GatherOp, g.reshape(source, (given,)), number, dimension=0), broadcast(g, x, shape)
    )


@imports("aten.put.default", updates=True)
def put(g: Emitter, x: SSAValue, index: SSAValue, source: SSAValue, accumulate: bool) -> SSAValue:
    """x as one row: x[index] = source."""
    shape, count = g.shape_of(x), prod(g.shape_of(index))
    row = g.reshape(x, (prod(shape),))
    index = g.reshape(valid(g, index, prod(shape), negative=True), (count,))
    combine = "add" if accumulate else None
    source = g.reshape(source, (count,))
    return g.reshape(g(ScatterOp, row, index, source, dimension=0, combine=combine), shape)


@imports("aten.diagonal_scatter.default", updates=True)
def diagonal_scatter(
    g: Emitter, x: SSAValue, source: SSAValue, offset: int, first: int, second: int
) -> SSAValue:
    """The elements of a diagonal replaced: in the two dimensions as one row they are equally far apart."""
    shape = g.shape_of(x)
    first, second = first % len(shape), second % len(shape)
    order = [*(d for d in range(len(shape)) if d not in (first, second)), first, second]
    rest, columns = [shape[d] for d in order[:-2]], shape[second]
    rows = g.reshape(g.transpose(x, order), (*rest, shape[first] * columns))
    length = g.shape_of(source)[-1]
    start = offset if offset >= 0 else -offset * columns
    places = g(MulOp, g(IotaOp, shape=(length,), dimension=0), g.constant(columns + 1, torch.int64))
    places = g(AddOp, places, g.constant(start, torch.int64))
    places = g.reshape(places, (*(1,) * len(rest), length))
    result = g(ScatterOp, rows, places, source, dimension=len(rest))
    inverse = [order.index(d) for d in range(len(shape))]
    return g.transpose(g.reshape(result, (*rest, shape[first], columns)), inverse)
