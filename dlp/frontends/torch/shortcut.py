"""A variant's guards and code for as long as the model is what it was: guards on the call, and on what can change
without the model's modules, dictionaries and tensors changing; one look at those; and the graph with its weights bound.
"""

from __future__ import annotations

import types
from typing import Any

import torch

from dlp.frontends.torch.covered_guards import without_covered
from dlp.frontends.torch.folded_code import NotFoldableError, folded_code
from dlp.frontends.torch.parameters import ParameterSet
from dlp.frontends.torch.pins import Pins, pins_work


class Shortcut:
    """Valid while `guards` and `holds` say so, in this order.

    Attributes:
        guards: Dynamo's, without those that `holds` covers.
        run: what to call with the arguments.
    """

    __slots__ = ("_argument", "_module", "_packed", "_pins", "guards", "run")

    def __init__(
        self,
        guards: Any,
        run: types.FunctionType,
        pins: Pins,
        packed: ParameterSet,
        argument: str,
        module: int,
    ) -> None:
        """`argument` names the one that is the module, whose `id` is `module`."""
        self.guards = guards
        self.run = run
        self._pins = pins
        self._packed = packed
        self._argument = argument
        self._module = module

    @classmethod
    def of(
        cls,
        root: Any,
        code: types.FunctionType,
        graphs: dict[str, Any],
        argument: str,
        values: dict[str, Any],
    ) -> Shortcut | None:
        """The shortcut for a variant whose guards, `root`, hold for `values`; `None` if it has none."""
        module = values.get(argument)
        if not isinstance(module, torch.nn.Module) or not pins_work():
            return None
        pins = Pins()
        try:
            guards = without_covered(root, argument, module, pins)
            run, bound = folded_code(code, graphs, module, pins)
        except NotFoldableError:
            return None
        if guards is None or not pins.close(bound.packed.fingerprint):
            return None
        # Checked after it was pinned: no change by another thread can come between.
        if not (root.check(values) and bound.packed.unchanged(bound.weights)):
            return None
        return cls(guards, run, pins, bound.packed, argument, id(module))

    def holds(self, values: dict[str, Any]) -> bool:
        """Whether the module is the same, unchanged, with unchanged weights."""
        return (
            self._packed.packed is not None
            and id(values[self._argument]) == self._module
            and self._pins.hold()
        )
