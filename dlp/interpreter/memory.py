"""Memrefs: views of flat memory that is full of NaN until it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided
from xdsl.dialects import memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.ir import Attribute, Operation

from dlp.dialects.dlp.structured import dims_of

from .dtypes import Array, dtype_of, poison_of
from .errors import InterpreterError
from .handlers import handles
from .open_sizes import known, known_shape

if TYPE_CHECKING:
    from .interpreter import Frame


@dataclass(frozen=True)
class Buffer:
    """A strided view of an allocation.

    Attributes:
        memory: the whole allocation, flat.
        written: for each of its elements whether anybody has written it; None for memory that came from outside.
        offset, shape, strides: of the view, in elements.
    """

    memory: Array
    written: Array | None
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def allocate(cls, of: MemRefType[Attribute], shape: Sequence[int]) -> Buffer:
        """Memory for a memref type that nobody has written yet."""
        dtype = dtype_of(of.element_type)
        size = prod(shape)
        return cls(
            np.full(size, poison_of(dtype), dtype),
            np.zeros(size, np.bool_),
            0,
            tuple(shape),
            row_major(shape),
        )

    @classmethod
    def over(cls, array: Array) -> Buffer:
        """The memory of an array, shared with it."""
        strides = tuple(s // array.itemsize for s in array.strides)
        if any(s < 0 for s in strides):
            raise InterpreterError("an array with negative strides cannot be passed as a memref")
        extent = 1 + sum((n - 1) * s for n, s in zip(array.shape, strides, strict=True)) if array.size else 0
        return cls(as_strided(array, (extent,), (array.itemsize,)), None, 0, array.shape, strides)

    def view(self, offset: int, shape: Sequence[int], strides: Sequence[int]) -> Buffer:
        """Another view of the allocation, `offset` counted from where this one begins.

        Raises:
            InterpreterError: it leaves the allocation.
        """
        start = self.offset + offset
        reach = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
        first, last = start + sum(r for r in reach if r < 0), start + sum(r for r in reach if r > 0)
        if prod(shape) and not 0 <= first <= last < len(self.memory):
            raise InterpreterError(
                f"a view of elements {first} to {last} leaves its allocation of {len(self.memory)} elements"
            )
        return Buffer(self.memory, self.written, start, tuple(shape), tuple(strides))

    @cached_property
    def array(self) -> Array:
        return self._strided(self.memory)

    @cached_property
    def mask(self) -> Array | None:
        return None if self.written is None else self._strided(self.written)

    def _strided(self, flat: Array) -> Array:
        if not prod(self.shape):
            return np.empty(self.shape, flat.dtype)
        step = flat.strides[0]
        return as_strided(flat[self.offset :], self.shape, tuple(s * step for s in self.strides))

    def read(self, check: bool, index: Any = ...) -> Any:
        """The elements at `index`; a copy, so that writing to the buffer does not change what was read.

        Raises:
            InterpreterError: with `check`, when one of them was never written.
        """
        if check and self.mask is not None and not np.all(self.mask[index]):
            raise InterpreterError(f"reads memory that nobody has written (memref of shape {self.shape})")
        return np.array(self.array[index]) if index is ... else self.array[index]

    def write(self, value: Any, index: Any = ...) -> None:
        """Fill the elements at `index`."""
        self.array[index] = value
        if self.mask is not None:
            self.mask[index] = True


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a contiguous buffer."""
    return tuple(prod(shape[d + 1 :]) for d in range(len(shape)))


def check_layout(
    what: str, expected: MemRefType[Attribute], buffer: Buffer, symbols: Mapping[str, int]
) -> None:
    """Check that a buffer is what its type says: the generated C takes sizes and strides from the type.

    Raises:
        InterpreterError: it is not.
    """
    dims = dims_of(expected)
    strides = expected.get_strides() if dims is None else known(dims.get_strides(), symbols)
    shape = known_shape(expected, symbols)
    sizes_fit = all(n in (-1, m) for n, m in zip(shape, buffer.shape, strict=True))
    strides_fit = strides is None or all(
        s in (None, DYNAMIC_INDEX, -1, t) or n <= 1
        for s, t, n in zip(strides, buffer.strides, buffer.shape, strict=True)
    )
    if not (sizes_fit and strides_fit):
        raise InterpreterError(
            f"{what} has type {expected}, but is of shape {buffer.shape} with strides {buffer.strides}"
        )


def checked_index(op: Operation, buffer: Buffer, index: Sequence[Any]) -> tuple[int, ...]:
    """Indices into a buffer as Python integers.

    Raises:
        InterpreterError: one of them lies outside.
    """
    position = tuple(int(i) for i in index)
    if any(not 0 <= i < n for i, n in zip(position, buffer.shape, strict=True)):
        raise InterpreterError(f"{op.name}: index {position} lies outside of shape {buffer.shape}")
    return position


@handles("memref.alloc", "memref.alloca")
def _allocate(frame: Frame, op: memref.AllocOp | memref.AllocaOp, operands: Sequence[Any]) -> Sequence[Any]:
    of = cast(MemRefType[Attribute], op.memref.type)
    sizes = iter(operands[: len(op.dynamic_sizes)])
    buffer = Buffer.allocate(of, [int(next(sizes)) if n < 0 else n for n in of.get_shape()])
    check_layout(f"the result of {op.name}", of, buffer, frame.interpreter.symbols)
    return (buffer,)


@handles("memref.dealloc")
def _deallocate(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    return ()


@handles("memref.load")
def _load(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    buffer: Buffer = operands[0]
    return (buffer.read(frame.interpreter.check_reads, checked_index(op, buffer, operands[1:])),)


@handles("memref.store")
def _store(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    buffer: Buffer = operands[1]
    buffer.write(operands[0], checked_index(op, buffer, operands[2:]))
    return ()


@handles("memref.prefetch")
def _prefetch(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    checked_index(op, operands[0], operands[1:])
    return ()


@handles("memref.copy")
def _copy(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    source, destination = operands
    destination.write(source.read(frame.interpreter.check_reads))
    return ()


@handles("memref.view")
def _view(frame: Frame, op: memref.ViewOp, operands: Sequence[Any]) -> Sequence[Any]:
    """A typed piece of a buffer of bytes."""
    source, shift, *sizes = operands
    of = cast(MemRefType[Attribute], op.results[0].type)
    dtype = dtype_of(of.element_type)
    rest = iter(sizes)
    shape = [int(next(rest)) if n < 0 else n for n in of.get_shape()]
    begin, size = int(shift) + source.offset, prod(shape) * dtype.itemsize
    if begin < 0 or begin + size > len(source.memory):
        raise InterpreterError(
            f"memref.view: bytes {begin} to {begin + size} leave {len(source.memory)} bytes"
        )
    memory = source.memory[begin : begin + size].view(dtype)
    # One mark for each element: that of its first byte.
    written = None if source.written is None else source.written[begin : begin + size : dtype.itemsize]
    return (Buffer(memory, written, 0, tuple(shape), row_major(shape)),)


@handles("memref.subview")
def _subview(frame: Frame, op: memref.SubviewOp, operands: Sequence[Any]) -> Sequence[Any]:
    source: Buffer = operands[0]
    offsets, sizes, steps = _geometry(op, operands)
    for d, (o, n, s, m) in enumerate(zip(offsets, sizes, steps, source.shape, strict=True)):
        if n > 0 and not (o >= 0 and o + (n - 1) * s < m):
            raise InterpreterError(
                f"memref.subview: dimension {d} covers {o} to {o + (n - 1) * s}, the source has {m} elements"
            )
    offset = sum(o * s for o, s in zip(offsets, source.strides, strict=True))
    strides = [s * t for s, t in zip(steps, source.strides, strict=True)]
    of = cast(MemRefType[Attribute], op.result.type)
    kept = _kept_dimensions(of, known_shape(of, frame.interpreter.symbols), sizes)
    view = source.view(offset, [sizes[d] for d in kept], [strides[d] for d in kept])
    check_layout("the result of memref.subview", of, view, frame.interpreter.symbols)
    return (view,)


@handles("memref.reinterpret_cast")
def _reinterpret_cast(frame: Frame, op: memref.ReinterpretCastOp, operands: Sequence[Any]) -> Sequence[Any]:
    """The offset is counted from where the source begins, as in the generated C."""
    offsets, sizes, strides = _geometry(op, operands)
    view = cast(Buffer, operands[0]).view(offsets[0], sizes, strides)
    of = cast(MemRefType[Attribute], op.results[0].type)
    check_layout("the result of memref.reinterpret_cast", of, view, frame.interpreter.symbols)
    return (view,)


@handles("memref.cast", "memref.memory_space_cast")
def _cast(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    of = cast(MemRefType[Attribute], op.results[0].type)
    check_layout(f"the result of {op.name}", of, operands[0], frame.interpreter.symbols)
    return operands


@handles("memref.collapse_shape", "memref.expand_shape")
def _reshape(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    source: Buffer = operands[0]
    of = cast(MemRefType[Attribute], op.results[0].type)
    array = source.array.view()
    array.shape = known_shape(of, frame.interpreter.symbols)  # raises where the strides would need a copy
    view = source.view(0, array.shape, [s // array.itemsize for s in array.strides])
    return (view,)


@handles("memref.dim")
def _dim(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    return (np.int64(operands[0].shape[int(operands[1])]),)


def _geometry(
    op: memref.SubviewOp | memref.ReinterpretCastOp, operands: Sequence[Any]
) -> tuple[list[int], list[int], list[int]]:
    """Offsets, sizes and strides, static or from operands."""
    dynamic = iter(operands[1:])

    def take(values: Sequence[int]) -> list[int]:
        return [int(next(dynamic)) if v == DYNAMIC_INDEX else v for v in values]

    return tuple(  # pyright: ignore[reportReturnType]
        take(cast(Sequence[int], a.get_values()))
        for a in (op.static_offsets, op.static_sizes, op.static_strides)
    )


def _kept_dimensions(of: MemRefType[Attribute], shape: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Which dimensions of a subview its type, of this shape, keeps: dimensions of size 1 may be dropped."""
    if len(shape) == len(sizes):
        return list(range(len(sizes)))
    kept: list[int] = []
    for d, n in enumerate(sizes):
        remaining = len(sizes) - d
        if (
            len(kept) < len(shape)
            and (shape[len(kept)] in (n, -1))
            and (n != 1 or remaining == len(shape) - len(kept) or shape[len(kept)] == 1)
        ):
            kept.append(d)
    if len(kept) != len(shape):
        raise InterpreterError(f"memref.subview: sizes {list(sizes)} do not reduce to {of}")
    return kept
