"""What dlp prints comes back the same."""

from __future__ import annotations

import math
import struct

import pytest
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, Float32Type, Float64Type, VectorType, f32, f64
from xdsl.utils.exceptions import ParseError

from dlp.context import make_context
from dlp.dialects import arith
from dlp.ir_parser import IRParser


@pytest.mark.parametrize("element", [f32, f64], ids=str)
@pytest.mark.parametrize(
    "value", [-math.inf, math.inf, math.nan, 12582912.0, -0.0, 1e-45, 0.1, 1.0], ids=lambda value: str(value)
)
def test_dense_floats_come_back(value: float, element: Float32Type | Float64Type) -> None:
    type_ = VectorType(element, [4])
    constant = arith.ConstantOp(DenseIntOrFPElementsAttr.from_list(type_, [value]))
    read = IRParser(make_context(), str(constant)).parse_op()
    assert isinstance(read, arith.ConstantOp)
    assert read.value == constant.value


def test_hexadecimal_integers_stay_integers() -> None:
    read = IRParser(make_context(), "%0 = arith.constant dense<0x10> : vector<2xi32>").parse_op()
    assert isinstance(read, arith.ConstantOp) and isinstance(read.value, DenseIntOrFPElementsAttr)
    assert read.value.data.data == struct.pack("<2i", 16, 16)


def test_a_string_without_an_end_is_found_at_once() -> None:
    """An expression that backtracks would need years for it."""
    for text in ('"' + "a" * 5000, '%y = "' + "word " * 1000, '"' + r"\n" * 2000):
        with pytest.raises(ParseError, match="closing string literal"):
            IRParser(make_context(), text).parse_module()
