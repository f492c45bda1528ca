"""The bodies of structured ops as `arith`, `math` and `vector` operations, on scalars or on vectors."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, cast

from xdsl.dialects import cf, math, vector
from xdsl.dialects.builtin import (
    AnyFloat,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    VectorType,
    f32,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from dlp.dialects import arith
from dlp.dialects.dlp.dim import Dim, Size
from dlp.errors import PassError

_LARGEST_F32 = 3.4028234663852886e38
FAST_MATH = arith.FastMathFlagsAttr("none")
_FLOAT_PREDICATES = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_INTEGER_PREDICATES = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}

FUNCTIONS: dict[str, type[Operation]] = {
    "acos": math.AcosOp,
    "acosh": math.AcoshOp,
    "asin": math.AsinOp,
    "asinh": math.AsinhOp,
    "atan": math.AtanOp,
    "atan2": math.Atan2Op,
    "atanh": math.AtanhOp,
    "copysign": math.CopySignOp,
    "cosh": math.CoshOp,
    "exp2": math.Exp2Op,
    "expm1": math.ExpM1Op,
    "log10": math.Log10Op,
    "log1p": math.Log1pOp,
    "log2": math.Log2Op,
    "sinh": math.SinhOp,
    "tan": math.TanOp,
}
"""What a body may ask for by name."""


def is_float(element: Attribute) -> bool:
    return element in (f32, f64)


def rounded(value: float, element: Attribute) -> float:
    """A number as a constant of a floating-point type: infinite where it is beyond the largest one."""
    beyond = element == f32 and abs(value) > _LARGEST_F32
    return ctypes.c_float(value).value if beyond else float(value)


class ArithBuilder:
    """A `BodyBuilder` (see `dlp.dialects.dlp.body`) whose values are SSA values.

    Args:
        add: inserts an operation and returns it.
        lanes: elements of a vector; 1 computes on scalars. Scalar operands are broadcast where a vector is needed.
        constant_at: where constants go (hoisted, say); by default where everything goes.
        index: the iteration index along a dimension, as i64.
        size: a size as i64.
    """

    def __init__(
        self,
        add: Callable[[Operation], Operation],
        lanes: int = 1,
        *,
        constants: dict[object, SSAValue] | None = None,
        add_constant: Callable[[Operation], Operation] | None = None,
        index: Callable[[int], SSAValue] | None = None,
        size: Callable[[Size], SSAValue] | None = None,
    ) -> None:
        self._add = add
        self.lanes = lanes
        self._constants = {} if constants is None else constants
        self._add_constant = add_constant or add
        self._index = index
        self._size = size
        self._broadcasts: dict[SSAValue, SSAValue] = {}

    def type_of(self, a: SSAValue) -> Attribute:
        """The element type."""
        return a.type.element_type if isinstance(a.type, VectorType) else a.type

    def _full(self, element: Attribute) -> Attribute:
        return element if self.lanes == 1 else arith.vector_of(element, (self.lanes,))

    def emit(self, op: Operation) -> SSAValue:
        return self._add(op).results[0]

    def constant(self, value: float | int | bool, element_type: Attribute) -> SSAValue:
        key = (repr(value), element_type, self.lanes)
        found = self._constants.get(key)
        if found is not None:
            return found
        result_type = self._full(element_type)
        if isinstance(result_type, VectorType):
            number = rounded(value, element_type) if is_float(element_type) else int(value)
            attribute = DenseIntOrFPElementsAttr.from_list(cast(VectorType[Any], result_type), [number])
        elif is_float(element_type):
            attribute = FloatAttr(rounded(value, element_type), cast(AnyFloat, element_type))
        else:
            number = -1 if element_type == i1 and value else int(value)
            attribute = IntegerAttr(number, cast(IntegerType, element_type))
        op = arith.ConstantOp.create(result_types=[result_type], properties={"value": attribute})
        found = self._constants[key] = self._add_constant(op).results[0]
        return found

    def index(self, dimension: int) -> SSAValue:
        assert self._index is not None
        return self._index(dimension)

    def size(self, size: Size) -> SSAValue:
        if not isinstance(size, Dim):
            return self.constant(size, i64)
        if self._size is None:
            raise PassError(f"the number that the size {size} is has no form here")
        return self._size(size)

    def vector(self, a: SSAValue) -> SSAValue:
        """A scalar broadcast to the lanes; vectors as they are."""
        if self.lanes == 1 or isinstance(a.type, VectorType):
            return a
        wide = self._broadcasts.get(a)
        if wide is None:
            op = vector.BroadcastOp.create(operands=[a], result_types=[self._full(a.type)])
            wide = self._broadcasts[a] = self.emit(op)
        return wide

    def _apply(
        self,
        op_class: type[Operation],
        *args: SSAValue,
        element: Attribute | None = None,
        **properties: Attribute,
    ) -> SSAValue:
        values = [self.vector(a) for a in args]
        result_type = values[0].type if element is None else self._full(element)
        return self.emit(op_class.create(operands=values, result_types=[result_type], properties=properties))

    def _either(self, float_op: type[Operation], integer_op: type[Operation], *args: SSAValue) -> SSAValue:
        if is_float(self.type_of(args[0])):
            return self._apply(float_op, *args, fastmath=FAST_MATH)
        overflow = {"overflowFlags": arith.IntegerOverflowAttr("none")} if integer_op in _WRAPPING else {}
        return self._apply(integer_op, *args, **overflow)

    def _float(self, op_class: type[Operation], *args: SSAValue) -> SSAValue:
        return self._apply(op_class, *args, fastmath=FAST_MATH)

    def add(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.AddfOp, arith.AddiOp, a, b)

    def sub(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.SubfOp, arith.SubiOp, a, b)

    def mul(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.MulfOp, arith.MuliOp, a, b)

    def div(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.DivfOp, arith.DivSIOp, a, b)

    def rem(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.RemFOp, arith.RemSIOp, a, b)

    def fma(self, a: SSAValue, b: SSAValue, c: SSAValue) -> SSAValue:
        if not is_float(self.type_of(a)):
            return self.add(self.mul(a, b), c)
        if self.lanes == 1:
            return self._float(math.FmaOp, a, b, c)
        return self._apply(vector.FMAOp, a, b, c)

    def neg(self, a: SSAValue) -> SSAValue:
        element = self.type_of(a)
        if is_float(element):
            return self._float(arith.NegfOp, a)
        return self.sub(self.constant(0, element), a)

    def abs(self, a: SSAValue) -> SSAValue:
        if is_float(self.type_of(a)):
            return self._float(math.AbsFOp, a)
        return self.maximum(a, self.neg(a))

    def maximum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.MaximumfOp, arith.MaxSIOp, a, b)

    def minimum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(arith.MinimumfOp, arith.MinSIOp, a, b)

    def exp(self, a: SSAValue) -> SSAValue:
        return self._float(math.ExpOp, a)

    def log(self, a: SSAValue) -> SSAValue:
        return self._float(math.LogOp, a)

    def sqrt(self, a: SSAValue) -> SSAValue:
        return self._float(math.SqrtOp, a)

    def tanh(self, a: SSAValue) -> SSAValue:
        return self._float(math.TanhOp, a)

    def erf(self, a: SSAValue) -> SSAValue:
        return self._float(math.ErfOp, a)

    def sin(self, a: SSAValue) -> SSAValue:
        return self._float(math.SinOp, a)

    def cos(self, a: SSAValue) -> SSAValue:
        return self._float(math.CosOp, a)

    def pow(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._either(math.PowFOp, math.IPowIOp, a, b)

    def function(self, name: str, *args: SSAValue) -> SSAValue:
        return self._float(FUNCTIONS[name], *args)

    def floor(self, a: SSAValue) -> SSAValue:
        return self._float(math.FloorOp, a)

    def ceil(self, a: SSAValue) -> SSAValue:
        return self._float(math.CeilOp, a)

    def trunc(self, a: SSAValue) -> SSAValue:
        return self._float(math.TruncOp, a)

    def round_even(self, a: SSAValue) -> SSAValue:
        return self._float(math.RoundEvenOp, a)

    def compare(self, predicate: str, a: SSAValue, b: SSAValue) -> SSAValue:
        left, right = self.vector(a), self.vector(b)
        element = self.type_of(a)
        if is_float(element):
            op: Operation = arith.CmpfOp(left, right, _FLOAT_PREDICATES[predicate])
        else:
            name = _INTEGER_PREDICATES[predicate]
            # true is all ones: as a signed number it would be less than false.
            op = arith.CmpiOp(
                left, right, name.replace("s", "u", 1) if element == i1 and name[0] == "s" else name
            )
        op.results[0]._type = self._full(i1)  # pyright: ignore[reportPrivateUsage]
        return self.emit(op)

    def select(self, condition: SSAValue, a: SSAValue, b: SSAValue) -> SSAValue:
        values = [self.vector(x) for x in (condition, a, b)]
        return self.emit(arith.SelectOp.create(operands=values, result_types=[values[1].type]))

    def and_(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._apply(arith.AndIOp, a, b)

    def or_(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._apply(arith.OrIOp, a, b)

    def xor(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._apply(arith.XOrIOp, a, b)

    def shift_left(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._apply(arith.ShLIOp, a, b, overflowFlags=arith.IntegerOverflowAttr("none"))

    def shift_right(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._apply(arith.ShRSIOp, a, b)

    def check(self, condition: SSAValue, message: str) -> None:
        assert self.lanes == 1  # ops that check are left to scalar loops
        self._add(cf.AssertOp(condition, message))

    def cast(self, a: SSAValue, element_type: Attribute) -> SSAValue:
        source = self.type_of(a)
        if source == element_type:
            return a
        if element_type == i1:
            return self.compare("ne", a, self.constant(0, source))
        if is_float(source):
            if is_float(element_type):
                return self._apply(
                    arith.ExtFOp if element_type == f64 else arith.TruncFOp, a, element=element_type
                )
            return self._apply(arith.FPToSIOp, a, element=element_type)
        if is_float(element_type):
            return self._apply(arith.UIToFPOp if source == i1 else arith.SIToFPOp, a, element=element_type)
        widens = _width(element_type) > _width(source)
        op_class = arith.TruncIOp if not widens else arith.ExtUIOp if source == i1 else arith.ExtSIOp
        return self._apply(op_class, a, element=element_type)


_WRAPPING = (arith.AddiOp, arith.SubiOp, arith.MuliOp)


def _width(element: Attribute) -> int:
    return 64 if isinstance(element, IndexType) else cast(IntegerType, element).width.data
