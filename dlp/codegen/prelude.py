"""What stands before the functions of a C file: includes, vector types and the helper functions in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dlp.codegen.c_types import BYTES, SCALARS, power_of_two
from dlp.errors import CodegenError
from dlp.targets import Target

HelperText = Callable[["Prelude", str, str, int], str]
"""(prelude, name of the function, element, lanes) -> its definition."""

INLINE = "static inline __attribute__((always_inline))"


_WIDER_THAN_REGISTERS = """\
/* How vectors that are wider than the registers are passed does not matter: functions on them are inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"
"""


class Prelude:
    """Collects the vector types and helpers that a module uses, in the order in which they are asked for."""

    def __init__(self, target: Target, helpers: dict[str, HelperText]) -> None:
        self.target = target
        self._helpers = helpers
        self._typedefs: dict[str, list[str]] = {}
        self._functions: dict[str, str] = {}
        self._widest = 0

    def type(self, element: str, lanes: int = 1) -> str:
        """C type of a value: `float`, `f32x8`; lengths that are no power of two live in the next longer vector."""
        if lanes == 1:
            return SCALARS[element]
        if element in ("index", "i1"):
            raise CodegenError(f"no vector type holds elements of type {element}")
        held = power_of_two(lanes)
        spelling = self.target.c
        fields = {
            "element": element,
            "scalar": SCALARS[element],
            "lanes": held,
            "bytes": held * BYTES[element],
            "element_bytes": BYTES[element],
        }
        name = spelling.vector_type.format(**fields)
        if name not in self._typedefs:
            declarations = (spelling.vector_typedef, spelling.unaligned_typedef)
            self._widest = max(self._widest, held * BYTES[element])
            self._typedefs[name] = [text.format(vector=name, **fields) for text in declarations if text]
        return name

    def helper(self, kind: str, element: str, lanes: int) -> str:
        """Name of a helper function, `maximum_f32x8`; its definition becomes part of the prelude."""
        name = f"{kind}_{element}" if lanes == 1 else f"{kind}_{element}x{lanes}"
        if name not in self._functions:
            text = self._helpers[kind](self, name, element, lanes)
            self._functions[name] = text
        return name

    def extremum(self, element: str, lanes: int, a: str, b: str, *, greater: bool) -> str | None:
        """C of `a > b ? a : b`, or `a < b ? a : b`, if the target has an instruction that C's operators cannot say."""
        spelled = self.target.c_extremum(element, lanes, greater=greater)
        if spelled is None:
            return None
        if isinstance(spelled, str):
            return spelled.format(a=a, b=b)
        return f"{self.helper('greater' if greater else 'lesser', element, lanes)}({a}, {b})"

    def reserved(self) -> frozenset[str]:
        return frozenset((*self._typedefs, *self._functions))

    def text(self) -> str:
        includes = dict.fromkeys((*self.target.c.headers, "stdbool.h"))
        parts = ["".join(f"#include <{header}>\n" for header in includes)]
        if self._widest > self.target.vector_bytes:
            parts.append(_WIDER_THAN_REGISTERS)
        if self._typedefs:
            parts.append("".join(f"{line}\n" for lines in self._typedefs.values() for line in lines))
        parts += self._functions.values()
        return "\n".join(parts)


WIDTH = 110
"""Columns of the printed C, as far as long lists go."""


def wrapped(head: str, items: Sequence[str], tail: str) -> str:
    """`head item, item tail`, on several lines where it is long."""
    one_line = f"{head}{', '.join(items)}{tail}"
    if len(one_line) <= WIDTH:
        return one_line
    lines, indent = [head], " " * (len(head) - len(head.lstrip()) + 4)
    for number, item in enumerate(items):
        text = item + ("," if number < len(items) - 1 else tail)
        if number and len(lines[-1]) + len(text) + 1 > WIDTH:
            lines.append(indent + text)
        else:
            lines[-1] += f" {text}" if number else text
    return "\n".join(lines)
