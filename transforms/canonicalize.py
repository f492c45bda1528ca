"""Everything in its plainest form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder
from dlp.statistics import count

from ._algebra_rules import ALGEBRA, Rule
from ._view_identities import VIEW_IDENTITIES


@dataclass(frozen=True)
class Canonicalize(ModulePass):
    """Bring dlp ops on tensors into their plainest form, by local rules that hold exactly.

    ```mlir
    %0 = dlp.reshape ins(%x : tensor<4x8xf32>) -> tensor<2x2x8xf32>
    %1 = dlp.reshape ins(%0 : tensor<2x2x8xf32>) -> tensor<4x8xf32>
    %2 = dlp.constant ins() -> tensor<4x8xf32> {value = 1.0 : f64}
    %3 = dlp.mul ins(%1, %2 : tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %4 = dlp.relu ins(%3 : tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %4 = dlp.relu ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
    The rules are in `_algebra_rules.py` (element-wise ops, constants) and `_view_identities.py`. They look from an op
    at what it reads, so that one walk from the first op to the last applies them all. They are exact also for NaN,
    infinities and zeros with a sign. What they leave without users goes with `dce`. Empty tensors and sizes that are
    not known are left alone.
    """

    name = "canonicalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in list(op.walk()):
            if inner.parent is not None:
                _simplify(inner)


@cache
def _rules(op_class: type[Operation]) -> tuple[Rule, ...]:
    """The rules for an op, most special class first."""
    return tuple(
        rule
        for cls in op_class.__mro__
        for table in (ALGEBRA, VIEW_IDENTITIES)
        for rule in table.get(cls, ())
    )


def _simplify(op: Operation) -> None:
    rules = _rules(type(op))
    if not rules or not isinstance(op, DestinationOp) or not op.results or any(n < 1 for n in op.shape):
        return
    block, before, behind = op.parent, op.prev_op, op.next_op
    b = GraphBuilder(op)
    for rule in rules:
        value = rule(op, b)
        if value is not None:
            break
    else:
        return
    count(rule.__name__.replace("_", " "))
    if value.name_hint is None:
        value.name_hint = op.result.name_hint
    op.result.replace_all_uses_with(value)
    assert block is not None
    block.erase_op(op)
    # What the rule made may have a plainer form itself.
    new: list[Operation] = []
    made = block.first_op if before is None else before.next_op
    while made is not None and made is not behind:
        new.append(made)
        made = made.next_op
    for inner in new:
        if inner.parent is not None:
            _simplify(inner)
