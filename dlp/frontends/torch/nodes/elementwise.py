"""Arithmetic, comparisons and logic of one element (and of its partners, broadcast)."""

from __future__ import annotations

import math

import torch
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND, elementwise_dtypes
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import (
    AbsOp,
    AddOp,
    AndOp,
    CeilOp,
    CompareOp,
    CosOp,
    DivOp,
    ErfOp,
    ExpOp,
    FloorOp,
    LogOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    NegOp,
    OrOp,
    PowOp,
    ReciprocalOp,
    RemOp,
    RoundOp,
    RsqrtOp,
    SelectOp,
    SigmoidOp,
    SinOp,
    SqrtOp,
    SubOp,
    TanhOp,
    TruncOp,
    XorOp,
)
from dlp.dialects.dlp.structured import DestinationOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.integer import divisor, quotient, without_minus_one
from dlp.frontends.torch.nodes.view import broadcast
from dlp.frontends.torch.registry import imports

Operand = SSAValue | float | int | bool

# Functions of one floating-point element; integers are converted first, as the framework does.
FLOAT_UNARY: dict[str, type[DestinationOp]] = {
    "aten.exp.default": ExpOp,
    "aten.log.default": LogOp,
    "aten.sqrt.default": SqrtOp,
    "aten.rsqrt.default": RsqrtOp,
    "aten.reciprocal.default": ReciprocalOp,
    "aten.tanh.default": TanhOp,
    "aten.erf.default": ErfOp,
    "aten.sin.default": SinOp,
    "aten.cos.default": CosOp,
    "aten.sigmoid.default": SigmoidOp,
}

# On integers these change nothing.
ROUNDING: dict[str, type[DestinationOp]] = {
    "aten.floor.default": FloorOp,
    "aten.ceil.default": CeilOp,
    "aten.trunc.default": TruncOp,
    "aten.round.default": RoundOp,
}

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


@imports(*FLOAT_UNARY)
def float_unary(g: Emitter, x: SSAValue) -> SSAValue:
    return g(FLOAT_UNARY[str(g.node.target)], g.cast(x, g.dtype))


@imports(*ROUNDING)
def rounding(g: Emitter, x: SSAValue) -> SSAValue:
    return g(ROUNDING[str(g.node.target)], x) if g.dtype.is_floating_point else x


@imports("aten.neg.default")
def neg(g: Emitter, x: SSAValue) -> SSAValue:
    return g(NegOp, x)


@imports("aten.abs.default")
def absolute(g: Emitter, x: SSAValue) -> SSAValue:
    return x if g.dtype == torch.bool else g(AbsOp, x)


@imports("aten.exp2.default")
def exp2(g: Emitter, x: SSAValue) -> SSAValue:
    return g(PowOp, g.constant(2.0, g.dtype), g.cast(x, g.dtype))


@imports("aten.log2.default")
def log2(g: Emitter, x: SSAValue) -> SSAValue:
    return g(MulOp, g(LogOp, g.cast(x, g.dtype)), g.constant(1 / math.log(2), g.dtype))


@imports("aten.log10.default")
def log10(g: Emitter, x: SSAValue) -> SSAValue:
    return g(MulOp, g(LogOp, g.cast(x, g.dtype)), g.constant(1 / math.log(10), g.dtype))


@imports("aten.log1p.default")
def log1p(g: Emitter, x: SSAValue) -> SSAValue:
    """log(u) * x / (u - 1) with u = 1 + x rounded, which is exact to rounding near 0 (Goldberg 1991, theorem 4)."""
    x = g.cast(x, g.dtype)
    one = g.constant(1.0, g.dtype)
    u = g(AddOp, x, one)
    corrected = g(DivOp, g(MulOp, g(LogOp, u), x), g(SubOp, u, one))
    # x itself where 1 + x rounds to 1, and infinity, where the quotient is not a number.
    unchanged = g(OrOp, g(CompareOp, u, one, predicate="eq"), g(CompareOp, u, x, predicate="eq"))
    return g(SelectOp, unchanged, _log1p_of_unchanged(g, x, u), corrected)


def _log1p_of_unchanged(g: Emitter, x: SSAValue, u: SSAValue) -> SSAValue:
    """x where u = 1; log(x) where adding 1 has no effect."""
    return g(SelectOp, g(CompareOp, u, x, predicate="eq"), g(LogOp, u), x)


@imports("aten.expm1.default")
def expm1(g: Emitter, x: SSAValue) -> SSAValue:
    """(u - 1) * x / log(u) with u = exp(x) rounded (Kahan), else what the limits are."""
    x = g.cast(x, g.dtype)
    one = g.constant(1.0, g.dtype)
    u = g(ExpOp, x)
    less = g(SubOp, u, one)
    corrected = g(DivOp, g(MulOp, less, x), g(LogOp, u))
    # Beyond 1 in size nothing cancels, and the limits 0 and infinity of exp are handled.
    small = g(CompareOp, g(AbsOp, x), one, predicate="lt")
    near = g(SelectOp, g(CompareOp, u, one, predicate="eq"), x, corrected)
    return g(SelectOp, small, near, less)


@imports("aten.square.default")
def square(g: Emitter, x: SSAValue) -> SSAValue:
    return g(MulOp, x, x)


@imports("aten.sign.default")
def sign(g: Emitter, x: SSAValue) -> SSAValue:
    """1, 0 or -1; 0 for NaN, as the framework has it."""
    if g.dtype == torch.bool:
        return x
    zero, one, minus = (g.constant(v, g.dtype) for v in (0, 1, -1))
    negative = g(SelectOp, g(CompareOp, x, zero, predicate="lt"), minus, zero)
    return g(SelectOp, g(CompareOp, x, zero, predicate="gt"), one, negative)


@imports("aten.isnan.default")
def isnan(g: Emitter, x: SSAValue) -> SSAValue:
    return g(CompareOp, x, x, predicate="ne")


@imports("aten.isinf.default")
def isinf(g: Emitter, x: SSAValue) -> SSAValue:
    if not g.dtype_of(x).is_floating_point:
        return g.constant(False, torch.bool, g.shape)
    return g(CompareOp, g(AbsOp, x), g.constant(math.inf, g.dtype_of(x)), predicate="eq")


def _arithmetic(g: Emitter, x: Operand, y: Operand) -> tuple[SSAValue, SSAValue]:
    return g.operand(x, g.dtype), g.operand(y, g.dtype)


def _scaled(g: Emitter, y: Operand, alpha: float | int) -> SSAValue:
    value = g.operand(y, g.dtype)
    return value if alpha == 1 else g(MulOp, value, g.constant(alpha, g.dtype))


@imports("aten.add.Tensor", "aten.add.Scalar")
def add(g: Emitter, x: Operand, y: Operand, alpha: float | int) -> SSAValue:
    if g.dtype == torch.bool:
        return g(OrOp, *_arithmetic(g, x, y)) if alpha else broadcast(g, g.operand(x, g.dtype), g.shape)
    return g(AddOp, g.operand(x, g.dtype), _scaled(g, y, alpha))


@imports("aten.sub.Tensor", "aten.sub.Scalar")
def sub(g: Emitter, x: Operand, y: Operand, alpha: float | int) -> SSAValue:
    return g(SubOp, g.operand(x, g.dtype), _scaled(g, y, alpha))


@imports("aten.mul.Tensor", "aten.mul.Scalar")
def mul(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    return g(AndOp if g.dtype == torch.bool else MulOp, *_arithmetic(g, x, y))


@imports("aten.div.Tensor", "aten.div.Scalar", "aten.true_divide.Tensor")
def div(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    return g(DivOp, *_arithmetic(g, x, y))


@imports("aten.div.Tensor_mode", "aten.div.Scalar_mode")
def div_mode(g: Emitter, x: Operand, y: Operand, rounding_mode: str | None) -> SSAValue:
    a, b = _arithmetic(g, x, y)
    if rounding_mode is None:
        return g(DivOp, a, b)
    if g.dtype.is_floating_point:
        return g(TruncOp, g(DivOp, a, b)) if rounding_mode == "trunc" else _floor_divide(g, a, b)
    b = divisor(g, y)
    towards_zero = quotient(g, a, b, y)
    if rounding_mode == "trunc":
        return towards_zero
    less = g(SubOp, towards_zero, g.constant(1, g.dtype))
    rest = g(RemOp, a, without_minus_one(g, b, y))
    return g(SelectOp, _remainder_has_other_sign(g, rest, b), less, towards_zero)


def _floor_divide(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    """The framework's (and Python's) floor division of floats: from the exact remainder, not from the quotient."""
    remainder = g(RemOp, a, b)
    quotient = g(DivOp, g(SubOp, a, remainder), b)
    less = g(SubOp, quotient, g.constant(1.0, g.dtype))
    quotient = g(SelectOp, _remainder_has_other_sign(g, remainder, b), less, quotient)
    floor = g(FloorOp, quotient)
    half = g(CompareOp, g(SubOp, quotient, floor), g.constant(0.5, g.dtype), predicate="gt")
    floor = g(SelectOp, half, g(AddOp, floor, g.constant(1.0, g.dtype)), floor)
    return g(SelectOp, g(CompareOp, b, g.constant(0.0, g.dtype), predicate="eq"), g(DivOp, a, b), floor)


def _remainder_has_other_sign(g: Emitter, remainder: SSAValue, b: SSAValue) -> SSAValue:
    zero = g.constant(0, g.dtype)
    signs = g(XorOp, g(CompareOp, remainder, zero, predicate="lt"), g(CompareOp, b, zero, predicate="lt"))
    return g(AndOp, g(CompareOp, remainder, zero, predicate="ne"), signs)


@imports("aten.fmod.Tensor", "aten.fmod.Scalar")
def fmod(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    a, b = _arithmetic(g, x, y)
    return g(RemOp, a, b if g.dtype.is_floating_point else without_minus_one(g, divisor(g, y), y))


@imports("aten.remainder.Tensor", "aten.remainder.Scalar", "aten.remainder.Scalar_Tensor")
def remainder(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    """Remainder with the sign of the divisor."""
    a, b = _arithmetic(g, x, y)
    if g.dtype.is_floating_point:
        rest = g(RemOp, a, b)
    else:
        b = divisor(g, y)
        rest = g(RemOp, a, without_minus_one(g, b, y))
    return g(SelectOp, _remainder_has_other_sign(g, rest, b), g(AddOp, rest, b), rest)


@imports("aten.pow.Tensor_Scalar")
def pow_scalar(g: Emitter, x: SSAValue, exponent: float | int) -> SSAValue:
    """The exponents for which the framework does not call `pow` either are products and roots."""
    x = g.cast(x, g.dtype)
    match exponent:
        case 0:
            return g.constant(1, g.dtype, g.shape)
        case 1:
            return x
        case 2:
            return g(MulOp, x, x)
        case 3:
            return g(MulOp, g(MulOp, x, x), x)
    if not g.dtype.is_floating_point and (exponent < 0 or g.dtype == torch.bool):
        raise NotSupported(f"{str(g.dtype).removeprefix('torch.')} to the power {exponent}")
    match exponent:
        case 0.5:
            return g(SqrtOp, x)
        case -0.5:
            return g(RsqrtOp, x)
        case -1:
            return g(ReciprocalOp, x)
        case -2:
            return g(ReciprocalOp, g(MulOp, x, x))
    return g(PowOp, x, g.constant(exponent, g.dtype))


@imports("aten.pow.Tensor_Tensor", "aten.pow.Scalar")
def pow_tensor(g: Emitter, x: Operand, y: SSAValue) -> SSAValue:
    if g.dtype == torch.bool:
        raise NotSupported("booleans to a power")
    return g(PowOp, *_arithmetic(g, x, y))


@imports("aten.maximum.default", "aten.minimum.default")
def extremum(g: Emitter, x: SSAValue, y: SSAValue) -> SSAValue:
    largest = str(g.node.target).startswith("aten.max")
    if g.dtype == torch.bool:
        return g(OrOp if largest else AndOp, *_arithmetic(g, x, y))
    return g(MaximumOp if largest else MinimumOp, *_arithmetic(g, x, y))


@imports(*(f"aten.{p}.{form}" for p in COMPARISONS for form in ("Tensor", "Scalar")))
def compare(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    predicate = str(g.node.target).split(".")[1]
    arguments = [a.meta["val"] if isinstance(a, torch.fx.Node) else a for a in g.node.args]
    dtype, _ = elementwise_dtypes(*arguments, type_promotion_kind=ELEMENTWISE_TYPE_PROMOTION_KIND.ALWAYS_BOOL)
    if dtype == torch.uint8 or (dtype == torch.bool and predicate not in ("eq", "ne")):
        dtype = torch.int32  # the order of signless bits is another one
    return g(CompareOp, g.operand(x, dtype), g.operand(y, dtype), predicate=predicate)


@imports("aten.where.self")
def where(g: Emitter, condition: SSAValue, x: Operand, y: Operand) -> SSAValue:
    return g(SelectOp, g.cast(condition, torch.bool), *_arithmetic(g, x, y))


LOGIC: dict[str, type[DestinationOp]] = {"and": AndOp, "or": OrOp, "xor": XorOp}


@imports(*(f"aten.logical_{name}.default" for name in LOGIC))
def logical(g: Emitter, x: SSAValue, y: SSAValue) -> SSAValue:
    operation = str(g.node.target).split(".")[1].removeprefix("logical_")
    return g(LOGIC[operation], *_arithmetic(g, x, y))


@imports(*(f"aten.bitwise_{name}.{form}" for name in LOGIC for form in ("Tensor", "Scalar")))
def bitwise(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    operation = str(g.node.target).split(".")[1].removeprefix("bitwise_")
    return g(LOGIC[operation], *_arithmetic(g, x, y))


@imports("aten.logical_not.default")
def logical_not(g: Emitter, x: SSAValue) -> SSAValue:
    return g(XorOp, g.cast(x, torch.bool), g.constant(True, torch.bool))


@imports("aten.bitwise_not.default")
def bitwise_not(g: Emitter, x: SSAValue) -> SSAValue:
    return g(XorOp, x, g.constant(True if g.dtype == torch.bool else -1, g.dtype))
