"""What the sizes that only a run knows are in this one: its arguments say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.ir import Attribute

from dlp.dialects.dlp.dim import Dim, Size
from dlp.dialects.dlp.structured import dims_of, shape_of

from .errors import InterpreterError


def symbols_in(types: Sequence[Attribute], shapes: Sequence[Sequence[int] | None]) -> dict[str, int]:
    """The values of the symbols that are sizes of arguments.

    Args:
        types: of the arguments.
        shapes: of their values; None where a value has none.

    Raises:
        InterpreterError: one symbol would have two values, or one that it cannot have.
    """
    found: dict[str, int] = {}
    for of, shape in zip(types, shapes, strict=True):
        if shape is None or dims_of(of) is None:
            continue
        for size, n in zip(shape_of(of), shape, strict=False):
            if isinstance(size, Dim) and str(size) in size.symbols:
                name, least = str(size), size.least
                if found.setdefault(name, n) != n:
                    raise InterpreterError(f"the size {name} is {found[name]} and {n}")
                if least is not None and n < least:
                    raise InterpreterError(f"the size {name} is {n}, and never less than {least}")
    return found


def known(sizes: Sequence[Size], symbols: Mapping[str, int]) -> tuple[int, ...]:
    """Sizes as numbers; -1 where nothing says which."""
    return tuple(
        n if not isinstance(n, Dim) else n.value(symbols) if n.symbols.keys() <= symbols.keys() else -1
        for n in sizes
    )


def is_open(sizes: Sequence[Size]) -> bool:
    """Whether one of the sizes is no number."""
    return any(isinstance(n, Dim) or n == -1 for n in sizes)


def known_shape(of: Attribute, symbols: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of a tensor or buffer type, as `known`."""
    return known(shape_of(of), symbols)


def shape_of_value(value: Any) -> tuple[int, ...] | None:
    """Of an array or a buffer; None for numbers."""
    return getattr(value, "shape", None) or None
