"""Operations whose results reach neither memory nor a caller: C compilers would warn about their variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import func, memref, vector
from xdsl.dialects.builtin import IntegerAttr, MemRefType
from xdsl.ir import Attribute, Operation, Use

from dlp.codegen.spelling import COMPARE_FLOATS


def dead_operations(operations: Sequence[Operation]) -> frozenset[Operation]:
    """Operations of a function without effect whose results nothing live uses.

    Args:
        operations: all of the function, in order.
    """
    dead: set[Operation] = set()
    for op in reversed(operations):
        if not op.results or op.regions or isinstance(op, func.CallOp):
            continue
        uses = (use for result in op.results for use in result.uses)
        if all(use.operation in dead or _reads_nothing(use.operation) or _moves_nothing(use) for use in uses):
            dead.add(op)
    return frozenset(dead)


_BUFFER: dict[type[Operation], int] = {
    memref.LoadOp: 0,
    vector.LoadOp: 0,
    memref.StoreOp: 1,
    vector.StoreOp: 1,
}
"""Which operand is the memory, in front of the indices."""


def _moves_nothing(use: Use) -> bool:
    """Indices of a dimension whose elements are all the same one: the address does not depend on them."""
    op = use.operation
    buffer = _BUFFER.get(type(op))
    if buffer is None or use.index <= buffer:
        return False
    strides = cast("MemRefType[Attribute]", op.operands[buffer].type).get_strides()
    return strides is not None and strides[use.index - buffer - 1] == 0


def _reads_nothing(op: Operation) -> bool:
    """Comparisons that are always or never true."""
    predicate = op.properties.get("predicate") if op.name == "arith.cmpf" else None
    return isinstance(predicate, IntegerAttr) and COMPARE_FLOATS[predicate.value.data] is None
