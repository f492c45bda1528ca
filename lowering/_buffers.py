"""Memref types of buffers and of views of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, NoneAttr, StridedLayoutAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from dlp.codegen.c_types import BYTES, element
from dlp.dialects.dlp.dim import Dim, DimsAttr, Size, is_static
from dlp.dialects.dlp.structured import dims_of, shape_of
from dlp.dialects.dlp.view import Layout, ReshapeOp

Buffer: TypeAlias = MemRefType[Attribute]


# Making a type checks it, which costs more than all else here; networks have few types.
@functools.lru_cache(maxsize=4096)
def buffer_type(tensor: Attribute) -> Buffer:
    """The contiguous buffer that holds a tensor."""
    assert isinstance(tensor, TensorType)
    shape = shape_of(tensor)
    return strided_type(cast(Attribute, tensor.element_type), shape, (0, contiguous_strides(shape)))


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides, in elements."""
    return tuple(prod(shape[d + 1 :]) for d in range(len(shape)))


def layout_of(type_: Buffer) -> tuple[int | None, tuple[int, ...]]:
    """Offset (None: not known) and strides of a buffer."""
    dims = dims_of(type_)
    if dims is not None:
        return type_.get_offset(), dims.get_strides()
    strides = type_.get_strides()
    assert strides is not None
    return type_.get_offset(), tuple(cast(int, s) for s in strides)


@functools.lru_cache(maxsize=4096)
def strided_type(
    element_type: Attribute, shape: tuple[int, ...], layout: tuple[int | None, tuple[int, ...]]
) -> Buffer:
    """A memref type; without a layout where the buffer is contiguous from its first element."""
    offset, strides = layout
    contiguous = offset == 0 and strides == contiguous_strides(shape)
    return _typed(element_type, shape, None if contiguous else layout)


def bytes_of(type_: Buffer) -> int:
    """Bytes of a buffer's elements."""
    return prod(shape_of(type_)) * BYTES[element(type_)]


ValueOfSize: TypeAlias = Callable[[Size], "int | SSAValue"]
"""The number or the value of a size (`dlp.tiling.sizes`)."""


def reinterpret(root: SSAValue, shape: tuple[int, ...], layout: Layout, value: ValueOfSize) -> Operation:
    """A view of a buffer that has offset 0."""
    element_type = cast(Buffer, root.type).element_type
    offset, strides = layout
    return memref.ReinterpretCastOp.from_dynamic(
        root,
        [value(offset)],
        [value(n) for n in shape],
        [value(s) for s in strides],
        strided_type(element_type, shape, layout),
    )


def subview(
    source: SSAValue, offsets: Sequence[int], sizes: Sequence[int], steps: Sequence[int], value: ValueOfSize
) -> Operation:
    """A part of a buffer, of the same rank."""
    type_ = cast(Buffer, source.type)
    start, strides = layout_of(type_)
    if start is not None:
        start += sum(o * s for o, s in zip(offsets, strides, strict=True))
    steps_in_elements = tuple(a * b for a, b in zip(strides, steps, strict=True))
    # Its result keeps its strides even where it is contiguous: so says the op.
    result = _with_layout(type_.element_type, tuple(sizes), start, steps_in_elements)
    return memref.SubviewOp.get(source, [value(n) for n in offsets], [value(n) for n in sizes], steps, result)


@functools.lru_cache(maxsize=4096)
def _with_layout(
    element_type: Attribute, shape: tuple[int, ...], offset: int | None, strides: tuple[int, ...]
) -> Buffer:
    return _typed(element_type, shape, (offset, strides))


def _typed(
    element_type: Attribute, shape: tuple[Size, ...], layout: tuple[Size | None, tuple[Size, ...]] | None
) -> Buffer:
    """A memref type; sizes and strides that only a run knows are `?`, and expressions in its memory space."""
    offset, strides = (0, ()) if layout is None else layout
    dims = (
        NoneAttr() if is_static((*shape, *strides)) else DimsAttr.of(shape, () if layout is None else strides)
    )
    plain = [DYNAMIC_INDEX if isinstance(n, Dim) else n for n in shape]
    if layout is None:
        return MemRefType(element_type, plain, memory_space=dims)
    known = [None if isinstance(s, Dim) else s for s in strides]
    return MemRefType(
        element_type, plain, StridedLayoutAttr(known, None if isinstance(offset, Dim) else offset), dims
    )


def allocate(type_: Buffer, value: ValueOfSize) -> memref.AllocOp:
    """A buffer of its own."""
    sizes = [n for n in map(value, shape_of(type_)) if isinstance(n, SSAValue)]
    return memref.AllocOp(sizes, [], type_)


def reshape_root(value: SSAValue) -> SSAValue:
    """The tensor whose elements, all of them in the same order, `value` has under another shape."""
    while isinstance(value.owner, ReshapeOp):
        value = value.owner.ins[0]
    return value
