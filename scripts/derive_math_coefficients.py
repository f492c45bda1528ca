"""Derives the polynomials of `lowering/_math_coefficients.py`; run it to write that file anew.

    python scripts/derive_math_coefficients.py > lowering/_math_coefficients.py

Each function of f32 is approximated on the interval that is left after its argument is reduced. The fit is least
squares at Chebyshev nodes, weighted by what an error costs in the result, which comes within a small factor of the
minimax polynomial. Coefficients are rounded to f32 one after the other, from the one of the lowest power, and the
others are fitted anew each time, so that the rounding errors of all but the last are made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Number = Any
"""A number of mpmath, which has no types."""

Function = Callable[[Number], Number]

NODES = 120
HALF_LN2 = mpmath.log(2) / 2

SMALL_ERF, LARGE_ERF = mpmath.mpf("0.95"), mpmath.mpf(4)
SMALL_TANH = mpmath.mpf("0.625")


@dataclass(frozen=True)
class Polynomial:
    """A polynomial to fit.

    Attributes:
        name: of the constant that holds its coefficients, lowest power first.
        meaning: what it approximates, for the comment.
        low, high: ends of the interval.
        degree: highest power.
        value: the function that the polynomial approximates.
        weight: what an absolute error of the polynomial is multiplied with.
        fixed: coefficients of the lowest powers that are given.
    """

    name: str
    meaning: str
    low: Number
    high: Number
    degree: int
    value: Function
    weight: Function
    fixed: tuple[float, ...] = ()


def polynomials() -> list[Polynomial]:
    one = mpmath.mpf(1)
    root = mpmath.sqrt(2)
    return [
        Polynomial(
            "EXP",
            "exp(r), |r| <= ln(2) / 2",
            -HALF_LN2,
            HALF_LN2,
            6,
            mpmath.exp,
            lambda r: mpmath.exp(-r),
            (1.0, 1.0),
        ),
        Polynomial(
            "EXP2",
            "2 ** f, |f| <= 1 / 2",
            -one / 2,
            one / 2,
            6,
            lambda f: mpmath.power(2, f),
            lambda f: mpmath.power(2, -f),
            (1.0,),
        ),
        Polynomial(
            "LOG",
            "(log(1 + f) - f + f * f / 2) / f ** 3, sqrt(1 / 2) <= 1 + f <= sqrt(2)",
            1 / root - 1,
            root - 1,
            8,
            lambda f: (mpmath.log1p(f) - f + f * f / 2) / f**3,
            lambda f: f**3 / mpmath.log1p(f),
        ),
        Polynomial(
            "ERF_SMALL",
            f"erf(x) / x - 1 by powers of x * x, |x| <= {mpmath.nstr(SMALL_ERF, 4)}",
            mpmath.mpf(0),
            SMALL_ERF**2,
            5,
            lambda t: mpmath.erf(mpmath.sqrt(t)) / mpmath.sqrt(t) - 1,
            lambda t: mpmath.sqrt(t) / mpmath.erf(mpmath.sqrt(t)),
        ),
        Polynomial(
            "ERF_LARGE",
            f"-log2(1 - erf(x)), {mpmath.nstr(SMALL_ERF, 4)} <= x <= {mpmath.nstr(LARGE_ERF, 4)}",
            SMALL_ERF,
            LARGE_ERF,
            6,
            lambda x: -mpmath.log(mpmath.erfc(x), 2),
            mpmath.erfc,
        ),
        Polynomial(
            "TANH_SMALL",
            f"(tanh(x) / x - 1) / (x * x) by powers of x * x, |x| <= {mpmath.nstr(SMALL_TANH, 4)}",
            mpmath.mpf(0),
            SMALL_TANH**2,
            4,
            lambda t: (mpmath.tanh(mpmath.sqrt(t)) / mpmath.sqrt(t) - 1) / t,
            lambda t: t * mpmath.sqrt(t) / mpmath.tanh(mpmath.sqrt(t)),
        ),
    ]


def fit(polynomial: Polynomial) -> list[float]:
    """Coefficients that are f32 numbers, lowest power first."""
    centre, reach = (polynomial.high + polynomial.low) / 2, (polynomial.high - polynomial.low) / 2
    nodes = [centre - reach * mpmath.cos(mpmath.pi * (k + mpmath.mpf(1) / 2) / NODES) for k in range(NODES)]
    values = [polynomial.value(x) for x in nodes]
    weights = [polynomial.weight(x) for x in nodes]
    known = list(polynomial.fixed)
    while len(known) <= polynomial.degree:
        powers = range(len(known), polynomial.degree + 1)
        matrix = mpmath.matrix([[w * x**p for p in powers] for x, w in zip(nodes, weights, strict=True)])
        rest = mpmath.matrix(
            [
                w * (v - mpmath.fsum(c * x**p for p, c in enumerate(known)))
                for x, v, w in zip(nodes, values, weights, strict=True)
            ]
        )
        solution = mpmath.lu_solve(matrix.T * matrix, matrix.T * rest)
        known.append(float(np.float32(float(solution[0]))))
    return known


def error(polynomial: Polynomial, coefficients: Sequence[float]) -> Number:
    """Largest weighted error."""
    points = mpmath.linspace(polynomial.low, polynomial.high, 301)[1:-1]
    return max(
        abs(polynomial.weight(x) * (mpmath.polyval(list(reversed(coefficients)), x) - polynomial.value(x)))
        for x in points
        if x
    )


def text() -> str:
    """The module `lowering/_math_coefficients.py`."""
    lines = [
        '"""Polynomials of the functions in `_math_functions.py`: f32 coefficients, lowest power first.',
        "",
        "Written by scripts/derive_math_coefficients.py, which explains how.",
        '"""',
        "",
        f"ERF_BOUNDARY = {float(SMALL_ERF)}",
        f"TANH_BOUNDARY = {float(SMALL_TANH)}",
    ]
    with mpmath.workdps(50):
        for polynomial in polynomials():
            coefficients = fit(polynomial)
            lines += [
                "",
                f"# {polynomial.meaning}; weighted error {float(error(polynomial, coefficients)):.1e}.",
            ]
            lines += [f"{polynomial.name} = ("]
            lines += [f"    {coefficient!r}," for coefficient in coefficients]
            lines += [")"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(text(), end="")
