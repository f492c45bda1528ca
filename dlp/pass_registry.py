"""Which passes there are. Nothing is written down: the names are the file names, so the list cannot go stale.

A pass is found, in this order, as

1. a file of `transforms/` or `lowering/`: `fold_batch_norm.py` holds the pass `fold-batch-norm`. Files that
   begin with `_` are helpers; files named `print_*` are output formats (`lowering/print_c.py`: `dlp-opt -t c`);
2. an entry point of the group `dlp.passes` of an installed package: `name = "package.module:PassClass"`;
3. a pass of xDSL, unless one of ours has taken its name.

Nothing is imported before a pass is used.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes

from dlp.errors import InputError, nearest

PASS_GROUP = "dlp.passes"
"""Entry point group through which another package adds a pass."""

_FOLDERS = ("transforms", "lowering")


@dataclass(frozen=True)
class PassEntry:
    """A pass that can be had by name.

    Attributes:
        name: as written in pipelines.
        origin: "transforms" or "lowering"; the name of the package that brought it; or "xdsl".
        load: imports the pass.
        file: where it is defined, for passes of our own.
    """

    name: str
    origin: str
    load: Callable[[], type[ModulePass]]
    file: Path | None = None

    def summary(self) -> str:
        """First line of the docstring, read without importing where possible; empty for passes of xDSL."""
        if self.origin == "xdsl":
            return ""
        text = _docstring_in(self.file) if self.file else inspect.getdoc(self.load())
        return (text or "").strip().split("\n")[0]


@cache
def own_passes() -> Mapping[str, PassEntry]:
    """The passes of `transforms/` and `lowering/`, by name."""
    entries: dict[str, PassEntry] = {}
    for folder in _FOLDERS:
        path = Path(__file__).parent / folder
        for stem in _modules(path):
            if stem.startswith("print_"):
                continue
            name = stem.replace("_", "-")
            load = _loader(f"dlp.{folder}.{stem}", name)
            entries[name] = PassEntry(name, folder, load, path / f"{stem}.py")
    return entries


@cache
def installed_passes() -> Mapping[str, PassEntry]:
    """The passes that other packages bring, by name."""
    return {
        point.name: PassEntry(point.name, point.dist.name if point.dist else point.module, point.load)
        for point in importlib.metadata.entry_points(group=PASS_GROUP)
    }


@cache
def all_passes() -> Mapping[str, PassEntry]:
    """Every pass that can be named in a pipeline, ours first."""
    upstream = {name: PassEntry(name, "xdsl", load) for name, load in get_all_passes().items()}
    ours = {**installed_passes(), **own_passes()}
    return {**ours, **{name: entry for name, entry in upstream.items() if name not in ours}}


@cache
def output_formats() -> Mapping[str, str]:
    """What `dlp-opt -t` can print beside `mlir`: format name to module, from `lowering/print_*.py`."""
    path = Path(__file__).parent / "lowering"
    return {
        stem.removeprefix("print_").replace("_", "-"): f"dlp.lowering.{stem}"
        for stem in _modules(path)
        if stem.startswith("print_")
    }


def get_pass(name: str) -> type[ModulePass]:
    """The pass named `name`.

    Raises:
        InputError: there is none; the text offers the nearest name.
    """
    entry = own_passes().get(name) or all_passes().get(name)
    if entry is None:
        raise InputError(f"unknown pass '{name}'{nearest(name, all_passes())}")
    return entry.load()


def _modules(folder: Path) -> list[str]:
    stems = (entry.name.removesuffix(".py") for entry in os.scandir(folder) if entry.name.endswith(".py"))
    return sorted(stem for stem in stems if not stem.startswith("_"))


def _loader(module_name: str, pass_name: str) -> Callable[[], type[ModulePass]]:
    def load() -> type[ModulePass]:
        module = importlib.import_module(module_name)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, ModulePass)
                and value.__module__ == module.__name__
                and getattr(value, "name", None) == pass_name
            ):
                return value
        raise InputError(f"{module.__file__} defines no pass named '{pass_name}'")

    return load


def _docstring_in(file: Path) -> str | None:
    """The docstring of the pass in `file`, found by its `name = "..."` without running the file."""
    name = file.stem.replace("_", "-")
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and line.value.value == name
            for line in node.body
        ):
            return ast.get_docstring(node)
    return None
