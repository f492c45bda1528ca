"""Views carried past the ops behind them, until they meet others and cancel.

The idea: a transpose or a reshape is not applied where it stands but *carried*. A value `v` that is a view of `u`
is remembered as such; an op that can work on `u` does (its properties and its other operands put in `u`'s order),
and its result is carried in turn. Only an op that needs the elements as the program says makes the view real. Where
a carried view meets its opposite, both are gone.

`ViewCarrier` walks a block once. What each kind of op does with a carried operand is in `_view_rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.ir import Block, Operation, SSAValue

from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder, Shape
from dlp.dialects.dlp.structured import shape_of as type_shape
from dlp.dialects.dlp.view import ReshapeOp, TransposeOp
from dlp.statistics import count

from ._weight_side import WeightSide


@dataclass(frozen=True)
class Carried:
    """How a value is a view of another: its transpose by `order`, or (None) its reshape."""

    source: SSAValue
    order: tuple[int, ...] | None


Rule = Callable[["ViewCarrier", DestinationOp], bool]
"""Executes an op on what its operands are views of; False where it needs them as they are."""


class ViewCarrier:
    """One walk over a block.

    Args:
        rules: by the class of op or a base class of it.
        starts: the ops whose rule applies although nothing is carried to them.
        prefer_carried: decides ties: rather go on with a carried order than end it.
    """

    def __init__(
        self,
        block: Block,
        rules: Mapping[type[Operation], Rule],
        starts: tuple[type[Operation], ...],
        *,
        prefer_carried: bool = False,
    ) -> None:
        self.block = block
        self.rules = rules
        self.starts = starts
        self.prefer_carried = prefer_carried
        self.weights = WeightSide(block)
        self.carried: dict[SSAValue, Carried] = {}
        self._same: dict[SSAValue, SSAValue] = {}
        self._real: dict[SSAValue, SSAValue] = {}
        self._replaced: list[Operation] = []

    def run(self) -> None:
        for op in list(self.block.ops):
            self.visit(op)
        for op in reversed(self._replaced):
            self.block.erase_op(op)

    def visit(self, op: Operation) -> None:
        if op.regions:
            for inner in op.walk():
                self._read_real_values(inner)
        elif isinstance(op, self.starts) or any(operand in self.carried for operand in op.operands):
            if isinstance(op, DestinationOp) and op.res and 0 not in op.shape:
                rule = next((self.rules[cls] for cls in type(op).__mro__ if cls in self.rules), None)
                if rule is not None and rule(self, op):
                    return
            self._read_real_values(op)

    def _read_real_values(self, op: Operation) -> None:
        for i, operand in enumerate(op.operands):
            if operand in self.carried:
                op.operands[i] = self.real(operand)

    # What rules do

    def carry(self, op: DestinationOp, source: SSAValue, order: tuple[int, ...] | None) -> None:
        """The result of `op` is from now on a view of `source`: `op` is out of use, unless it is that view itself."""
        source = self._same.get(source, source)
        before = self.carried.get(source)
        if before is not None and (before.order is None) == (order is None):
            source = before.source
            if order is not None and before.order is not None:
                order = tuple(before.order[d] for d in order)
        result = op.results[0]
        if order == tuple(range(len(order))) if order is not None else source.type == result.type:
            count("views cancelled")
            _keep_name(result, source)
            result.replace_all_uses_with(source)
            self._same[result] = source
        else:
            self.carried[result] = Carried(source, order)
        self._replaced.append(op)

    def instead(
        self,
        op: DestinationOp,
        new: DestinationOp,
        order: tuple[int, ...] | None,
        what: str = "ops moved before a view",
    ) -> None:
        """`new` computes what `op` does, seen through a view; `new` may be carried further."""
        count(what)
        GraphBuilder(op).insert(new)
        for name, value in op.attributes.items():
            new.attributes.setdefault(name, value)
        _keep_name(op.results[0], new.res[0])
        self.visit(new)
        self.carry(op, new.res[0], order)

    def real(self, value: SSAValue) -> SSAValue:
        """The value with its elements as the program says; the view is made where the value was defined."""
        carried = self.carried.get(value)
        if carried is None:
            return value
        if value not in self._real:
            b = GraphBuilder(cast(Operation, value.owner))
            if carried.order is None or keeps_order(shape_of(carried.source), carried.order):
                view = self.reshaped(b, carried.source, shape_of(value))
            else:
                view = b(TransposeOp, self.real(carried.source), permutation=carried.order)
            _keep_name(value, view)
            self._real[value] = view
        return self._real[value]

    def reshaped(self, b: GraphBuilder, value: SSAValue, shape: Shape) -> SSAValue:
        """A reshape of the value, from as far back as possible."""
        carried = self.carried.get(value)
        while carried is not None and carried.order is None:
            value = carried.source
            carried = self.carried.get(value)
        if shape_of(value) == shape:
            return value
        if carried is not None and (source := self.in_order(value)) is not None:
            value = source
        return b(ReshapeOp, self.real(value), shape=shape)

    def in_order(self, value: SSAValue) -> SSAValue | None:
        """What a carried transpose reads, where it moves dimensions of size 1 only: a reshape of that does as well."""
        carried = self.carried.get(value)
        if (
            carried is None
            or carried.order is None
            or not keeps_order(shape_of(carried.source), carried.order)
        ):
            return None
        return carried.source

    def cost(self, value: SSAValue) -> int:
        """Elements to move if the value has to be transposed."""
        return 0 if value in self.weights else prod(shape_of(value))


def shape_of(value: SSAValue) -> Shape:
    return type_shape(value.type)


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    result = [0] * len(order)
    for i, d in enumerate(order):
        result[d] = i
    return tuple(result)


def keeps_order(shape: Shape, order: tuple[int, ...]) -> bool:
    """Whether transposing `shape` by `order` leaves the elements where they are: only dimensions of size 1 move."""
    moved = [d for d in order if shape[d] != 1]
    return moved == sorted(moved)


def _keep_name(old: SSAValue, new: SSAValue) -> None:
    if new.name_hint is None:
        new.name_hint = old.name_hint
