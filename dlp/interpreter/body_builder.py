"""Scalar bodies computed with NumPy, on all points of an iteration space at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.ir import Attribute

from dlp.dialects.dlp.dim import Size, static
from dlp.errors import run_error

from .dtypes import Array, dtype_of, element_type_of

_COMPARE = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}

FUNCTIONS: dict[str, np.ufunc] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "copysign": np.copysign,
    "cosh": np.cosh,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sinh": np.sinh,
    "tan": np.tan,
}
"""Of the dialect `math`, by their names there, as NumPy has them."""

_erf = np.frompyfunc(math.erf, 1, 1)


class NumpyBodyBuilder:
    """A `BodyBuilder` whose values are arrays (or NumPy scalars) of the exact dtype of the IR.

    Args:
        grid: for each dimension of the iteration space the indices along it, shaped to broadcast.
    """

    def __init__(self, grid: Sequence[Array]) -> None:
        self.grid = grid

    def type_of(self, a: Array) -> Attribute:
        return element_type_of(a.dtype)

    def constant(self, value: float | int | bool, element_type: Attribute) -> Array:
        return dtype_of(element_type).type(value)

    def index(self, dimension: int) -> Array:
        return self.grid[dimension]

    def size(self, size: Size) -> Array:
        return np.int64(static(size, "a number"))  # type: ignore[return-value]

    def add(self, a: Array, b: Array) -> Array:
        return np.add(a, b)

    def sub(self, a: Array, b: Array) -> Array:
        return np.subtract(a, b)

    def mul(self, a: Array, b: Array) -> Array:
        return np.multiply(a, b)

    def div(self, a: Array, b: Array) -> Array:
        return divide(a, b)

    def rem(self, a: Array, b: Array) -> Array:
        return np.fmod(a, b)

    def fma(self, a: Array, b: Array, c: Array) -> Array:
        return fused_multiply_add(a, b, c)

    def neg(self, a: Array) -> Array:
        return np.negative(a)

    def abs(self, a: Array) -> Array:
        return np.abs(a)

    def maximum(self, a: Array, b: Array) -> Array:
        return np.maximum(a, b)

    def minimum(self, a: Array, b: Array) -> Array:
        return np.minimum(a, b)

    def exp(self, a: Array) -> Array:
        return np.exp(a)

    def log(self, a: Array) -> Array:
        return np.log(a)

    def sqrt(self, a: Array) -> Array:
        return np.sqrt(a)

    def tanh(self, a: Array) -> Array:
        return np.tanh(a)

    def erf(self, a: Array) -> Array:
        return error_function(a)

    def sin(self, a: Array) -> Array:
        return np.sin(a)

    def cos(self, a: Array) -> Array:
        return np.cos(a)

    def pow(self, a: Array, b: Array) -> Array:
        return power(a, b)

    def function(self, name: str, *args: Array) -> Array:
        return FUNCTIONS[name](*args)

    def floor(self, a: Array) -> Array:
        return a if a.dtype.kind in "iu" else np.floor(a)

    def ceil(self, a: Array) -> Array:
        return a if a.dtype.kind in "iu" else np.ceil(a)

    def trunc(self, a: Array) -> Array:
        return a if a.dtype.kind in "iu" else np.trunc(a)

    def round_even(self, a: Array) -> Array:
        return a if a.dtype.kind in "iu" else np.rint(a)

    def compare(self, predicate: str, a: Array, b: Array) -> Array:
        return _COMPARE[predicate](a, b)

    def select(self, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)

    def and_(self, a: Array, b: Array) -> Array:
        return np.bitwise_and(a, b)

    def or_(self, a: Array, b: Array) -> Array:
        return np.bitwise_or(a, b)

    def xor(self, a: Array, b: Array) -> Array:
        return np.bitwise_xor(a, b)

    def shift_left(self, a: Array, b: Array) -> Array:
        return np.left_shift(a, b)

    def shift_right(self, a: Array, b: Array) -> Array:
        return np.right_shift(a, b)

    def check(self, condition: Array, message: str) -> None:
        if not np.all(condition):
            raise run_error(message)

    def cast(self, a: Array, element_type: Attribute) -> Array:
        dtype = dtype_of(element_type)
        return np.not_equal(a, 0) if dtype == np.bool_ else a.astype(dtype)


def divide(a: Array, b: Array) -> Array:
    """Quotient; truncated towards zero on integers, where NumPy rounds down."""
    if a.dtype.kind == "f":
        return np.divide(a, b)
    floor = np.floor_divide(a, b)
    return np.where((floor * b != a) & ((a < 0) != (b < 0)), floor + a.dtype.type(1), floor)


def fused_multiply_add(a: Array, b: Array, c: Array) -> Array:
    """a * b + c. In float32 the product is exact (in float64) and so the result rounded once; float64 rounds twice."""
    if a.dtype == np.float32:
        return (np.multiply(a, b, dtype=np.float64) + c).astype(np.float32)
    return a * b + c


def error_function(a: Array) -> Array:
    return np.asarray(_erf(a.astype(np.float64)), dtype=np.float64).astype(a.dtype)


def power(a: Array, b: Array) -> Array:
    """a ** b; on integers a negative exponent gives the quotient 1 / a ** -b truncated, as in the framework."""
    if a.dtype.kind == "f":
        return np.power(a, b)
    positive: Any = np.power(a, np.maximum(b, 0))
    unit = np.where(a == -1, np.where(b % 2 == 0, 1, -1), np.where(a == 1, 1, 0))
    return np.where(b < 0, unit.astype(a.dtype), positive)
