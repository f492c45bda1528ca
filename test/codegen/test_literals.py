"""Literals of C read back as the number that they are of."""

from __future__ import annotations

import math
import struct

import pytest

from dlp.codegen.literals import float_literal

LARGEST = 3.4028234663852886e38


@pytest.mark.parametrize(
    "value",
    [LARGEST, -LARGEST, LARGEST / 2, 1e-45, 1.1754943508222875e-38, 0.1, 1 / 3, 16777217.0, 1e10, -0.0],
)
def test_of_single_precision(value: float) -> None:
    text = float_literal(value, "f32")
    assert text.endswith("f")
    number = float.fromhex(text[:-1]) if "x" in text else float(text[:-1])
    assert struct.pack("<f", number) == struct.pack("<f", value)


def test_beyond_the_largest_is_infinite() -> None:
    assert float_literal(1e40, "f32") == "INFINITY"
    assert float_literal(-math.inf, "f32") == "-INFINITY"
    assert float(float_literal(1e40, "f64")) == 1e40
