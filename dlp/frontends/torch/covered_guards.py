"""Which of Dynamo's guards need not be evaluated while the modules, dictionaries and tensors they look at are pinned.

Guards form a tree: an accessor a step from the function's arguments and globals to a value, and guards on each value.
Most are on a model's modules. What hangs on anything else (lists, objects, classes, code, globals, the arguments of the
call, global modes) is never covered: it stays in the tree, with all guards on the way to it.
"""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch

from dlp.frontends.torch.pins import Pins

_OF_IDENTITY = frozenset({"ID_MATCH", "NOT_NONE", "NONE_MATCH", "TRUE_MATCH", "FALSE_MATCH"})
_OF_VALUE = _OF_IDENTITY | {"EQUALS_MATCH", "TYPE_MATCH", "LENGTH_CHECK"}
_OF_DICTIONARY = _OF_IDENTITY | {"TYPE_MATCH", "DICT_LENGTH", "DICT_CONTAINS", "LENGTH_CHECK"}
_OF_MODULE = _OF_IDENTITY | {"TYPE_MATCH"}
# Marks of sizes that may change say how to capture, not what was captured; no weight has any.
_OF_TENSOR = _OF_IDENTITY | {"TYPE_MATCH", "TENSOR_MATCH", "DIMENSION_DYNAMIC_MARKING_GUARD"}

_IMMUTABLE = (int, float, bool, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size)


def without_covered(root: Any, argument: str, module: torch.nn.Module, pins: Pins) -> Any | None:
    """The guards of `root` without those that hold while the pins do, on pins that are added.

    Args:
        root: a `RootGuardManager` whose guards hold.
        argument: name of the one that is the module.
        module: its value.
        pins: gets what the guards left out look at.

    Returns:
        A `RootGuardManager`, or `None` where the guards cannot be told apart.
    """
    search = _Search(pins)
    for accessor, child in zip(root.get_accessors(), root.get_child_managers(), strict=True):
        if type(accessor).__name__ == "FrameLocalsGuardAccessor" and child.get_source() == f"L[{argument!r}]":
            search.visit(child, module)
    covered = search.covered
    reduced = root.clone_manager(lambda manager: id(manager) not in covered)
    kept = _count(root, covered)
    return reduced if reduced is not None and _count(reduced, {}) == kept else None


class _Search:
    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self.covered: dict[int, Any] = {}
        """By `id`, which belongs to one object as long as it is alive."""

    def visit(self, manager: Any, value: object) -> bool:
        """Whether all guards below are covered; those parts that are, are noted."""
        covers = self._covers(manager, value)
        if covers:
            self.covered[id(manager)] = manager
        return covers

    def _covers(self, manager: Any, value: object) -> bool:
        guards = {type(guard).__name__ for guard in manager.get_leaf_guards()}
        children = list(zip(manager.get_accessors(), manager.get_child_managers(), strict=True))
        if _is_immutable(value):
            return guards <= _OF_VALUE and all(_guards_below(child) <= _OF_VALUE for _, child in children)
        if isinstance(value, torch.nn.Module):
            if not self._pins.pin(value):
                return False
            found = [
                type(accessor).__name__ == "GetGenericDictGuardAccessor" and self.visit(child, value.__dict__)
                for accessor, child in children
            ]
            return guards <= _OF_MODULE and all(found)
        if type(value) in (dict, OrderedDict):
            assert isinstance(value, dict)
            if not self._pins.pin(value):
                return False
            found = [self._visit_item(accessor, child, value) for accessor, child in children]
            found += self._visit_items(manager, value)
            return guards <= _OF_DICTIONARY and all(found)
        if isinstance(value, torch.Tensor):
            return guards <= _OF_TENSOR and not children and self._pins.pin(value)
        return guards <= _OF_IDENTITY and not children

    def _visit_item(self, accessor: Any, child: Any, values: dict[Any, Any]) -> bool:
        name, _, rest = accessor.repr().partition("(")
        try:
            key = ast.literal_eval(rest[:-1])
        except (SyntaxError, ValueError):
            return False
        known = name == "DictGetItemGuardAccessor" and isinstance(key, str | int) and key in values
        return known and self.visit(child, values[key])

    def _visit_items(self, manager: Any, values: dict[Any, Any]) -> list[bool]:
        found = []
        keys = list(values)
        for place, pair in _items(manager):
            if place >= len(keys):
                return [False]
            for child, value in zip(pair, (keys[place], values[keys[place]]), strict=True):
                if child is not None:
                    found.append(self.visit(child, value))
        return found


def _items(manager: Any) -> list[tuple[int, tuple[Any, Any]]]:
    """Guards on keys and values of a dictionary, by place."""
    return (
        sorted(manager.get_key_value_managers().items()) if hasattr(manager, "get_key_value_managers") else []
    )


def _below(manager: Any) -> Iterator[Any]:
    yield from manager.get_child_managers()
    for _, pair in _items(manager):
        yield from (child for child in pair if child is not None)


def _guards_below(manager: Any) -> set[str]:
    guards = {type(guard).__name__ for guard in manager.get_leaf_guards()}
    return guards.union(*map(_guards_below, _below(manager)))


def _count(manager: Any, without: dict[int, Any]) -> int:
    """How many guards there are, with those at the end of a root."""
    if id(manager) in without:
        return 0
    own = len(manager.get_leaf_guards()) + 1
    if hasattr(manager, "get_epilogue_lambda_guards"):
        own += len(manager.get_epilogue_lambda_guards())
    return own + sum(_count(child, without) for child in _below(manager))


def _is_immutable(value: object) -> bool:
    return type(value) in _IMMUTABLE or (type(value) is tuple and all(map(_is_immutable, value)))
