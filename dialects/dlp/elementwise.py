"""Element-wise ops, with NumPy's broadcasting between the operands."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import FloatAttr, IntegerType, StringAttr, i1, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .dim import DimsAttr
from .structured import IterationSpace, Shape, ShapedValueType, StructuredOp, broadcast_map, broadcast_shapes


class ElementwiseOp(StructuredOp, ABC):
    """result[d...] = body(operand 0[d...], operand 1[d...], ...)."""

    ARITY: ClassVar[int]

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != cls.ARITY:
            raise VerifyException(f"{cls.name}: takes {cls.ARITY} operands, has {len(ins)}")
        return broadcast_shapes(cls.name, ins), cls.infer_element(ins, properties)

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        first = ins[0].element_type
        for k, t in enumerate(ins):
            if t.element_type != first:
                raise VerifyException(
                    f"{cls.name}: operand {k} has elements of {t.element_type}, operand 0 of {first}"
                )
        return first

    def iteration_space(self) -> IterationSpace:
        shape = self.shape
        return IterationSpace(
            shape, (), tuple(broadcast_map(self.in_shape(i), shape) for i in range(len(self.inputs)))
        )


class UnaryOp(ElementwiseOp, ABC):
    ARITY: ClassVar[int] = 1


class BinaryOp(ElementwiseOp, ABC):
    ARITY: ClassVar[int] = 2


def _constant_like(b: BodyBuilder, x: Value, value: float | int) -> Value:
    return b.constant(value, b.type_of(x))


def sigmoid(b: BodyBuilder, x: Value) -> Value:
    """1 / (1 + exp(-x)), which needs no clamp: exp's overflow to infinity gives 0."""
    one = _constant_like(b, x, 1.0)
    return b.div(one, b.add(one, b.exp(b.neg(x))))


def clamp(b: BodyBuilder, x: Value, low: float | None, high: float | None) -> Value:
    """Clamp that hands NaN through, as comparisons with NaN are false."""
    if low is not None:
        bound = _constant_like(b, x, low)
        x = b.select(b.compare("lt", x, bound), bound, x)
    if high is not None:
        bound = _constant_like(b, x, high)
        x = b.select(b.compare("gt", x, bound), bound, x)
    return x


@irdl_op_definition
class AddOp(BinaryOp):
    """Sum; integers wrap around."""

    name = "dlp.add"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.add(args[0], args[1])


@irdl_op_definition
class SubOp(BinaryOp):
    """Operand 0 minus operand 1; integers wrap around."""

    name = "dlp.sub"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.sub(args[0], args[1])


@irdl_op_definition
class MulOp(BinaryOp):
    """Product; integers wrap around."""

    name = "dlp.mul"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.mul(args[0], args[1])


@irdl_op_definition
class DivOp(BinaryOp):
    """Quotient; on integers truncated towards zero."""

    name = "dlp.div"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.div(args[0], args[1])


@irdl_op_definition
class RemOp(BinaryOp):
    """Remainder with the sign of the dividend (fmod)."""

    name = "dlp.rem"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.rem(args[0], args[1])


@irdl_op_definition
class PowOp(BinaryOp):
    """Operand 0 to the power of operand 1, as C's pow has it."""

    name = "dlp.pow"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.pow(args[0], args[1])


@irdl_op_definition
class MaximumOp(BinaryOp):
    """The larger operand; NaN where either is NaN."""

    name = "dlp.maximum"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.maximum(args[0], args[1])


@irdl_op_definition
class MinimumOp(BinaryOp):
    """The smaller operand; NaN where either is NaN."""

    name = "dlp.minimum"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.minimum(args[0], args[1])


@irdl_op_definition
class AndOp(BinaryOp):
    """Bitwise and; on i1 logical."""

    name = "dlp.and"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.and_(args[0], args[1])


@irdl_op_definition
class OrOp(BinaryOp):
    """Bitwise or; on i1 logical."""

    name = "dlp.or"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.or_(args[0], args[1])


@irdl_op_definition
class XorOp(BinaryOp):
    """Bitwise exclusive or; on i1 logical. With an all-ones operand it is "not"."""

    name = "dlp.xor"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.xor(args[0], args[1])


@irdl_op_definition
class NegOp(UnaryOp):
    """-x."""

    name = "dlp.neg"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.neg(args[0])


@irdl_op_definition
class AbsOp(UnaryOp):
    """|x|."""

    name = "dlp.abs"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.abs(args[0])


@irdl_op_definition
class ExpOp(UnaryOp):
    """e to the power of x."""

    name = "dlp.exp"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.exp(args[0])


@irdl_op_definition
class LogOp(UnaryOp):
    """Natural logarithm; NaN below zero."""

    name = "dlp.log"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.log(args[0])


@irdl_op_definition
class SqrtOp(UnaryOp):
    """Square root; NaN below zero."""

    name = "dlp.sqrt"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.sqrt(args[0])


@irdl_op_definition
class RsqrtOp(UnaryOp):
    """1 / sqrt(x)."""

    name = "dlp.rsqrt"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.div(_constant_like(b, args[0], 1.0), b.sqrt(args[0]))


@irdl_op_definition
class ReciprocalOp(UnaryOp):
    """1 / x."""

    name = "dlp.reciprocal"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.div(_constant_like(b, args[0], 1.0), args[0])


@irdl_op_definition
class TanhOp(UnaryOp):
    """Hyperbolic tangent."""

    name = "dlp.tanh"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.tanh(args[0])


@irdl_op_definition
class ErfOp(UnaryOp):
    """Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    name = "dlp.erf"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.erf(args[0])


@irdl_op_definition
class SinOp(UnaryOp):
    """Sine of radians."""

    name = "dlp.sin"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.sin(args[0])


@irdl_op_definition
class CosOp(UnaryOp):
    """Cosine of radians."""

    name = "dlp.cos"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.cos(args[0])


@irdl_op_definition
class FloorOp(UnaryOp):
    """The largest integer that is not above x, as a float."""

    name = "dlp.floor"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.floor(args[0])


@irdl_op_definition
class CeilOp(UnaryOp):
    """The smallest integer that is not below x, as a float."""

    name = "dlp.ceil"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.ceil(args[0])


@irdl_op_definition
class TruncOp(UnaryOp):
    """x without its fraction: rounded towards zero."""

    name = "dlp.trunc"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.trunc(args[0])


@irdl_op_definition
class RoundOp(UnaryOp):
    """Round to the nearest integer, ties to even."""

    name = "dlp.round"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.round_even(args[0])


@irdl_op_definition
class ReluOp(UnaryOp):
    """max(x, 0); NaN stays NaN."""

    name = "dlp.relu"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return clamp(b, args[0], 0, None)


@irdl_op_definition
class ClampOp(UnaryOp):
    """min(max(x, low), high) with either bound optional; NaN stays NaN."""

    name = "dlp.clamp"
    low = opt_prop_def(FloatAttr)
    """Lower bound; none if absent."""
    high = opt_prop_def(FloatAttr)
    """Upper bound; none if absent."""

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        low = None if self.low is None else self.low.value.data
        high = None if self.high is None else self.high.value.data
        return clamp(b, args[0], low, high)


@irdl_op_definition
class SigmoidOp(UnaryOp):
    """1 / (1 + exp(-x))."""

    name = "dlp.sigmoid"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return sigmoid(b, args[0])


@irdl_op_definition
class SiluOp(UnaryOp):
    """x * sigmoid(x)."""

    name = "dlp.silu"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        x = args[0]
        one = _constant_like(b, x, 1.0)
        return b.div(x, b.add(one, b.exp(b.neg(x))))


@irdl_op_definition
class GeluOp(UnaryOp):
    """Gaussian error linear unit (Hendrycks and Gimpel, arXiv:1606.08415); `approximate` is "none" or "tanh"."""

    name = "dlp.gelu"
    approximate = prop_def(StringAttr)
    """"none" (by erf) or "tanh"."""

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        x = args[0]
        half, one = _constant_like(b, x, 0.5), _constant_like(b, x, 1.0)
        if self.approximate.data == "none":
            inner = b.erf(b.mul(x, _constant_like(b, x, math.sqrt(0.5))))
        else:
            cube = b.mul(b.mul(x, x), x)
            polynomial = b.fma(cube, _constant_like(b, x, 0.044715), x)
            inner = b.tanh(b.mul(polynomial, _constant_like(b, x, math.sqrt(2 / math.pi))))
        return b.mul(b.mul(half, x), b.add(one, inner))

    def verify_(self) -> None:
        super().verify_()
        if self.approximate.data not in ("none", "tanh"):
            raise VerifyException(f'dlp.gelu: approximate is "{self.approximate.data}", not "none" or "tanh"')


@irdl_op_definition
class HardsigmoidOp(UnaryOp):
    """clamp(x + 3, 0, 6) / 6."""

    name = "dlp.hardsigmoid"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        x = args[0]
        return b.mul(clamp(b, b.add(x, _constant_like(b, x, 3.0)), 0.0, 6.0), _constant_like(b, x, 1 / 6))


@irdl_op_definition
class HardswishOp(UnaryOp):
    """x * hardsigmoid(x)."""

    name = "dlp.hardswish"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        x = args[0]
        gate = clamp(b, b.add(x, _constant_like(b, x, 3.0)), 0.0, 6.0)
        return b.mul(b.mul(x, gate), _constant_like(b, x, 1 / 6))


@irdl_op_definition
class CompareOp(BinaryOp):
    """`predicate` (eq, ne, lt, le, gt, ge) of the operands, as i1."""

    name = "dlp.compare"
    predicate = prop_def(StringAttr)
    """eq, ne, lt, le, gt or ge; with NaN only ne is true."""

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        super().infer_element(ins, properties)
        return i1

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.compare(self.predicate.data, args[0], args[1])

    def verify_(self) -> None:
        super().verify_()
        if self.predicate.data not in ("eq", "ne", "lt", "le", "gt", "ge"):
            raise VerifyException(
                f'dlp.compare: predicate "{self.predicate.data}" is not one of eq, ne, lt, le, gt, ge'
            )


@irdl_op_definition
class SelectOp(ElementwiseOp):
    """operand 1 where operand 0 (i1) is true, else operand 2."""

    name = "dlp.select"
    ARITY: ClassVar[int] = 3

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        if ins[0].element_type != i1:
            raise VerifyException(f"dlp.select: operand 0 is {ins[0]}, its elements must be i1")
        return super().infer_element(ins[1:], properties)

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.select(args[0], args[1], args[2])


@irdl_op_definition
class CastOp(UnaryOp):
    """Conversion to the result's element type, as the framework does it."""

    name = "dlp.cast"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        return broadcast_shapes(cls.name, ins), None

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.cast(args[0], self.element_type)


@irdl_op_definition
class ConstantOp(ElementwiseOp):
    """Every element is `value`."""

    name = "dlp.constant"
    ARITY: ClassVar[int] = 0
    value = prop_def(Attribute)
    """The number; it is converted to the element type."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        return None, None

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.constant(scalar_value(self.value), self.element_type)


@irdl_op_definition
class IotaOp(ElementwiseOp):
    """The index along `dimension`, an integer: 0, 1, 2, ..."""

    name = "dlp.iota"
    USES_INDEX: ClassVar[bool] = True
    ARITY: ClassVar[int] = 0
    dimension = prop_def(Attribute)
    """The dimension that is counted along."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        return None, i64

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.index(int(scalar_value(self.dimension)))


@irdl_op_definition
class SizeOp(ElementwiseOp):
    """A size as a number, i64 and without dimensions."""

    name = "dlp.size"
    USES_INDEX: ClassVar[bool] = True
    ARITY: ClassVar[int] = 0
    size = prop_def(DimsAttr)
    """The one size that it is."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        size = properties["size"]
        if len(cast(DimsAttr, size).sizes) != 1 or len(ins):
            raise VerifyException(f"{cls.name}: takes no operands and one size, has {size}")
        return (), i64

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.size(self.size.get_sizes()[0])


def scalar_value(attribute: Attribute) -> float | int:
    """The number in an IntegerAttr or FloatAttr; i1 reads as 0 or 1 whatever the sign of its spelling."""
    value = cast(FloatAttr, attribute).value.data
    t = cast(FloatAttr, attribute).type
    if isinstance(t, IntegerType) and t.width.data == 1:
        return int(value != 0)
    return value


OPS = (
    AddOp, SubOp, MulOp, DivOp, RemOp, PowOp, MaximumOp, MinimumOp, AndOp, OrOp, XorOp, NegOp, AbsOp, ExpOp, LogOp,
    SqrtOp, RsqrtOp, ReciprocalOp, TanhOp, ErfOp, SinOp, CosOp, FloorOp, CeilOp, TruncOp, RoundOp, ReluOp, ClampOp,
    SigmoidOp, SiluOp, GeluOp, HardsigmoidOp, HardswishOp, CompareOp, SelectOp, CastOp, ConstantOp, IotaOp,
    SizeOp,
)  # fmt: skip
