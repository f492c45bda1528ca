"""Functions of one or two floating-point elements that networks seldom use."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import (
    AbsOp,
    AddOp,
    CompareOp,
    DivOp,
    ExpOp,
    LogOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    NegOp,
    RoundOp,
    SelectOp,
    SqrtOp,
    SubOp,
)
from dlp.dialects.dlp.library import (
    AcoshOp,
    AcosOp,
    AsinhOp,
    AsinOp,
    Atan2Op,
    AtanhOp,
    AtanOp,
    CopysignOp,
    CoshOp,
    LibraryOp,
    SinhOp,
    TanOp,
)
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.elementwise import isnan
from dlp.frontends.torch.registry import imports

LIBRARY: dict[str, type[LibraryOp]] = {
    "aten.acos.default": AcosOp,
    "aten.acosh.default": AcoshOp,
    "aten.asin.default": AsinOp,
    "aten.asinh.default": AsinhOp,
    "aten.atan.default": AtanOp,
    "aten.atanh.default": AtanhOp,
    "aten.cosh.default": CoshOp,
    "aten.sinh.default": SinhOp,
    "aten.tan.default": TanOp,
}


@imports(*LIBRARY)
def library(g: Emitter, x: SSAValue) -> SSAValue:
    return g(LIBRARY[str(g.node.target)], g.cast(x, g.dtype))


@imports("aten.atan2.default")
def atan2(g: Emitter, y: SSAValue, x: SSAValue) -> SSAValue:
    return g(Atan2Op, g.cast(y, g.dtype), g.cast(x, g.dtype))


@imports("aten.copysign.Tensor", "aten.copysign.Scalar")
def copysign(g: Emitter, x: SSAValue, sign: SSAValue | float) -> SSAValue:
    return g(CopysignOp, g.cast(x, g.dtype), g.operand(sign, g.dtype))


@imports("aten.signbit.default")
def signbit(g: Emitter, x: SSAValue) -> SSAValue:
    """Zeros and NaN have a sign as well, which a comparison does not see."""
    dtype = g.dtype_of(x)
    if dtype == torch.bool:
        return g.constant(False, torch.bool, g.shape)
    if dtype.is_floating_point:
        x = g(CopysignOp, g.constant(1.0, dtype), x)
    return g(CompareOp, x, g.constant(0, dtype), predicate="lt")


@imports("aten.round.decimals")
def round_decimals(g: Emitter, x: SSAValue, decimals: int) -> SSAValue:
    if not g.dtype.is_floating_point:
        return x
    power = g.constant(10.0 ** abs(decimals), g.dtype)
    if decimals < 0:
        return g(MulOp, g(RoundOp, g(DivOp, x, power)), power)
    return g(DivOp, g(RoundOp, g(MulOp, x, power)), power)


@imports("aten.angle.default")
def angle(g: Emitter, x: SSAValue) -> SSAValue:
    """Of a real number: pi where it is negative."""
    x = g.cast(x, g.dtype)
    zero = g.constant(0.0, g.dtype)
    turned = g(SelectOp, g(CompareOp, x, zero, predicate="lt"), g.constant(math.pi, g.dtype), zero)
    return g(SelectOp, isnan(g, x), x, turned)


@imports("aten.hypot.default")
def hypot(g: Emitter, x: SSAValue, y: SSAValue) -> SSAValue:
    """The larger side times sqrt(1 + quotient ** 2): squares of the sides might overflow."""
    a, b = (g(AbsOp, g.cast(side, g.dtype)) for side in (x, y))
    large, small = g(MaximumOp, a, b), g(MinimumOp, a, b)
    quotient = g(DivOp, small, large)
    root = g(SqrtOp, g(AddOp, g(MulOp, quotient, quotient), g.constant(1.0, g.dtype)))
    # Where both sides are 0 or one is infinite, the quotient is not a number, or does not matter.
    infinity = g.constant(math.inf, g.dtype)
    whole = g(
        SelectOp, g(CompareOp, small, g.constant(0.0, g.dtype), predicate="eq"), large, g(MulOp, large, root)
    )
    endless = [g(CompareOp, side, infinity, predicate="eq") for side in (a, b)]
    return g(SelectOp, endless[0], infinity, g(SelectOp, endless[1], infinity, whole))


@imports("aten.fmax.default", "aten.fmin.default")
def extremum_of_numbers(g: Emitter, x: SSAValue, y: SSAValue) -> SSAValue:
    """The larger or smaller one, and the other where one is NaN."""
    a, b = g.cast(x, g.dtype), g.cast(y, g.dtype)
    largest = "fmax" in str(g.node.target)
    if not g.dtype.is_floating_point:
        if g.dtype == torch.bool:
            a, b = (g.cast(side, torch.int32) for side in (a, b))
        return g.cast(g(MaximumOp if largest else MinimumOp, a, b), g.dtype)
    both = g(MaximumOp if largest else MinimumOp, a, b)
    return g(SelectOp, isnan(g, a), b, g(SelectOp, isnan(g, b), a, both))


def _single(g: Emitter, x: SSAValue) -> SSAValue:
    """What a polynomial for single precision may be used on."""
    if g.dtype != torch.float32:
        raise NotSupported(f"in {str(g.dtype).removeprefix('torch.')}")
    return g.cast(x, g.dtype)


def _polynomial(g: Emitter, factors: Sequence[float], x: SSAValue) -> SSAValue:
    """`factors[0] + factors[1] * x + ...`, by Horner's rule."""
    value = g.constant(factors[-1], g.dtype)
    for factor in reversed(factors[:-1]):
        value = g(AddOp, g(MulOp, value, x), g.constant(factor, g.dtype))
    return value


_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
)  # fmt: skip
"""Press et al., "Numerical Recipes in C", section 6.2: relative error below 1.2e-7 everywhere."""


@imports("aten.erfc.default", "aten.special_erfcx.default")
def erfc(g: Emitter, x: SSAValue) -> SSAValue:
    """t exp(-x**2 + p(t)) with t = 1 / (1 + |x| / 2); the rest to 2 where x is negative."""
    x = _single(g, x)
    size, one = g(AbsOp, x), g.constant(1.0, g.dtype)
    t = g(DivOp, one, g(AddOp, g(MulOp, size, g.constant(0.5, g.dtype)), one))
    exponent = _polynomial(g, _ERFC, t)
    negative = g(CompareOp, x, g.constant(0.0, g.dtype), predicate="lt")
    if "erfcx" in str(g.node.target):
        positive = g(MulOp, t, g(ExpOp, exponent))
        reflected = g(SubOp, g(MulOp, g(ExpOp, g(MulOp, x, x)), g.constant(2.0, g.dtype)), positive)
        return g(SelectOp, negative, reflected, positive)
    positive = g(MulOp, t, g(ExpOp, g(SubOp, exponent, g(MulOp, x, x))))
    return g(SelectOp, negative, g(SubOp, g.constant(2.0, g.dtype), positive), positive)


_ERFINV_CENTRE = (
    1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06, -3.5233877e-06,
    3.43273939e-07, 2.81022636e-08,
)  # fmt: skip
_ERFINV_TAIL = (
    2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322,
    0.000100950558, -0.000200214257,
)  # fmt: skip
"""Giles, "Approximating the erfinv function", GPU Computing Gems 2 (2011)."""


@imports("aten.erfinv.default")
def erfinv(g: Emitter, x: SSAValue) -> SSAValue:
    x = _single(g, x)
    one = g.constant(1.0, g.dtype)
    w = g(NegOp, g(LogOp, g(MulOp, g(SubOp, one, x), g(AddOp, one, x))))
    centre = _polynomial(g, _ERFINV_CENTRE, g(SubOp, w, g.constant(2.5, g.dtype)))
    tail = _polynomial(g, _ERFINV_TAIL, g(SubOp, g(SqrtOp, w), g.constant(3.0, g.dtype)))
    near = g(CompareOp, w, g.constant(5.0, g.dtype), predicate="lt")
    value = g(MulOp, g(SelectOp, near, centre, tail), x)
    end = g(CompareOp, g(AbsOp, x), one, predicate="eq")
    return g(SelectOp, end, g(MulOp, x, g.constant(math.inf, g.dtype)), value)
