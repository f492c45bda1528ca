"""The matrices of Winograd's minimal filtering, derived by Toom and Cook's interpolation, and their application.

`tile` outputs of a filter with `window` taps need `tile + window - 1` multiplications: y = A ((G g) * (D d)), the
product element by element. The matrices follow from polynomials at so many points, one of them at infinity (Winograd,
"Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
2016). The points decide how errors of rounding grow (Barabasz et al., "Error analysis and improving the accuracy of
Winograd convolution for deep neural networks", 2020): with 0, 11/16, -11/16, 3/2, -3/2 the largest error of
F(4 x 4, 3 x 3) is a third of that with 0, 1, -1, 2, -2, which everybody uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from math import prod
from typing import TypeAlias

from xdsl.ir import Attribute

from .body import BodyBuilder, Value

Matrix = tuple[tuple[Fraction, ...], ...]

_POINTS: Mapping[int, tuple[Fraction, ...]] = {
    2: (Fraction(0),),
    3: (Fraction(0), Fraction(1)),
    4: (Fraction(0), Fraction(1), Fraction(-1)),
    5: (Fraction(0), Fraction(1), Fraction(-1), Fraction(2)),
    6: (Fraction(0), Fraction(11, 16), Fraction(-11, 16), Fraction(3, 2), Fraction(-3, 2)),
}
"""The points for so many factors, but for that at infinity. Points p, -p save operations."""

LARGEST = max(_POINTS)
"""Factors of the largest transform that there are points for."""


@dataclass(frozen=True)
class Matrices:
    """One dimension of F(tile, window).

    Attributes:
        data: takes `tile + window - 1` inputs to as many factors.
        filter: takes `window` taps to as many factors.
        output: takes as many products to `tile` outputs.
    """

    data: Matrix
    filter: Matrix
    output: Matrix


@cache
def matrices(tile: int, window: int) -> Matrices:
    """The transforms of F(tile, window), exactly.

    Raises:
        ValueError: there are not enough points.
    """
    factors = tile + window - 1
    if tile < 1 or window < 1 or factors not in _POINTS:
        raise ValueError(f"no transform for {tile} outputs of {window} taps: 2 to {LARGEST} factors")
    points = _POINTS[factors]
    others = [[q for q in points if q != p] for p in points]
    data = [_coefficients(roots, factors) for roots in others] + [_coefficients(points, factors)]
    scale = [
        1 / prod(((p - q) for q in roots), start=Fraction(1)) for p, roots in zip(points, others, strict=True)
    ]
    filters = [tuple(f * p**k for k in range(window)) for p, f in zip(points, scale, strict=True)]
    filters.append((*(Fraction(0),) * (window - 1), Fraction(1)))
    last = tuple(Fraction(k == tile - 1) for k in range(tile))
    powers = [*(tuple(p**k for k in range(tile)) for p in points), last]
    return Matrices(tuple(data), tuple(filters), tuple(zip(*powers, strict=True)))


def _coefficients(roots: Sequence[Fraction], length: int) -> tuple[Fraction, ...]:
    """Coefficients, that of the constant first, of the product of (x - root)."""
    result = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *result]
        result = [a - root * b for a, b in zip(shifted, [*result, Fraction(0)], strict=True)]
    return (*result, *(Fraction(0),) * (length - len(result)))


def apply(b: BodyBuilder, matrix: Matrix, values: Sequence[Value], element: Attribute) -> list[Value]:
    """Matrix times vector, with few operations.

    The points come in pairs p, -p. Two columns that differ in signs only are replaced by the sum and the difference
    of their values; two rows that do are sum and difference of the parts where they agree and where they do not.
    """
    scheme = _scheme(matrix)
    inputs: list[Value] = []
    for k, twins in scheme.columns:
        inputs += [b.add(values[k], values[k + 1]), b.sub(values[k], values[k + 1])] if twins else [values[k]]
    results: list[Value] = []
    for combinations in scheme.rows:
        sums = [_combination(b, terms, inputs, element) for terms in combinations]
        results += [b.add(*sums), b.sub(*sums)] if len(sums) == 2 else sums
    return results


_Combination: TypeAlias = tuple[tuple[float, int], ...]
"""Factors, and the numbers of what they are for."""


@dataclass(frozen=True)
class _Scheme:
    """How a matrix is applied.

    Attributes:
        columns: for each the number of its value; with True, that and the next one are twins.
        rows: for each one combination, or for two rows that are twins the parts where they agree and where they do not.
    """

    columns: tuple[tuple[int, bool], ...]
    rows: tuple[tuple[_Combination, ...], ...]


@lru_cache(maxsize=256)
def _scheme(matrix: Matrix) -> _Scheme:
    columns = list(zip(*matrix, strict=True))
    steps: list[tuple[int, bool]] = []
    parts: list[Sequence[Fraction]] = []
    k = 0
    while k < len(columns):
        twins = k + 1 < len(columns) and _are_twins(columns[k], columns[k + 1])
        steps.append((k, twins))
        parts += _parts(columns[k], columns[k + 1]) if twins else [columns[k]]
        k += 2 if twins else 1
    rows = list(zip(*parts, strict=True))
    combined: list[tuple[_Combination, ...]] = []
    r = 0
    while r < len(rows):
        twins = r + 1 < len(rows) and _are_twins(rows[r], rows[r + 1])
        combined.append(
            tuple(_terms(part) for part in (_parts(rows[r], rows[r + 1]) if twins else (rows[r],)))
        )
        r += 2 if twins else 1
    return _Scheme(tuple(steps), tuple(combined))


def _are_twins(one: Sequence[Fraction], two: Sequence[Fraction]) -> bool:
    """Whether two rows or columns differ in the signs of some entries, but not of all."""
    signs = {x == y for x, y in zip(one, two, strict=True) if x or y}
    return signs == {True, False} and all(abs(x) == abs(y) for x, y in zip(one, two, strict=True))


def _parts(one: Sequence[Fraction], two: Sequence[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """Where two rows or columns agree, and where they do not."""
    pairs = list(zip(one, two, strict=True))
    return [x if x == y else Fraction(0) for x, y in pairs], [x if x != y else Fraction(0) for x, y in pairs]


def _terms(factors: Sequence[Fraction]) -> _Combination:
    """What is not zero, beginning with a value that needs no multiplication if there is one."""
    terms = [(f, k) for k, f in enumerate(factors) if f]
    terms.sort(key=lambda term: (abs(term[0]) != 1, term[0] < 0))
    return tuple((float(f), k) for f, k in terms)


def _combination(b: BodyBuilder, terms: _Combination, values: Sequence[Value], element: Attribute) -> Value:
    """Sum of factors times values."""
    (first, k), *rest = terms
    total = values[k] if first == 1 else b.mul(b.constant(first, element), values[k])
    for factor, k in rest:
        if abs(factor) == 1:
            total = b.add(total, values[k]) if factor > 0 else b.sub(total, values[k])
        else:
            total = b.fma(b.constant(factor, element), values[k], total)
    return total
