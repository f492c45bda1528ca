"""Bodies of structured ops as `arith` and `math` ops, on scalars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    AnyFloat,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    i1,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from dlp.errors import PassError

_FLOAT_PREDICATES = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_INTEGER_PREDICATES = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}
_BOOL_PREDICATES = {"eq": "eq", "ne": "ne", "lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge"}


class ScalarBody:
    """A `BodyBuilder` that emits ops on scalars.

    Args:
        add: puts an op where the body stands.
        indices: the value of each dimension of the iteration space, of type index.
    """

    def __init__(self, add: Callable[[Operation], object], indices: Sequence[SSAValue]) -> None:
        self._add = add
        self._indices = indices

    def emit(self, op: Operation) -> SSAValue:
        self._add(op)
        return op.results[0]

    def type_of(self, a: SSAValue) -> Attribute:
        return a.type

    def constant(self, value: float | int | bool, element_type: Attribute) -> SSAValue:
        return self.emit(constant(value, element_type))

    def index(self, dimension: int) -> SSAValue:
        return self.emit(arith.IndexCastOp(self._indices[dimension], i64))

    def add(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.AddfOp(a, b) if _is_float(a) else arith.AddiOp(a, b))

    def sub(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.SubfOp(a, b) if _is_float(a) else arith.SubiOp(a, b))

    def mul(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.MulfOp(a, b) if _is_float(a) else arith.MuliOp(a, b))

    def div(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.DivfOp(a, b) if _is_float(a) else arith.DivSIOp(a, b))

    def rem(self, a: SSAValue, b: SSAValue) -> SSAValue:
        if _is_float(a):
            raise PassError("the remainder of floats cannot be lowered")
        return self.emit(arith.RemSIOp(a, b))

    def fma(self, a: SSAValue, b: SSAValue, c: SSAValue) -> SSAValue:
        return self.emit(math.FmaOp(a, b, c)) if _is_float(a) else self.add(self.mul(a, b), c)

    def neg(self, a: SSAValue) -> SSAValue:
        if _is_float(a):
            return self.emit(arith.NegfOp(a))
        return self.sub(self.constant(0, a.type), a)

    def abs(self, a: SSAValue) -> SSAValue:
        if _is_float(a):
            return self.emit(math.AbsFOp(a))
        return self.select(self.compare("lt", a, self.constant(0, a.type)), self.neg(a), a)

    def maximum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        if a.type == i1:
            return self.or_(a, b)
        return self.emit(arith.MaximumfOp(a, b) if _is_float(a) else arith.MaxSIOp(a, b))

    def minimum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        if a.type == i1:
            return self.and_(a, b)
        return self.emit(arith.MinimumfOp(a, b) if _is_float(a) else arith.MinSIOp(a, b))

    def exp(self, a: SSAValue) -> SSAValue:
        return self.emit(math.ExpOp(a))

    def log(self, a: SSAValue) -> SSAValue:
        return self.emit(math.LogOp(a))

    def sqrt(self, a: SSAValue) -> SSAValue:
        return self.emit(math.SqrtOp(a))

    def tanh(self, a: SSAValue) -> SSAValue:
        return self.emit(math.TanhOp(a))

    def erf(self, a: SSAValue) -> SSAValue:
        return self.emit(math.ErfOp(a))

    def sin(self, a: SSAValue) -> SSAValue:
        return self.emit(math.SinOp(a))

    def cos(self, a: SSAValue) -> SSAValue:
        return self.emit(math.CosOp(a))

    def pow(self, a: SSAValue, b: SSAValue) -> SSAValue:
        if not _is_float(a):
            raise PassError("powers of integers cannot be lowered")
        return self.emit(math.PowFOp(a, b))

    def floor(self, a: SSAValue) -> SSAValue:
        return self.emit(math.FloorOp(a)) if _is_float(a) else a

    def ceil(self, a: SSAValue) -> SSAValue:
        return self.emit(math.CeilOp(a)) if _is_float(a) else a

    def trunc(self, a: SSAValue) -> SSAValue:
        return self.emit(math.TruncOp(a)) if _is_float(a) else a

    def round_even(self, a: SSAValue) -> SSAValue:
        return self.emit(math.RoundEvenOp(a)) if _is_float(a) else a

    def compare(self, predicate: str, a: SSAValue, b: SSAValue) -> SSAValue:
        if _is_float(a):
            return self.emit(arith.CmpfOp(a, b, _FLOAT_PREDICATES[predicate]))
        predicates = _BOOL_PREDICATES if a.type == i1 else _INTEGER_PREDICATES
        return self.emit(arith.CmpiOp(a, b, predicates[predicate]))

    def select(self, condition: SSAValue, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.SelectOp(condition, a, b))

    def and_(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.AndIOp(a, b))

    def or_(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.OrIOp(a, b))

    def xor(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.XOrIOp(a, b))

    def shift_left(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.ShLIOp(a, b))

    def shift_right(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.emit(arith.ShRSIOp(a, b))

    def cast(self, a: SSAValue, element_type: Attribute) -> SSAValue:
        if a.type == element_type:
            return a
        if element_type == i1:
            return self.compare("ne", a, self.constant(0, a.type))
        return self.emit(_conversion(a, element_type))


def constant(value: float | int | bool, element_type: Attribute) -> arith.ConstantOp:
    """A scalar constant."""
    if isinstance(element_type, AnyFloat):
        return arith.ConstantOp(FloatAttr(float(value), element_type))
    assert isinstance(element_type, IntegerType | IndexType)
    if element_type == i1:
        return arith.ConstantOp(IntegerAttr(-1 if value else 0, i1))
    return arith.ConstantOp(IntegerAttr(int(value), element_type))


def neutral(combiner: str, value: float, element_type: Attribute) -> float | int:
    """The neutral element of a combiner in an element type, from that of floats."""
    if not isinstance(element_type, IntegerType) or element_type == i1:
        return value
    bound = 1 << (element_type.width.data - 1)
    match combiner:
        case "maximum":
            return -bound
        case "minimum":
            return bound - 1
        case "and":
            return -1
        case _:
            return int(value)


def _conversion(a: SSAValue, wanted: Attribute) -> Operation:
    to_float = isinstance(wanted, AnyFloat)
    if isinstance(a.type, AnyFloat):
        if not to_float:
            return arith.FPToSIOp(a, wanted)
        wider = wanted.bitwidth > a.type.bitwidth
        return arith.ExtFOp(a, wanted) if wider else arith.TruncFOp(a, wanted)
    if a.type == i1:
        return arith.UIToFPOp(a, wanted) if to_float else arith.ExtUIOp(a, _integer(wanted))
    if to_float:
        return arith.SIToFPOp(a, wanted)
    source, target = _integer(a.type), _integer(wanted)
    wider = target.width.data > source.width.data
    return arith.ExtSIOp(a, target) if wider else arith.TruncIOp(a, target)


def _integer(type_: Attribute) -> IntegerType:
    assert isinstance(type_, IntegerType)
    return type_


def _is_float(a: SSAValue) -> bool:
    return isinstance(a.type, AnyFloat)
