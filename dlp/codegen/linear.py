"""Index arithmetic as sums `c + k0 * a0 + k1 * a1 ...`, so that addresses fold before they are printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Range:
    """Inclusive bounds of an integer; None where nothing is known."""

    low: int | None = None
    high: int | None = None

    def scaled(self, factor: int) -> Range:
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Range(low, high) if factor >= 0 else Range(high, low)

    def plus(self, other: Range) -> Range:
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(low, high)


@dataclass(frozen=True)
class Atom:
    """A C expression that index arithmetic does not look into: a variable, or an operand in parentheses."""

    text: str
    range: Range = field(default=Range(), compare=False)


@dataclass(frozen=True)
class Linear:
    """`constant + sum(factor * atom)`; terms keep the order in which they came, without zero factors."""

    constant: int = 0
    terms: tuple[tuple[Atom, int], ...] = ()

    @staticmethod
    def atom(text: str, bounds: Range | None = None) -> Linear:
        return Linear(0, ((Atom(text, bounds or Range()), 1),))

    def in_parentheses(self) -> Linear:
        """A single atom, so that other operators can stand beside it."""
        return Linear(0, tuple((Atom(f"({atom.text})", atom.range), factor) for atom, factor in self.terms))

    @property
    def is_constant(self) -> bool:
        return not self.terms

    @property
    def range(self) -> Range:
        bounds = Range(self.constant, self.constant)
        for atom, factor in self.terms:
            bounds = bounds.plus(atom.range.scaled(factor))
        return bounds

    @property
    def is_nonnegative(self) -> bool:
        low = self.range.low
        return low is not None and low >= 0

    def __add__(self, other: Linear | int) -> Linear:
        if isinstance(other, int):
            return Linear(self.constant + other, self.terms)
        factors: dict[Atom, int] = dict(self.terms)
        for atom, factor in other.terms:
            factors[atom] = factors.get(atom, 0) + factor
        return Linear(self.constant + other.constant, _nonzero(factors.items()))

    def __sub__(self, other: Linear | int) -> Linear:
        return self + (-other if isinstance(other, int) else other * -1)

    def __mul__(self, factor: int) -> Linear:
        return Linear(self.constant * factor, _nonzero((atom, k * factor) for atom, k in self.terms))

    def split(self, divisor: int) -> tuple[Linear, Linear]:
        """`(q, r)` with `self == divisor * q + r`, where every factor of r is smaller than the divisor.

        Where r lies in [0, divisor), q is the floor of the quotient and r the remainder.
        """
        quotient = Linear(self.constant // divisor)
        rest = Linear(self.constant % divisor)
        for atom, factor in self.terms:
            term = Linear(0, ((atom, 1),))
            quotient += term * (factor // divisor)
            rest += term * (factor % divisor)
        return quotient, rest

    def __str__(self) -> str:
        """C text: `64 * (h + kh) + c + 3`; `0` for nothing."""
        groups: dict[int, list[Atom]] = {}
        for atom, factor in self.terms:
            groups.setdefault(factor, []).append(atom)
        text = ""
        for factor, atoms in groups.items():
            for term in _terms(abs(factor), [atom.text for atom in atoms]):
                if not text:
                    text = term if factor > 0 else f"-{term}"
                else:
                    text += f" + {term}" if factor > 0 else f" - {term}"
        if not text:
            return str(self.constant)
        if self.constant:
            text += f" + {self.constant}" if self.constant > 0 else f" - {-self.constant}"
        return text

    def as_operand(self) -> str:
        """C text that can stand beside any operator."""
        if not self.terms:
            return str(self.constant) if self.constant >= 0 else f"({self.constant})"
        if self.constant == 0 and len(self.terms) == 1 and self.terms[0][1] == 1:
            return self.terms[0][0].text
        return f"({self})"


def _nonzero(terms: Iterable[tuple[Atom, int]]) -> tuple[tuple[Atom, int], ...]:
    return tuple((atom, factor) for atom, factor in terms if factor)


def _terms(factor: int, atoms: list[str]) -> list[str]:
    if factor == 1:
        return atoms
    if len(atoms) == 1:
        return [f"{factor} * {atoms[0]}"]
    return [f"{factor} * ({' + '.join(atoms)})"]
