"""Special functions, in double precision whatever the result has: sums of terms of one size, or asymptotic series.

Formulas: Abramowitz and Stegun, "Handbook of Mathematical Functions", chapters 6 and 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

_Function = Callable[[Tensor], Tensor]


def _in_double(function: _Function, x: Tensor) -> Tensor:
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    return function(x.to(torch.float64)).to(dtype)


def _horner(factors: Sequence[float], x: Tensor) -> Tensor:
    """`factors[0] + factors[1] * x + ...`."""
    value = torch.full_like(x, factors[-1])
    for factor in reversed(factors[:-1]):
        value = value * x + factor
    return value


_LANCZOS = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
)  # fmt: skip
"""Lanczos, "A precision approximation of the gamma function" (1964), with g = 7."""


def _lgamma(x: Tensor) -> Tensor:
    """log |gamma(x)|; left of 1/2 by reflection."""
    left = x < 0.5
    y = torch.where(left, -x, x - 1)
    total = torch.full_like(x, _LANCZOS[0])
    for k, factor in enumerate(_LANCZOS[1:], 1):
        total = total + factor / (y + k)
    t = y + 7.5
    value = 0.5 * math.log(2 * math.pi) + (y + 0.5) * t.log() - t + total.log()
    sine = torch.sin(math.pi * (x - x.floor()))
    value = torch.where(left, math.log(math.pi) - sine.abs().log() - value, value)
    value = torch.where((x == 1) | (x == 2), 0.0, value)
    return torch.where(x.isinf(), math.inf, value)


_DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12)
"""Of the asymptotic series in 1 / x ** 2."""


def _digamma(x: Tensor) -> Tensor:
    """The logarithmic derivative of gamma: from x + 10 down, and by reflection where x is negative."""
    negative = x < 0
    y = torch.where(negative, 1 - x, x)
    below = torch.zeros_like(x)
    for k in range(10):
        below = below + 1 / (y + k)
    far = y + 10
    inverse = 1 / (far * far)
    value = far.log() - 0.5 / far + inverse * _horner(_DIGAMMA, inverse) - below
    value = torch.where(negative, value - math.pi / torch.tan(math.pi * (x - x.trunc())), value)
    value = torch.where(negative & (x == x.trunc()), math.nan, value)
    return torch.where(x == 0, torch.copysign(torch.full_like(x, math.inf), -x), value)


def _trigamma(x: Tensor) -> Tensor:
    """The derivative of digamma; as the framework rounds what it takes the sine of, so that poles are as high."""
    left = x < 0.5
    sine = torch.sin((x * math.pi).to(torch.float64))
    x = x.to(torch.float64)
    y = torch.where(left, 1 - x, x)
    value = torch.zeros_like(y)
    for k in range(10):
        value = value + 1 / ((y + k) * (y + k))
    far = y + 10
    inverse = 1 / (far * far)
    tail = _horner((1 / 6, -1 / 30, 1 / 42, -1 / 30), inverse)
    value = value + (1 + 0.5 / far + inverse * tail) / far
    return torch.where(left, math.pi**2 / (sine * sine) - value, value)


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
"""B_2, B_4, ..."""
_HIGHEST = 20
"""Of the derivatives of digamma that are computed like this."""


def _polygamma(n: int, x: Tensor) -> Tensor:
    """The n-th derivative of digamma, n > 1: from far right down, and by reflection left of 1/2."""
    sign = 1 if n % 2 else -1
    left = x < 0.5
    y = torch.where(left, 1 - x, x)
    value = torch.zeros_like(y)
    for k in range(10):
        value = value + torch.pow(y + k, -(n + 1))
    far = y + 10
    inverse = 1 / (far * far)
    factors = [b * math.comb(n + 2 * k - 1, 2 * k) / n for k, b in enumerate(_BERNOULLI, 1)]
    tail = (1 / n + 0.5 / far + inverse * _horner(factors, inverse)) * torch.pow(far, -n)
    value = sign * math.factorial(n) * (value + tail)
    cotangent = 1 / torch.tan(math.pi * (x - x.round()))
    slope = math.pi ** (n + 1) * _horner(_slope_of_cotangent(n), cotangent)
    value = torch.where(left, -sign * value - slope, value)
    return torch.where(x.isinf(), torch.where(left, sign * math.inf, math.nan), value)


def _slope_of_cotangent(n: int) -> list[float]:
    """The n-th derivative as a polynomial in the cotangent c, whose first one is -(1 + c ** 2)."""
    factors = [0, 1]
    for _ in range(n):
        inner = [-k * factor for k, factor in enumerate(factors)][1:]
        factors = [a + b for a, b in zip([*inner, 0, 0], [0, 0, *inner], strict=True)]
    return [float(factor) for factor in factors]


def polygamma(n: int, x: Tensor) -> Tensor:
    if n == 0:
        return _in_double(_digamma, x)
    if n == 1:
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        return _trigamma(x).to(x.dtype)
    return _in_double(partial(_polygamma, n), x) if n <= _HIGHEST else NotImplemented


def _scaled_bessel(order: int, x: Tensor) -> Tensor:
    """exp(-|x|) times the modified Bessel function of the first kind, by its power series or its asymptotic one."""
    size = x.abs()
    near = size < 15
    square = torch.where(near, size * size / 4, 0.0)
    powers = [1 / (math.factorial(k) * math.factorial(k + order)) for k in range(36)]
    small = _horner(powers, square) * torch.exp(-size) * (size / 2 if order else 1)
    factors = [1.0]
    for k in range(1, 10):
        factors.append(-factors[-1] * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k))
    far = torch.where(near, 15.0, size)
    value = torch.where(near, small, _horner(factors, 1 / far) / torch.sqrt(2 * math.pi * far))
    return torch.where(x < 0, -value, value) if order else value


def _bessel(order: int, x: Tensor) -> Tensor:
    """The modified Bessel function of the first kind; it overflows where the framework's exponential does."""
    scaled = _in_double(partial(_scaled_bessel, order), x)
    return scaled * x.to(scaled.dtype).abs().exp()


def _elementwise(function: _Function) -> _Function:
    return partial(_in_double, function)


_aten = torch.ops.aten
SPECIAL: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    _aten.lgamma.default: _elementwise(_lgamma),
    _aten.digamma.default: _elementwise(_digamma),
    _aten.polygamma.default: polygamma,
    _aten.i0.default: partial(_bessel, 0),
    _aten.special_i0e.default: _elementwise(partial(_scaled_bessel, 0)),
    _aten.special_i1.default: partial(_bessel, 1),
    _aten.special_i1e.default: _elementwise(partial(_scaled_bessel, 1)),
    _aten.special_modified_bessel_i0.default: partial(_bessel, 0),
    _aten.special_modified_bessel_i1.default: partial(_bessel, 1),
}
"""Decompositions, by operation."""
