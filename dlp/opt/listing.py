"""What there is: `--list-passes`, `--list-pipelines`, `--explain`."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Iterable
from typing import get_type_hints

from xdsl.utils.hints import type_repr

from dlp.pass_pipeline import named_pipelines, stages
from dlp.pass_registry import PassEntry, all_passes, get_pass

_TITLES = {
    "transforms": "graph passes (transforms/):",
    "lowering": "lowering passes (lowering/):",
    "xdsl": "passes of xDSL:",
}


def passes_text() -> str:
    """All passes by origin, ours with what they do."""
    by_origin: dict[str, list[PassEntry]] = {"transforms": [], "lowering": []}
    for entry in sorted(all_passes().values(), key=lambda entry: entry.name):
        by_origin.setdefault(entry.origin, []).append(entry)
    upstream = by_origin.pop("xdsl")
    parts: list[str] = []
    for origin, entries in by_origin.items():
        if entries:
            title = _TITLES.get(origin, f"passes of the package {origin}:")
            parts.append(f"{title}\n{_table((entry.name, entry.summary()) for entry in entries)}")
    names = textwrap.fill(", ".join(entry.name for entry in upstream), 100, break_on_hyphens=False)
    parts.append(f"{_TITLES['xdsl']}\n{textwrap.indent(names, '  ')}")
    return "\n".join(parts) + "\n"


def pipelines_text() -> str:
    """The stages in their order, and the named pipelines."""
    staged = _table((name, ", ".join(elements)) for name, elements in stages().items())
    named = _table(named_pipelines().items())
    return f"stages, in the order they run:\n{staged}\npipelines:\n{named}"


def explanation(name: str) -> str:
    """The docstring and the options of the pass `name`.

    Raises:
        InputError: there is no such pass.
    """
    cls = get_pass(name)
    text = f"{name}\n\n{textwrap.indent(inspect.getdoc(cls) or '(no description)', '  ')}\n"
    types = get_type_hints(cls)
    options = [field for field in dataclasses.fields(cls) if field.init and field.name != "name"]
    if not options:
        return f"{text}\nno options\n"
    rows = [
        (field.name.replace("_", "-"), f"{type_repr(types[field.name])}{_default(field)}")
        for field in options
    ]
    return f"{text}\noptions:\n{_table(rows)}"


def _default(field: dataclasses.Field[object]) -> str:
    if field.default is not dataclasses.MISSING:
        return f", default {field.default}"
    return "" if field.default_factory is not dataclasses.MISSING else ", required"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f"  {name:<{width}}  {text}".rstrip() + "\n" for name, text in rows)
