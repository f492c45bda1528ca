"""torch's dtypes as element types of the IR."""

from __future__ import annotations

from functools import cache

import torch
from xdsl.dialects.builtin import IntegerType, TensorType, f32, f64, i1, i32, i64
from xdsl.ir import Attribute

from dlp.dialects.dlp.structured import tensor_of

i8 = IntegerType(8)

ELEMENT_TYPES: dict[torch.dtype, Attribute] = {
    torch.float32: f32,
    torch.float64: f64,
    torch.int64: i64,
    torch.int32: i32,
    torch.int8: i8,
    torch.uint8: i8,
    torch.bool: i1,
}
"""Integers of the IR have no sign; `torch.uint8` may only be moved, and widened through `importer.widen`."""

DTYPES: dict[Attribute, torch.dtype] = {
    element: dtype for dtype, element in ELEMENT_TYPES.items() if dtype != torch.uint8
}


@cache
def tensor_type(shape: tuple[int, ...], dtype: torch.dtype) -> TensorType[Attribute]:
    """The IR's type of a tensor.

    Raises:
        KeyError: the IR has no such element type.
    """
    return tensor_of(ELEMENT_TYPES[dtype], shape)
