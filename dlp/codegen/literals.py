"""Constants as C literals that read back bit for bit."""

from __future__ import annotations

import ctypes
import math


def float_literal(value: float, element: str) -> str:
    """Literal of a float: the shortest decimal that reads back exactly; hexadecimal where that gets long.

    Args:
        value: a number of the element type, held in a double.
        element: "f32" or "f64".
    """
    suffix = "f" if element == "f32" else ""
    if element == "f32":
        value = _single(value)
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    text = _shortest(value, element)
    if len(text.lstrip("-")) > 12:
        return _hexadecimal(value) + suffix
    if "." not in text and "e" not in text:
        text += ".0"
    return text + suffix


def integer_literal(value: int, element: str) -> str:
    """Literal of an integer: `-1`, `INT64_MIN` where C has no literal."""
    bits = int(element[1:])
    if bits == 1:
        return "1" if value else "0"
    if value >= 1 << (bits - 1):
        value -= 1 << bits
    if value == -(1 << (bits - 1)) and bits in (32, 64):
        return f"INT{bits}_MIN"
    return f"INT64_C({value})" if not -(1 << 31) <= value < 1 << 31 else str(value)


def _shortest(value: float, element: str) -> str:
    if element == "f64":
        return repr(value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if _single(float(text)) == value:
            return text
    return repr(value)


def _single(value: float) -> float:
    """The nearest number of single precision: infinity beyond the largest, where `struct` gives up."""
    return ctypes.c_float(value).value


def _hexadecimal(value: float) -> str:
    mantissa, exponent = value.hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}"
