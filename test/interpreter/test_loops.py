"""Loops, scalars and vectors in the interpreter: what lowered kernels are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlp.interpreter import Interpreter, InterpreterError
from dlp.interpreter.dtypes import Array
from dlp.testing import parse_module


def call(text: str, *arguments: Any) -> list[Array]:
    return Interpreter(parse_module(text), check_reads=True).call("f", *arguments)


def scalar(type: str, body: str, *arguments: Any, result: str | None = None) -> Any:
    """`body` computes %r from %a, %b, ... of one type."""
    names = ", ".join(f"%{name}: {type}" for name, _ in zip("abc", arguments, strict=False))
    out = result or type
    return call(f"func.func @f({names}) -> {out} {{ {body} func.return %r : {out} }}", *arguments)[0]


def test_for_with_carried_values() -> None:
    text = """
    func.func @f(%n: index) -> (i64, i64) {
      %zero = arith.constant 0 : index
      %two = arith.constant 2 : index
      %a0 = arith.constant 0 : i64
      %b0 = arith.constant 1 : i64
      %a, %b = scf.for %i = %zero to %n step %two iter_args(%x = %a0, %y = %b0) -> (i64, i64) {
        %z = arith.addi %x, %y : i64
        scf.yield %y, %z : i64, i64
      }
      func.return %a, %b : i64, i64
    }
    """
    assert [int(x) for x in call(text, 19)] == [55, 89]
    assert [int(x) for x in call(text, 0)] == [0, 1]


def test_if() -> None:
    body = """
    %r = scf.if %a -> (i1) { %no = arith.constant false scf.yield %no : i1 } else { scf.yield %a : i1 }
    """
    assert not scalar("i1", body, True)
    assert not scalar("i1", body, False)


PARALLEL = """
func.func @f(%x: memref<3x4xf32>) -> f32 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 3 : index
  %columns = arith.constant 4 : index
  %start = arith.constant 0.0 : f32
  %sum = "scf.parallel"(%zero, %zero, %rows, %columns, %one, %one, %start) <{
    operandSegmentSizes = array<i32: 2, 2, 2, 1>
  }> ({
  ^bb0(%i: index, %j: index):
    %v = memref.load %x[%i, %j] : memref<3x4xf32>
    %w = arith.negf %v : f32
    memref.store %w, %x[%i, %j] : memref<3x4xf32>
    scf.reduce(%v : f32) {
    ^bb0(%l: f32, %r: f32):
      %s = arith.addf %l, %r : f32
      scf.reduce.return %s : f32
    }
  }) : (index, index, index, index, index, index, f32) -> f32
  func.return %sum : f32
}
"""


def test_parallel_with_reduction() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    (total,) = call(PARALLEL, x)
    assert total == 66
    assert np.array_equal(x, -np.arange(12).reshape(3, 4))


def test_parallel_iterations_that_need_their_order_come_out_wrong() -> None:
    text = """
    func.func @f(%x: memref<5xf32>) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %four = arith.constant 4 : index
      "scf.parallel"(%zero, %four, %one) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
      ^bb0(%i: index):
        %next = affine.apply affine_map<(d0) -> (d0 + 1)> (%i)
        %v = memref.load %x[%i] : memref<5xf32>
        memref.store %v, %x[%next] : memref<5xf32>
        scf.reduce
      }) : (index, index, index) -> ()
      func.return
    }
    """
    x = np.arange(5, dtype=np.float32)
    call(text, x)
    assert not np.array_equal(x, np.zeros(5))


@pytest.mark.parametrize(
    ("op", "type", "operands", "expected"),
    [
        ("addi", "i8", (127, 1), -128),
        ("muli", "i64", (-3, 5), -15),
        ("divsi", "i64", (-7, 2), -3),
        ("remsi", "i64", (-7, 2), -1),
        ("floordivsi", "i64", (-7, 2), -4),
        ("ceildivsi", "i64", (-7, 2), -3),
        ("ceildivsi", "i64", (7, 2), 4),
        ("divui", "i8", (-1, 2), 127),
        ("maxui", "i8", (-1, 2), -1),
        ("maxsi", "i8", (-1, 2), 2),
        ("shli", "i32", (3, 2), 12),
        ("shrsi", "i32", (-8, 1), -4),
        ("shrui", "i8", (-8, 1), 124),
        ("andi", "i32", (6, 3), 2),
        ("xori", "i1", (True, True), False),
        ("addi", "i1", (True, True), False),
    ],
)
def test_integer_arithmetic(op: str, type: str, operands: tuple[int, int], expected: int) -> None:
    assert scalar(type, f"%r = arith.{op} %a, %b : {type}", *operands) == expected


@pytest.mark.parametrize(
    ("op", "operands", "expected"),
    [
        ("maximumf", (np.nan, 1), np.nan),
        ("maxnumf", (np.nan, 1), 1),
        ("minimumf", (1, np.nan), np.nan),
        ("minnumf", (1, np.nan), 1),
        ("divf", (1, 0), np.inf),
        ("remf", (-7, 2), -1),
    ],
)
def test_float_arithmetic(op: str, operands: tuple[float, float], expected: float) -> None:
    assert np.array_equal(scalar("f32", f"%r = arith.{op} %a, %b : f32", *operands), expected, equal_nan=True)


@pytest.mark.parametrize("a", [1.0, 2.0, np.nan])
@pytest.mark.parametrize(
    ("predicate", "holds"),
    [("olt", lambda a: a < 2), ("ult", lambda a: not a >= 2), ("oeq", lambda a: a == 2), ("une", lambda a: a != 2),
     ("one", lambda a: a < 2 or a > 2), ("ueq", lambda a: not (a < 2 or a > 2)), ("ord", lambda a: a == a),
     ("uno", lambda a: a != a), ("oge", lambda a: a >= 2), ("ugt", lambda a: not a <= 2)],
)  # fmt: skip
def test_float_comparison(predicate: str, holds: Any, a: float) -> None:
    body = f"%r = arith.cmpf {predicate}, %a, %b : f32"
    assert bool(scalar("f32", body, a, 2.0, result="i1")) == holds(a)


@pytest.mark.parametrize(
    ("predicate", "expected"), [("slt", True), ("ult", False), ("sge", False), ("uge", True), ("ne", True)]
)
def test_integer_comparison(predicate: str, expected: bool) -> None:
    assert scalar("i32", f"%r = arith.cmpi {predicate}, %a, %b : i32", -1, 1, result="i1") == expected


@pytest.mark.parametrize(
    ("op", "source", "target", "value", "expected"),
    [
        ("fptosi", "f32", "i64", -1.7, -1),
        ("sitofp", "i64", "f32", -3, -3.0),
        ("extui", "i1", "i32", True, 1),
        ("extsi", "i1", "i32", True, -1),
        ("uitofp", "i1", "f32", True, 1.0),
        ("extui", "i8", "i32", -1, 255),
        ("extsi", "i8", "i32", -1, -1),
        ("trunci", "i32", "i8", 257, 1),
        ("trunci", "i32", "i1", 2, False),
        ("index_cast", "i64", "index", -2, -2),
        ("truncf", "f64", "f32", 0.1, np.float32(0.1)),
        ("bitcast", "f32", "i32", 1.0, 0x3F800000),
    ],
)
def test_conversion(op: str, source: str, target: str, value: Any, expected: Any) -> None:
    assert scalar(source, f"%r = arith.{op} %a : {source} to {target}", value, result=target) == expected


@pytest.mark.parametrize(
    "op", ["exp", "log", "sqrt", "tanh", "sin", "cos", "floor", "ceil", "trunc", "roundeven", "absf"]
)
def test_math(op: str) -> None:
    function = {"roundeven": np.rint, "absf": np.abs}.get(op) or getattr(np, op)
    assert scalar("f32", f"%r = math.{op} %a : f32", 2.5) == np.float32(function(np.float32(2.5)))


def test_affine_maps() -> None:
    text = """
    func.func @f(%a: index, %b: index) -> (index, index) {
      %0 = affine.apply affine_map<(d0)[s0] -> ((d0 * 3 + s0) floordiv 4 + d0 mod 2)> (%a)[%b]
      %1 = affine.min affine_map<(d0) -> (d0, 5)> (%a)
      func.return %0, %1 : index, index
    }
    """
    assert [int(x) for x in call(text, 7, 2)] == [6, 5]


VECTORS = """
func.func @f(%x: memref<2x10xf32>, %y: memref<2x8xf32>, %i: index, %j: index) -> f32 {
  %zero = arith.constant 0 : index
  %splat = arith.constant dense<2.0> : vector<4xf32>
  %v = vector.load %x[%i, %j] : memref<2x10xf32>, vector<4xf32>
  %s = memref.load %x[%zero, %zero] : memref<2x10xf32>
  %b = vector.broadcast %s : f32 to vector<4xf32>
  %w = vector.fma %v, %splat, %b : vector<4xf32>
  vector.store %w, %y[%i, %j] : memref<2x8xf32>, vector<4xf32>
  %r = "vector.reduction"(%w) {kind = #vector.kind<maximumf>} : (vector<4xf32>) -> f32
  func.return %r : f32
}
"""


def test_vectors() -> None:
    x, y = np.arange(20, dtype=np.float32).reshape(2, 10), np.zeros((2, 8), np.float32)
    (largest,) = call(VECTORS, x, y, 1, 4)
    assert np.array_equal(y[1, 4:], 2 * x[1, 4:8] + x[0, 0])
    assert largest == 34
    assert not y[0].any()


def test_a_vector_stored_over_the_end_of_a_row_is_an_error() -> None:
    x, y = np.zeros((2, 10), np.float32), np.zeros((2, 8), np.float32)
    with pytest.raises(
        InterpreterError, match=r"vector.store: 4 lanes from index \(0, 6\) leave the shape \(2, 8\)"
    ):
        call(VECTORS, x, y, 0, 6)


def test_a_vector_loaded_over_the_end_of_an_allocation_is_an_error() -> None:
    x, y = np.zeros((2, 10), np.float32), np.zeros((2, 8), np.float32)
    with pytest.raises(InterpreterError, match="elements 18 to 21 leaves its allocation of 20 elements"):
        call(VECTORS, x, y, 1, 8)


def test_masked_load_and_store() -> None:
    text = """
    func.func @f(%x: memref<6xf32>, %y: memref<6xf32>, %n: index) {
      %at = arith.constant 3 : index
      %other = arith.constant dense<9.0> : vector<4xf32>
      %mask = vector.create_mask %n : vector<4xi1>
      %v = vector.maskedload %x[%at], %mask, %other : memref<6xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
      vector.maskedstore %y[%at], %mask, %v : memref<6xf32>, vector<4xi1>, vector<4xf32>
      func.return
    }
    """
    x, y = np.arange(6, dtype=np.float32), np.zeros(6, np.float32)
    call(text, x, y, 2)
    assert np.array_equal(y, [0, 0, 0, 3, 4, 0])


def test_shuffle_extract_and_insert() -> None:
    text = """
    func.func @f(%x: memref<4xf32>) -> f32 {
      %zero = arith.constant 0 : index
      %v = vector.load %x[%zero] : memref<4xf32>, vector<4xf32>
      %w = vector.shuffle %v, %v [3, 2, 1, 4] : vector<4xf32>, vector<4xf32>
      %e = vector.extract %w[0] : f32 from vector<4xf32>
      %u = vector.insert %e, %w [3] : f32 into vector<4xf32>
      vector.store %u, %x[%zero] : memref<4xf32>, vector<4xf32>
      func.return %e : f32
    }
    """
    x = np.array([10, 11, 12, 13], np.float32)
    assert call(text, x)[0] == 13
    assert np.array_equal(x, [13, 12, 11, 13])


def test_scaling_by_powers_of_two() -> None:
    text = """
    func.func @f(%x: memref<16xf32>, %n: memref<16xf32>) {
      %zero = arith.constant 0 : index
      %k = arith.constant 32767 : i16
      %rounding = arith.constant 4 : i32
      %a = vector.load %x[%zero] : memref<16xf32>, vector<16xf32>
      %b = vector.load %n[%zero] : memref<16xf32>, vector<16xf32>
      %y = x86vector.avx512.mask.scalef %b, %a, %b, %k, %rounding : vector<16xf32>
      vector.store %y, %x[%zero] : memref<16xf32>, vector<16xf32>
      func.return
    }
    """
    x = np.full(16, 1.5, np.float32)
    n = np.array([0, 1, -1, 1.75, 127, 128, -148, -149, -151, np.nan, *[0.0] * 5, 3], np.float32)
    call(text, x, n)
    power = 2.0 ** np.array([0, 1, -1, 1, 127, 128, -148, -149, -151, np.nan, *[0.0] * 5], np.float64)
    with np.errstate(over="ignore"):
        expected = [*(1.5 * power).astype(np.float32), 3]
    assert np.array_equal(x, np.array(expected, np.float32), equal_nan=True)
