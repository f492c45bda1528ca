"""Order: sorting, the largest elements, medians, and looking up in what is sorted."""

from __future__ import annotations

from math import prod

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.dim import Size
from dlp.dialects.dlp.elementwise import CompareOp, SelectOp
from dlp.dialects.dlp.indexing import TakeAlongOp
from dlp.dialects.dlp.reduction import AnyOp
from dlp.dialects.dlp.sorting import ArgsortOp, SearchSortedOp, TopKOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.indexing import valid
from dlp.frontends.torch.nodes.reduction import place_of_extremum
from dlp.frontends.torch.nodes.view import slice_of
from dlp.frontends.torch.registry import imports

_MOST_INSERTED = 64
"""So many of the largest elements are kept sorted while the others pass by; for more, all are sorted."""


@imports("aten.sort.default")
def sort(g: Emitter, x: SSAValue, dimension: int, descending: bool) -> tuple[SSAValue, SSAValue]:
    """Stable: of equal elements, whose order the framework leaves open, the first comes first."""
    if g.dtype_of(x) == torch.bool and g.is_used(1):
        raise NotSupported("the places of booleans in a sort that is not stable")
    return _sorted(g, x, dimension, descending)


def _sorted(g: Emitter, x: SSAValue, dimension: int, descending: bool) -> tuple[SSAValue, SSAValue]:
    if not g.shape_of(x):
        return x, g.constant(0, torch.int64)
    dimension %= len(g.shape_of(x))
    places = g(ArgsortOp, x, dimension=dimension, descending=descending)
    return g(TakeAlongOp, x, places, dimension=dimension), places


@imports("aten.sort.stable")
def stable_sort(
    g: Emitter, x: SSAValue, stable: bool | None, dimension: int, descending: bool
) -> tuple[SSAValue, SSAValue]:
    return _sorted(g, x, dimension, descending) if stable else sort(g, x, dimension, descending)


@imports("aten.topk.default")
def top_k(
    g: Emitter, x: SSAValue, k: int, dimension: int, largest: bool, is_sorted: bool
) -> tuple[SSAValue, SSAValue]:
    """Of equal elements the first ones are taken, where the framework takes any."""
    shape = g.shape_of(x)
    if not shape:
        return x, g.constant(0, torch.int64)
    dimension %= len(shape)
    if _is_inserted(k):
        places = g(TopKOp, x, dimension=dimension, k=k, descending=largest)
    else:
        places = slice_of(g, g(ArgsortOp, x, dimension=dimension, descending=largest), dimension, 0, k)
    return g(TakeAlongOp, x, places, dimension=dimension), places


@imports("aten.kthvalue.default")
def kth_value(g: Emitter, x: SSAValue, k: int, dimension: int, keepdim: bool) -> tuple[SSAValue, SSAValue]:
    if not g.shape_of(x):
        return x, g.constant(0, torch.int64)
    dimension %= len(g.shape_of(x))
    value, place = _kth(g, x, k, dimension)
    return g.reshape(value, g.shape), g.reshape(place, g.shape)


@imports("aten.median.default")
def median(g: Emitter, x: SSAValue) -> SSAValue:
    row = g.reshape(x, (prod(g.shape_of(x)),))
    return g.reshape(_median(g, row, 0)[0], ())


@imports("aten.median.dim")
def median_along(g: Emitter, x: SSAValue, dimension: int, keepdim: bool) -> tuple[SSAValue, SSAValue]:
    if not g.shape_of(x):
        return x, g.constant(0, torch.int64)
    value, place = _median(g, x, dimension % len(g.shape_of(x)))
    return g.reshape(value, g.shape), g.reshape(place, g.shape)


def _is_inserted(k: Size) -> bool:
    return isinstance(k, int) and k <= _MOST_INSERTED


def _kth(g: Emitter, x: SSAValue, k: Size, dimension: int) -> tuple[SSAValue, SSAValue]:
    """The k-th smallest element, counted from 1, and its place; the dimension stays with size 1."""
    op = TopKOp if _is_inserted(k) else ArgsortOp
    order = g(op, x, dimension=dimension, **({"k": k} if op is TopKOp else {}))
    place = slice_of(g, order, dimension, k - 1, 1)
    return g(TakeAlongOp, x, place, dimension=dimension), place


def _median(g: Emitter, x: SSAValue, dimension: int) -> tuple[SSAValue, SSAValue]:
    """The lower one of two in the middle; the first NaN where there is one."""
    value, place = _kth(g, x, (g.shape_of(x)[dimension] + 1) // 2, dimension)
    if not g.dtype_of(x).is_floating_point:
        return value, place
    unknown = g(AnyOp, g(CompareOp, x, x, predicate="ne"), dims=[dimension])
    no_number, first = place_of_extremum(g, x, dimension, True)
    return g(SelectOp, unknown, no_number, value), g(SelectOp, unknown, first, place)


@imports("aten.searchsorted.Tensor", "aten.searchsorted.Scalar", empty=True)
def search_sorted(
    g: Emitter,
    rows: SSAValue,
    values: SSAValue | float,
    out_int32: bool,
    right: bool,
    side: str | None,
    sorter: SSAValue | None,
) -> SSAValue:
    if sorter is not None and g.shape_of(rows)[-1] != 0:
        last = len(g.shape_of(rows)) - 1
        places = valid(g, sorter, g.shape_of(rows)[last], negative=False)
        rows = g(TakeAlongOp, rows, places, dimension=last)
    return _search(g, rows, values, right or side == "right")


@imports("aten.bucketize.Tensor", "aten.bucketize.Scalar", empty=True)
def bucketize(
    g: Emitter, values: SSAValue | float, boundaries: SSAValue, out_int32: bool, right: bool
) -> SSAValue:
    return _search(g, boundaries, values, right)


def _search(g: Emitter, rows: SSAValue, values: SSAValue | float, right: bool) -> SSAValue:
    dtype = g.dtype_of(rows)
    if g.shape_of(rows)[-1] == 0:
        return g.constant(0, g.dtype, g.shape)
    if isinstance(values, SSAValue):
        dtype = torch.promote_types(dtype, g.dtype_of(values))
    elif isinstance(values, float) and not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    return g.cast(g(SearchSortedOp, g.cast(rows, dtype), g.operand(values, dtype), right=right), g.dtype)
