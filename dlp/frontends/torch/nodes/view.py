"""Operations that only move elements, conversions, and new tensors of constants."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, cast

import torch
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, f64, i64
from xdsl.ir import SSAValue

from dlp.dialects.dlp.dim import Dim, Size, is_static, static
from dlp.dialects.dlp.elementwise import AddOp, AndOp, CompareOp, DivOp, IotaOp, MulOp, SelectOp, SubOp
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.view import BroadcastOp, ConcatOp, PadOp, SliceOp
from dlp.errors import StaticShapeRequired
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.empty import is_empty
from dlp.frontends.torch.registry import imports
from dlp.frontends.torch.symbols import size_of


def broadcast(g: Emitter, x: SSAValue, shape: Sequence[int]) -> SSAValue:
    return x if g.shape_of(x) == tuple(shape) else g(BroadcastOp, x, shape=tuple(shape))


def slice_of(g: Emitter, x: SSAValue, dimension: int, start: Size, length: Size, step: int = 1) -> SSAValue:
    """`length` elements along one dimension."""
    shape = g.shape_of(x)
    if step == 1 and length == shape[dimension]:
        return x
    if isinstance(start, Dim):
        # No view begins at a place that only a run knows: the elements are looked up.
        place = g(IotaOp, shape=(length,), dimension=0)
        if step != 1:
            place = g(MulOp, place, g.constant(step, torch.int64))
        return g(GatherOp, x, g(AddOp, place, g.number(start, torch.int64)), dimension=dimension)
    offsets, steps = [0] * len(shape), [1] * len(shape)
    sizes: list[Any] = list(shape)
    offsets[dimension], steps[dimension], sizes[dimension] = start, step, length
    return g(SliceOp, x, offsets=offsets, steps=steps, shape=sizes)


def pad(g: Emitter, x: SSAValue, low: Sequence[int], high: Sequence[int], value: float | int) -> SSAValue:
    """A frame of `value`; negative widths crop."""
    for d, (before, behind) in enumerate(zip(low, high, strict=True)):
        if not is_static((before, behind)):
            x = _pad_by_places(g, x, d, before, behind, value)
            low, high = ([*widths[:d], 0, *widths[d + 1 :]] for widths in (low, high))
    for d, (before, behind) in enumerate(zip(low, high, strict=True)):
        cut_before, cut_behind = max(0, -before), max(0, -behind)
        x = slice_of(g, x, d, cut_before, g.shape_of(x)[d] - cut_before - cut_behind)
    low, high = [max(0, n) for n in low], [max(0, n) for n in high]
    if not any((*low, *high)):
        return x
    floating = g.dtype_of(x).is_floating_point
    attribute = FloatAttr(float(value), f64) if floating else IntegerAttr(int(value), i64)
    return g(PadOp, x, low=low, high=high, value=attribute)


def _pad_by_places(
    g: Emitter, x: SSAValue, dimension: int, before: Size, behind: Size, value: float | int
) -> SSAValue:
    """Along a dimension by how much only a run knows, which may be nothing: every element looks up its own."""
    shape = g.shape_of(x)
    size = shape[dimension]
    place = g(IotaOp, shape=(before + size + behind,), dimension=0)
    place = g(SubOp, place, g.number(before, torch.int64))
    end, zero = g.number(size, torch.int64), g.constant(0, torch.int64)
    inside = g(AndOp, g(CompareOp, place, zero, predicate="ge"), g(CompareOp, place, end, predicate="lt"))
    wide = g(GatherOp, x, g(SelectOp, inside, place, zero), dimension=dimension)
    inside = g.reshape(inside, (*g.shape_of(inside), *(1,) * (len(shape) - 1 - dimension)))
    return g(SelectOp, inside, wide, g.constant(value, g.dtype_of(x)))


@imports(
    "aten.view.default",
    "aten._unsafe_view.default",
    "aten.reshape.default",
    "aten.squeeze.default",
    "aten.squeeze.dim",
    "aten.squeeze.dims",
    "aten.unsqueeze.default",
    "aten.view_copy.default",
    moves=True,
)
def reshape(g: Emitter, x: SSAValue, *_: object) -> SSAValue:
    return g.reshape(x, g.shape)


@imports(
    "aten.alias.default",
    "aten.detach.default",
    "aten.clone.default",
    "aten.lift_fresh_copy.default",
    "aten.contiguous.default",
    "prims.copy_strided.default",
    moves=True,
)
def same(g: Emitter, x: SSAValue, *_: object) -> SSAValue:
    """Values are never written in place: a copy is the value itself."""
    return x


@imports("aten._assert_tensor_metadata.default", moves=True)
def nothing(g: Emitter, *_: object) -> None:
    """Checks what capture has fixed."""


@imports("aten._to_copy.default", "prims.convert_element_type.default", moves=True)
def convert(g: Emitter, x: SSAValue, *_: object) -> SSAValue:
    source, target = g.fake(0).dtype, g.dtype
    if source == target:
        return x
    if source == torch.uint8:
        return g.cast(g.widen(x), target)
    if target == torch.uint8 and source == torch.float64:
        raise NotSupported("a conversion of floats to unsigned bytes")
    if target == torch.uint8 and source == torch.float32:
        # Single precision has no low byte where 32 bits do not suffice.
        return g.cast(g.cast(x, torch.int32), target)
    return g.cast(x, target)


@imports("aten.permute.default", moves=True)
def permute(g: Emitter, x: SSAValue, order: Sequence[int]) -> SSAValue:
    return g.transpose(x, [d % len(order) for d in order])


@imports("aten.transpose.int", moves=True)
def transpose(g: Emitter, x: SSAValue, a: int, b: int) -> SSAValue:
    order = list(range(len(g.shape)))
    if order:
        order[a], order[b] = order[b], order[a]
    return g.transpose(x, order)


@imports("aten.t.default", moves=True)
def t(g: Emitter, x: SSAValue) -> SSAValue:
    return g.transpose(x, range(len(g.shape))[::-1])


@imports("aten.copy.default")
def copy(g: Emitter, into: SSAValue, x: SSAValue, non_blocking: bool) -> SSAValue:
    """The functional form of `into.copy_(x)`."""
    return broadcast(g, g.cast(x, g.dtype), g.shape)


@imports("aten.expand.default", moves=True)
def expand(g: Emitter, x: SSAValue, *_: object) -> SSAValue:
    return broadcast(g, x, g.shape)


@imports("aten.repeat.default", moves=True)
def repeat(g: Emitter, x: SSAValue, repeats: Sequence[int]) -> SSAValue:
    """Every dimension [n] as [1, n], broadcast to [r, n], as [r * n]."""
    source = (*(1,) * (len(repeats) - len(g.shape_of(x))), *g.shape_of(x))
    split = [m for n in source for m in (1, n)]
    wide = [m for r, n in zip(repeats, source, strict=True) for m in (r, n)]
    return g.reshape(broadcast(g, g.reshape(x, split), wide), g.shape)


@imports("aten.slice.Tensor", moves=True)
def slice_tensor(
    g: Emitter, x: SSAValue, dimension: int, start: int | None, end: int | None, step: int
) -> SSAValue:
    dimension %= len(g.shape)
    size = g.shape_of(x)[dimension]
    return slice_of(g, x, dimension, _begin(size, start, end, step), g.shape[dimension], step)


def _begin(size: Size, start: Size | None, end: Size | None, step: int) -> Any:
    """Where a slice begins."""
    if is_static(n for n in (size, start, end) if n is not None):
        return range(static(size, "a slice"))[slice(start, end, step)].start
    start = 0 if start is None else start
    return min(start + size if start < 0 else start, size)


@imports("aten.select.int", moves=True)
def select(g: Emitter, x: SSAValue, dimension: int, index: int) -> SSAValue:
    shape = g.shape_of(x)
    dimension %= len(shape)
    return g.reshape(slice_of(g, x, dimension, index if index >= 0 else index + shape[dimension], 1), g.shape)


@imports("aten.split.Tensor", "aten.split_with_sizes.default", "aten.unsafe_split.Tensor", moves=True)
def split(g: Emitter, x: SSAValue, sizes: object, dimension: int) -> tuple[SSAValue, ...]:
    dimension %= len(g.shape)
    parts: list[SSAValue] = []
    start = 0
    for part in g.node.meta["val"]:
        length = size_of(part.shape[dimension])
        parts.append(slice_of(g, x, dimension, start, length))
        start += length
    return tuple(parts)


@imports("aten.unbind.int", moves=True)
def unbind(g: Emitter, x: SSAValue, dimension: int) -> tuple[SSAValue, ...]:
    shape = g.shape_of(x)
    dimension %= len(shape)
    return tuple(g.reshape(slice_of(g, x, dimension, i, 1), g.shape) for i in range(shape[dimension]))


@imports("aten.cat.default", moves=True, empty=True)
def cat(g: Emitter, parts: Sequence[SSAValue], dimension: int) -> SSAValue:
    fakes = [node.meta["val"] for node in cast("list[torch.fx.Node]", g.node.args[0])]
    if any(fake.dtype == torch.uint8 != g.dtype for fake in fakes):
        raise NotSupported("a conversion of unsigned bytes")
    # The framework lets tensors of shape [0] take part in any concatenation.
    filled = [g.cast(p, g.dtype) for p, fake in zip(parts, fakes, strict=True) if not is_empty(fake)]
    return join(g, filled, dimension % len(g.shape))


def join(g: Emitter, parts: Sequence[SSAValue], dimension: int) -> SSAValue:
    return parts[0] if len(parts) == 1 else g(ConcatOp, *parts, dimension=dimension)


@imports("aten.stack.default", moves=True)
def stack(g: Emitter, parts: Sequence[SSAValue], dimension: int) -> SSAValue:
    dimension %= len(g.shape)
    row = (*g.shape[:dimension], 1, *g.shape[dimension + 1 :])
    return join(g, [g.reshape(p, row) for p in parts], dimension)


@imports("aten.constant_pad_nd.default", moves=True)
def constant_pad(g: Emitter, x: SSAValue, widths: Sequence[int], value: float | int) -> SSAValue:
    """`widths` holds (before, behind) of the last dimension first."""
    rank = len(g.shape)
    low, high = [0] * rank, [0] * rank
    for i in range(len(widths) // 2):
        low[rank - 1 - i], high[rank - 1 - i] = widths[2 * i], widths[2 * i + 1]
    return pad(g, x, low, high, signed_byte(int(value)) if g.dtype == torch.uint8 else value)


def signed_byte(value: int) -> int:
    """The number -128 to 127 with the bits of an unsigned byte."""
    return (value + 128) % 256 - 128


@imports("aten.flip.default", moves=True)
def flip(g: Emitter, x: SSAValue, dimensions: Sequence[int]) -> SSAValue:
    shape = g.shape
    for d in {d % len(shape) for d in dimensions} if shape else ():
        if shape[d] > 1:
            x = slice_of(g, x, d, shape[d] - 1, shape[d], -1)
    return x


@imports("aten.roll.default", moves=True)
def roll(g: Emitter, x: SSAValue, shifts: Sequence[int], dimensions: Sequence[int]) -> SSAValue:
    shape = g.shape
    if not dimensions:
        x, dimensions = g.reshape(x, (prod(shape),)), (0,)
    for shift, d in zip(shifts, dimensions, strict=True):
        d %= len(g.shape_of(x))
        size = g.shape_of(x)[d]
        if size > 1 and (shift := _modulo(shift, size)):
            tail, head = slice_of(g, x, d, size - shift, shift), slice_of(g, x, d, 0, size - shift)
            x = g(ConcatOp, tail, head, dimension=d)
    return g.reshape(x, shape)


def _modulo(shift: Size, size: Size) -> Any:
    """The remainder; of sizes that only a run knows where it is clear without a division."""
    if is_static((shift, size)):
        return static(shift, "a roll") % static(size, "a roll")
    shift = shift if shift >= 0 else shift + size
    if not 0 <= shift < size:
        raise StaticShapeRequired(f"{shift} modulo {size}")
    return shift


@imports("aten.slice_scatter.default", updates=True)
def slice_scatter(
    g: Emitter,
    x: SSAValue,
    source: SSAValue,
    dimension: int,
    start: int | None,
    end: int | None,
    step: int,
) -> SSAValue:
    """x with a slice replaced: what is before it, the slice, what is behind."""
    dimension %= len(g.shape)
    size, length = g.shape[dimension], g.shape_of(source)[dimension]
    if step != 1:
        return _scatter_with_step(g, x, source, dimension, range(size)[slice(start, end, step)])
    begin = _begin(size, start, end, 1)
    parts = [(x, 0, begin), (g.cast(source, g.dtype), 0, length), (x, begin + length, size - begin - length)]
    return join(g, [slice_of(g, v, dimension, o, n) for v, o, n in parts if n], dimension)


def _scatter_with_step(g: Emitter, x: SSAValue, source: SSAValue, dimension: int, places: range) -> SSAValue:
    """x with every `places.step`-th element along a dimension replaced: each looks up which one it would get."""
    shape, step = g.shape, places.step
    along = (shape[dimension], *(1,) * (len(shape) - 1 - dimension))
    place = g(IotaOp, shape=along[:1], dimension=0)
    offset = g(SubOp, place, g.constant(places.start, torch.int64))
    number = g(DivOp, offset, g.constant(step, torch.int64))
    inside = g(CompareOp, offset, g.constant(0, torch.int64), predicate="ge")
    inside = g(AndOp, inside, g(CompareOp, number, g.constant(len(places), torch.int64), predicate="lt"))
    exact = g(CompareOp, g(MulOp, number, g.constant(step, torch.int64)), offset, predicate="eq")
    chosen = g(AndOp, inside, exact)
    number = g(SelectOp, chosen, number, g.constant(0, torch.int64))
    wide = g(GatherOp, g.cast(source, g.dtype), number, dimension=dimension)
    return g(SelectOp, g.reshape(chosen, along), wide, x)


@imports("aten.select_scatter.default")
def select_scatter(g: Emitter, x: SSAValue, source: SSAValue, dimension: int, index: int) -> SSAValue:
    dimension %= len(g.shape)
    index %= g.shape[dimension]
    row = (*g.shape[:dimension], 1, *g.shape[dimension + 1 :])
    return slice_scatter(g, x, g.reshape(source, row), dimension, index, index + 1, 1)


@imports("aten.full.default", "aten.full_like.default", "aten.new_full.default", moves=True)
def full(g: Emitter, like: object, value: float | int | bool, *_: object) -> SSAValue:
    if g.node.target is torch.ops.aten.new_full.default:
        value = g.node.args[2]  # pyright: ignore[reportAssignmentType]
    if isinstance(value, SSAValue | Dim):
        return broadcast(g, g.operand(value, g.dtype), g.shape)
    return g.constant(signed_byte(int(value)) if g.dtype == torch.uint8 else value, g.dtype, g.shape)


@imports(
    "aten.zeros.default",
    "aten.zeros_like.default",
    "aten.new_zeros.default",
    "aten.empty.memory_format",
    "aten.empty_like.default",
    "aten.empty_permuted.default",
    "aten.empty_strided.default",
    "aten.new_empty.default",
    "aten.new_empty_strided.default",
    moves=True,
)
def zeros(g: Emitter, *_: object) -> SSAValue:
    """What `empty` holds is undefined: zeros are as good as anything."""
    return g.constant(0, g.dtype, g.shape)


@imports("aten.ones.default", "aten.ones_like.default", "aten.new_ones.default", moves=True)
def ones(g: Emitter, *_: object) -> SSAValue:
    return g.constant(1, g.dtype, g.shape)


@imports("aten.scalar_tensor.default")
def scalar_tensor(g: Emitter, value: SSAValue | float | int | bool, *_: object) -> SSAValue:
    return g.operand(value, g.dtype)


@imports("aten.arange.start_step")
def arange(g: Emitter, start: float, end: float, step: float, *_: object) -> SSAValue:
    """start + i * step; floats are computed in double precision, as the framework does."""
    place = g(IotaOp, shape=g.shape, dimension=0)
    exact = torch.float64 if g.dtype.is_floating_point else torch.int64
    value = g.cast(place, exact)
    if isinstance(step, Dim) or step != 1:
        value = g(MulOp, value, g.operand(step, exact))
    if isinstance(start, Dim) or start != 0:
        value = g(AddOp, value, g.operand(start, exact))
    return g.cast(value, g.dtype)


@imports("aten.tril.default", "aten.triu.default")
def triangle(g: Emitter, x: SSAValue, diagonal: int) -> SSAValue:
    """x where column - row <= diagonal (tril) or >= diagonal (triu), else 0."""
    matrix = g.shape[-2:]
    rows, columns = (g(IotaOp, shape=matrix, dimension=d) for d in (0, 1))
    predicate = "le" if "tril" in str(g.node.target) else "ge"
    limit = g.constant(diagonal, torch.int64)
    kept = g(CompareOp, g(SubOp, columns, rows), limit, predicate=predicate)
    return g(SelectOp, kept, x, g.constant(0, g.dtype))
