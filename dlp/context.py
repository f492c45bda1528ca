"""The context that IR is parsed in: all dialects of xDSL, dlp and installed packages, loaded on demand."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.ir import Dialect

from dlp.errors import InputError

DIALECT_GROUP = "dlp.dialects"
"""Entry point group through which another package adds a dialect: `name = "package.module:DIALECT"`."""


def make_context(*, allow_unregistered: bool = False) -> Context:
    """A context that knows all dialects, none of which is imported before IR or a pass asks for it.

    Args:
        allow_unregistered: accept operations and types that no dialect defines.
    """
    context = Context(allow_unregistered=allow_unregistered)
    factories = {**get_all_dialects(), **_own_dialects(), **_installed_dialects()}
    for name, factory in factories.items():
        context.register_dialect(name, factory)
    return context


def _own_dialects() -> dict[str, Callable[[], Dialect]]:
    """One dialect for every module or package in `dlp/dialects`, found by file name."""
    names = (
        entry.name.removesuffix(".py")
        for entry in os.scandir(Path(__file__).parent / "dialects")
        if entry.name.endswith(".py") or entry.is_dir()
    )
    return {
        name: lambda name=name: _dialect_of(f"dlp.dialects.{name}", name)
        for name in sorted(names)
        if not name.startswith((".", "_"))
    }


def _dialect_of(module_name: str, dialect_name: str) -> Dialect:
    for value in vars(importlib.import_module(module_name)).values():
        if isinstance(value, Dialect) and value.name == dialect_name:
            return value
    raise InputError(f"{module_name} defines no dialect named '{dialect_name}'")


def _installed_dialects() -> dict[str, Callable[[], Dialect]]:
    points = importlib.metadata.entry_points(group=DIALECT_GROUP)
    return {point.name: point.load for point in points}
