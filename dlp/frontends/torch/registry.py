"""The table from ATen operations to the functions that import them, filled by the decorator `imports`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

NodeImporter = Callable[..., Any]
"""`f(g, *arguments)`: `g` is an `Emitter`; the arguments are those of the operation's schema, all of them, in order,
tensors as SSA values. Gives one SSA value, or a tuple of them (None for a result that dlp does not compute)."""

_IMPORTERS: dict[str, NodeImporter] = {}
_MOVES: set[str] = set()
_TAKES_EMPTY: set[str] = set()
_UPDATES: set[str] = set()


def imports(
    *names: str, moves: bool = False, empty: bool = False, updates: bool = False
) -> Callable[[NodeImporter], NodeImporter]:
    """Register a function as the importer of operations, by name: `@imports("aten.relu.default")`.

    Args:
        moves: the operation only moves elements: it may have unsigned ones.
        empty: some of its operands may have no elements while others, and the result, do. (Where no operand has any,
            or no result, importers are not asked; see `empty.py`.)
        updates: the result is the first operand with some elements replaced: the operand itself where another one has
            no elements.
    """

    def register(function: NodeImporter) -> NodeImporter:
        for name in names:
            if name in _IMPORTERS:
                raise ValueError(f"{name} has two importers")
            _IMPORTERS[name] = function
            if moves:
                _MOVES.add(name)
            if empty:
                _TAKES_EMPTY.add(name)
            if updates:
                _UPDATES.add(name)
        return function

    return register


@cache
def importers() -> Mapping[str, NodeImporter]:
    """Every importer, from all modules of `nodes`."""
    from dlp.frontends.torch import nodes

    for module in pkgutil.iter_modules(nodes.__path__):
        importlib.import_module(f"{nodes.__name__}.{module.name}")
    return _IMPORTERS


def moves_only(name: str) -> bool:
    """Whether the operation only moves elements."""
    return name in _MOVES


def takes_empty(name: str) -> bool:
    """Whether the operation's importer copes with operands without elements."""
    return name in _TAKES_EMPTY


def updates_first(name: str) -> bool:
    """Whether the operation replaces elements of its first operand."""
    return name in _UPDATES
