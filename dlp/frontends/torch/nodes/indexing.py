"""Access through indices."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import AddOp, AndOp, CompareOp, IotaOp, MulOp, SelectOp
from dlp.dialects.dlp.indexing import GatherOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.imported_graph import TensorSpec
from dlp.frontends.torch.nodes.view import broadcast
from dlp.frontends.torch.registry import imports


def valid(g: Emitter, index: SSAValue, size: int, *, negative: bool) -> SSAValue:
    """An index in 0 .. size - 1, or the run fails; with `negative`, -1 is the last element."""
    dtype = g.dtype_of(index)
    zero, end = g.constant(0, dtype), g.constant(size, dtype)
    lowest = g(CompareOp, index, g.constant(-size if negative else 0, dtype), predicate="ge")
    inside = g(AndOp, lowest, g(CompareOp, index, end, predicate="lt"))
    if negative:
        below = g(CompareOp, index, zero, predicate="lt")
        index = g(SelectOp, below, g(AddOp, index, end), index)
    return g.require(inside, index, zero, f"IndexError: index out of range for a dimension of size {size}")


@imports("aten.embedding.default")
def embedding(g: Emitter, table: SSAValue, index: SSAValue, *_: object) -> SSAValue:
    return g(GatherOp, table, valid(g, index, g.shape_of(table)[0], negative=False), dimension=0)


@imports("aten.index_select.default")
def index_select(g: Emitter, x: SSAValue, dimension: int, index: SSAValue) -> SSAValue:
    if not g.shape_of(x):
        return x
    dimension %= len(g.shape_of(x))
    index = g.reshape(index, (prod(g.shape_of(index)),))
    return g(GatherOp, x, valid(g, index, g.shape_of(x)[dimension], negative=False), dimension=dimension)


@imports("aten.index.Tensor", "aten._unsafe_index.Tensor")
def index_tensor(g: Emitter, x: SSAValue, indices: Sequence[SSAValue | None]) -> SSAValue:
    """x[:, i, j]: the indexed dimensions become one, which a single index gathers from."""
    shape = g.shape_of(x)
    places = [d for d, i in enumerate(indices) if i is not None]
    chosen = [i for i in indices if i is not None]
    if any(g.dtype_of(i) not in (torch.int64, torch.int32) for i in chosen):
        raise NotSupported("an index that is a mask")
    together = places == list(range(places[0], places[0] + len(places)))
    at = places[0] if together else 0
    rest = [d for d in range(len(shape)) if d not in places]
    order = [*rest[:at], *places, *rest[at:]]
    table = g.reshape(
        g.transpose(x, order),
        (*(shape[d] for d in rest[:at]), prod(shape[d] for d in places), *(shape[d] for d in rest[at:])),
    )
    linear: SSAValue | None = None
    for d, i in zip(places, chosen, strict=True):
        i = g.cast(valid(g, i, shape[d], negative=True), torch.int64)
        linear = i if linear is None else g(AddOp, g(MulOp, linear, g.constant(shape[d], torch.int64)), i)
    assert linear is not None
    return g(GatherOp, table, linear, dimension=at)


@imports("aten.gather.default")
def gather(g: Emitter, x: SSAValue, dimension: int, index: SSAValue, sparse_grad: bool) -> SSAValue:
    """result[..., i, ...] = x[..., index[..., i, ...], ...]: an index into the flat x for every element."""
    shape = g.shape_of(x)
    if not shape:
        return broadcast(g, x, g.shape)
    dimension %= len(shape)
    out = g.shape_of(index)
    if not out:
        index, out = g.reshape(index, (1,)), (1,)
    linear = g.cast(valid(g, index, shape[dimension], negative=False), torch.int64)
    linear = g(MulOp, linear, g.constant(prod(shape[dimension + 1 :]), torch.int64))
    for d in range(len(shape)):
        if d != dimension:
            place = g(IotaOp, shape=out, dimension=d)
            linear = g(AddOp, linear, g(MulOp, place, g.constant(prod(shape[d + 1 :]), torch.int64)))
    flat = g(GatherOp, g.reshape(x, (prod(shape),)), linear, dimension=0)
    return g.reshape(flat, g.shape)


@imports("aten.as_strided.default")
def as_strided(
    g: Emitter, x: SSAValue, size: Sequence[int], strides: Sequence[int], offset: int | None
) -> SSAValue:
    """Another view of memory, which must be that of x alone: of its elements in the order in which they lie."""
    source = g.fake(0)
    lies = TensorSpec.of(source)
    alone = source.untyped_storage().nbytes() == source.numel() * source.element_size()
    if lies.contiguous_first or not alone:
        raise NotSupported("a view of memory in which other elements lie as well")
    memory = g.reshape(g.transpose(x, lies.permutation), (prod(lies.shape),))
    view = TensorSpec.of(torch.empty_strided(tuple(size), tuple(strides), device="meta"))
    if not offset and not view.contiguous_first and prod(size) == prod(lies.shape):
        return g.transpose(g.reshape(memory, view.physical_shape), view.to_logical)
    linear = g.constant(offset or 0, torch.int64, tuple(size))
    for d, step in enumerate(strides):
        place = g(IotaOp, shape=tuple(size), dimension=d)
        linear = g(AddOp, linear, g(MulOp, place, g.constant(step, torch.int64)))
    return g(GatherOp, memory, linear, dimension=0)
