"""Which values depend on weights and constants alone, so that `@prepare` can compute them once."""

from __future__ import annotations

from xdsl.ir import Block, Operation, SSAValue

from dlp.dialects.dlp.dim import DimsAttr, is_static
from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.structured import DestinationOp


class WeightSide:
    """The values of a block that follow from weights and constants; `value in side` asks.

    Ops that a pass adds later are looked at when they are asked about.
    """

    def __init__(self, block: Block) -> None:
        self._known: dict[SSAValue, bool] = {}
        # In order, so that no question has to climb far.
        for op in block.ops:
            for result in op.results:
                self._known[result] = self._follows(op)

    def __contains__(self, value: SSAValue) -> bool:
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = isinstance(value.owner, Operation) and self._follows(value.owner)
        return known

    def add(self, value: SSAValue) -> None:
        """Say what is known without asking: the value is on the weights' side."""
        self._known[value] = True

    def _follows(self, op: Operation) -> bool:
        if isinstance(op, WeightOp):
            return True
        # What has the size of an input, or says it, depends on it.
        return (
            isinstance(op, DestinationOp)
            and is_static(op.shape)
            and not any(isinstance(p, DimsAttr) for p in op.properties.values())
            and all(operand in self for operand in op.operands)
        )
