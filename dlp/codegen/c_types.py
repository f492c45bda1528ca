"""From IR types to C types and the short names of elements: f64, f32, i64, i32, i16, i8, i1."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import (
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    MemRefType,
    VectorType,
)
from xdsl.ir import Attribute

from dlp.errors import CodegenError

SCALARS = {
    "f64": "double",
    "f32": "float",
    "i64": "int64_t",
    "i32": "int32_t",
    "i16": "int16_t",
    "i8": "int8_t",
    "i1": "bool",
    "u64": "uint64_t",
    "u32": "uint32_t",
    "u16": "uint16_t",
    "u8": "uint8_t",
    "index": "long",
}
BYTES = {
    "f64": 8,
    "i64": 8,
    "u64": 8,
    "index": 8,
    "f32": 4,
    "i32": 4,
    "u32": 4,
    "i16": 2,
    "u16": 2,
    "i8": 1,
    "u8": 1,
    "i1": 1,
}


_NAMES: dict[type[Attribute], str] = {Float32Type: "f32", Float64Type: "f64", IndexType: "index"}


def element(type_: Attribute) -> str:
    """Short name of a scalar type, or of the elements of a vector or memref: `f32`, `i1`, `index`.

    Raises:
        CodegenError: C has no spelling for the type.
    """
    # Asked several times for every operation, where isinstance on types, which are abstract classes, is slow.
    kind = type(type_)
    if kind is VectorType or kind is MemRefType:
        return element(cast("VectorType | MemRefType", type_).element_type)
    if (name := _NAMES.get(kind)) is not None:
        return name
    if isinstance(type_, IntegerType) and type_.width.data in (1, 8, 16, 32, 64):
        return f"i{type_.width.data}"
    raise CodegenError(f"the C printer has no spelling for the type {type_}")


def lanes(type_: Attribute) -> int:
    """Lanes of a one-dimensional vector; 1 for scalars, which is also how a vector of one lane is printed.

    Raises:
        CodegenError: the vector has another rank.
    """
    if type(type_) is not VectorType:
        return 1
    shape = cast(VectorType, type_).get_shape()
    if len(shape) > 1:
        raise CodegenError(f"the C printer knows vectors of one dimension, not {type_}")
    return shape[0] if shape else 1


def lane_element(name: str) -> str:
    """Element that holds a value in a vector's lane: an index is an i64."""
    return "i64" if name == "index" else name


def signed_of(name: str) -> str:
    """Signed integer of the same width."""
    return f"i{8 * BYTES[name]}"


def unsigned_of(name: str) -> str:
    """Unsigned integer of the same width."""
    return f"u{8 * BYTES[name]}"


def power_of_two(count: int) -> int:
    """The least power of two that is not less: C has vectors of such lengths only."""
    return 1 << (count - 1).bit_length()
