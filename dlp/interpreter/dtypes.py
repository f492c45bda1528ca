"""Element types of the IR as NumPy dtypes, and back."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from xdsl.dialects.builtin import Float16Type, Float32Type, Float64Type, IndexType, IntegerType, f32, f64, i1
from xdsl.ir import Attribute

from .errors import InterpreterError

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_INTEGERS = {1: np.bool_, 8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def dtype_of(element_type: Attribute) -> np.dtype[Any]:
    """The dtype that holds elements of a type; i1 is NumPy's bool, index is int64.

    Raises:
        InterpreterError: no dtype does.
    """
    match element_type:
        case Float32Type():
            return np.dtype(np.float32)
        case Float64Type():
            return np.dtype(np.float64)
        case Float16Type():
            return np.dtype(np.float16)
        case IndexType():
            return np.dtype(np.int64)
        case IntegerType() if element_type.width.data in _INTEGERS:
            return np.dtype(_INTEGERS[element_type.width.data])
        case _:
            raise InterpreterError(f"no NumPy dtype holds elements of type {element_type}")


def element_type_of(dtype: np.dtype[Any]) -> Attribute:
    """The element type whose values a dtype holds."""
    if dtype == np.float32:
        return f32
    if dtype == np.float64:
        return f64
    if dtype == np.bool_:
        return i1
    if dtype == np.float16:
        return Float16Type()
    return IntegerType(dtype.itemsize * 8)


def poison_of(dtype: np.dtype[Any]) -> Any:
    """What memory holds that nobody has written: NaN, or a large odd number."""
    if dtype.kind == "f":
        return np.nan
    if dtype == np.bool_:
        return True
    return np.iinfo(dtype).max - 1
