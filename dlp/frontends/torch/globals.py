"""The globals of a function with a few of them replaced, for code made from it."""

from __future__ import annotations

from typing import Any


class OverlaidGlobals(dict[str, Any]):
    """Reads what is replaced, else what `base` has at that moment."""

    def __init__(self, base: dict[str, Any], replaced: dict[str, Any]) -> None:
        super().__init__(replaced, __builtins__=base["__builtins__"])
        self._base = base

    def __missing__(self, name: str) -> Any:
        return self._base[name]
