"""Bodies of exp, log, tanh and erf on f32, scalar or vector: polynomials and bit operations, without branches.

All are within 2 ulp, keep NaN, give Inf where the function does and round to denormals as it does. They need only the
operations of IEEE arithmetic; multiply-adds may be fused or not.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import IntegerAttr, IntegerType, f32, i32
from xdsl.ir import Operation, SSAValue

from dlp.dialects import arith
from dlp.dialects.x86vector import CURRENT_ROUNDING, MaskScaleFOp
from dlp.lowering import _math_coefficients as coefficients
from dlp.tiling.arith_builder import ArithBuilder

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693359375
"""ln(2) in so few bits that its product with an exponent is exact."""
LN2_LOW = -2.12194440e-4

TO_NEAREST = 12582912.0
"""1.5 * 2**23: a small number added to it is rounded to the nearest integer, held in the lowest bits."""
MANTISSA_BITS = 23
BIAS = 127


class Lanes(ArithBuilder):
    """`ArithBuilder` for f32 lanes, with numbers for operands and access to bits.

    Args:
        add: inserts an operation and returns it.
        lanes: elements of a vector; 1 computes on scalars.
        scalef: there is an instruction for x * 2**n on such vectors, `x86vector.avx512.mask.scalef`.
    """

    def __init__(self, add: Callable[[Operation], Operation], lanes: int, *, scalef: bool = False) -> None:
        super().__init__(add, lanes)
        self.scalef = scalef

    def number(self, value: float) -> SSAValue:
        return self.constant(value, f32)

    def integer(self, value: int) -> SSAValue:
        return self.constant(value, i32)

    def bits(self, value: SSAValue) -> SSAValue:
        return self.emit(arith.BitcastOp(value, self._full(i32)))

    def from_bits(self, value: SSAValue) -> SSAValue:
        return self.emit(arith.BitcastOp(value, self._full(f32)))

    def named(self, name: str, value: SSAValue) -> SSAValue:
        """The value, with the name that its variable gets in C."""
        value.name_hint = name
        return value

    def polynomial(self, factors: Sequence[float], x: SSAValue) -> SSAValue:
        """`factors[0] + factors[1] * x + ...`, by Horner's rule."""
        value = self.number(factors[-1])
        for factor in reversed(factors[:-1]):
            value = self.named("p", self.fma(value, x, self.number(factor)))
        return value

    def scaled(self, value: SSAValue, n: SSAValue) -> SSAValue:
        """value * 2**n by the one instruction, rounded once; n is a whole number."""
        every, rounding = (
            self.emit(arith.ConstantOp(IntegerAttr(number, type_)))
            for number, type_ in ((-1, IntegerType(16)), (CURRENT_ROUNDING, i32))
        )
        return self.emit(MaskScaleFOp(operands=[value, value, n, every, rounding], result_types=[value.type]))

    def with_sign_of(self, magnitude: SSAValue, sign: SSAValue) -> SSAValue:
        """A number that is not negative, with the sign of another one."""
        sign_bit = self.and_(self.bits(sign), self.integer(-(1 << 31)))
        return self.from_bits(self.or_(self.bits(magnitude), sign_bit))


def exp(b: Lanes, x: SSAValue) -> SSAValue:
    """2**n * p(r) with x = n ln(2) + r.

    Without an instruction for it, 2**n has two factors, so that denormals are rounded once and 2**128 fits.
    """
    x = b.named("bounded", b.minimum(b.maximum(x, b.number(-104.0)), b.number(89.0)))
    shifted = b.named("shifted", b.fma(x, b.number(LOG2_E), b.number(TO_NEAREST)))
    n = b.named("n", b.sub(shifted, b.number(TO_NEAREST)))
    r = b.named("r", b.fma(n, b.number(-LN2_HIGH), x))
    r = b.named("r", b.fma(n, b.number(-LN2_LOW), r))
    value = b.polynomial(coefficients.EXP, r)
    if b.scalef:
        return b.named("y", b.scaled(value, n))
    biased = b.named("biased", b.sub(b.bits(shifted), b.integer(_bits(TO_NEAREST) - 2 * BIAS)))
    half = b.named("half", b.shift_right(biased, b.integer(1)))
    for exponent in (half, b.sub(biased, half)):
        power = b.named("power", b.from_bits(b.shift_left(exponent, b.integer(MANTISSA_BITS))))
        value = b.named("y", b.mul(value, power))
    return value


def log(b: Lanes, x: SSAValue) -> SSAValue:
    """k ln(2) + log(1 + f) with x = 2**k (1 + f) and 1 + f around 1; denormals are scaled first."""
    is_denormal = b.compare("lt", x, b.number(2.0**-126))
    scaled = b.named("scaled", b.select(is_denormal, b.mul(x, b.number(2.0**MANTISSA_BITS)), x))
    correction = b.select(is_denormal, b.number(-float(MANTISSA_BITS)), b.number(0.0))
    bits = b.bits(scaled)
    exponent = b.shift_right(b.sub(bits, b.integer(_bits(0.5**0.5))), b.integer(MANTISSA_BITS))
    mantissa = b.from_bits(b.sub(bits, b.shift_left(exponent, b.integer(MANTISSA_BITS))))
    k = b.named("k", b.add(b.cast(exponent, f32), correction))
    f = b.named("f", b.sub(mantissa, b.number(1.0)))
    square = b.named("square", b.mul(f, f))
    value = b.mul(b.mul(f, square), b.polynomial(coefficients.LOG, f))
    value = b.fma(k, b.number(LN2_LOW), value)
    value = b.fma(square, b.number(-0.5), value)
    value = b.fma(k, b.number(LN2_HIGH), b.add(f, value))
    at_most_zero = b.select(
        b.compare("eq", x, b.number(0.0)), b.number(float("-inf")), b.number(float("nan"))
    )
    value = b.select(b.compare("gt", x, b.number(0.0)), value, at_most_zero)
    return b.select(b.compare("eq", x, b.number(float("inf"))), x, value)


def tanh(b: Lanes, x: SSAValue) -> SSAValue:
    """With the sign of x: |x| + |x|**3 p(x**2) around 0, else 1 - 2 / (exp(2 |x|) + 1)."""
    magnitude = b.named("magnitude", b.abs(x))
    power = _power_of_two(b, b.minimum(b.mul(magnitude, b.number(2 * LOG2_E)), b.number(30.0)))
    large = b.named("large", b.sub(b.number(1.0), b.div(b.number(2.0), b.add(power, b.number(1.0)))))
    square = b.named("square", b.mul(x, x))
    cube = b.named("cube", b.mul(magnitude, square))
    small = b.named("small", b.fma(cube, b.polynomial(coefficients.TANH_SMALL, square), magnitude))
    is_large = b.compare("ge", magnitude, b.number(coefficients.TANH_BOUNDARY))
    return b.with_sign_of(b.select(is_large, large, small), x)


def erf(b: Lanes, x: SSAValue) -> SSAValue:
    """With the sign of x: |x| + |x| p(x**2) around 0, else 1 - 2**-q(|x|)."""
    magnitude = b.named("magnitude", b.abs(x))
    exponent = b.polynomial([-c for c in coefficients.ERF_LARGE], b.minimum(magnitude, b.number(4.0)))
    large = b.named("large", b.sub(b.number(1.0), _power_of_two(b, exponent)))
    square = b.named("square", b.mul(x, x))
    small = b.named("small", b.fma(magnitude, b.polynomial(coefficients.ERF_SMALL, square), magnitude))
    is_large = b.compare("ge", magnitude, b.number(coefficients.ERF_BOUNDARY))
    return b.with_sign_of(b.select(is_large, large, small), x)


FUNCTIONS: dict[str, Callable[[Lanes, SSAValue], SSAValue]] = {
    "exp": exp,
    "log": log,
    "tanh": tanh,
    "erf": erf,
}
"""By the name of the operation of `math`, without its prefix."""


def _power_of_two(b: Lanes, x: SSAValue) -> SSAValue:
    """2**x where that is a normal number; anything where x is NaN."""
    shifted = b.named("shifted", b.add(x, b.number(TO_NEAREST)))
    fraction = b.named("fraction", b.sub(x, b.sub(shifted, b.number(TO_NEAREST))))
    value = b.polynomial(coefficients.EXP2, fraction)
    exponent = b.shift_left(b.bits(shifted), b.integer(MANTISSA_BITS))
    return b.from_bits(b.add(b.bits(value), exponent))


def _bits(number: float) -> int:
    return struct.unpack("<i", struct.pack("<f", number))[0]
