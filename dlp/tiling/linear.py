"""Linear expressions over SSA values, and intervals of them: where a tile lies and how far it reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, cast

from xdsl.ir import SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineSymExpr,
)

from dlp.dialects.dlp.dim import Dim, Size
from dlp.errors import StaticShapeRequired


class NotAlignedError(Exception):
    """A tile does not lie on the boundaries that a floordiv or mod of an index map needs."""


class Linear:
    """constant + sum of value * factor."""

    __slots__ = ("constant", "key", "terms")

    def __init__(self, constant: Size = 0, terms: Iterable[tuple[SSAValue, int]] = ()) -> None:
        if isinstance(constant, Dim):
            raise StaticShapeRequired(f"a part of a buffer with the size {constant}")
        self.constant = constant
        self.terms = tuple([(v, k) for v, k in terms if k])
        self.key = (constant, tuple(sorted([(id(v), k) for v, k in self.terms])) if self.terms else ())

    @property
    def is_constant(self) -> bool:
        return not self.terms

    def __add__(self, other: Linear | int) -> Linear:
        if isinstance(other, int):
            return Linear(self.constant + other, self.terms)
        terms = dict(self.terms)
        for v, k in other.terms:
            terms[v] = terms.get(v, 0) + k
        return Linear(self.constant + other.constant, terms.items())

    def __sub__(self, other: Linear) -> Linear:
        return self + other * -1

    def __mul__(self, factor: int) -> Linear:
        return Linear(self.constant * factor, ((v, k * factor) for v, k in self.terms))

    def divided(self, n: int) -> Linear:
        """Exact quotient of the terms, floor of the constant."""
        return Linear(self.constant // n, ((v, k // n) for v, k in self.terms))

    def terms_divisible(self, n: int) -> bool:
        return all(k % n == 0 for _, k in self.terms)


@dataclass(frozen=True)
class Interval:
    """`size` consecutive indices from `offset`; a size known only at run time is at most `bound`.

    The bound of a dimension that is taken as a whole, and whose size only a run knows, is that size.
    """

    offset: Linear
    size: Linear
    bound: int

    @staticmethod
    def of(offset: Linear | int, size: int) -> Interval:
        return Interval(offset if isinstance(offset, Linear) else Linear(offset), Linear(size), size)

    @property
    def is_static(self) -> bool:
        return self.size.is_constant

    @property
    def static_size(self) -> int:
        assert self.size.is_constant
        return self.size.constant

    @property
    def key(self) -> object:
        return (self.offset.key, self.size.key)


Region = list[Interval]
"""A box: one interval a dimension."""


ToLinear: TypeAlias = Callable[[Size], Linear]
"""A size that may be known only at run time over SSA values."""


def whole(shape: Iterable[Size], linear: ToLinear = Linear) -> Region:
    """All of a shape; `linear` says which values hold the sizes that are no numbers.

    Raises:
        StaticShapeRequired: there is such a size, and no `linear`.
    """
    return [Interval(Linear(0), linear(n), cast(int, n)) for n in shape]


def evaluate(expression: AffineExpr, box: Region, symbols: dict[int, Interval] | None = None) -> Interval:
    """The interval that contains every value of an affine expression on a box.

    Args:
        expression: over dimensions (positions in the box) and symbols.
        box: one interval a dimension.
        symbols: interval of each symbol (an indirect index).

    Raises:
        NotAlignedError: a floordiv or mod of an interval that crosses its boundaries.
    """
    match expression:
        case AffineDimExpr():
            return box[expression.position]
        case AffineSymExpr():
            assert symbols is not None
            return symbols[expression.position]
        case AffineConstantExpr():
            return Interval.of(expression.value, 1)
        case AffineBinaryOpExpr():
            return _binary(expression, box, symbols)
        case _:
            raise TypeError(f"no interval for {expression}")


def _binary(expression: AffineBinaryOpExpr, box: Region, symbols: dict[int, Interval] | None) -> Interval:
    a = evaluate(expression.lhs, box, symbols)
    if expression.kind is AffineBinaryOpKind.Add:
        b = evaluate(expression.rhs, box, symbols)
        return Interval(a.offset + b.offset, a.size + b.size + -1, a.bound + b.bound - 1)
    assert isinstance(expression.rhs, AffineConstantExpr)
    n = expression.rhs.value
    if expression.kind is AffineBinaryOpKind.Mul:
        if n < 0:
            return Interval((a.offset + a.size + -1) * n, (a.size + -1) * -n + 1, (a.bound - 1) * -n + 1)
        return Interval(a.offset * n, (a.size + -1) * n + 1, (a.bound - 1) * n + 1)
    if not a.is_static or not a.offset.terms_divisible(n):
        raise NotAlignedError
    size, remainder = a.static_size, a.offset.constant % n
    floor_div = expression.kind is AffineBinaryOpKind.FloorDiv
    if remainder + size <= n:
        return Interval.of(a.offset.divided(n), 1) if floor_div else Interval.of(remainder, size)
    if floor_div:
        return Interval.of(a.offset.divided(n), (remainder + size - 1) // n + 1)
    # More than one period: the remainders take every value. Only right where the box starts at the first of them.
    if remainder:
        raise NotAlignedError
    return Interval.of(0, n)
