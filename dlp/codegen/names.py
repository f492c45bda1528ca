"""C identifiers for SSA values: from their name hints, unique where they are visible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

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
        "status",
        "args",
        "memcpy",
        "memset",
        "memmove",
    ]
)


@cache
def identifier(hint: str) -> str:
    """A valid C identifier that reads like the hint."""
    text = re.sub(r"\W", "_", hint, flags=re.ASCII).strip("_") or "v"
    if text[0].isdigit():
        text = f"v{text}"
    return f"{text}_" if text in _KEYWORDS or text.startswith("__") else text


class Names:
    """Names in use in nested C scopes; a name is free again once its scope is closed."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._active = set(reserved)
        self._opened: list[str] = []
        self._suffixes: dict[str, int] = {}

    def fresh(self, hint: str) -> str:
        """A name like the hint that no enclosing scope uses: `x`, then `x_1`, `x_2` ..."""
        base = identifier(hint)
        count = self._suffixes.get(base, 0)
        name = f"{base}_{count}" if count else base
        while name in self._active:
            count += 1
            name = f"{base}_{count}"
        self._suffixes[base] = count + 1
        self._active.add(name)
        self._opened.append(name)
        return name

    @contextmanager
    def scope(self) -> Iterator[None]:
        depth, suffixes = len(self._opened), dict(self._suffixes)
        try:
            yield
        finally:
            self._active.difference_update(self._opened[depth:])
            del self._opened[depth:]
            self._suffixes = suffixes
