"""Sizes that only a run knows, as expressions: `s0 * 12 + 1`.

A `Dim` looks like a number as long as what is asked of it holds for every value that its symbols can take, and raises
`StaticShapeRequired` otherwise. It is no subclass of int: code that needs the number cannot get it by accident, and
whoever catches the error compiles for the sizes at hand instead.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition

from dlp.errors import StaticShapeRequired

LEAST = 2
"""What every symbol is at least: sizes 0 and 1 broadcast and vanish, and are compiled as constants."""

SHARES = tuple(Fraction(k, 8) for k in (2, 3, 4, 5, 6, 7, 8))
"""Of the size that was seen, such a share is proposed as the least one where small sizes are in the way."""


@dataclass(frozen=True)
class Symbol:
    """A size that a run brings, and the one that it was compiled for, which only cost models look at."""

    name: str
    hint: int
    least: int = LEAST
    """The smallest value that it can have."""

    def value(self, symbols: Mapping[str, int]) -> int:
        return symbols[self.name]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Quotient:
    """`of // by`, where the division is not exact."""

    of: Dim
    by: int

    @property
    def least(self) -> int:
        bound = self.of.least
        if bound is None:
            raise StaticShapeRequired(f"the sign of {self.of}")
        return bound // self.by

    @property
    def hint(self) -> int:
        return self.of.hint // self.by

    def value(self, symbols: Mapping[str, int]) -> int:
        return self.of.value(symbols) // self.by

    def __str__(self) -> str:
        return f"(({self.of}) // {self.by})"


Atom: TypeAlias = Symbol | Quotient
Number: TypeAlias = "int | Fraction"
Product: TypeAlias = tuple[Atom, ...]
"""Atoms in the order of their names; empty for the constant."""


class Dim:
    """A polynomial of symbols and of their quotients by constants, with integer coefficients."""

    __slots__ = ("_hash", "_least", "terms")

    def __init__(self, terms: Mapping[Product, int]) -> None:
        self.terms = {p: k for p, k in sorted(terms.items(), key=lambda item: str([*map(str, item[0])])) if k}
        self._hash = hash(tuple(self.terms.items()))
        self._least: Any = ...  # not asked for yet

    @property
    def atoms(self) -> list[Atom]:
        return list({atom: None for product in self.terms for atom in product})

    @property
    def symbols(self) -> dict[str, Symbol]:
        """By name."""
        found: dict[str, Symbol] = {}
        for atom in self.atoms:
            found |= {atom.name: atom} if isinstance(atom, Symbol) else atom.of.symbols
        return found

    @property
    def hint(self) -> int:
        """The number that it is at the sizes that were seen."""
        return sum(k * _product(atom.hint for atom in p) for p, k in self.terms.items())

    def value(self, symbols: Mapping[str, int]) -> int:
        """The number that it is for these sizes."""
        return sum(k * _product(atom.value(symbols) for atom in p) for p, k in self.terms.items())

    @property
    def least(self) -> int | None:
        """A lower bound, None where there is none."""
        if self._least is ...:
            self._least = _lower_bound(self.terms)
        return self._least

    @property
    def most(self) -> int | None:
        """An upper bound, None where there is none."""
        bound = _lower_bound({p: -k for p, k in self.terms.items()})
        return None if bound is None else -bound

    # Numbers

    def __add__(self, other: Any) -> Any:
        if (terms := _terms(other)) is None:
            return NotImplemented
        result = dict(self.terms)
        for product, k in terms.items():
            result[product] = result.get(product, 0) + k
        return simplified(result)

    def __mul__(self, other: Any) -> Any:
        if (terms := _terms(other)) is None:
            return NotImplemented
        result: dict[Product, int] = {}
        for p, k in self.terms.items():
            for q, factor in terms.items():
                product = tuple(sorted((*p, *q), key=str))
                result[product] = result.get(product, 0) + k * factor
        return simplified(result)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if _terms(other) is None else self + other * -1

    def __rsub__(self, other: Any) -> Any:
        return self * -1 + other

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, Dim):
            return self._exactly_divided(other)
        if not isinstance(other, int) or other <= 0:
            raise StaticShapeRequired(f"({self}) // {other}")
        # Quotients are of what is not negative.
        if min(self.terms.values()) < 0 and self.least is None and self.most is not None:
            return -((other - 1 - self) // other)
        whole = {p: k // other for p, k in self.terms.items() if k % other == 0 or not p}
        rest = {p: k for p, k in self.terms.items() if k % other and p}
        if not rest:
            return simplified(whole)
        # A constant within the quotient: ceil(s / 2) is (s + 1) // 2, and not s // 2.
        constant = self.terms.get((), 0)
        whole[()] = constant // other
        if constant % other:
            rest[()] = constant % other
        match [item for item in rest.items() if item[0]]:
            case [((Quotient() as inner,), 1)]:  # (n // k + c) // m is (n + c * k) // (k * m)
                added = rest.get((), 0) * inner.by
                return simplified(whole) + (inner.of + added) // (inner.by * other)
        return simplified(whole) + Dim({(Quotient(Dim(rest), other),): 1})

    def _exactly_divided(self, other: Dim) -> Any:
        if len(other.terms) != 1:
            if other == self:
                return 1
            raise StaticShapeRequired(f"({self}) // ({other})")
        ((divisor, factor),) = other.terms.items()
        result: dict[Product, int] = {}
        over: dict[Product, int] = {}
        for product, k in self.terms.items():
            left = list(product)
            if k % factor or any(divisor.count(atom) > product.count(atom) for atom in divisor):
                over[product] = k
                continue
            for atom in divisor:
                left.remove(atom)
            result[tuple(left)] = k // factor
        # What is over is less than one more, or makes it one less.
        rest = simplified(over)
        if known_not_below(rest, 0) and known_not_below(other - 1, rest):
            return simplified(result)
        if known_not_below(-1, rest) and known_not_below(rest + other, 0):
            return simplified(result) - 1
        raise StaticShapeRequired(f"({self}) // ({other})")

    def __mod__(self, other: Any) -> Any:
        return self - self // other * other

    def __rfloordiv__(self, other: Any) -> Any:
        raise StaticShapeRequired(f"{other} // ({self})")

    def __rmod__(self, other: Any) -> Any:
        raise StaticShapeRequired(f"{other} % ({self})")

    def __truediv__(self, other: Any) -> Any:
        raise StaticShapeRequired(f"({self}) / {other}")

    def __rtruediv__(self, other: Any) -> Any:
        raise StaticShapeRequired(f"{other} / ({self})")

    def __pow__(self, other: Any) -> Any:
        raise StaticShapeRequired(f"({self}) ** {other}")

    # Questions, answered where the answer is the same for all sizes. Equality means "known to be equal", but for 0:
    # sizes that vanish are something else than others. What may be 1 is treated as any other number; which sizes
    # broadcast is settled where the IR comes from.

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Dim) and self.terms == other.terms:
            return True
        if not isinstance(other, int) or isinstance(other, bool):
            return False  # other expressions: what is right for sizes that differ is right where they happen not to
        if other == 1:
            bool(self)  # which may be 0 is no size yet
        if other > 0:
            return False
        return _is_zero(self - other, lambda: f"whether {self} is {other}")

    def __hash__(self) -> int:
        return self._hash

    def __lt__(self, other: Any) -> bool:
        return _is_positive(other - self, lambda: f"whether {self} < {other}")

    def __gt__(self, other: Any) -> bool:
        return _is_positive(self - other, lambda: f"whether {self} > {other}")

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __abs__(self) -> Any:
        return self if self >= 0 else -self

    def __bool__(self) -> bool:
        return self != 0

    def _number(self) -> Any:
        raise StaticShapeRequired(f"the number that {self} is")

    __index__ = __int__ = __float__ = __complex__ = __round__ = __iter__ = _number  # type: ignore[assignment]

    def __str__(self) -> str:
        text = ""
        for product, k in self.terms.items():
            factors = [str(abs(k))] if abs(k) != 1 or not product else []
            sign = " - " if k < 0 else " + "
            text += (sign if text else sign.strip(" +")) + " * ".join([*map(str, product), *factors])
        return text

    __repr__ = __str__


Size: TypeAlias = "int | Dim"


def symbol(name: str, hint: int, least: int = LEAST) -> Dim:
    """The size `name`, seen as `hint`, which is never less than `least`."""
    return Dim({(Symbol(name, hint, least),): 1})


def simplified(terms: Mapping[Product, int]) -> Size:
    """A number where nothing else is left."""
    dim = Dim(terms)
    return dim.terms.get((), 0) if not any(dim.terms) else dim


def hint(size: Size) -> int:
    """A number for cost models: what is computed must not depend on it."""
    return size.hint if isinstance(size, Dim) else size


def hints(sizes: Iterable[Size]) -> tuple[int, ...]:
    """As `hint`, for each of them."""
    return tuple(map(hint, sizes))


def is_static(sizes: Iterable[Size]) -> bool:
    """Whether all sizes are numbers."""
    return not any(isinstance(n, Dim) for n in sizes)


def static(size: Size, what: str) -> int:
    """The size as the number that it must be.

    Raises:
        StaticShapeRequired: it is none; the text says what for.
    """
    if isinstance(size, Dim):
        raise StaticShapeRequired(f"{what} with the size {size}")
    return size


def known_not_below(size: Size, other: Size) -> bool:
    """Whether a size is known to be at least as large as another, for all values of the symbols."""
    difference = size - other
    least = difference.least if isinstance(difference, Dim) else difference
    return least is not None and least >= 0


def value_of(size: Size, symbols: Mapping[str, int]) -> int:
    """The number that a size is in a run."""
    return size.value(symbols) if isinstance(size, Dim) else size


def size_function(sizes: Iterable[Size], names: Sequence[str]) -> Callable[..., tuple[int, ...]]:
    """A function of symbols, in the order of their names, that gives the numbers that sizes are in a run."""
    values = "".join(f"{n}, " for n in sizes)
    return eval(f"lambda {', '.join(names)}: ({values})", {"__builtins__": {}})


def parse_dim(text: str, known: Mapping[str, Symbol]) -> Size:
    """The expression that `str(dim)` prints.

    Args:
        text: of names, integers, `+ - * //` and parentheses.
        known: the symbol of every name.

    Raises:
        ValueError: the text is something else.
    """
    operations: dict[type, Callable[[Any, Any], Any]] = {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.FloorDiv: lambda a, b: a // b,
    }

    def read(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() as number):
                return number
            case ast.Name(id=name) if name in known:
                return Dim({(known[name],): 1})
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -read(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in operations:
                return operations[type(op)](read(left), read(right))
            case _:
                raise ValueError(f"{text!r} is no size over the symbols {', '.join(known) or '(none)'}")

    try:
        return read(ast.parse(text, mode="eval").body)
    except SyntaxError:
        raise ValueError(f"{text!r} is no size") from None


@irdl_attr_definition
class DimsAttr(ParametrizedAttribute):
    """Which sizes the `?` of a type are: the encoding of a tensor, the memory space of a buffer.

    `tensor<?x768xf32, #dlp.dims<["s0", 768], [], {s0 = 64}>>`: `s0` names the same number wherever it occurs in a
    module; 64 is the size that was seen when it was made. `{s0 = [64, 16]}` says that it is never less than 16, where
    otherwise it is never less than 2. Buffers whose strides follow from no shape list them too.
    """

    name = "dlp.dims"

    sizes: ArrayAttr[Attribute]
    strides: ArrayAttr[Attribute]
    symbols: DictionaryAttr

    @staticmethod
    def of(sizes: Sequence[Size], strides: Sequence[Size] = ()) -> DimsAttr:
        known: dict[str, Symbol] = {}
        for n in (*sizes, *strides):
            known |= n.symbols if isinstance(n, Dim) else {}
        table = DictionaryAttr({name: _described(known[name]) for name in sorted(known)})
        return DimsAttr(ArrayAttr(map(_attribute, sizes)), ArrayAttr(map(_attribute, strides)), table)

    def get_symbols(self) -> dict[str, Symbol]:
        """By name.

        Raises:
            ValueError: what is said of one is neither a number nor two of them.
        """
        return {name: _symbol(name, said) for name, said in self.symbols.data.items()}

    def get_sizes(self) -> tuple[Any, ...]:
        return _read(self)[0]

    def get_strides(self) -> tuple[Any, ...]:
        """Of a buffer: row-major where nothing else is said."""
        sizes, strides = _read(self)
        return strides or tuple(math.prod(sizes[d + 1 :]) for d in range(len(sizes)))


@functools.lru_cache(maxsize=4096)
def _read(attribute: DimsAttr) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    known = attribute.get_symbols()

    def sizes(array: ArrayAttr[Attribute]) -> tuple[Any, ...]:
        return tuple(
            parse_dim(a.data, known) if isinstance(a, StringAttr) else a.value.data  # type: ignore[attr-defined]
            for a in array
        )

    return sizes(attribute.sizes), sizes(attribute.strides)


def _described(of: Symbol) -> Attribute:
    seen = IntegerAttr(of.hint, 64)
    return seen if of.least == LEAST else ArrayAttr([seen, IntegerAttr(of.least, 64)])


def _symbol(name: str, said: Attribute) -> Symbol:
    numbers = said.data if isinstance(said, ArrayAttr) else (said,)
    match [n.value.data for n in numbers if isinstance(n, IntegerAttr)]:
        case [hint] if len(numbers) == 1 and hint >= 0:
            return Symbol(name, hint)
        case [hint, least] if len(numbers) == 2 and hint >= least >= LEAST:
            return Symbol(name, hint, least)
        case _:
            raise ValueError(f"what is said of {name} is {said}: the size that was seen, or [seen, least]")


def _attribute(size: Size) -> Attribute:
    return StringAttr(str(size)) if isinstance(size, Dim) else IntegerAttr(size, 64)


def _terms(value: object) -> Mapping[Product, int] | None:
    if isinstance(value, Dim):
        return value.terms
    return {(): value} if isinstance(value, int) else None


def _product(numbers: Iterable[int]) -> int:
    result = 1
    for n in numbers:
        result *= n
    return result


def _lower_bound(terms: Mapping[Product, int]) -> int | None:
    """Of a polynomial: with quotients as they are, or each as the fraction that it is nearly."""
    bounds = [_of_grown_atoms(terms), _of_grown_atoms(_without_quotients(terms))]
    known = [math.ceil(bound) for bound in bounds if bound is not None]
    return max(known, default=None)


def _without_quotients(terms: Mapping[Product, Number]) -> Mapping[Product, Number]:
    """A polynomial of symbols that is nowhere larger: n // k is between (n - k + 1) / k and n / k, others are >= 0."""
    result: dict[Product, Number] = {}
    for product, factor in terms.items():
        quotient = next((atom for atom in product if isinstance(atom, Quotient)), None)
        if quotient is None:
            result[product] = result.get(product, 0) + factor
            continue
        others = list(product)
        others.remove(quotient)
        low = Fraction(1 - quotient.by, quotient.by) if factor > 0 else 0
        nearly: dict[Product, Number] = {p: Fraction(k, quotient.by) for p, k in quotient.of.terms.items()}
        nearly[()] = nearly.get((), 0) + low
        for p, k in _without_quotients(
            {tuple(sorted((*others, *p), key=str)): k * factor for p, k in nearly.items()}
        ).items():
            result[p] = result.get(p, 0) + k
    return result


def _of_grown_atoms(terms: Mapping[Product, Number]) -> Number | None:
    """A lower bound, by every atom as its least value plus something that is not negative."""
    shifted: dict[Product, Number] = {}
    for product, k in terms.items():
        parts: dict[Product, Number] = {(): k}
        for atom in product:
            least, grown = atom.least, dict[Product, Number]()
            for p, factor in parts.items():
                grown[p] = grown.get(p, 0) + factor * least
                longer = tuple(sorted((*p, atom), key=str))
                grown[longer] = grown.get(longer, 0) + factor
            parts = grown
        for p, factor in parts.items():
            shifted[p] = shifted.get(p, 0) + factor
    if any(k < 0 for p, k in shifted.items() if p):
        return None
    return shifted.get((), 0)


def _is_zero(difference: Size, question: Callable[[], str]) -> bool:
    if not isinstance(difference, Dim):
        return difference == 0
    least, most = difference.least, difference.most
    if (least is not None and least > 0) or (most is not None and most < 0):
        return False
    raise StaticShapeRequired(question(), _enough(difference))


def _is_positive(difference: Size, question: Callable[[], str]) -> bool:
    if not isinstance(difference, Dim):
        return difference > 0
    least, most = difference.least, difference.most
    if least is not None and least > 0:
        return True
    if most is not None and most <= 0:
        return False
    raise StaticShapeRequired(question(), _enough(difference))


def _enough(difference: Dim) -> dict[str, int]:
    """Least values of the symbols, not above those seen, with which the difference is positive or negative."""
    for share in SHARES:
        known = {
            name: Symbol(name, of.hint, max(of.least, int(of.hint * share)))
            for name, of in difference.symbols.items()
        }
        grown = parse_dim(str(difference), known)
        assert isinstance(grown, Dim)
        if (grown.least or 0) > 0 or (grown.most or 0) < 0:
            return {name: of.least for name, of in known.items()}
    return {}
