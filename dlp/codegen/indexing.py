"""Index arithmetic: folded into sums where it is linear, a variable where it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import affine, arith
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineSymExpr,
)

from dlp.codegen.function import FunctionPrinter
from dlp.codegen.linear import Linear, Range
from dlp.errors import CodegenError


def is_index(op: Operation) -> bool:
    return bool(op.results) and isinstance(op.results[0].type, IndexType)


def apply(printer: FunctionPrinter, op: Operation) -> None:
    """affine.apply"""
    assert isinstance(op, affine.ApplyOp)
    operands = [printer.index(value) for value in op.mapOperands]
    map_ = op.map.data
    printer.bind(op.result, _evaluate(printer, map_.results[0], operands, map_.num_dims))


def extremum(printer: FunctionPrinter, op: Operation) -> None:
    """affine.min: the least of the map's results."""
    assert isinstance(op, affine.MinOp)
    operands = [printer.index(value) for value in op.arguments]
    map_ = op.map.data
    results = [_evaluate(printer, expr, operands, map_.num_dims) for expr in map_.results]
    least = results[0]
    for other in results[1:]:
        least = smaller(printer, least, other, op.result)
    printer.bind(op.result, least)


def arithmetic(printer: FunctionPrinter, op: Operation) -> bool:
    """Arithmetic on index; False where the operation is none of those known here."""
    rule = _RULES.get(op.name)
    if rule is None:
        return False
    a, b = (printer.index(value) for value in op.operands)
    result = rule(printer, a, b, op.results[0])
    if result is None:
        return False
    printer.bind(op.results[0], result)
    return True


def floor_divide(printer: FunctionPrinter, a: Linear, divisor: int) -> Linear:
    """`a floordiv divisor`, exact where the divisor divides every term."""
    quotient, rest = a.split(divisor)
    bounds = rest.range
    if bounds.low is not None and bounds.high is not None and bounds.low >= 0 and bounds.high < divisor:
        return quotient
    if rest.is_nonnegative:
        high = None if bounds.high is None else bounds.high // divisor
        return quotient + Linear.atom(f"{rest.as_operand()} / {divisor}", Range(0, high)).in_parentheses()
    helper = printer.prelude.helper("floor_divide", "index", 1)
    return Linear.atom(f"{helper}({a}, {divisor})")


def modulo(printer: FunctionPrinter, a: Linear, divisor: int) -> Linear:
    """`a mod divisor`, which is never negative."""
    _, rest = a.split(divisor)
    bounds = rest.range
    if bounds.low is not None and bounds.high is not None and bounds.low >= 0 and bounds.high < divisor:
        return rest
    if rest.is_nonnegative:
        return Linear.atom(f"{rest.as_operand()} % {divisor}", Range(0, divisor - 1)).in_parentheses()
    helper = printer.prelude.helper("floor_modulo", "index", 1)
    return Linear.atom(f"{helper}({rest}, {divisor})", Range(0, divisor - 1))


def multiply(a: Linear, b: Linear) -> Linear:
    """The product, a sum of terms where one factor is constant."""
    if b.is_constant:
        return a * b.constant
    if a.is_constant:
        return b * a.constant
    low = 0 if a.is_nonnegative and b.is_nonnegative else None
    return Linear.atom(f"{a.as_operand()} * {b.as_operand()}", Range(low, None)).in_parentheses()


def smaller(printer: FunctionPrinter, a: Linear, b: Linear, value: SSAValue) -> Linear:
    return _select(printer, a, b, "<", value)


def _select(printer: FunctionPrinter, a: Linear, b: Linear, better: str, value: SSAValue) -> Linear:
    if a.is_constant and b.is_constant:
        pick = min if better == "<" else max
        return Linear(pick(a.constant, b.constant))
    name = printer.names.fresh(value.name_hint or "n")
    printer.emit(f"long {name} = {a} {better} {b} ? {a} : {b};")
    lows = [bounds.low for bounds in (a.range, b.range)]
    highs = [bounds.high for bounds in (a.range, b.range)]
    if better == "<":
        known = [high for high in highs if high is not None]
        low = None if None in lows else min(low for low in lows if low is not None)
        return Linear.atom(name, Range(low, min(known) if known else None))
    known = [low for low in lows if low is not None]
    high = None if None in highs else max(high for high in highs if high is not None)
    return Linear.atom(name, Range(max(known) if known else None, high))


def _evaluate(printer: FunctionPrinter, expr: AffineExpr, operands: Sequence[Linear], dims: int) -> Linear:
    if isinstance(expr, AffineConstantExpr):
        return Linear(expr.value)
    if isinstance(expr, AffineDimExpr):
        return operands[expr.position]
    if isinstance(expr, AffineSymExpr):
        return operands[dims + expr.position]
    assert isinstance(expr, AffineBinaryOpExpr)
    a = _evaluate(printer, expr.lhs, operands, dims)
    b = _evaluate(printer, expr.rhs, operands, dims)
    match expr.kind:
        case AffineBinaryOpKind.Add:
            return a + b
        case AffineBinaryOpKind.Mul:
            return multiply(a, b)
        case _ if not b.is_constant or b.constant <= 0:
            raise CodegenError(
                f"the C printer divides index expressions by positive constants only, not by {b}"
            )
        case AffineBinaryOpKind.FloorDiv:
            return floor_divide(printer, a, b.constant)
        case AffineBinaryOpKind.CeilDiv:
            return floor_divide(printer, a + (b.constant - 1), b.constant)
        case AffineBinaryOpKind.Mod:
            return modulo(printer, a, b.constant)


_Rule = Callable[[FunctionPrinter, Linear, Linear, SSAValue], "Linear | None"]


def _divide(printer: FunctionPrinter, a: Linear, b: Linear, value: SSAValue) -> Linear | None:
    return floor_divide(printer, a, b.constant) if _divisible(a, b) else None


def _ceil_divide(printer: FunctionPrinter, a: Linear, b: Linear, value: SSAValue) -> Linear | None:
    return floor_divide(printer, a + (b.constant - 1), b.constant) if _divisible(a, b) else None


def _remainder(printer: FunctionPrinter, a: Linear, b: Linear, value: SSAValue) -> Linear | None:
    return modulo(printer, a, b.constant) if _divisible(a, b) else None


def _divisible(a: Linear, b: Linear) -> bool:
    """Whether rounding down and rounding to zero agree, by a constant."""
    return b.is_constant and b.constant > 0 and a.is_nonnegative


_RULES: dict[str, _Rule] = {
    arith.AddiOp.name: lambda printer, a, b, value: a + b,
    arith.SubiOp.name: lambda printer, a, b, value: a - b,
    arith.MuliOp.name: lambda printer, a, b, value: multiply(a, b),
    arith.DivSIOp.name: _divide,
    arith.DivUIOp.name: _divide,
    arith.FloorDivSIOp.name: _divide,
    arith.CeilDivSIOp.name: _ceil_divide,
    arith.CeilDivUIOp.name: _ceil_divide,
    arith.RemSIOp.name: _remainder,
    arith.RemUIOp.name: _remainder,
    arith.MinSIOp.name: lambda printer, a, b, value: _select(printer, a, b, "<", value),
    arith.MaxSIOp.name: lambda printer, a, b, value: _select(printer, a, b, ">", value),
}
