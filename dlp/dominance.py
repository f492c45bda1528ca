"""Dominance: every value is defined before it is used, on every path. xDSL's verifier does not check this."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl.dominance import DominanceInfo
from xdsl.traits import IsolatedFromAbove


def undominated_use(root: Operation) -> tuple[Operation, int] | None:
    """The first operation inside `root`, with the number of its operand, whose operand does not dominate it.

    The region of a `builtin.module` is a graph region: order does not matter there. Blocks that cannot be
    reached are not checked, as nothing runs there. The cost is linear in the number of operations as long as
    regions have one block.
    """
    return _check_regions(root, set())


def _check_regions(op: Operation, visible: set[SSAValue]) -> tuple[Operation, int] | None:
    if op.has_trait(IsolatedFromAbove, value_if_unregistered=False):
        visible = set()
    for region in op.regions:
        found = _check_region(region, visible, is_graph=isinstance(op, ModuleOp))
        if found is not None:
            return found
    return None


def _check_region(region: Region, visible: set[SSAValue], is_graph: bool) -> tuple[Operation, int] | None:
    blocks = tuple(region.blocks)
    if len(blocks) == 1:
        return _check_block(blocks[0], visible, is_graph)
    dominance = DominanceInfo(region)
    for block in _reachable(blocks):
        above = (other for other in blocks if dominance.strictly_dominates(other, block))
        found = _check_block(block, visible.union(*map(_definitions, above)), is_graph)
        if found is not None:
            return found
    return None


def _check_block(block: Block, visible: set[SSAValue], is_graph: bool) -> tuple[Operation, int] | None:
    added: set[SSAValue] = _definitions(block) if is_graph else set(block.args)
    visible |= added
    try:
        for op in block.ops:
            for number, operand in enumerate(op.operands):
                if operand not in visible:
                    return op, number
            if op.regions:
                found = _check_regions(op, visible)
                if found is not None:
                    return found
            visible.update(op.results)
            added.update(op.results)
        return None
    finally:
        visible -= added


def _definitions(block: Block) -> set[SSAValue]:
    return {*block.args, *(result for op in block.ops for result in op.results)}


def _reachable(blocks: Iterable[Block]) -> list[Block]:
    seen: dict[Block, None] = {}
    todo = list(blocks)[:1]
    while todo:
        block = todo.pop()
        if block not in seen:
            seen[block] = None
            if block.last_op is not None:
                todo.extend(block.last_op.successors)
    return list(seen)
