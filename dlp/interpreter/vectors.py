"""The vector dialect; a vector is an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from xdsl.dialects import vector
from xdsl.dialects.builtin import DYNAMIC_INDEX, VectorType
from xdsl.ir import Attribute, Operation

from dlp.dialects.x86vector import MaskScaleFOp

from .dtypes import dtype_of
from .errors import InterpreterError
from .handlers import handles
from .memory import Buffer, checked_index

if TYPE_CHECKING:
    from .interpreter import Frame


def _lanes(of: Attribute) -> tuple[int, ...]:
    return tuple(cast(VectorType[Attribute], of).get_shape())


def _row(op: Operation, buffer: Buffer, index: Sequence[Any], lanes: tuple[int, ...]) -> Buffer:
    """The memory of a vector: its last dimension runs along the last dimension of the buffer."""
    position = checked_index(op, buffer, index)
    offset = sum(i * s for i, s in zip(position, buffer.strides, strict=True))
    lead = len(buffer.shape) - len(lanes)
    return buffer.view(offset, lanes, buffer.strides[lead:])


@handles("vector.load")
def _load(frame: Frame, op: vector.LoadOp, operands: Sequence[Any]) -> Sequence[Any]:
    """Lanes behind the end of a row read on in memory, as in C, but not behind the end of the allocation."""
    row = _row(op, operands[0], operands[1:], _lanes(op.result.type))
    return (row.read(frame.interpreter.check_reads),)


@handles("vector.store")
def _store(frame: Frame, op: vector.StoreOp, operands: Sequence[Any]) -> Sequence[Any]:
    value, buffer, *index = operands
    position = checked_index(op, buffer, index)
    for i, n, lanes in zip(reversed(position), reversed(buffer.shape), reversed(value.shape), strict=False):
        if i + lanes > n:
            raise InterpreterError(
                f"vector.store: {lanes} lanes from index {position} leave the shape {buffer.shape}"
            )
    _row(op, buffer, index, value.shape).write(value)
    return ()


@handles("vector.maskedload")
def _maskedload(frame: Frame, op: vector.MaskedLoadOp, operands: Sequence[Any]) -> Sequence[Any]:
    buffer, *index, mask, passthrough = operands
    result = np.array(passthrough)
    for lane in np.flatnonzero(mask):
        place = _row(op, buffer, [*index[:-1], index[-1] + lane], (1,))
        result[lane] = place.read(frame.interpreter.check_reads)[0]
    return (result,)


@handles("vector.maskedstore")
def _maskedstore(frame: Frame, op: vector.MaskedStoreOp, operands: Sequence[Any]) -> Sequence[Any]:
    buffer, *index, mask, value = operands
    for lane in np.flatnonzero(mask):
        buffer.write(value[lane], checked_index(op, buffer, [*index[:-1], index[-1] + lane]))
    return ()


@handles("vector.create_mask")
def _create_mask(frame: Frame, op: vector.CreateMaskOp, operands: Sequence[Any]) -> Sequence[Any]:
    lanes = _lanes(op.results[0].type)
    grids = np.ogrid[tuple(slice(n) for n in lanes)]
    mask = np.ones(lanes, np.bool_)
    for grid, bound in zip(grids, operands, strict=True):
        mask &= grid < bound
    return (mask,)


@handles("vector.broadcast", "vector.splat")
def _broadcast(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    return (np.broadcast_to(operands[0], _lanes(op.results[0].type)),)


@handles("vector.step")
def _step(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    of = cast(VectorType[Attribute], op.results[0].type)
    return (np.arange(of.get_shape()[0], dtype=dtype_of(of.element_type)),)


_REDUCE: Mapping[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
    "maxnumf": np.fmax,
    "minnumf": np.fmin,
    "maxsi": np.maximum,
    "minsi": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


@handles("vector.reduction")
def _reduction(frame: Frame, op: vector.ReductionOp, operands: Sequence[Any]) -> Sequence[Any]:
    combine = _REDUCE.get(str(op.kind.data))
    if combine is None:
        raise InterpreterError(f"vector.reduction: the interpreter does not know the kind {op.kind.data}")
    values = operands[0]
    result = combine.reduce(values, axis=None, dtype=values.dtype)
    return (combine(operands[1], result) if len(operands) > 1 else result,)


def _position(static: Any, dynamic: Sequence[Any]) -> tuple[int, ...]:
    rest = iter(dynamic)
    return tuple(int(next(rest)) if p == DYNAMIC_INDEX else p for p in static.get_values())


@handles("vector.extract")
def _extract(frame: Frame, op: vector.ExtractOp, operands: Sequence[Any]) -> Sequence[Any]:
    return (operands[0][_position(op.static_position, operands[1:])],)


@handles("vector.insert")
def _insert(frame: Frame, op: vector.InsertOp, operands: Sequence[Any]) -> Sequence[Any]:
    value, target, *dynamic = operands
    result = np.array(target)
    result[_position(op.static_position, dynamic)] = value
    return (result,)


@handles("vector.shuffle")
def _shuffle(frame: Frame, op: vector.ShuffleOp, operands: Sequence[Any]) -> Sequence[Any]:
    both = np.concatenate([np.atleast_1d(o) for o in operands])
    return (both[list(cast(Sequence[int], op.mask.get_values()))],)


@handles("vector.bitcast")
def _bitcast(frame: Frame, op: vector.BitcastOp, operands: Sequence[Any]) -> Sequence[Any]:
    of = cast(VectorType[Attribute], op.results[0].type)
    return (np.ascontiguousarray(operands[0]).view(dtype_of(of.element_type)),)


@handles("x86vector.avx512.mask.scalef")
def _mask_scalef(frame: Frame, op: MaskScaleFOp, operands: Sequence[Any]) -> Sequence[Any]:
    source, a, b, mask, _ = operands
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (a.astype(np.float64) * np.exp2(np.floor(b.astype(np.float64)))).astype(a.dtype)
    lanes = (int(mask) >> np.arange(scaled.size)) & 1 != 0
    return (np.where(lanes, scaled, source),)
