"""The short way into a variant that Dynamo captured whole: its guards, then its code, without its frame evaluation.

Dynamo's way into a compiled function (a wrapper in Python, a hook into the evaluation of frames, wrappers around the
graph's function) took 35 µs a call where the guards of a small model took 5. A variant without graph breaks needs
none of it: if its guards hold for the arguments, the code that Dynamo made is called as a function.
"""

from __future__ import annotations

import dis
import inspect
import math
import types
from collections.abc import Callable
from typing import Any

import torch
from torch._dynamo import eval_frame, utils

from dlp.frontends.torch.globals import OverlaidGlobals
from dlp.frontends.torch.graph_call import WeightsGoneError
from dlp.frontends.torch.shortcut import Shortcut

PATIENCE = 4
"""After so many calls of a variant its shortcut is made, which costs about ten calls; twice as many after each time
that the model changed."""

_MOST = 8
"""So many variants are tried before Dynamo is asked, which knows all."""


class Variant:
    """One captured form of a function: what it depends on, and its code."""

    __slots__ = ("_first", "_graphs", "_guards", "_hits", "_patience", "_run", "_shortcut")

    def __init__(self, function: types.FunctionType, code: types.CodeType, guards: Any) -> None:
        self._guards = guards
        self._graphs = _graphs_of(code, function.__globals__)
        self._run = types.FunctionType(
            code,
            _globals_for(code, function, self._graphs),
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        self._run.__kwdefaults__ = function.__kwdefaults__
        self._first = code.co_varnames[0] if code.co_argcount else ""
        self._shortcut: Shortcut | None = None
        self._hits = 0
        self._patience: float = PATIENCE

    def find(self, values: dict[str, Any]) -> types.FunctionType | None:
        """The code, if the guards hold for these arguments and everything else that it depends on."""
        # Without an entry in Dynamo's cache the variant is not there yet, or no more: its guards refer to what is
        # gone.
        if self._guards.cache_entry is None:
            return None
        shortcut = self._shortcut
        if shortcut is not None:
            if not shortcut.guards.check(values):
                return None
            if shortcut.holds(values):
                return shortcut.run
            self._shortcut, self._hits, self._patience = None, 0, self._patience * 2
        if not self._guards.check(values):
            return None
        self._hits += 1
        if self._hits >= self._patience:
            self._take_shortcut(values)
        return self._run

    def _take_shortcut(self, values: dict[str, Any]) -> None:
        shortcut = Shortcut.of(self._guards.root, self._run, self._graphs, self._first, values)
        self._shortcut, self._hits = shortcut, 0
        if shortcut is None:
            self._patience = math.inf

    @property
    def gone(self) -> bool:
        return self._guards.cache_entry is None


class Variants:
    """The variants of one function that can be called directly, the last used first."""

    def __init__(self, function: types.FunctionType) -> None:
        self._function = function
        self._variants: tuple[Variant, ...] = ()

    def add(self, code: types.CodeType, guards: Any) -> None:
        """Note a variant that has no graph breaks; `guards` is Dynamo's guard manager."""
        alive = [variant for variant in self._variants if not variant.gone]
        self._variants = (Variant(self._function, code, guards), *alive)

    def find(self, values: dict[str, Any]) -> Callable[..., Any] | None:
        """The code of the first variant whose guards hold."""
        if eval_frame._stance.stance != "default":
            return None
        variants = self._variants
        for place, variant in enumerate(variants[:_MOST]):
            run = variant.find(values)
            if run is not None:
                if place:
                    self._variants = (variant, *variants[:place], *variants[place + 1 :])
                return run
        return None


def direct_call(
    function: types.FunctionType,
    find: Callable[[dict[str, Any]], Callable[..., Any] | None],
    otherwise: Callable[..., Any],
) -> Callable[..., Any] | None:
    """A function with the signature of `function` that calls what `find` gives for its local variables.

    Args:
        function: in evaluation, its local variables at entry are its parameters and what its closure holds.
        find: from local variables to the function to call, or `None`.
        otherwise: to call when there is none.

    Returns:
        `None` if the closure is not complete.
    """
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if any(_is_empty(cell) for cell in cells.values()):
        return None
    parameters, passed, values = [], [], []
    keyword_only = False
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        values.append(f"{name!r}: {name}")
        if parameter.kind is parameter.VAR_POSITIONAL:
            parameters.append(f"*{name}")
            passed.append(f"*{name}")
            keyword_only = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            parameters.append(f"**{name}")
            passed.append(f"**{name}")
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if not keyword_only:
                parameters.append("*")
                keyword_only = True
            parameters.append(name)
            passed.append(f"{name}={name}")
        else:
            parameters.append(name)
            passed.append(name)
    positional_only = function.__code__.co_posonlyargcount
    if positional_only:
        parameters.insert(positional_only, "/")
    values += [f"{name!r}: _dlp_cells[{name!r}].cell_contents" for name in cells]
    call = ", ".join(passed)
    source = (
        f"def direct({', '.join(parameters)}):\n"
        f"    _dlp_run = _dlp_find({{{', '.join(values)}}})\n"
        f"    if _dlp_run is None:\n"
        f"        return _dlp_otherwise({call})\n"
        f"    try:\n"
        f"        return _dlp_run({call})\n"
        f"    except _dlp_gone:\n"
        f"        return _dlp_otherwise({call})\n"
    )
    names: dict[str, Any] = {
        "_dlp_find": find,
        "_dlp_otherwise": otherwise,
        "_dlp_cells": cells,
        "_dlp_gone": WeightsGoneError,
    }
    exec(source, names)
    direct = names["direct"]
    direct.__defaults__, direct.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return direct


def _graphs_of(code: types.CodeType, names: dict[str, Any]) -> dict[str, Any]:
    """The graphs' functions, by name, without Dynamo's wrapper, which keeps it from tracing them."""
    graphs = {
        name: names[name] for name in code.co_names if name.startswith("__compiled_fn") and name in names
    }
    return {name: getattr(f, "_torchdynamo_orig_callable", f) for name, f in graphs.items()}


def _globals_for(
    code: types.CodeType, function: types.FunctionType, graphs: dict[str, Any]
) -> dict[str, Any]:
    base = function.__globals__
    if any(
        instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for instruction in dis.get_instructions(code)
    ):
        return base
    # What Dynamo's code asks of its inputs, a size say, is behind such wrappers as well.
    helpers = [n for n in code.co_names if n.startswith("__import_torch") and base.get(n) is utils]
    return OverlaidGlobals(base, graphs | dict.fromkeys(helpers, _Unwrapped(utils)))


class _Unwrapped:
    """A module of the framework, its functions without Dynamo's wrappers."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if getattr(value, "__code__", None) is _WRAPPER:
            value = value.__wrapped__
        setattr(self, name, value)
        return value


_WRAPPER = torch._disable_dynamo(lambda: None).__code__
"""What the framework puts around a function so that Dynamo does not trace it."""


def _is_empty(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is cell
    except ValueError:
        return True
