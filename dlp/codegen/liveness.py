"""Operations whose results reach neither memory nor a caller: C compilers would warn about their variables."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

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
        users = (use.operation for result in op.results for use in result.uses)
        if all(user in dead or _reads_nothing(user) for user in users):
            dead.add(op)
    return frozenset(dead)


def _reads_nothing(op: Operation) -> bool:
    """Comparisons that are always or never true."""
    predicate = op.properties.get("predicate") if op.name == "arith.cmpf" else None
    return isinstance(predicate, IntegerAttr) and COMPARE_FLOATS[predicate.value.data] is None
