"""Loops, branches, views and calls, compiled without a warning and run against NumPy."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

pytestmark = pytest.mark.requires_tool("gcc", "clang-22")

Compile = Callable[..., ctypes.CDLL]
Call = Callable[..., None]

CONSTANTS = "".join(f"%c{n} = arith.constant {n} : index\n" for n in (0, 1, 2, 3, 4, 5, 6, 8, 16, 24))


@pytest.fixture(scope="module", params=["gcc", "clang"])
def run(request: pytest.FixtureRequest, compile_ir: Compile, call: Call) -> Call:
    """`run(ir, name, *arrays)` at -O0, -O2 and -O2 with OpenMP where the compiler has it."""

    def run_(ir: str, name: str, *arrays: np.ndarray) -> None:
        variants = [("-O0",), ("-O2",)] + ([("-fopenmp",)] if request.param == "gcc" else [])
        given = [array.copy() for array in arrays]
        first: list[np.ndarray] | None = None
        for flags in variants:
            mine = [array.copy() for array in given]
            call(compile_ir(ir, request.param, flags=flags), name, *mine)
            for mine_, first_ in zip(mine, first or mine, strict=True):
                np.testing.assert_allclose(mine_, first_, rtol=1e-6, atol=1e-6)
            first = first or mine
        for array, result in zip(arrays, first or [], strict=True):
            array[...] = result

    return run_


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_parallel_product_with_nested_accumulators(run: Call) -> None:
    """C = A B with a 2x1 register tile, the reduction in two nested loops."""
    ir = f"""
func.func private @product(%a: memref<6x24xf32>, %b: memref<24x8xf32>, %c: memref<6x8xf32>) {{
  {CONSTANTS}
  %zero = arith.constant dense<0.0> : vector<8xf32>
  "scf.parallel"(%c0, %c3, %c1) <{{operandSegmentSizes = array<i32: 1, 1, 1, 0>}}> ({{
  ^bb0(%pair: index):
    %m = affine.apply affine_map<(d0) -> (d0 * 2)>(%pair)
    %m1 = arith.addi %m, %c1 : index
    %sums:2 = scf.for %ko = %c0 to %c4 step %c1 iter_args(%x = %zero, %y = %zero)
        -> (vector<8xf32>, vector<8xf32>) {{
      %inner:2 = scf.for %ki = %c0 to %c6 step %c1 iter_args(%p = %x, %q = %y)
          -> (vector<8xf32>, vector<8xf32>) {{
        %k = affine.apply affine_map<(d0, d1) -> (d0 * 6 + d1)>(%ko, %ki)
        %s0 = memref.load %a[%m, %k] : memref<6x24xf32>
        %s1 = memref.load %a[%m1, %k] : memref<6x24xf32>
        %w = vector.load %b[%k, %c0] : memref<24x8xf32>, vector<8xf32>
        %v0 = vector.broadcast %s0 : f32 to vector<8xf32>
        %v1 = vector.broadcast %s1 : f32 to vector<8xf32>
        %p1 = vector.fma %v0, %w, %p : vector<8xf32>
        %q1 = vector.fma %v1, %w, %q : vector<8xf32>
        scf.yield %p1, %q1 : vector<8xf32>, vector<8xf32>
      }}
      scf.yield %inner#0, %inner#1 : vector<8xf32>, vector<8xf32>
    }}
    vector.store %sums#0, %c[%m, %c0] : memref<6x8xf32>, vector<8xf32>
    vector.store %sums#1, %c[%m1, %c0] : memref<6x8xf32>, vector<8xf32>
    "scf.reduce"() : () -> ()
  }}) : (index, index, index) -> ()
  func.return
}}
func.func @forward(%a: memref<6x24xf32>, %b: memref<24x8xf32>, %c: memref<6x8xf32>) {{
  func.call @product(%a, %b, %c) : (memref<6x24xf32>, memref<24x8xf32>, memref<6x8xf32>) -> ()
  func.return
}}
"""
    a, b, c = random(6, 24), random(24, 8), np.full((6, 8), np.nan, np.float32)
    run(ir, "forward", a, b, c)
    np.testing.assert_allclose(c, a @ b, rtol=1e-5, atol=1e-6)


def test_loop_that_exchanges_what_it_carries(run: Call) -> None:
    ir = f"""
func.func @fibonacci(%out: memref<2xi64>) {{
  {CONSTANTS}
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %last:3 = scf.for %i = %c0 to %c16 step %c1 iter_args(%a = %zero, %b = %one, %old = %zero) -> (i64, i64, i64) {{
    %next = arith.addi %a, %b : i64
    scf.yield %b, %next, %a : i64, i64, i64
  }}
  memref.store %last#0, %out[%c0] : memref<2xi64>
  memref.store %last#2, %out[%c1] : memref<2xi64>
  func.return
}}
"""
    out = np.zeros(2, np.int64)
    run(ir, "fibonacci", out)
    assert out.tolist() == [987, 610]


def test_accumulator_that_is_read_after_it_is_replaced(run: Call) -> None:
    """The old value of the sum is stored after the new one is known: it needs a variable of its own."""
    ir = f"""
func.func @prefix(%x: memref<8xf32>, %out: memref<8xf32>) {{
  {CONSTANTS}
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%s = %zero) -> (f32) {{
    %v = memref.load %x[%i] : memref<8xf32>
    %new = arith.addf %s, %v : f32
    memref.store %s, %out[%i] : memref<8xf32>
    scf.yield %new : f32
  }}
  func.return
}}
"""
    x, out = random(8), np.zeros(8, np.float32)
    run(ir, "prefix", x, out)
    np.testing.assert_allclose(out, np.concatenate([[0], np.cumsum(x)[:-1]]), rtol=1e-5)


def test_branches_and_while(run: Call) -> None:
    """Collatz steps of every number, counted only where the number is even."""
    ir = f"""
func.func @collatz(%x: memref<16xi64>, %out: memref<16xi64>) {{
  {CONSTANTS}
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %three = arith.constant 3 : i64
  scf.for %i = %c0 to %c16 step %c1 {{
    %start = memref.load %x[%i] : memref<16xi64>
    %end, %count = scf.while (%n = %start, %steps = %zero) : (i64, i64) -> (i64, i64) {{
      %more = arith.cmpi ne, %n, %one : i64
      scf.condition(%more) %n, %steps : i64, i64
    }} do {{
    ^bb0(%n: i64, %steps: i64):
      %low = arith.andi %n, %one : i64
      %odd = arith.cmpi eq, %low, %one : i64
      %next, %counted = scf.if %odd -> (i64, i64) {{
        %t = arith.muli %n, %three : i64
        %u = arith.addi %t, %one : i64
        scf.yield %u, %steps : i64, i64
      }} else {{
        %h = arith.divsi %n, %two : i64
        %s = arith.addi %steps, %one : i64
        scf.yield %h, %s : i64, i64
      }}
      scf.yield %next, %counted : i64, i64
    }}
    %some = arith.cmpi sgt, %count, %zero : i64
    scf.if %some {{
      memref.store %count, %out[%i] : memref<16xi64>
    }}
    scf.yield
  }}
  func.return
}}
"""
    x = np.arange(1, 17)
    out = np.full(16, -1)
    run(ir, "collatz", x, out)

    def halvings(n: int) -> int:
        count = 0
        while n != 1:
            count += n % 2 == 0
            n = 3 * n + 1 if n % 2 else n // 2
        return count or -1

    assert out.tolist() == [halvings(n) for n in x.tolist()]


def test_views(run: Call) -> None:
    """A strided window, one row of it, scratch, copies, and a reinterpreted buffer."""
    window, block = "memref<2x3xf32, strided<[24, 2], offset: ?>>", "memref<2x3xf32>"
    row, line = "memref<8xf32, strided<[1], offset: 40>>", "memref<8xf32, strided<[9]>>"
    ir = f"""
func.func @views(%x: memref<8x8xf32>, %out: {block}, %diagonal: memref<8xf32>) {{
  {CONSTANTS}
  %scratch = memref.alloca() : {block}
  scf.for %i = %c1 to %c2 step %c1 {{
    %window = memref.subview %x[%i, 2] [2, 3] [3, 2] : memref<8x8xf32> to {window}
    "memref.copy"(%window, %scratch) : ({window}, {block}) -> ()
    scf.yield
  }}
  "memref.copy"(%scratch, %out) : ({block}, {block}) -> ()
  %row = memref.subview %x[5, 0] [1, 8] [1, 1] : memref<8x8xf32> to {row}
  %value = memref.load %row[%c3] : {row}
  memref.store %value, %out[%c1, %c2] : {block}
  %d = memref.reinterpret_cast %x to offset: [0], sizes: [8], strides: [9] : memref<8x8xf32> to {line}
  "memref.copy"(%d, %diagonal) : ({line}, memref<8xf32>) -> ()
  func.return
}}
"""
    x, out, diagonal = random(8, 8), np.zeros((2, 3), np.float32), np.zeros(8, np.float32)
    run(ir, "views", x, out, diagonal)
    expected = x[1:7:3, 2:8:2].copy()
    expected[1, 2] = x[5, 3]
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(diagonal, np.diag(x))


def test_arena_and_dynamic_sizes(run: Call) -> None:
    """Buffers at places in bytes; a size that is only known when it runs."""
    ir = f"""
func.func @forward(%x: memref<6xf32>, %n: memref<1xindex>, %out: memref<6xf32>, %arena: memref<?xi8>) {{
  {CONSTANTS}
  %place = arith.constant 128 : index
  %size = memref.load %n[%c0] : memref<1xindex>
  %all = memref.view %arena[%c0][%size] : memref<?xi8> to memref<?x2xf32>
  %other = memref.view %arena[%place][] : memref<?xi8> to memref<6xi64>
  %rows = memref.dim %all, %c0 : memref<?x2xf32>
  scf.for %i = %c0 to %rows step %c1 {{
    scf.for %j = %c0 to %c2 step %c1 {{
      %k = affine.apply affine_map<(d0, d1) -> (d0 * 2 + d1)>(%i, %j)
      %v = memref.load %x[%k] : memref<6xf32>
      memref.store %v, %all[%i, %j] : memref<?x2xf32>
      %b = arith.index_cast %k : index to i64
      memref.store %b, %other[%k] : memref<6xi64>
      scf.yield
    }}
    scf.yield
  }}
  scf.for %i = %c0 to %c6 step %c1 {{
    %row = affine.apply affine_map<(d0) -> (d0 floordiv 2)>(%i)
    %column = affine.apply affine_map<(d0) -> (d0 mod 2)>(%i)
    %v = memref.load %all[%row, %column] : memref<?x2xf32>
    %b = memref.load %other[%i] : memref<6xi64>
    %f = arith.sitofp %b : i64 to f32
    %s = arith.addf %v, %f : f32
    memref.store %s, %out[%i] : memref<6xf32>
    scf.yield
  }}
  func.return
}}
"""
    x, out = random(6), np.zeros(6, np.float32)
    run(ir, "forward", x, np.array([3]), out, np.zeros(256, np.int8))
    np.testing.assert_array_equal(out, x + np.arange(6, dtype=np.float32))


def test_values_that_are_called_like_functions(run: Call) -> None:
    ir = """
func.func @twice(%x: memref<4xf64>, %y: memref<4xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %sqrt = memref.load %x[%i] : memref<4xf64>
    %floor = math.sqrt %sqrt : f64
    %0 = math.floor %floor : f64
    %1 = arith.addf %0, %floor : f64
    memref.store %1, %y[%i] : memref<4xf64>
    scf.yield
  }
  func.return
}
"""
    x, y = np.abs(np.random.default_rng(0).normal(size=4)) * 9, np.zeros(4)
    run(ir, "twice", x, y)
    np.testing.assert_allclose(y, np.floor(np.sqrt(x)) + np.sqrt(x))


def test_index_arithmetic_rounds_down(run: Call) -> None:
    """floordiv, ceildiv and mod of negative and positive indices, where the sign is not known."""
    ir = f"""
func.func @divide(%x: memref<16xi64>, %out: memref<5x16xi64>) {{
  {CONSTANTS}
  scf.for %i = %c0 to %c16 step %c1 {{
    %v = memref.load %x[%i] : memref<16xi64>
    %n = arith.index_cast %v : i64 to index
    %floor = affine.apply affine_map<(d0) -> ((d0 * 2 + 6) floordiv 4)>(%n)
    %ceil = affine.apply affine_map<(d0) -> (d0 ceildiv 4)>(%n)
    %mod = affine.apply affine_map<(d0) -> (d0 mod 4)>(%n)
    %div = arith.divsi %n, %c4 : index
    %low = arith.minsi %n, %c2 : index
    %results = arith.constant 0 : index
    %a = arith.index_cast %floor : index to i64
    %b = arith.index_cast %ceil : index to i64
    %c = arith.index_cast %mod : index to i64
    %d = arith.index_cast %div : index to i64
    %e = arith.index_cast %low : index to i64
    memref.store %a, %out[%c0, %i] : memref<5x16xi64>
    memref.store %b, %out[%c1, %i] : memref<5x16xi64>
    memref.store %c, %out[%c2, %i] : memref<5x16xi64>
    memref.store %d, %out[%c3, %i] : memref<5x16xi64>
    memref.store %e, %out[%c4, %i] : memref<5x16xi64>
    scf.yield
  }}
  func.return
}}
"""
    x, out = np.arange(-8, 8), np.zeros((5, 16), np.int64)
    run(ir, "divide", x, out)
    expected = [(2 * x + 6) // 4, -(-x // 4), x % 4, np.trunc(x / 4), np.minimum(x, 2)]
    np.testing.assert_array_equal(out, np.array(expected, dtype=np.int64))


@pytest.mark.parametrize("width", [1, 2, 3, 6, 8, 16])
def test_reductions(run: Call, width: int) -> None:
    kinds = {
        "f32": {"add": np.sum, "mul": np.prod, "maximumf": np.max, "minimumf": np.min, "maxnumf": np.nanmax},
        "i32": {
            "add": np.sum,
            "mul": np.prod,
            "maxsi": np.max,
            "minsi": np.min,
            "and": np.bitwise_and.reduce,
            "or": np.bitwise_or.reduce,
            "xor": np.bitwise_xor.reduce,
        },
    }
    for element, functions in kinds.items():
        lines = "".join(
            f"""
  %i_{kind} = arith.constant {number} : index
  %r_{kind} = vector.reduction <{kind}>, %v : vector<{width}x{element}> into {element}
  memref.store %r_{kind}, %out[%i_{kind}] : memref<8x{element}>"""
            for number, kind in enumerate(functions)
        )
        ir = f"""
func.func @reduce(%x: memref<{width}x{element}>, %out: memref<8x{element}>) {{
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<{width}x{element}>, vector<{width}x{element}>{lines}
  func.return
}}
"""
        dtype = np.float32 if element == "f32" else np.int32
        x = random(width) if element == "f32" else np.arange(3, 3 + width, dtype=dtype) * 7
        out = np.zeros(8, dtype)
        run(ir, "reduce", x.astype(dtype), out)
        expected = [function(x).astype(dtype) for function in functions.values()]
        np.testing.assert_allclose(out[: len(expected)], expected, rtol=1e-5)


def test_lanes(run: Call) -> None:
    """Shuffle, insert, extract, and a masked tail."""
    ir = f"""
func.func @lanes(%x: memref<8xf32>, %out: memref<3x8xf32>, %total: memref<1xf32>) {{
  {CONSTANTS}
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %ramp = arith.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : vector<8xf32>
  %v = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
  %reversed = vector.shuffle %v, %v [7, 6, 5, 4, 3, 2, 1, 0] : vector<8xf32>, vector<8xf32>
  vector.store %reversed, %out[%c0, %c0] : memref<3x8xf32>, vector<8xf32>
  %third = vector.extract %v[2] : f32 from vector<8xf32>
  %changed = vector.insert %third, %ramp[5] : f32 into vector<8xf32>
  vector.store %changed, %out[%c1, %c0] : memref<3x8xf32>, vector<8xf32>
  %tail = vector.create_mask %c5 : vector<8xi1>
  %some = vector.maskedload %x[%c0], %tail, %zero : memref<8xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  vector.maskedstore %out[%c2, %c0], %tail, %some : memref<3x8xf32>, vector<8xi1>, vector<8xf32>
  %start = memref.load %total[%c0] : memref<1xf32>
  %sum = vector.reduction <add>, %some, %start : vector<8xf32> into f32
  memref.store %sum, %total[%c0] : memref<1xf32>
  func.return
}}
"""
    x, out, total = random(8), np.full((3, 8), 9, np.float32), np.full(1, 10, np.float32)
    run(ir, "lanes", x, out, total)
    np.testing.assert_array_equal(out[0], x[::-1])
    np.testing.assert_array_equal(out[1], [0, 1, 2, 3, 4, x[2], 6, 7])
    np.testing.assert_array_equal(out[2], [*x[:5], 9, 9, 9])
    np.testing.assert_allclose(total, 10 + x[:5].sum(), rtol=1e-6)


def test_functions_on_vectors_are_inlined(run: Call) -> None:
    ir = f"""
func.func private @square_f32x8(%x: vector<8xf32>) -> vector<8xf32> {{
  %y = arith.mulf %x, %x : vector<8xf32>
  func.return %y : vector<8xf32>
}}
func.func @squares(%x: memref<8xf32>, %out: memref<8xf32>) {{
  {CONSTANTS}
  %v = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
  %y = func.call @square_f32x8(%v) : (vector<8xf32>) -> vector<8xf32>
  vector.store %y, %out[%c0] : memref<8xf32>, vector<8xf32>
  func.return
}}
"""
    x, out = random(8), np.zeros(8, np.float32)
    run(ir, "squares", x, out)
    np.testing.assert_array_equal(out, x * x)
