"""The table from operations to C expressions.

A template's `{0}`, `{1}` are the operands. Of the named fields, `type` is the C type of the result, `source` that of
the first operand, `unsigned` and `source_unsigned` their unsigned integers, `f` the suffix of a float; every other
name is a helper of `dlp.codegen.helpers` for the first operand's type.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlp.codegen.c_library import BINARY, LIBRARY


@dataclass(frozen=True)
class Spelling:
    """How an operation is written on scalars and on vectors; None where it is not."""

    scalar: str | None
    vector: str | None
    mixes: bool = False
    """Whether a scalar can stand for a vector operand whose lanes are all equal, beside another vector."""


def _operator(symbol: str) -> Spelling:
    text = f"{{0}} {symbol} {{1}}"
    return Spelling(text, text, mixes=True)


def _wrapping(symbol: str) -> Spelling:
    """Signed overflow has no meaning in C: through unsigned integers."""
    text = f"({{type}})(({{unsigned}}){{0}} {symbol} ({{unsigned}}){{1}})"
    return Spelling(text, text)


def _both(text: str) -> Spelling:
    return Spelling(text, text)


def _call(scalar: str, helper: str, arguments: str = "{0}") -> Spelling:
    return Spelling(f"{scalar}{{f}}({arguments})", f"{{{helper}}}({arguments})")


_LIBRARY_NAMES = {"pow": "powf", "rint": "roundeven"}
_MATH = {
    f"math.{_LIBRARY_NAMES.get(name, name)}": _call(
        name, f"{name}_lanes", "{0}, {1}" if name in BINARY else "{0}"
    )
    for name in LIBRARY
    if name != "fmod"
}

EXPRESSIONS: dict[str, Spelling] = {
    "arith.addf": _operator("+"),
    "arith.subf": _operator("-"),
    "arith.mulf": _operator("*"),
    "arith.divf": _operator("/"),
    "arith.remf": _call("fmod", "fmod_lanes", "{0}, {1}"),
    "arith.negf": _both("-{0}"),
    "arith.maximumf": _both("{maximum}({0}, {1})"),
    "arith.minimumf": _both("{minimum}({0}, {1})"),
    "arith.maxnumf": _both("{maximum_number}({0}, {1})"),
    "arith.minnumf": _both("{minimum_number}({0}, {1})"),
    "arith.addi": _wrapping("+"),
    "arith.subi": _wrapping("-"),
    "arith.muli": _wrapping("*"),
    "arith.divsi": _operator("/"),
    "arith.remsi": _operator("%"),
    "arith.divui": _wrapping("/"),
    "arith.remui": _wrapping("%"),
    "arith.floordivsi": Spelling("{floor_divide}({0}, {1})", None),
    "arith.ceildivsi": Spelling("{ceil_divide}({0}, {1})", None),
    "arith.maxsi": _both("{maximum_signed}({0}, {1})"),
    "arith.minsi": _both("{minimum_signed}({0}, {1})"),
    "arith.maxui": _both("{maximum_unsigned}({0}, {1})"),
    "arith.minui": _both("{minimum_unsigned}({0}, {1})"),
    "arith.andi": _operator("&"),
    "arith.ori": _operator("|"),
    "arith.xori": _operator("^"),
    "arith.shli": Spelling(
        "({type})(({unsigned}){0} << {1})", "({type})(({unsigned}){0} << {1})", mixes=True
    ),
    "arith.shrsi": Spelling("{0} >> {1}", "{0} >> {1}", mixes=True),
    "arith.shrui": Spelling(
        "({type})(({unsigned}){0} >> {1})", "({type})(({unsigned}){0} >> {1})", mixes=True
    ),
    "arith.extf": Spelling("({type}){0}", "__builtin_convertvector({0}, {type})"),
    "arith.truncf": Spelling("({type}){0}", "__builtin_convertvector({0}, {type})"),
    "arith.extsi": Spelling("({type}){0}", "__builtin_convertvector({0}, {type})"),
    "arith.extui": Spelling(
        "({type})({source_unsigned}){0}", "__builtin_convertvector(({source_unsigned}){0}, {type})"
    ),
    "arith.trunci": Spelling("({type}){0}", "__builtin_convertvector({0}, {type})"),
    "arith.sitofp": Spelling("({type}){0}", "__builtin_convertvector({0}, {type})"),
    "arith.uitofp": Spelling(
        "({type})({source_unsigned}){0}", "__builtin_convertvector(({source_unsigned}){0}, {type})"
    ),
    "arith.fptosi": Spelling("({type}){0}", "__builtin_convertvector({0}, {type})"),
    "arith.fptoui": Spelling("({type})({unsigned}){0}", "({type})__builtin_convertvector({0}, {unsigned})"),
    "arith.bitcast": Spelling(None, "({type}){0}"),
    "vector.bitcast": Spelling(None, "({type}){0}"),
    "x86vector.avx512.mask.scalef": Spelling(
        None, "__builtin_ia32_scalefps512_mask({1}, {2}, {0}, {3}, {4})"
    ),
    "math.absf": _call("fabs", "absolute"),
    "math.copysign": _call("copysign", "copy_sign", "{0}, {1}"),
    "math.absi": _both("{absolute_integer}({0})"),
    "math.ipowi": _both("{integer_power}({0}, {1})"),
    "math.round": _call("round", "round_lanes"),
    "math.rsqrt": Spelling("1.0{f} / sqrt{f}({0})", "1.0{f} / {sqrt_lanes}({0})"),
    **_MATH,
}

WITHOUT_OVERFLOW: dict[str, Spelling] = {
    "arith.addi": _operator("+"),
    "arith.subi": _operator("-"),
    "arith.muli": _operator("*"),
}
"""Where the operation promises that nothing overflows (`overflow<nsw>`)."""

COMPARE_FLOATS: tuple[str | None, ...] = (
    None,
    "{0} == {1}",
    "{0} > {1}",
    "{0} >= {1}",
    "{0} < {1}",
    "{0} <= {1}",
    "({0} < {1}) | ({0} > {1})",
    "({0} == {0}) & ({1} == {1})",
    "{not}(({0} < {1}) | ({0} > {1}))",
    "{not}({0} <= {1})",
    "{not}({0} < {1})",
    "{not}({0} >= {1})",
    "{not}({0} > {1})",
    "{0} != {1}",
    "({0} != {0}) | ({1} != {1})",
    None,
)
"""By the number of arith.cmpf's predicate; the first is never true, the last always."""

COMPARE_INTEGERS = ("==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">=")
"""By the number of arith.cmpi's predicate; unsigned from the seventh on."""
