"""How ops work on what their operands are views of (see `_carried_views.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue

from dlp.dialects.dlp.elementwise import ElementwiseOp
from dlp.dialects.dlp.reduction import ReduceOp
from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder, Shape, attribute_of, int_list, tensor_of
from dlp.dialects.dlp.view import (
    BroadcastOp,
    ConcatOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    ViewOp,
    reshape_groups,
)

from ._carried_views import Rule, ViewCarrier, inverse, keeps_order, shape_of


def transpose(c: ViewCarrier, op: DestinationOp) -> bool:
    """transpose(transpose(x)) is one transpose, or x."""
    c.carry(op, op.operands[0], cast(TransposeOp, op).order)
    return True


def reshape(c: ViewCarrier, op: DestinationOp) -> bool:
    """reshape(reshape(x)) is one reshape, or x; a reshape that keeps apart what a transpose moves goes before it."""
    x = op.operands[0]
    carried = c.carried.get(x)
    if carried is not None and carried.order is not None:
        if (source := c.in_order(x)) is not None:
            c.carry(op, source, None)
            return True
        before = reshape_before_transpose(shape_of(carried.source), carried.order, op.shape)
        if before is not None:
            shape, order = before
            c.instead(op, ReshapeOp.of(carried.source, shape=shape), order)
            return True
    c.carry(op, x, None)
    return True


def reshape_before_transpose(
    source: Shape, order: tuple[int, ...], result: Shape
) -> tuple[Shape, tuple[int, ...]] | None:
    """reshape(transpose(u, order)) to `result` as transpose(reshape(u, shape), order'): (shape, order').

    None where the reshape cuts across dimensions that the transpose tears apart.
    """
    groups = reshape_groups(tuple(source[d] for d in order), result)
    placed: list[tuple[int, list[int]]] = []
    place = -1
    for view_dims, result_dims in groups:
        places = [order[d] for d in view_dims if source[order[d]] != 1]
        if places and any(source[d] != 1 and d not in places for d in range(places[0], places[-1] + 1)):
            return None
        if places != sorted(places):
            return None
        place = places[0] if places else min((order[d] for d in view_dims), default=place)
        placed.append((place, result_dims))
    placed.sort(key=lambda group: group[0])
    walk = [d for _, result_dims in placed for d in result_dims]
    return tuple(result[d] for d in walk), inverse(tuple(walk))


def elementwise(c: ViewCarrier, op: DestinationOp) -> bool:
    """f(view(x), y) is view(f(x, y')): y' is y in x's order, which must not cost more than it saves."""
    if not op.operands or -1 in op.shape:
        return False
    order = _cheapest_order(c, op, [x for x in op.operands if len(shape_of(x)) == len(op.shape)])
    if order is not None:
        b = GraphBuilder(op)
        ins = [in_order(c, b, x, order) for x in op.operands]
        c.instead(op, op.on(ins, result_type=transposed_type(op, order)), order)
        return True
    return _elementwise_before_reshape(c, op)


def _cheapest_order(
    c: ViewCarrier, op: DestinationOp, candidates: Sequence[SSAValue]
) -> tuple[int, ...] | None:
    """The carried order in which `op` moves the fewest elements; None where the program's own is as good."""
    orders = {carried.order for x in candidates if (carried := c.carried.get(x)) is not None}
    orders.discard(None)
    if not orders:
        return None
    rank = len(op.shape)
    plain = (0, 0)
    for x in dict.fromkeys(op.operands):
        if (carried := c.carried.get(x)) is not None and carried.order is not None:
            plain = (plain[0] + (0 if c.in_order(x) is not None else c.cost(x)), plain[1] + 1)
    best: tuple[tuple[int, int], tuple[int, ...]] | None = None
    for order in orders:
        assert order is not None
        moved = [x for x in dict.fromkeys(op.operands) if _needs_transpose(c, x, order, rank)]
        price = (sum(c.cost(x) for x in moved), len(moved))
        if best is None or price < best[0]:
            best = price, order
    assert best is not None
    return best[1] if best[0] < plain or (best[0] == plain and c.prefer_carried) else None


def _needs_transpose(c: ViewCarrier, x: SSAValue, order: tuple[int, ...], rank: int) -> bool:
    carried = c.carried.get(x)
    if carried is not None and carried.order == order:
        return False
    return not keeps_order(_shape_in_order(shape_of(x), order), order)


def _shape_in_order(shape: Shape, order: tuple[int, ...]) -> Shape:
    """The shape of u where v = transpose(u, order) has `shape` (after broadcasting to order's rank)."""
    aligned = (1,) * (len(order) - len(shape)) + shape
    return tuple(aligned[d] for d in inverse(order))


def transposed_type(op: DestinationOp, order: tuple[int, ...]) -> TensorType:
    """Type of the result seen through a transpose by `order`."""
    return tensor_of(op.element_type, _shape_in_order(op.shape, order))


def in_order(c: ViewCarrier, b: GraphBuilder, x: SSAValue, order: tuple[int, ...]) -> SSAValue:
    """The u whose transpose by `order` is x, up to broadcasting."""
    shape = shape_of(x)
    carried = c.carried.get(x)
    if carried is not None and carried.order == order:
        return carried.source
    if prod(shape) == 1:
        return c.real(x)
    target = _shape_in_order(shape, order)
    if keeps_order(target, order):
        if len(shape) < len(order):
            target = target[next(i for i, n in enumerate(target) if n != 1) :]
        return c.reshaped(b, x, target)
    if len(shape) < len(order):
        x = b(ReshapeOp, c.real(x), shape=(1,) * (len(order) - len(shape)) + shape)
        carried = None
    back = inverse(order)
    if carried is not None and carried.order is not None:
        x, back = carried.source, tuple(carried.order[d] for d in back)
    return b(TransposeOp, c.real(x), permutation=back)


def _elementwise_before_reshape(c: ViewCarrier, op: DestinationOp) -> bool:
    """f(reshape(x), y) is reshape(f(x, y')) where x has no more dimensions and y can be cut like it."""
    sources: list[Shape] = []
    for x in op.operands:
        carried = c.carried.get(x)
        if carried is None or shape_of(x) != op.shape:
            continue
        if carried.order is None and (x not in c.weights or op.results[0] in c.weights):
            sources.append(shape_of(carried.source))
        elif carried.order is not None and x not in c.weights:
            return False
    if not sources:
        return False
    source = min(sources, key=len)
    if len(source) > len(op.shape):
        return False
    groups = reshape_groups(source, op.shape)
    shapes = [_shape_before_reshape(c, x, source, op.shape, groups) for x in op.operands]
    if any(shape is None for shape in shapes):
        return False
    b = GraphBuilder(op)
    ins = [c.reshaped(b, x, cast(Shape, shape)) for x, shape in zip(op.operands, shapes, strict=True)]
    c.instead(op, op.on(ins, result_type=tensor_of(op.element_type, source)), None)
    return True


def _shape_before_reshape(
    c: ViewCarrier, x: SSAValue, source: Shape, result: Shape, groups: list[tuple[list[int], list[int]]]
) -> Shape | None:
    """The shape in which an operand that broadcasts to `result` broadcasts to `source` instead."""
    shape = shape_of(x)
    if prod(shape) == 1 and shape != result:
        return ()
    aligned = (1,) * (len(result) - len(shape)) + shape
    found = [1] * len(source)
    for source_dims, result_dims in groups:
        part = [aligned[d] for d in result_dims]
        if part == [result[d] for d in result_dims]:
            for d in source_dims:
                found[d] = source[d]
        elif any(n != 1 for n in part):
            return None
    if shape != result:
        while found and found[0] == 1:
            found.pop(0)
    new = tuple(found)
    if x not in c.weights and [n for n in new if n != 1] != [n for n in shape if n != 1]:
        carried = c.carried.get(x)
        owner = x.owner
        if carried is not None and carried.order is not None:
            return None
        # A reshape of what lies in memory with gaps would be a copy.
        if carried is None and isinstance(owner, ViewOp) and not isinstance(owner, ReshapeOp):
            return None
    return new


def reduce(c: ViewCarrier, op: DestinationOp) -> bool:
    """sum(view(x)) is view(sum(x)) over the dimensions where the reduced ones come from."""
    assert isinstance(op, ReduceOp)
    carried = c.carried.get(op.operands[0])
    if carried is None or -1 in op.shape:
        return False
    reduced = set(int_list(op.dims))
    source = shape_of(carried.source)
    if carried.order is not None:
        over = sorted(carried.order[d] for d in reduced)
    else:
        seen = op.in_shape(0)
        if len(source) > len(seen):
            return False
        over = []
        for source_dims, seen_dims in reshape_groups(source, seen):
            inside = {d in reduced for d in seen_dims if seen[d] != 1}
            if len(inside) > 1:
                return False
            if inside == {True}:
                over += source_dims
        if not over:
            return False
    new_shape = tuple(1 if d in over else n for d, n in enumerate(source))
    new = op.on([carried.source], result_type=tensor_of(op.element_type, new_shape))
    new.properties["dims"] = attribute_of(over)
    c.instead(op, new, carried.order)
    return True


def per_dimension(*names: str) -> Rule:
    """Ops of one operand whose properties `names` hold a number for each dimension: pad and slice."""

    def rule(c: ViewCarrier, op: DestinationOp) -> bool:
        carried = c.carried.get(op.operands[0])
        if carried is None or carried.order is None or _grows_in_vain(c, op):
            return False
        new = op.on([carried.source], result_type=transposed_type(op, carried.order))
        for name in names:
            values = int_list(op.properties[name])
            new.properties[name] = attribute_of([values[d] for d in inverse(carried.order)])
        c.instead(op, new, carried.order)
        return True

    return rule


def _grows_in_vain(c: ViewCarrier, op: DestinationOp) -> bool:
    """Whether a transpose behind the op, which makes its operand larger, would only cost more than before it."""
    return prod(op.shape) > prod(op.in_shape(0)) and not c.prefer_carried and op.operands[0] not in c.weights


def concat(c: ViewCarrier, op: DestinationOp) -> bool:
    """concat(transpose(x), transpose(y)) is transpose(concat(x, y)) along the dimension where it comes from."""
    assert isinstance(op, ConcatOp)
    order = _cheapest_order(c, op, op.operands)
    if order is None:
        return False
    b = GraphBuilder(op)
    new = op.on([in_full_order(c, b, x, order) for x in op.operands], result_type=transposed_type(op, order))
    new.properties["dimension"] = attribute_of(order[op.axis])
    c.instead(op, new, order)
    return True


def in_full_order(c: ViewCarrier, b: GraphBuilder, x: SSAValue, order: tuple[int, ...]) -> SSAValue:
    """`in_order` for an op that does not broadcast: the rank and dimensions of size 1 are kept."""
    source = in_order(c, b, x, order)
    target = _shape_in_order(shape_of(x), order)
    return source if shape_of(source) == target else c.reshaped(b, x, target)


def broadcast(c: ViewCarrier, op: DestinationOp) -> bool:
    """broadcast(transpose(x)) is transpose(broadcast(x))."""
    carried = c.carried.get(op.operands[0])
    if carried is None or carried.order is None or _grows_in_vain(c, op):
        return False
    lead = len(op.shape) - len(carried.order)
    order = (*range(lead), *(lead + d for d in carried.order))
    c.instead(op, op.on([carried.source], result_type=transposed_type(op, order)), order)
    return True


STARTS: tuple[type[Operation], ...] = (TransposeOp, ReshapeOp)
"""Ops whose rule applies although nothing is carried to them."""

RULES: dict[type[Operation], Rule] = {
    TransposeOp: transpose,
    ReshapeOp: reshape,
    ElementwiseOp: elementwise,
    ReduceOp: reduce,
    PadOp: per_dimension("low", "high"),
    SliceOp: per_dimension("offsets", "steps"),
    ConcatOp: concat,
    BroadcastOp: broadcast,
}
