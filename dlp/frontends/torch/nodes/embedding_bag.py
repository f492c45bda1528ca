"""Sums and means of rows of a table, a bag of them at a time."""

from __future__ import annotations

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import DivOp, IotaOp, MaximumOp, MulOp, SubOp
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.scatter import ScatterOp
from dlp.dialects.dlp.sorting import SearchSortedOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.indexing import valid
from dlp.frontends.torch.registry import imports

_SUM, _MEAN = 0, 1


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
    if mode not in (_SUM, _MEAN) or padding >= 0 or include_last_offset or any(map(g.is_used, (1, 2, 3))):
        raise NotSupported("an embedding bag of another kind than sums and means of all rows")
    (count,) = g.shape_of(index)
    rows = g(GatherOp, table, valid(g, index, g.shape_of(table)[0], negative=False), dimension=0)
    if weights is not None:
        rows = g(MulOp, rows, g.reshape(weights, (count, 1)))
    places = g.cast(g(IotaOp, shape=(count,), dimension=0), g.dtype_of(offsets))
    bag = g(SubOp, g(SearchSortedOp, offsets, places, right=True), g.constant(1, torch.int64))
    # Offsets begin with 0; where they do not, eager raises as well.
    bag = g.reshape(valid(g, bag, g.shape[0], negative=False), (count, 1))
    total = g(ScatterOp, g.constant(0, g.dtype, g.shape), bag, rows, dimension=0, combine="add")
    if mode == _MEAN:
        none, ones = g.constant(0, g.dtype, (g.shape[0], 1)), g.constant(1, g.dtype, (count, 1))
        sizes = g(ScatterOp, none, bag, ones, dimension=0, combine="add")
        total = g(DivOp, total, g(MaximumOp, sizes, g.constant(1, g.dtype)))
    return total, None, None, None
