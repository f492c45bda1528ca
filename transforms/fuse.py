"""Fuse ops into groups that become one kernel each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from dlp import targets
from dlp.dialects.dlp.elementwise import ConstantOp
from dlp.dialects.dlp.graph import FusedOp, YieldOp
from dlp.dialects.dlp.loop import graph_blocks
from dlp.dialects.dlp.structured import DestinationOp
from dlp.dialects.dlp.view import ViewOp
from dlp.statistics import count

from ._fusion_nodes import Node, Role
from ._fusion_preparation import (
    make_copies_explicit,
    separate_constants,
    sink_constants,
    write_out_transposes,
)
from ._fusion_rules import Chain, Elementwise, FusionRule, Rows, Trailing
from ._fusion_rules_deep import Attention, DepthFirst, Strips
from ._grouping import Group, Grouping
from ._layouts import Layouts


@dataclass(frozen=True)
class Fuse(ModulePass):
    """Fuse ops into groups that become one kernel each.

    ```mlir
    %0 = dlp.conv ins(%x, %w : ...) -> tensor<1x56x56x64xf32> {...}
    %1 = dlp.add ins(%0, %b : tensor<1x56x56x64xf32>, tensor<64xf32>) -> tensor<1x56x56x64xf32>
    %2 = dlp.relu ins(%1 : tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32>
    ```
    becomes
    ```mlir
    %2 = dlp.fused "conv" ins(%x, %w, %b : ...) -> tensor<1x56x56x64xf32> {
    ^bb0(%p: ..., %q: ..., %r: tensor<64xf32>):
      %0 = dlp.conv ins(%p, %q : ...) -> tensor<1x56x56x64xf32> {...}
      %1 = dlp.add ins(%0, %r : tensor<1x56x56x64xf32>, tensor<64xf32>) -> tensor<1x56x56x64xf32>
      %3 = dlp.relu ins(%1 : tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32>
      dlp.yield %3 : tensor<1x56x56x64xf32>
    }
    ```
    Every compute op ends up in exactly one group, if need be alone. Weights and views that need no copy stay outside;
    constants are made again in every group that uses them. A value that others need too becomes a further result.

    Options: `target`, whose caches decide what is worth fusing. `without`: names of rules to switch off.
    `depth-first`: "force" fuses stacks of windows wherever their tiles fit, false never does.
    """

    name = "fuse"

    target: str = "avx2"
    without: tuple[str, ...] = ()
    depth_first: bool | Literal["force"] = True

    def __post_init__(self) -> None:
        known = [rule.name for rule in self._all_rules()]
        for name in self.without:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f", did you mean '{near[0]}'?" if near else f"; there are {', '.join(known)}"
                raise ValueError(f"there is no fusion rule '{name}'{hint}")

    def _all_rules(self) -> list[FusionRule]:
        """In the order in which they are asked."""
        target = targets.load(self.target)
        stacks = DepthFirst(target, always=self.depth_first == "force")
        return [Attention(target), Strips(), stacks, Chain(), Elementwise(), Rows(target), Trailing()]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        without = {*self.without, *(() if self.depth_first else (DepthFirst.name,))}
        rules = [rule for rule in self._all_rules() if rule.name not in without]
        for function in op.ops:
            if isinstance(function, FuncOp) and not function.is_declaration and _is_entry(function):
                layouts = Layouts()
                for block in reversed(list(graph_blocks(function))):
                    sink_constants(block)
                    make_copies_explicit(block, layouts)
                    write_out_transposes(block, layouts)
                    separate_constants(block, layouts)
                    _rewrite(block, Grouping(block, rules, layouts))


def _is_entry(function: FuncOp) -> bool:
    """Private functions are kernels already."""
    return function.sym_visibility is None or function.sym_visibility.data != "private"


def _rewrite(block: Block, grouping: Grouping) -> None:
    last_of: dict[Operation, Group] = {group.nodes[-1].op: group for group in grouping.groups()}
    home: dict[Operation | None, Group] = {
        node.op: group for group in last_of.values() for node in group.nodes
    }
    done: set[Group] = set()
    late: dict[Group, list[Operation]] = {}
    for op in list(block.ops):
        if op in last_of:
            group = last_of[op]
            fused = _fused(group, grouping, op)
            done.add(group)
            for view in reversed(late.pop(group, [])):
                view.detach()
                block.insert_op_after(view, fused)
        elif isinstance(op, ViewOp) and op in grouping.views:
            # A view may stand before the last member of the group that it looks at.
            source = home.get(_owner(grouping.views[op]))
            if source is not None and source not in done:
                late.setdefault(source, []).append(op)
    for op in reversed(list(block.ops)):
        if isinstance(op, ConstantOp | ViewOp) and op.res[0] in grouping.free and not op.res[0].uses:
            block.erase_op(op)


def _owner(value: SSAValue) -> Operation | None:
    return value.owner if isinstance(value.owner, Operation) else None


def _fused(group: Group, grouping: Grouping, anchor: Operation) -> FusedOp:
    """Move the members of a group into a `dlp.fused` in front of the anchor, which is the last of them."""
    block = anchor.parent
    assert block is not None
    ops = [node.op for node in group.nodes]
    inside = set[Operation](ops)
    results = [op.res[0] for op in ops if any(use.operation not in inside for use in op.res[0].uses)]
    if not results:
        results = [ops[-1].res[0]]
    operands = list(
        dict.fromkeys(v for op in ops for v in op.ins if v.owner not in inside and v not in grouping.free)
    )
    body = Block(arg_types=[v.type for v in operands])
    fused = FusedOp(operands, [v.type for v in results], Region(body), kind_of(group))
    block.insert_op_before(fused, anchor)
    for result, inner in zip(fused.res, results, strict=True):
        result.name_hint = inner.name_hint
        inner.replace_uses_with_if(result, lambda use: use.operation not in inside)
    renamed: dict[SSAValue, SSAValue] = dict(zip(operands, body.args, strict=True))
    for value, argument in zip(operands, body.args, strict=True):
        argument.name_hint = value.name_hint
    for op in ops:
        for i, value in enumerate(op.ins):
            if value in grouping.free and value not in renamed:
                _clone_free(value, body, renamed)
            if value in renamed:
                op.operands[i] = renamed[value]
        op.detach()
        body.add_op(op)
    body.add_op(YieldOp(*results))
    count(f"{kind_of(group)} groups")
    count("ops fused", len(ops))
    return fused


def _clone_free(value: SSAValue, body: Block, renamed: dict[SSAValue, SSAValue]) -> None:
    """Make a constant, or a view of one, inside a group."""
    op = value.owner
    assert isinstance(op, DestinationOp)
    for operand in op.ins:
        if operand not in renamed:
            _clone_free(operand, body, renamed)
    clone = op.clone({v: renamed[v] for v in op.ins})
    body.add_op(clone)
    renamed[value] = clone.res[0]


def kind_of(group: Group) -> str:
    """What a group grew around, for the reader."""
    if group.kind is not None:
        return group.kind
    heavy = group.heavy
    if heavy:
        return _short_name(heavy[0])
    if all(isinstance(n.op, ViewOp) for n in group.nodes):
        return "copy"
    if group.nodes[0].role in (Role.PLACEMENT, Role.ALONE) or isinstance(group.nodes[0].op, ConstantOp):
        return _short_name(group.nodes[0])
    return "elementwise"


def _short_name(node: Node) -> str:
    return node.op.name.rpartition(".")[2]
