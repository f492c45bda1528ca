"""Common subexpression elimination."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnregisteredOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.traits import (
    IsolatedFromAbove,
    IsTerminator,
    MemoryEffectKind,
    is_side_effect_free,
    only_has_effect,
)
from xdsl.transforms.common_subexpression_elimination import has_other_side_effecting_op_in_between

from dlp.dialects.dlp.structured import SOURCE
from dlp.statistics import count


@dataclass(frozen=True)
class CommonSubexpressionElimination(ModulePass):
    """Compute equal things once.

    ```mlir
    %0 = arith.mulf %a, %b : f32
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %0, %1 : f32
    ```
    becomes
    ```mlir
    %0 = arith.mulf %a, %b : f32
    %2 = arith.addf %0, %0 : f32
    ```
    Operations are equal when name, operands, attributes, result types and regions are; from which line of the user's
    model they came (`dlp.source`) does not matter. The first of them must dominate the others. Operations that write
    memory are never merged, those that only read it where nothing is written in between. What nobody
    needs stays; that is the work of `dce`.
    """

    name = "cse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        _merge_in_regions(op, {})


def _merge_in_regions(op: Operation, known: dict[Hashable, Operation]) -> None:
    """Merge what is equal inside `op`; `known` are the operations that dominate it, by their keys."""
    for region in op.regions:
        # With several blocks it would take dominance to know what may be used where.
        if len(region.blocks) == 1:
            _merge_in_block(region.block, dict(known))


def _merge_in_block(block: Block, known: dict[Hashable, Operation]) -> None:
    equal: list[Operation] = []
    for op in block.ops:
        if op.regions:
            isolated = op.has_trait(IsolatedFromAbove, value_if_unregistered=True)
            _merge_in_regions(op, {} if isolated else known)
        if op.has_trait(IsTerminator):
            continue
        pure = is_side_effect_free(op)
        if not pure and not only_has_effect(op, MemoryEffectKind.READ):
            continue
        key = _key(op)
        existing = known.get(key)
        if existing is None or not _may_replace(existing, op, pure):
            known[key] = op
            continue
        for old, new in zip(op.results, existing.results, strict=True):
            old.replace_all_uses_with(new)
        equal.append(op)
    for op in reversed(equal):
        block.erase_op(op)
        count("operations removed")


def _key(op: Operation) -> Hashable:
    """What has to be equal; regions are compared in addition."""
    return (
        op.op_name.data if isinstance(op, UnregisteredOp) else op.name,
        tuple(op.operands),
        tuple(op.result_types),
        frozenset(op.properties.items()),
        frozenset((name, value) for name, value in op.attributes.items() if name != SOURCE),
    )


def _may_replace(existing: Operation, op: Operation, pure: bool) -> bool:
    if any(len(region.blocks) > 1 for region in op.regions):
        return False
    if not all(a.is_structurally_equivalent(b) for a, b in zip(existing.regions, op.regions, strict=True)):
        return False
    # What is read must not have been written in between.
    return pure or (existing.parent is op.parent and not has_other_side_effecting_op_in_between(existing, op))
