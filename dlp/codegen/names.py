"""C identifiers for SSA values: from their name hints, unique where they are visible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "bool",
        "true",
        "false",
        "asm",
        "typeof",
        "main",
        "threads",
        "args",
        "memcpy",
        "memset",
        "memmove",
    ]
)


def identifier(hint: str) -> str:
    """A valid C identifier that reads like the hint."""
    text = re.sub(r"\W", "_", hint, flags=re.ASCII).strip("_") or "v"
    if text[0].isdigit():
        text = f"v{text}"
    return f"{text}_" if text in _KEYWORDS or text.startswith("__") else text


class Names:
    """Names in use in nested C scopes; a name is free again once its scope is closed."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._scopes: list[set[str]] = [set(reserved)]

    def fresh(self, hint: str) -> str:
        """A name like the hint that no enclosing scope uses: `x`, then `x_1`, `x_2` ..."""
        base = identifier(hint)
        name, count = base, 0
        while any(name in scope for scope in self._scopes):
            count += 1
            name = f"{base}_{count}"
        self._scopes[-1].add(name)
        return name

    @contextmanager
    def scope(self) -> Iterator[None]:
        self._scopes.append(set())
        try:
            yield
        finally:
            self._scopes.pop()
