"""Access through indices."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, cast

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.checking import CheckIndexOp
from dlp.dialects.dlp.dim import Dim
from dlp.dialects.dlp.elementwise import AddOp, AndOp, CompareOp, IotaOp, MulOp, SelectOp
from dlp.dialects.dlp.indexing import GatherOp, TakeAlongOp
from dlp.dialects.dlp.structured import broadcast_shapes
from dlp.dialects.dlp.view import BroadcastOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.imported_graph import TensorSpec
from dlp.frontends.torch.nodes.view import broadcast, slice_of
from dlp.frontends.torch.registry import imports


def valid(g: Emitter, index: SSAValue, size: int, *, negative: bool) -> SSAValue:
    """An index in 0 .. size - 1, or the run fails; with `negative`, -1 is the last element."""
    message = f"IndexError: index out of range for a dimension of size {size}"
    if isinstance(size, Dim):
        return _valid_for_all_sizes(g, index, size, message, negative=negative)
    return g(CheckIndexOp, index, size=size, negative=negative, message=message + g.place)


def _valid_for_all_sizes(g: Emitter, index: SSAValue, size: Dim, message: str, *, negative: bool) -> SSAValue:
    zero, end = g.constant(0, g.dtype_of(index)), g.number(size, g.dtype_of(index))
    if negative:
        index = g(SelectOp, g(CompareOp, index, zero, predicate="lt"), g(AddOp, index, end), index)
    inside = g(AndOp, g(CompareOp, index, zero, predicate="ge"), g(CompareOp, index, end, predicate="lt"))
    return g.require(inside, index, zero, message)


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


class IndexedDimensions:
    """x[:, i, j] with indices that are integers: some dimensions of x, and what their indices choose.

    The indexed dimensions come together: where they are neighbours they stay, else they go to the front, and there
    the result has the shape that the indices broadcast to.
    """

    def __init__(self, g: Emitter, x: SSAValue, indices: Sequence[SSAValue | None]) -> None:
        self._g = g
        self._x = x
        shape = g.shape_of(x)
        self.places = [d for d, i in enumerate(indices) if i is not None]
        self.indices = [i for i in indices if i is not None]
        if any(g.dtype_of(i) not in (torch.int64, torch.int32) for i in self.indices):
            raise NotSupported("an index that is a mask")
        neighbours = self.places == list(range(self.places[0], self.places[0] + len(self.places)))
        at = self.places[0] if neighbours else 0
        rest = [d for d in range(len(shape)) if d not in self.places]
        self._order = [*rest[:at], *self.places, *rest[at:]]
        self.before = [shape[d] for d in rest[:at]]
        self.behind = [shape[d] for d in rest[at:]]
        self.size = prod(shape[d] for d in self.places)
        self.index_shape = broadcast_shapes("an index", [cast(Any, i.type) for i in self.indices])

    def together(self) -> SSAValue:
        """x as [before..., size, behind...], the indexed dimensions being one."""
        return self._g.reshape(
            self._g.transpose(self._x, self._order), (*self.before, self.size, *self.behind)
        )

    def apart(self, x: SSAValue) -> SSAValue:
        """The inverse of `together`, for a tensor with as many elements."""
        shape = self._g.shape_of(self._x)
        wide = self._g.reshape(x, [shape[d] for d in self._order])
        return self._g.transpose(wide, [self._order.index(d) for d in range(len(shape))])


def linear_index(g: Emitter, sizes: Sequence[int], indices: Sequence[SSAValue]) -> SSAValue:
    """Indices into several dimensions as one into all of them, row by row."""
    linear: SSAValue | None = None
    for size, i in zip(sizes, indices, strict=True):
        i = g.cast(valid(g, i, size, negative=True), torch.int64)
        linear = i if linear is None else g(AddOp, g(MulOp, linear, g.number(size, torch.int64)), i)
    assert linear is not None
    return linear


@imports("aten.index.Tensor", "aten._unsafe_index.Tensor")
def index_tensor(g: Emitter, x: SSAValue, indices: Sequence[SSAValue | None]) -> SSAValue:
    indexed = IndexedDimensions(g, x, indices)
    shape = g.shape_of(x)
    linear = linear_index(g, [shape[d] for d in indexed.places], indexed.indices)
    return g(GatherOp, indexed.together(), linear, dimension=len(indexed.before))


@imports("aten.gather.default")
def gather(g: Emitter, x: SSAValue, dimension: int, index: SSAValue, sparse_grad: bool) -> SSAValue:
    """result[..., i, ...] = x[..., index[..., i, ...], ...]."""
    x, index = (g.reshape(v, g.shape_of(v) or (1,)) for v in (x, index))
    shape, wanted = g.shape_of(x), g.shape_of(index)
    dimension %= len(shape)
    index = valid(g, before_repetition(index), shape[dimension], negative=False)
    count = g.shape_of(index)[dimension]
    if prod(g.shape_of(index)) == count and all(
        shape[d] == n for d, n in enumerate(wanted) if d != dimension
    ):
        # One index for a whole slice.
        return g.reshape(g(GatherOp, x, g.reshape(index, (count,)), dimension=dimension), g.shape)
    return g.reshape(g(TakeAlongOp, x, broadcast(g, index, wanted), dimension=dimension), g.shape)


def before_repetition(index: SSAValue) -> SSAValue:
    """An index that was repeated along dimensions of size 1, as it was before: `index[:, None].expand(-1, n)`."""
    source = index.owner
    if isinstance(source, BroadcastOp) and len(source.in_shape(0)) == len(source.shape):
        return source.ins[0]
    return index


@imports("aten.unfold.default")
def unfold(g: Emitter, x: SSAValue, dimension: int, size: int, step: int) -> SSAValue:
    """Windows along a dimension: their elements become the last one."""
    shape = g.shape_of(x)
    if not shape:
        return g.reshape(x, g.shape)
    dimension %= len(shape)
    windows = (g.shape[dimension], size)
    first = g(MulOp, g(IotaOp, shape=windows, dimension=0), g.constant(step, torch.int64))
    y = g(GatherOp, x, g(AddOp, first, g(IotaOp, shape=windows, dimension=1)), dimension=dimension)
    order = [d for d in range(len(shape) + 1) if d != dimension + 1]
    return g.transpose(y, [*order, dimension + 1])


@imports("aten.diagonal.default")
def diagonal(g: Emitter, x: SSAValue, offset: int, first: int, second: int) -> SSAValue:
    """The elements of a diagonal: in the two dimensions as one row they are equally far apart."""
    shape = g.shape_of(x)
    first, second = first % len(shape), second % len(shape)
    rest = [d for d in range(len(shape)) if d not in (first, second)]
    rows = g.transpose(x, [*rest, first, second])
    rows = g.reshape(rows, (*(shape[d] for d in rest), shape[first] * shape[second]))
    start = offset if offset >= 0 else -offset * shape[second]
    return slice_of(g, rows, len(rest), start, g.shape[-1], shape[second] + 1)


@imports("aten.one_hot.default")
def one_hot(g: Emitter, index: SSAValue, classes: int) -> SSAValue:
    index = valid(g, index, g.shape[-1], negative=False)
    places = g(IotaOp, shape=g.shape[-1:], dimension=0)
    found = g(CompareOp, g.reshape(index, (*g.shape_of(index), 1)), places, predicate="eq")
    return g.cast(found, g.dtype)


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
