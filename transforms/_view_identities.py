"""Views that say nothing, or that say together what one of them could."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.ir import SSAValue

from dlp.dialects.dlp.contraction import MatmulOp
from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder, int_list
from dlp.dialects.dlp.view import (
    BroadcastOp,
    ConcatOp,
    CopyOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    ViewOp,
    reshape_groups,
)

from ._algebra_rules import Rule
from ._carried_views import shape_of
from ._constants import splat, splat_value
from ._free_reshape import reshapes_freely


def constants_viewed(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A view of a constant is a constant."""
    number = splat_value(op.operands[0])
    return None if number is None else splat(b, number, op.element_type, op.shape)


def copies_dropped(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """On tensors a copy is the value."""
    return op.operands[0]


def transposes_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """transpose(transpose(x)) is one; one that leaves every dimension in its place is nothing."""
    x, order = op.operands[0], cast(TransposeOp, op).order
    if order == tuple(range(len(order))):
        return x
    if isinstance(x.owner, TransposeOp):
        return b(TransposeOp, x.owner.operands[0], permutation=[x.owner.order[d] for d in order])
    return None


def transposes_joined(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """transpose(reshape(transpose(x))) is one transpose: what the reshape cuts is cut before, what it joins behind."""
    reshape = op.operands[0].owner
    if not isinstance(reshape, ReshapeOp) or not reshape.result.has_one_use():
        return None
    first = reshape.operands[0].owner
    if not isinstance(first, TransposeOp) or not first.result.has_one_use():
        return None
    if reshapes_freely(first.result, reshape.shape):
        return None
    x = first.operands[0]
    source = shape_of(x)
    pieces: dict[int, Sequence[int]] = {}
    places: dict[int, list[tuple[int, int]]] = {}
    for cut, joined in reshape_groups(first.shape, reshape.shape):
        if len(cut) == 1:
            pieces[first.order[cut[0]]] = [reshape.shape[d] for d in joined]
            places |= {d: [(first.order[cut[0]], i)] for i, d in enumerate(joined)}
        elif len(joined) <= 1:
            pieces |= {first.order[d]: [first.shape[d]] for d in cut}
            places |= {d: [(first.order[k], 0) for k in cut] for d in joined}
        else:
            return None
    walk = [(s, i) for s in range(len(source)) for i in range(len(pieces[s]))]
    order = [walk.index(place) for d in cast(TransposeOp, op).order for place in places.get(d, ())]
    if len(order) != len(walk):
        return None
    parts = b(ReshapeOp, x, shape=[pieces[s][i] for s, i in walk])
    return b(ReshapeOp, b(TransposeOp, parts, permutation=order), shape=op.shape)


def reshapes_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """reshape(reshape(x)) is one; one to the same shape is nothing."""
    x = op.operands[0]
    if x.type == op.res[0].type:
        return x
    return b(ReshapeOp, x.owner.operands[0], shape=op.shape) if isinstance(x.owner, ReshapeOp) else None


def slices_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """slice(slice(x)) is one; one of everything is nothing."""
    x, this = op.operands[0], cast(SliceOp, op)
    offsets, steps = int_list(this.offsets), int_list(this.steps)
    if x.type == op.res[0].type and all(o == 0 for o in offsets) and all(s == 1 for s in steps):
        return x
    if not isinstance(x.owner, SliceOp):
        return None
    inner_offsets, inner_steps = int_list(x.owner.offsets), int_list(x.owner.steps)
    return b(
        SliceOp,
        x.owner.operands[0],
        shape=op.shape,
        offsets=[i + o * t for i, o, t in zip(inner_offsets, offsets, inner_steps, strict=True)],
        steps=[s * t for s, t in zip(steps, inner_steps, strict=True)],
    )


def broadcasts_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """broadcast(broadcast(x)) is one; one to the same shape is nothing."""
    x = op.operands[0]
    if x.type == op.res[0].type:
        return x
    return b(BroadcastOp, x.owner.operands[0], shape=op.shape) if isinstance(x.owner, BroadcastOp) else None


def pads_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """pad(pad(x)) with one fill is one; a frame of no width is nothing."""
    x, pad = op.operands[0], cast(PadOp, op)
    if x.type == op.res[0].type:
        return x
    if not isinstance(x.owner, PadOp) or x.owner.value != pad.value:
        return None
    low = [a + c for a, c in zip(int_list(pad.low), int_list(x.owner.low), strict=True)]
    high = [a + c for a, c in zip(int_list(pad.high), int_list(x.owner.high), strict=True)]
    return b(PadOp, x.owner.operands[0], low=low, high=high, value=pad.value)


def concats_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A concatenation of one value is that value; empty parts go, and one inside another opens up."""
    axis = cast(ConcatOp, op).axis
    parts: list[SSAValue] = []
    for x in op.operands:
        inner = x.owner
        if isinstance(inner, ConcatOp) and inner.axis == axis and x.has_one_use():
            parts += inner.operands
        elif shape_of(x)[axis] != 0:
            parts.append(x)
    if len(parts) == 1:
        return parts[0]
    return b(ConcatOp, *parts, dimension=axis) if parts and parts != list(op.operands) else None


def concats_shared(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A concatenation that an earlier one has begun goes on from it (DenseNet): concat(x, y, z) from concat(x, y)."""
    axis, parts = cast(ConcatOp, op).axis, tuple(op.operands)
    found: tuple[int, int, ConcatOp] | None = None
    for start, x in enumerate(parts[:-1]):
        for use in x.uses:
            other = use.operation
            length = len(other.operands)
            if (
                isinstance(other, ConcatOp)
                and other.axis == axis
                and use.index == 0
                and 2 <= length < len(parts)
                and parts[start : start + length] == tuple(other.operands)
                and (found is None or length > found[0])
                and other.res
                and other.result.uses
                and other.parent is op.parent
                and other.is_before_in_block(op)
            ):
                found = length, start, other
    if found is None:
        return None
    length, start, other = found
    return b(ConcatOp, *parts[:start], other.result, *parts[start + length :], dimension=axis)


def leading_broadcasts_dropped(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """The leading dimensions of a matrix product broadcast by themselves."""
    for i, x in enumerate(op.operands):
        if not isinstance(x.owner, BroadcastOp) or op.properties.get("panel") is not None:
            continue
        narrow = x.owner.operands[0]
        if len(shape_of(narrow)) < 2 or shape_of(narrow)[-2:] != shape_of(x)[-2:]:
            continue
        ins = [narrow if j == i else y for j, y in enumerate(op.operands)]
        shape, _ = MatmulOp.infer([v.type for v in ins], op.properties)  # pyright: ignore[reportArgumentType]
        if shape == op.shape:
            return b(MatmulOp, *ins)
    return None


VIEW_IDENTITIES: dict[type, tuple[Rule, ...]] = {
    CopyOp: (copies_dropped,),
    TransposeOp: (transposes_merged, transposes_joined),
    ReshapeOp: (reshapes_merged,),
    SliceOp: (slices_merged,),
    BroadcastOp: (broadcasts_merged,),
    PadOp: (pads_merged,),
    ConcatOp: (concats_merged, concats_shared),
    MatmulOp: (leading_broadcasts_dropped,),
    ViewOp: (constants_viewed,),
}
"""Rules by the class of op, or a base class of it, that they are for."""
