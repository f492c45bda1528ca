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


def imports(*names: str, moves: bool = False) -> Callable[[NodeImporter], NodeImporter]:
    """Register a function as the importer of operations, by name: `@imports("aten.relu.default")`.

    Args:
        moves: the operation only moves elements: it may have unsigned ones, and none at all.
    """

    def register(function: NodeImporter) -> NodeImporter:
        for name in names:
            if name in _IMPORTERS:
                raise ValueError(f"{name} has two importers")
            _IMPORTERS[name] = function
            if moves:
                _MOVES.add(name)
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
