"""What the printer refuses, by name and with the reason."""

from __future__ import annotations

import pytest

from dlp.codegen import print_c
from dlp.errors import CodegenError
from dlp.targets import load
from dlp.testing import parse_module

LANES = ", ".join(f"{lane}.0" for lane in range(128))

REFUSED = {
    "no spelling for 'math.ctpop'": "%v = memref.load %m[%c0] : memref<8xi32>\n%n = math.ctpop %v : i32\n"
    "memref.store %n, %m[%c0] : memref<8xi32>",
    "does not fit a thread's stack": "%s = memref.alloca() : memref<65537xf32>\n"
    "%v = memref.load %s[%c0] : memref<65537xf32>\nmemref.store %v, %f[%c0] : memref<128xf32>",
    "scratch needs a static size": "%s = memref.alloca(%c0) : memref<?xf32>\n"
    "%v = memref.load %s[%c0] : memref<?xf32>\nmemref.store %v, %f[%c0] : memref<128xf32>",
    "is data, not text": f"%v = arith.constant dense<[{LANES}]> : vector<128xf32>\n"
    "vector.store %v, %f[%c0] : memref<128xf32>, vector<128xf32>",
    "knows vectors of one dimension": "%v = arith.constant dense<1.0> : vector<2x2xf32>\n"
    "%w = arith.addf %v, %v : vector<2x2xf32>\n%x = vector.extract %w[0, 0] : f32 from vector<2x2xf32>\n"
    "memref.store %x, %f[%c0] : memref<128xf32>",
    "no spelling for the type": "%v = arith.constant 1.0 : bf16\n%w = arith.extf %v : bf16 to f32\n"
    "memref.store %w, %f[%c0] : memref<128xf32>",
}


@pytest.mark.parametrize("message", list(REFUSED))
def test_refused(message: str) -> None:
    ir = f"""
func.func @f(%m: memref<8xi32>, %f: memref<128xf32>) {{
  %c0 = arith.constant 0 : index
  {REFUSED[message]}
  func.return
}}
"""
    with pytest.raises(CodegenError, match=message) as error:
        print_c(parse_module(ir), load("avx2"))
    assert str(error.value).startswith("in 'f': ")


def test_functions_that_give_several_values() -> None:
    ir = "func.func @two(%a: f32) -> (f32, f32) {\n  func.return %a, %a : f32, f32\n}"
    with pytest.raises(CodegenError, match="several results"):
        print_c(parse_module(ir), load("avx2"))
