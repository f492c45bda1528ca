"""Every expression that the printer spells, compiled without a warning and run against NumPy, at several widths."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dlp.targets import load

BUILDS = (("gcc", 1), ("gcc", 3), ("gcc", 8), ("gcc", 16), ("clang", 3), ("clang", 8))
COUNT = 48
DTYPES = {
    "f32": np.float32,
    "f64": np.float64,
    "i64": np.int64,
    "i32": np.int32,
    "i8": np.int8,
    "i1": np.bool_,
}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.5, -2.5, 3.0, 1e-30]


@dataclass(frozen=True)
class Case:
    """An operation on vectors a, b (and c) of one type.

    Attributes:
        lines: IR that defines %r; {v} is the operands' vector type, {w} the result's, {m} a vector of i1.
        expected: the same with NumPy.
        operand: element of the operands.
        result: element of the result.
        tolerance: relative error allowed; 0 compares bits but for NaN.
    """

    name: str
    lines: str
    expected: Callable[[Any, Any, Any], Any]
    operand: str = "f32"
    result: str = "f32"
    tolerance: float = 0.0


def maximum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where((a == b) & (a == 0), np.where(np.signbit(a), b, a), np.maximum(a, b))


def minimum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where((a == b) & (a == 0), np.where(np.signbit(a), a, b), np.minimum(a, b))


def select_compared() -> list[Case]:
    """Of two operands one, after comparing them: NaN and equal zeros give the one that the text says."""
    return [
        Case(
            f"select_{predicate}_{'ba' if swapped else 'ab'}_{operand}",
            f"%m = arith.cmpf {predicate}, %a, %b : {{v}}\n"
            f" %r = arith.select %m, {'%b, %a' if swapped else '%a, %b'} : {{m}}, {{v}}",
            lambda a, b, c, test=test, swapped=swapped: np.where(
                test(a, b), *((b, a) if swapped else (a, b))
            ),
            operand,
            operand,
        )
        for operand in ("f32", "f64")
        for predicate, test in (
            ("ogt", np.greater),
            ("olt", np.less),
            ("oge", np.greater_equal),
            ("ugt", lambda a, b: ~(a <= b)),
        )
        for swapped in (False, True)
    ]


def compare_floats() -> list[Case]:
    known: dict[str, Callable[[Any, Any], Any]] = {
        "eq": np.equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "lt": np.less,
        "le": np.less_equal,
        "ne": np.not_equal,
    }

    def case(predicate: str, element: str) -> Case:
        def expected(a: Any, b: Any, c: Any) -> Any:
            unordered = np.isnan(a) | np.isnan(b)
            match predicate:
                case "false":
                    return np.zeros(a.shape, bool)
                case "true":
                    return np.ones(a.shape, bool)
                case "ord":
                    return ~unordered
                case "uno":
                    return unordered
                case _:
                    holds = known[predicate[1:]](a, b)
                    return holds | unordered if predicate[0] == "u" else holds & ~unordered

        return Case(
            f"cmpf_{predicate}_{element}",
            f"%r = arith.cmpf {predicate}, %a, %b : {{v}}",
            expected,
            element,
            "i1",
        )

    predicates = ["false", "true", "ord", "uno"] + [order + name for order in "ou" for name in known]
    return [case(predicate, element) for predicate in predicates for element in ("f32", "f64")]


def compare_integers() -> list[Case]:
    known: dict[str, Callable[[Any, Any], Any]] = {
        "eq": np.equal,
        "ne": np.not_equal,
        "slt": np.less,
        "sle": np.less_equal,
        "sgt": np.greater,
        "sge": np.greater_equal,
    }
    cases: list[Case] = []
    for element in ("i64", "i32", "i8"):
        unsigned = {"i64": np.uint64, "i32": np.uint32, "i8": np.uint8}[element]
        for predicate, compare in known.items():
            line = f"%r = arith.cmpi {predicate}, %a, %b : {{v}}"
            cases.append(
                Case(f"cmpi_{predicate}_{element}", line, lambda a, b, c, f=compare: f(a, b), element, "i1")
            )
            if predicate[0] == "s":
                line = line.replace(predicate, f"u{predicate[1:]}")
                cases.append(
                    Case(
                        f"cmpi_u{predicate[1:]}_{element}",
                        line,
                        lambda a, b, c, f=compare, u=unsigned: f(a.view(u), b.view(u)),
                        element,
                        "i1",
                    )
                )
    return cases


def binary(op: str, expected: Callable[[Any, Any], Any], elements: str) -> list[Case]:
    return [
        Case(
            f"{op}_{element}",
            f"%r = arith.{op} %a, %b : {{v}}",
            lambda a, b, c: expected(a, b),
            element,
            element,
        )
        for element in elements.split()
    ]


def cast(op: str, source: str, result: str, expected: Callable[[Any], Any]) -> Case:
    return Case(
        f"{op}_{source}_{result}",
        f"%r = arith.{op} %a : {{v}} to {{w}}",
        lambda a, b, c: expected(a),
        source,
        result,
    )


def math(op: str, expected: Callable[[Any], Any], tolerance: float = 0.0) -> list[Case]:
    return [
        Case(
            f"math_{op}_{element}",
            f"%r = math.{op} %a : {{v}}",
            lambda a, b, c: expected(a),
            element,
            element,
            tolerance,
        )
        for element in ("f32", "f64")
    ]


def integer_power(a: Any, b: Any, c: Any) -> Any:
    exponents = np.trunc(a / -61).astype(int)
    negative = np.where(b == 1, 1, np.where(b == -1, np.where(exponents % 2, -1, 1), 0))
    positive = [int(x) ** max(0, int(n)) & 0xFF for x, n in zip(b, exponents, strict=True)]
    return np.where(exponents < 0, negative, np.array(positive, np.uint8).view(np.int8))


CASES = [
    *binary("addf", np.add, "f32 f64"),
    *binary("subf", np.subtract, "f32 f64"),
    *binary("mulf", np.multiply, "f32 f64"),
    *binary("divf", np.divide, "f32 f64"),
    *binary("remf", np.fmod, "f32 f64"),
    *binary("maximumf", maximum, "f32 f64"),
    *binary("minimumf", minimum, "f32 f64"),
    *binary("maxnumf", np.fmax, "f32 f64"),
    *binary("minnumf", np.fmin, "f32 f64"),
    *binary("addi", np.add, "i64 i32 i8"),
    *binary("subi", np.subtract, "i64 i32 i8"),
    *binary("muli", np.multiply, "i64 i32 i8"),
    *binary("maxsi", np.maximum, "i64 i32 i8"),
    *binary("minsi", np.minimum, "i64 i32 i8"),
    *binary("andi", np.bitwise_and, "i64 i32 i8"),
    *binary("ori", np.bitwise_or, "i64 i32 i8"),
    *binary("xori", np.bitwise_xor, "i64 i32 i8"),
    Case("negf", "%r = arith.negf %a : {v}", lambda a, b, c: -a),
    Case(
        "relu",
        "%z = arith.constant dense<0.0> : {v}\n %r = arith.maximumf %a, %z : {v}",
        lambda a, b, c: maximum(a, np.zeros_like(a)),
    ),
    Case(
        "maximum_with_minus_zero",
        "%z = arith.constant dense<-0.0> : {v}\n %r = arith.maximumf %z, %a : {v}",
        lambda a, b, c: maximum(a, -np.zeros_like(a)),
    ),
    Case(
        "minimum_with_zero",
        "%z = arith.constant dense<0.0> : {v}\n %r = arith.minimumf %z, %a : {v}",
        lambda a, b, c: minimum(a, np.zeros_like(a)),
    ),
    Case(
        "relu6",
        """%z = arith.constant dense<0.0> : {v}
        %six = arith.constant dense<6.0> : {v}
        %p = arith.maximumf %z, %a : {v}
        %r = arith.minimumf %p, %six : {v}""",
        lambda a, b, c: minimum(maximum(a, np.zeros_like(a)), np.full_like(a, 6)),
    ),
    Case(
        "fma",
        "%r = vector.fma %a, %b, %c : {v}",
        lambda a, b, c: (a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)).astype(
            np.float32
        ),
        tolerance=1e-6,
    ),
    Case(
        "divsi",
        "%one = arith.constant dense<1> : {v}\n %d = arith.ori %b, %one : {v}\n %r = arith.divsi %a, %d : {v}",
        lambda a, b, c: np.trunc(a / (b | 1)).astype(np.int32),
        "i32",
        "i32",
    ),
    Case(
        "remsi",
        "%one = arith.constant dense<1> : {v}\n %d = arith.ori %b, %one : {v}\n %r = arith.remsi %a, %d : {v}",
        lambda a, b, c: np.fmod(a, b | 1),
        "i32",
        "i32",
    ),
    Case(
        "divui",
        "%one = arith.constant dense<1> : {v}\n %d = arith.ori %b, %one : {v}\n %r = arith.divui %a, %d : {v}",
        lambda a, b, c: (a.view(np.uint32) // (b | 1).view(np.uint32)).view(np.int32),
        "i32",
        "i32",
    ),
    Case(
        "shli",
        "%n = arith.constant dense<5> : {v}\n %r = arith.shli %a, %n : {v}",
        lambda a, b, c: a << 5,
        "i32",
        "i32",
    ),
    Case(
        "shrsi",
        "%n = arith.constant dense<5> : {v}\n %r = arith.shrsi %a, %n : {v}",
        lambda a, b, c: a >> 5,
        "i32",
        "i32",
    ),
    Case(
        "shrui",
        "%n = arith.constant dense<5> : {v}\n %r = arith.shrui %a, %n : {v}",
        lambda a, b, c: (a.view(np.uint32) >> np.uint32(5)).view(np.int32),
        "i32",
        "i32",
    ),
    Case(
        "nsw",
        "%one = arith.constant dense<1> : {v}\n %r = arith.addi %a, %one overflow<nsw> : {v}",
        lambda a, b, c: a + 1,
        "i8",
        "i8",
    ),
    *compare_floats(),
    *compare_integers(),
    *select_compared(),
    *(
        Case(
            f"{name}_{bound.replace('.', '_').replace('-', 'minus_')}",
            f"%n = arith.constant dense<{bound}> : {{v}}\n %r = arith.{op} %a, %n : {{v}}",
            lambda a, b, c, reference=reference, bound=bound: reference(a, np.full_like(a, float(bound))),
        )
        for name, op, reference in (("least", "maximumf", maximum), ("most", "minimumf", minimum))
        for bound in ("2.5", "-1.0", "0.0", "-0.0")
    ),
    Case(
        "select",
        "%m = arith.cmpf olt, %a, %b : {v}\n %r = arith.select %m, %a, %c : {m}, {v}",
        lambda a, b, c: np.where(a < b, a, c),
    ),
    Case(
        "select_f64_by_f32",
        """%m = arith.cmpf olt, %a, %b : {v}
        %x = arith.extf %a : {v} to {w}
        %y = arith.extf %c : {v} to {w}
        %r = arith.select %m, %x, %y : {m}, {w}""",
        lambda a, b, c: np.where(a < b, a, c).astype(np.float64),
        "f32",
        "f64",
    ),
    Case(
        "select_i8_by_i64",
        """%m = arith.cmpi slt, %a, %b : {v}
        %x = arith.trunci %a : {v} to {w}
        %y = arith.trunci %c : {v} to {w}
        %r = arith.select %m, %x, %y : {m}, {w}""",
        lambda a, b, c: np.where(a < b, a, c).astype(np.int8),
        "i64",
        "i8",
    ),
    Case(
        "masks",
        """%m = arith.cmpf olt, %a, %b : {v}
        %i = arith.bitcast %a : {v} to {i}
        %wide = arith.extsi %i : {i} to {l}
        %zero = arith.constant dense<0> : {l}
        %n = arith.cmpi slt, %wide, %zero : {l}
        %true = arith.constant dense<true> : {m}
        %not = arith.xori %n, %true : {m}
        %and = arith.andi %not, %m : {m}
        %r = arith.ori %and, %n : {m}""",
        lambda a, b, c: (~np.signbit(a) & (a < b)) | np.signbit(a),
        "f32",
        "i1",
    ),
    cast("extf", "f32", "f64", lambda a: a.astype(np.float64)),
    cast("truncf", "f64", "f32", lambda a: a.astype(np.float32)),
    cast("sitofp", "i32", "f32", lambda a: a.astype(np.float32)),
    cast("sitofp", "i64", "f32", lambda a: a.astype(np.float32)),
    cast("sitofp", "i8", "f64", lambda a: a.astype(np.float64)),
    cast("sitofp", "i1", "f32", lambda a: 0 - a.astype(np.float32)),
    cast("uitofp", "i1", "f32", lambda a: a.astype(np.float32)),
    cast("uitofp", "i32", "f32", lambda a: a.view(np.uint32).astype(np.float32)),
    cast("uitofp", "i8", "f32", lambda a: a.view(np.uint8).astype(np.float32)),
    cast("extui", "i1", "i32", lambda a: a.astype(np.int32)),
    cast("extui", "i8", "i64", lambda a: a.view(np.uint8).astype(np.int64)),
    cast("extsi", "i1", "i64", lambda a: -a.astype(np.int64)),
    cast("extsi", "i8", "i32", lambda a: a.astype(np.int32)),
    cast("trunci", "i64", "i32", lambda a: a.astype(np.int32)),
    cast("trunci", "i32", "i1", lambda a: (a & 1) != 0),
    cast("bitcast", "f32", "i32", lambda a: a.view(np.int32)),
    cast("bitcast", "i64", "f64", lambda a: a.view(np.float64)),
    Case(
        "fptosi",
        """%low = arith.constant dense<-1000.0> : {v}
        %high = arith.constant dense<1000.0> : {v}
        %p = arith.maxnumf %a, %low : {v}
        %q = arith.minnumf %p, %high : {v}
        %r = arith.fptosi %q : {v} to {w}""",
        lambda a, b, c: np.fmin(np.fmax(a, -1000), 1000).astype(np.int32),
        "f32",
        "i32",
    ),
    *math("sqrt", np.sqrt),
    *math("absf", np.abs),
    *math("floor", np.floor),
    *math("ceil", np.ceil),
    *math("trunc", np.trunc),
    *math("roundeven", np.rint),
    *math("sin", np.sin, 1e-6),
    *math("log1p", np.log1p, 1e-6),
    *math("rsqrt", lambda a: 1 / np.sqrt(a), 1e-6),
    *[
        Case(f"absi_{element}", "%r = math.absi %a : {v}", lambda a, b, c: np.abs(a), element, element)
        for element in ("i64", "i32", "i8")
    ],
    Case(
        "ipowi",
        """%n = arith.constant dense<-61> : {v}
        %small = arith.divsi %a, %n : {v}
        %r = math.ipowi %b, %small : {v}""",
        integer_power,
        "i8",
        "i8",
    ),
    Case("cmpi_ult_i1", "%r = arith.cmpi ult, %a, %b : {v}", lambda a, b, c: ~a & b, "i1", "i1"),
    Case(
        "cmpi_eq_masks",
        """%less = arith.cmpf olt, %a, %b : {v}
        %i = arith.bitcast %a : {v} to {i}
        %wide = arith.extsi %i : {i} to {l}
        %zero = arith.constant dense<0> : {l}
        %negative = arith.cmpi slt, %wide, %zero : {l}
        %r = arith.cmpi eq, %less, %negative : {m}""",
        lambda a, b, c: (a < b) == np.signbit(a),
        "f32",
        "i1",
    ),
    Case("copysign", "%r = math.copysign %a, %b : {v}", lambda a, b, c: np.copysign(a, b)),
    Case("powf", "%r = math.powf %a, %b : {v}", lambda a, b, c: np.power(a, b), tolerance=1e-6),
]


def function(case: Case, width: int) -> str:
    """IR of a function that applies a case to `COUNT` elements, `width` at a time."""
    v, w = f"vector<{width}x{case.operand}>", f"vector<{width}x{case.result}>"
    types = {
        "v": v,
        "w": w,
        "m": f"vector<{width}xi1>",
        "i": f"vector<{width}xi32>",
        "l": f"vector<{width}xi64>",
    }
    lines = case.lines.format(**types)
    loads = "".join(
        f"%{x} = vector.load %buffer_{x}[%offset] : memref<{COUNT}x{case.operand}>, {v}\n" for x in "abc"
    )
    arguments = ", ".join(f"%buffer_{x}: memref<{COUNT}x{case.operand}>" for x in "abc")
    return f"""
func.func @{case.name}({arguments}, %out: memref<{COUNT}x{case.result}>) {{
  %from = arith.constant 0 : index
  %to = arith.constant {COUNT} : index
  %step = arith.constant {width} : index
  scf.for %offset = %from to %to step %step {{
    {loads}
    {lines}
    vector.store %r, %out[%offset] : memref<{COUNT}x{case.result}>, {w}
  }}
  func.return
}}
"""


def operands(element: str) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    dtype = DTYPES[element]
    if element == "i1":
        return [random.integers(0, 2, COUNT).astype(bool) for _ in range(3)]
    if element[0] == "i":
        info = np.iinfo(dtype)
        values = [random.integers(info.min, info.max, COUNT, dtype, endpoint=True) for _ in range(3)]
        values[0][:3] = info.min, info.max, -1
        values[1][:3] = info.max, 1, 1
        values[1][10:20] = values[0][10:20]
        return values
    values = [random.normal(0, 10, COUNT).astype(dtype) for _ in range(3)]
    values[0][: len(SPECIAL)] = SPECIAL
    values[1][: len(SPECIAL)] = SPECIAL[1:] + SPECIAL[:1]
    values[1][20:24] = values[0][20:24]
    values[0][24:28] = [0.0, -0.0, np.nan, np.nan]
    values[1][24:28] = [-0.0, 0.0, np.nan, -1.0]
    return values


@pytest.mark.requires_tool("gcc", "clang-22")
@pytest.mark.parametrize(("compiler", "width"), BUILDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_expression(
    case: Case, compiler: str, width: int, compile_ir: Callable[..., ctypes.CDLL], call: Callable[..., None]
) -> None:
    target = load("avx512" if width == 16 else "avx2")
    library = compile_ir("".join(function(one, width) for one in CASES), compiler, target)
    a, b, c = operands(case.operand)
    out = np.zeros(COUNT, DTYPES[case.result])
    call(library, case.name, a, b, c, out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(case.expected(a, b, c)).astype(out.dtype)
    if case.tolerance:
        np.testing.assert_allclose(out, expected, rtol=case.tolerance, atol=1e-30)
        return
    np.testing.assert_array_equal(out, expected)
    if case.result[0] == "f":
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(out)[numbers], np.signbit(expected)[numbers])
