"""The rule for local buffers: one writer, nothing read before it is written."""

from __future__ import annotations

import pytest

from dlp.testing import parse_module
from dlp.verification import InvalidOperation, verify

HEAD = "func.func private @k(%x: memref<4x4xf32>, %y: memref<4x4xf32>) {\n%t = memref.alloc() : memref<4x4xf32>\n"
TAIL = "func.return\n}"
TOP = "%top = memref.subview %t[0, 0] [1, 4] [1, 1] : memref<4x4xf32> to memref<1x4xf32, strided<[4, 1]>>\n"
REST = (
    "%rest = memref.subview %t[1, 0] [3, 4] [1, 1] : memref<4x4xf32> to memref<3x4xf32, strided<[4, 1], offset: 4>>\n"
    "%x3 = memref.subview %x[1, 0] [3, 4] [1, 1] : memref<4x4xf32> to memref<3x4xf32, strided<[4, 1], offset: 4>>\n"
)
FILL_TOP = "dlp.constant ins() outs(%top : memref<1x4xf32, strided<[4, 1]>>) {value = 0.0 : f32}\n"
FILL_REST = (
    "dlp.relu ins(%x3 : memref<3x4xf32, strided<[4, 1], offset: 4>>) "
    "outs(%rest : memref<3x4xf32, strided<[4, 1], offset: 4>>)\n"
)
WRITE = "dlp.relu ins(%x : memref<4x4xf32>) outs(%t : memref<4x4xf32>)\n"
ACCUMULATE = (
    "dlp.matmul ins(%x, %x : memref<4x4xf32>, memref<4x4xf32>) outs(%t : memref<4x4xf32>) {accumulate}\n"
)
READ = "dlp.exp ins(%t : memref<4x4xf32>) outs(%y : memref<4x4xf32>)\n"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WRITE + READ, id="written, then read"),
        pytest.param(TOP + REST + FILL_TOP + FILL_REST + READ, id="written by two parts"),
        pytest.param(WRITE + ACCUMULATE + READ, id="accumulated into"),
    ],
)
def test_rule_is_kept(body: str) -> None:
    verify(parse_module(HEAD + body + TAIL))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(READ + WRITE, "reads before anything is written to %t", id="read first"),
        pytest.param(WRITE + WRITE + READ, "is a second writer of elements of %t", id="two writers"),
        pytest.param(
            TOP + FILL_TOP + READ, "reads elements that nothing has written of %t", id="a part is missing"
        ),
        pytest.param(TOP + WRITE + FILL_TOP + READ, "is a second writer of elements of %t", id="overlap"),
        pytest.param(
            ACCUMULATE + READ,
            "reads before anything is written to %t",
            id="accumulated into nothing",
        ),
    ],
)
def test_violation_is_found(body: str, message: str) -> None:
    with pytest.raises(InvalidOperation, match=message):
        verify(parse_module(HEAD + body + TAIL))


def test_calls_write_what_the_callee_writes() -> None:
    callee = (
        "func.func private @f(%a: memref<4xf32>, %b: memref<4xf32>) {\n"
        "dlp.relu ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)\nfunc.return\n}\n"
    )
    head = "func.func @forward(%x: memref<4xf32>) {\n%t = memref.alloc() : memref<4xf32>\n"
    call = "func.call @f(%{}, %{}) : (memref<4xf32>, memref<4xf32>) -> ()\n"
    verify(parse_module(callee + head + call.format("x", "t") + call.format("t", "x") + TAIL))
    with pytest.raises(InvalidOperation, match="reads before anything is written to %t"):
        verify(parse_module(callee + head + call.format("t", "x") + call.format("x", "t") + TAIL))
