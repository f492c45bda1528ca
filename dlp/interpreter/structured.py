"""Structured ops by their definition: index maps and body evaluated on grids of the iteration space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, TypeVar, cast

import numpy as np
from xdsl.dialects.builtin import MemRefType, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineSymExpr,
)
from xdsl.utils.test_value import create_ssa_value

from dlp.dialects.dlp.dim import DimsAttr
from dlp.dialects.dlp.elementwise import SizeOp
from dlp.dialects.dlp.structured import DestinationOp, IterationSpace, Shape, StructuredOp, shape_of

from .body_builder import NumpyBodyBuilder
from .dtypes import Array, dtype_of
from .errors import InterpreterError
from .open_sizes import is_open, known

OpT = TypeVar("OpT", bound=DestinationOp)

# Reductions of up to so many points thread the accumulator through the body point by point, as the definition says;
# longer ones are combined in blocks with as many points as fit the bound below.
SEQUENTIAL_POINTS = 512
BLOCK_POINTS = 1 << 20

_COMBINE: Mapping[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "or": np.bitwise_or,
    "and": np.bitwise_and,
}


def evaluate(
    op: StructuredOp,
    ins: Sequence[Array],
    shape: Shape,
    initial: Array | None = None,
    symbols: Mapping[str, int] | None = None,
) -> Array:
    """The elements that `op` computes from the arrays `ins`.

    Args:
        shape: of the result; resolves sizes that the types leave open.
        initial: what the destination holds, for ops that accumulate.
        symbols: the sizes that only a run knows, in this one.

    Raises:
        InterpreterError: a map reads outside an operand, or the body gives another dtype than the result's.
    """
    op = with_static_shapes(op, [a.shape for a in ins], shape)
    if isinstance(op, SizeOp):
        op = SizeOp.of(size=DimsAttr.of(known(op.size.get_sizes(), symbols or {})))
    space = op.iteration_space()
    dtype = dtype_of(op.element_type)
    if op.COMBINER is None:
        return _full(op, _evaluate_points(op, space, ins, (), None), space.parallel, dtype)
    start = initial if op.accumulate is not None else dtype.type(op.neutral_value())
    if start is None:
        raise InterpreterError(f"{op.name}: accumulates, but has no destination to start from")
    accumulator = _full(op, start, space.parallel, dtype)
    points = prod(space.reduction)
    if points <= SEQUENTIAL_POINTS:
        for point in np.ndindex(*space.reduction):
            at = [np.int64(p) for p in point]
            accumulator = _full(op, _evaluate_points(op, space, ins, at, accumulator), space.parallel, dtype)
        return accumulator
    combine = _COMBINE[op.COMBINER]
    neutral = dtype.type(op.neutral_value())
    block = max(1, BLOCK_POINTS // max(1, prod(space.parallel)))
    for begin in range(0, points, block):
        flat = np.arange(begin, min(begin + block, points))
        at = np.unravel_index(flat, space.reduction)
        values = _full(op, _evaluate_points(op, space, ins, at, neutral), (*space.parallel, len(flat)), dtype)
        accumulator = combine(accumulator, combine.reduce(values, axis=-1, dtype=dtype))
    return accumulator


def with_static_shapes(op: OpT, shapes: Sequence[Shape], result_shape: Shape) -> OpT:
    """`op` as it would be if its types said the sizes that its operands turn out to have."""
    values = [*op.ins, *op.outs, *op.res]
    if not any(is_open(shape_of(v.type)) for v in values):
        return op
    ins = [_with_shape(v.type, s) for v, s in zip(op.ins, shapes, strict=True)]
    return op.on(ins, result_type=TensorType(op.element_type, result_shape))


def _with_shape(of: Attribute, shape: Shape) -> SSAValue:
    return create_ssa_value(TensorType(cast(MemRefType[Attribute], of).element_type, shape))


def _evaluate_points(
    op: StructuredOp, space: IterationSpace, ins: Sequence[Array], at: Sequence[Any], accumulator: Any
) -> Array:
    """The body on all parallel points, at one point of the reduction or at a row of them (the last axis)."""
    row = bool(len(at)) and at[0].ndim > 0
    axes = len(space.parallel) + row
    grid: list[Array] = []
    for axis, size in enumerate(space.parallel):
        along = [1] * axes
        along[axis] = size
        grid.append(np.arange(size, dtype=np.int64).reshape(along))
    grid.extend(at)
    values: list[Array | None] = [None] * len(ins)
    for direct in (True, False):
        for k, operand in enumerate(ins):
            if space.is_indirect(k) != direct:
                values[k] = _read(op, k, operand, space.maps[k], grid, values)
    return op.body(NumpyBodyBuilder(grid), cast(Sequence[Array], values), accumulator)


def _read(
    op: DestinationOp,
    k: int,
    operand: Array,
    index_map: Sequence[AffineExpr],
    grid: Sequence[Array],
    values: Sequence[Array | None],
) -> Array:
    if len(index_map) != operand.ndim:
        raise InterpreterError(
            f"{op.name}: the map of operand {k} has {len(index_map)} results, not {operand.ndim}"
        )
    index = tuple(np.asarray(evaluate_expression(e, grid, values)) for e in index_map)
    for d, (i, size) in enumerate(zip(index, operand.shape, strict=True)):
        if i.size and (i.min() < 0 or i.max() >= size):
            raise InterpreterError(
                f"{op.name}: reads operand {k} at {i.min()} to {i.max()} of dimension {d}, which has {size} elements"
            )
    return operand[index]


def evaluate_expression(e: AffineExpr, dims: Sequence[Any], symbols: Sequence[Any] = ()) -> Any:
    """An affine expression on integers or arrays of them."""
    match e:
        case AffineDimExpr():
            return dims[e.position]
        case AffineSymExpr():
            return symbols[e.position]
        case AffineConstantExpr():
            return np.int64(e.value)
        case AffineBinaryOpExpr():
            a, b = (evaluate_expression(x, dims, symbols) for x in (e.lhs, e.rhs))
            match e.kind:
                case AffineBinaryOpKind.Add:
                    return a + b
                case AffineBinaryOpKind.Mul:
                    return a * b
                case AffineBinaryOpKind.FloorDiv:
                    return a // b
                case AffineBinaryOpKind.CeilDiv:
                    return -(-a // b)
                case AffineBinaryOpKind.Mod:
                    return a % b
    raise InterpreterError(f"unknown affine expression {e}")


def _full(op: DestinationOp, value: Any, shape: Shape, dtype: np.dtype[Any]) -> Array:
    array = np.asarray(value)
    if array.dtype != dtype:
        raise InterpreterError(f"{op.name}: the body gives {array.dtype}, the result holds {dtype}")
    return np.broadcast_to(array, shape)
