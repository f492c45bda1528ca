"""Memref types of buffers and of views of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, StridedLayoutAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from dlp.codegen.c_types import BYTES, element
from dlp.dialects.dlp.view import Layout, ReshapeOp

Buffer: TypeAlias = MemRefType[Attribute]


# Making a type checks it, which costs more than all else here; networks have few types.
@functools.lru_cache(maxsize=4096)
def buffer_type(tensor: Attribute) -> Buffer:
    """The contiguous buffer that holds a tensor."""
    assert isinstance(tensor, TensorType)
    return MemRefType(cast(Attribute, tensor.element_type), tensor.get_shape())


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides, in elements."""
    return tuple(prod(shape[d + 1 :]) for d in range(len(shape)))


def layout_of(type_: Buffer) -> tuple[int | None, tuple[int, ...]]:
    """Offset (None: not known) and strides of a buffer with static strides."""
    strides = type_.get_strides()
    assert strides is not None
    return type_.get_offset(), tuple(cast(int, s) for s in strides)


@functools.lru_cache(maxsize=4096)
def strided_type(
    element_type: Attribute, shape: tuple[int, ...], layout: tuple[int | None, tuple[int, ...]]
) -> Buffer:
    """A memref type; without a layout where the buffer is contiguous from its first element."""
    offset, strides = layout
    if offset == 0 and strides == contiguous_strides(shape):
        return MemRefType(element_type, shape)
    return MemRefType(element_type, shape, StridedLayoutAttr(strides, offset))


def bytes_of(type_: Buffer) -> int:
    """Bytes of a buffer's elements."""
    return prod(type_.get_shape()) * BYTES[element(type_)]


def reinterpret(root: SSAValue, shape: tuple[int, ...], layout: Layout) -> Operation:
    """A view of a buffer that has offset 0."""
    element_type = cast(Buffer, root.type).element_type
    offset, strides = layout
    return memref.ReinterpretCastOp(
        root, [], [], [], [offset], shape, strides, strided_type(element_type, shape, layout)
    )


def subview(
    source: SSAValue, offsets: Sequence[int], sizes: Sequence[int], steps: Sequence[int]
) -> Operation:
    """A part of a buffer, of the same rank."""
    type_ = cast(Buffer, source.type)
    start, strides = layout_of(type_)
    if start is not None:
        start += sum(o * s for o, s in zip(offsets, strides, strict=True))
    steps_in_elements = tuple(a * b for a, b in zip(strides, steps, strict=True))
    # Its result keeps its strides even where it is contiguous: so says the op.
    result = _with_layout(type_.element_type, tuple(sizes), start, steps_in_elements)
    return memref.SubviewOp.get(source, offsets, sizes, steps, result)


@functools.lru_cache(maxsize=4096)
def _with_layout(
    element_type: Attribute, shape: tuple[int, ...], offset: int | None, strides: tuple[int, ...]
) -> Buffer:
    return MemRefType(element_type, shape, StridedLayoutAttr(strides, offset))


def allocate(type_: Buffer) -> memref.AllocOp:
    """A buffer of its own."""
    return memref.AllocOp([], [], type_)


def reshape_root(value: SSAValue) -> SSAValue:
    """The tensor whose elements, all of them in the same order, `value` has under another shape."""
    while isinstance(value.owner, ReshapeOp):
        value = value.owner.ins[0]
    return value
