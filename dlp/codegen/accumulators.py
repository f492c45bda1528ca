"""Which values a loop can carry on in its own variable: chains from an iteration argument to what it yields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, OpResult, SSAValue


@dataclass
class Chain:
    """Values that follow each other in one variable.

    Attributes:
        values: results of operations, in order; each is used by the next one only.
        loops: (inner loop, number of the value it carries) where the chain goes through a loop.
    """

    values: list[SSAValue] = field(default_factory=list)
    loops: list[tuple[Operation, int]] = field(default_factory=list)


def chain(argument: SSAValue, yielded: SSAValue, block: Block) -> Chain | None:
    """The chain that leads from an iteration argument to the value yielded for it.

    A chain exists where every link is used once, so that overwriting it loses nothing:

        %acc1 = vector.fma %a, %b, %acc        acc += a * b;
        scf.yield %acc1
    """
    found = Chain()
    value = yielded
    while value is not argument:
        if not isinstance(value, OpResult) or value.op.parent is not block or not value.has_one_use():
            return None
        found.values.append(value)
        op = value.op
        if isinstance(op, scf.ForOp):
            found.loops.append((op, value.index))
            value = op.iter_args[value.index]
        elif op.regions or len(op.results) != 1:
            return None
        else:
            following = _carrier(op, argument, block)
            if following is None:
                return None
            value = following
    if not argument.has_one_use():
        return None
    found.values.reverse()
    return found


def _carrier(op: Operation, argument: SSAValue, block: Block) -> SSAValue | None:
    """The operand that an operation accumulates onto."""
    candidates = [
        value
        for value in _accumulator_first(op.operands)
        if value.type == op.results[0].type and value.has_one_use()
    ]
    if any(value is argument for value in candidates):
        return argument
    for value in candidates:
        if isinstance(value, OpResult) and value.op.parent is block and _reaches(value, argument, block):
            return value
    return None


def _reaches(value: SSAValue, argument: SSAValue, block: Block) -> bool:
    """Whether the argument is among what a value is computed from by links used once; looks along accumulators."""
    while isinstance(value, OpResult) and value.op.parent is block:
        op = value.op
        if isinstance(op, scf.ForOp):
            value = op.iter_args[value.index]
        elif op.regions or not op.operands:
            return False
        else:
            operands = _accumulator_first(op.operands)
            if any(operand is argument for operand in operands):
                return True
            links = [operand for operand in operands if operand.type == value.type and operand.has_one_use()]
            if not links:
                return False
            value = links[0]
        if value is argument:
            return True
    return value is argument


def _accumulator_first(operands: Sequence[SSAValue]) -> list[SSAValue]:
    """The third operand of a multiply-add is what it adds to; otherwise in order."""
    return [operands[2], operands[0], operands[1]] if len(operands) == 3 else list(operands)
