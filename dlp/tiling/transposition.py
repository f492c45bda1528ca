"""Transposing copies: a square of elements is loaded as vectors along one dimension and stored along the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from xdsl.dialects import vector
from xdsl.dialects.builtin import DenseArrayBase, MemRefType, VectorType, f32, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr

from dlp.dialects.dlp.structured import StructuredOp
from dlp.dialects.dlp.view import TransposeOp
from dlp.targets import Target

_MOST_LANES = 16
"""Longer vectors would need more registers than there are."""


def swapped_dimension(op: StructuredOp, target: Target) -> int | None:
    """The dimension of a transposing copy's result along which its operand lies in memory; None for all other ops."""
    lanes = target.vector_lanes
    if not isinstance(op, TransposeOp) or lanes == 1 or lanes > _MOST_LANES or lanes & (lanes - 1):
        return None
    source, result = cast(list[MemRefType[Attribute]], [op.ins[0].type, op.outs[0].type])
    if source.element_type not in (f32, i32) or not all(map(_contiguous, (source, result))):
        return None
    innermost = op.iteration_space().maps[0][-1]
    last = len(op.shape) - 1
    if not isinstance(innermost, AffineDimExpr) or innermost.position == last:
        return None
    return innermost.position


def is_square(op: StructuredOp, target: Target) -> bool:
    """Whether an op on a register tile is a transposing copy of whole squares."""
    d = swapped_dimension(op, target)
    if d is None or not all(n >= 0 for n in op.shape):
        return False
    others = [n for k, n in enumerate(op.shape[:-1]) if k != d]
    lanes = target.vector_lanes
    return op.shape[d] == lanes and op.shape[-1] % lanes == 0 and all(n == 1 for n in others)


def transposed(add: Callable[[Operation], Operation], rows: Sequence[SSAValue]) -> list[SSAValue]:
    """The columns of as many vectors as they have lanes, a power of two.

    In each step vectors at a distance s exchange the lanes whose number has the bit s, from far to near.
    """
    values, lanes = list(rows), len(rows)
    distance = lanes // 2
    while distance:
        for i in range(lanes):
            if not i & distance:
                a, b = values[i], values[i + distance]
                low = [lanes + lane - distance if lane & distance else lane for lane in range(lanes)]
                high = [lanes + lane if lane & distance else lane + distance for lane in range(lanes)]
                values[i], values[i + distance] = (_shuffled(add, a, b, mask) for mask in (low, high))
        distance //= 2
    return values


def _shuffled(
    add: Callable[[Operation], Operation], a: SSAValue, b: SSAValue, mask: Sequence[int]
) -> SSAValue:
    op = vector.ShuffleOp(
        a, b, DenseArrayBase.from_list(i64, mask), result_type=cast(VectorType[Attribute], a.type)
    )
    return add(op).results[0]


def _contiguous(buffer: MemRefType[Attribute]) -> bool:
    strides = buffer.get_strides()
    return strides is not None and strides[-1] == 1
