"""Sums, means and largest elements of rows of a table, a bag of them at a time."""

from __future__ import annotations

import math

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import AndOp, CompareOp, DivOp, IotaOp, MaximumOp, MulOp, SelectOp, SubOp
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.scatter import ScatterOp
from dlp.dialects.dlp.sorting import SearchSortedOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.elementwise import isnan
from dlp.frontends.torch.nodes.indexing import valid
from dlp.frontends.torch.nodes.view import broadcast, slice_of
from dlp.frontends.torch.registry import imports

_SUM, _MEAN, _MAX = 0, 1, 2


@imports("aten._embedding_bag_forward_only.default", "aten._embedding_bag.default")
def embedding_bag(
    g: Emitter,
    table: SSAValue,
    index: SSAValue,
    offsets: SSAValue,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    weights: SSAValue | None,
    include_last_offset: bool,
    padding: int,
) -> tuple[SSAValue | None, ...]:
    """Bag k has the rows that indices offsets[k] .. offsets[k + 1] - 1 choose; one without rows is zero."""
    if any(map(g.is_used, (1, 2, 3))):
        raise NotSupported("what the gradient of an embedding bag needs")
    (count,), bags = g.shape_of(index), g.shape[0]
    rows = g(GatherOp, table, valid(g, index, g.shape_of(table)[0], negative=False), dimension=0)
    if weights is not None:
        rows = g(MulOp, rows, g.reshape(weights, (count, 1)))
    places = g.cast(g(IotaOp, shape=(count,), dimension=0), g.dtype_of(offsets))
    starts = slice_of(g, offsets, 0, 0, bags)
    bag = g(SubOp, g(SearchSortedOp, starts, places, right=True), g.constant(1, torch.int64))
    # Offsets begin with 0; where they do not, eager raises as well.
    bag = g.reshape(valid(g, bag, bags, negative=False), (count, 1))
    counts = g.constant(True, torch.bool, (count,))
    if padding >= 0:
        number = g.constant(padding, g.dtype_of(index))
        counts = g(AndOp, counts, g(CompareOp, index, number, predicate="ne"))
    counts = g.reshape(counts, (count, 1))
    none = g.constant(0, g.dtype, (bags, 1))
    sizes = g(ScatterOp, none, bag, g.cast(counts, g.dtype), dimension=0, combine="add")
    if mode == _MAX:
        total = _largest(g, rows, counts, bag)
        empty = g(CompareOp, sizes, g.constant(0, g.dtype), predicate="eq")
        return g(SelectOp, empty, g.constant(0, g.dtype), total), None, None, None
    if include_last_offset and padding < 0:
        # What the last bag leaves over counts for the framework's sizes all the same.
        end = g.reshape(slice_of(g, offsets, 0, bags, 1), ())
        counts = g.reshape(g(CompareOp, places, end, predicate="lt"), (count, 1))
    rows = g(SelectOp, counts, rows, g.constant(0, g.dtype))
    total = g(ScatterOp, g.constant(0, g.dtype, g.shape), bag, rows, dimension=0, combine="add")
    if mode == _MEAN:
        total = g(DivOp, total, g(MaximumOp, sizes, g.constant(1, g.dtype)))
    return total, None, None, None


def _largest(g: Emitter, rows: SSAValue, counts: SSAValue, bag: SSAValue) -> SSAValue:
    """Nothing is larger than a NaN that comes first in its bag; a later one is not larger than what was there."""
    (count, _), bags = g.shape_of(rows), g.shape[0]
    number = g.reshape(g(IotaOp, shape=(count,), dimension=0), (count, 1))
    candidates = g(SelectOp, counts, number, g.number(count, torch.int64))
    nowhere = broadcast(g, g.number(count, torch.int64), (bags, 1))
    first = g(ScatterOp, nowhere, bag, candidates, dimension=0, combine="minimum")
    first = g(GatherOp, g.reshape(first, (bags,)), bag, dimension=0)
    first = g.reshape(first, (count, 1))
    later = g(CompareOp, number, first, predicate="ne")
    left_out = g(SelectOp, isnan(g, rows), later, g.constant(False, torch.bool))
    lowest = g.constant(-math.inf, g.dtype)
    rows = g(SelectOp, counts, g(SelectOp, left_out, lowest, rows), lowest)
    return g(ScatterOp, g.constant(-math.inf, g.dtype, g.shape), bag, rows, dimension=0, combine="maximum")
