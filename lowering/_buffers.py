"""Memref types of buffers and of views of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, StridedLayoutAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from dlp.codegen.c_types import BYTES, element
from dlp.dialects.dlp.view import Layout, ReshapeOp

Buffer: TypeAlias = MemRefType[Attribute]


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


def strided_type(element_type: Attribute, shape: Sequence[int], layout: tuple[int | None, Sequence[int]]) -> Buffer:
    """A memref type; without a layout where the buffer is contiguous from its first element."""
    offset, strides = layout
    if offset == 0 and tuple(strides) == contiguous_strides(shape):
        return MemRefType(element_type, shape)
    return MemRefType(element_type, shape, StridedLayoutAttr(strides, offset))


def bytes_of(type_: Buffer) -> int:
    """Bytes of a buffer's elements."""
    return prod(type_.get_shape()) * BYTES[element(type_)]


def reinterpret(root: SSAValue, shape: Sequence[int], layout: Layout) -> Operation:
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
    return memref.SubviewOp.from_static_parameters(source, cast(Buffer, source.type), offsets, sizes, steps)


def allocate(type_: Buffer) -> memref.AllocOp:
    """A buffer of its own."""
    return memref.AllocOp.get(type_.element_type, shape=type_.get_shape())


def reshape_root(value: SSAValue) -> SSAValue:
    """The tensor whose elements, all of them in the same order, `value` has under another shape."""
    while isinstance(value.owner, ReshapeOp):
        value = value.owner.ins[0]
    return value
