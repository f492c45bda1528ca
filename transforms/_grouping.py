"""Which ops of a block become one kernel: groups that grow in program order, and what is known of each.

One walk over the block. Each compute op either joins groups that compute its operands (merging them into one) or
begins a group of its own; rules decide (`_fusion_rules.py`). A group stands where its last member stood, so it may
grow by an op only while nobody outside has read it: then no cycle between groups can arise, and nothing has to be
searched.

What makes ops fit for one kernel is the *frame*: the dimensions of the result along which all of them can be cut
alike. Cut along a dimension of the frame, a tile of the last op needs just the same tile of every other op, and
nothing is computed twice. An element-wise chain keeps all dimensions, a softmax loses the one it reduces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import cast

from xdsl.ir import Block, Operation, SSAValue, Use

from dlp.dialects.dlp.dim import hints, is_static
from dlp.dialects.dlp.elementwise import ConstantOp
from dlp.dialects.dlp.loop import values_used
from dlp.dialects.dlp.structured import DestinationOp
from dlp.dialects.dlp.view import ViewOp

from ._fusion_nodes import Node, Role
from ._layouts import Layouts


@dataclass(eq=False)
class Group:
    """Ops that become one kernel."""

    nodes: list[Node]
    frame: Mapping[int, int]
    """Dimension -> extent: where all members can be cut alike."""
    kind: str | None = None
    """Set by rules that build something with a name of its own."""
    sealed: bool = False
    readers: set[Group] = field(default_factory=set)
    """Groups that read a result of this one so far, directly or through views."""
    viewed: set[Group] = field(default_factory=set)
    """Groups whose results this one reads through views, which stay outside of kernels."""
    merged_into: Group | None = None

    @property
    def heavy(self) -> list[Node]:
        """The members that reduce."""
        return [n for n in self.nodes if n.role in (Role.REDUCTION, Role.WINDOW, Role.CONTRACTION)]

    def has(self, role: Role) -> bool:
        return any(n.role is role for n in self.nodes)

    def is_static_within(self, frame: Mapping[int, int]) -> bool:
        """Whether tiles of a frame, whatever their size, have known sizes: what only a run knows is in the frame."""
        return all(is_static(n for d, n in enumerate(node.shape) if d not in frame) for node in self.nodes)

    def scratch_bytes(self, frame: Mapping[int, int], smallest: Callable[[int], int]) -> int:
        """Bytes of all members for the smallest tile of a frame (`smallest`: dimension -> tile size)."""
        total = 0
        for node in self.nodes:
            shape = hints(node.shape)
            whole = prod(n for d, n in enumerate(shape) if d not in frame)
            tile = prod(min(smallest(d), n) for d, n in enumerate(shape) if d in frame)
            total += whole * tile * node.element_bytes
        return total


def resolve(group: Group) -> Group:
    """The group that a group has become part of."""
    while group.merged_into is not None:
        if group.merged_into.merged_into is not None:
            group.merged_into = group.merged_into.merged_into
        group = group.merged_into
    return group


@dataclass(frozen=True)
class Merge:
    """A rule's decision: the groups that an op joins, and what the result is."""

    groups: Sequence[Group]
    frame: Mapping[int, int]
    kind: str | None = None


Rule = Callable[["Grouping", Node], Merge | None]


class Grouping:
    """The groups of a block.

    Args:
        block: of a function on tensors.
        rules: asked in their order for each op; the first decision counts.
        layouts: say which views are free.
    """

    def __init__(self, block: Block, rules: Iterable[Rule], layouts: Layouts) -> None:
        self.block = block
        self.rules = list(rules)
        self.layouts = layouts
        self.views: dict[ViewOp, SSAValue] = {}
        """Views that are free, and the value whose elements they show."""
        self.free: set[SSAValue] = set()
        """Constants and views of them: they are computed again wherever they are used."""
        self._groups: dict[Operation, Group] = {}
        for position, op in enumerate(block.ops):
            self._visit(op, position)

    def groups(self) -> list[Group]:
        """All groups, in an order in which they can be computed."""
        distinct = dict.fromkeys(resolve(g) for g in self._groups.values())
        return sorted(distinct, key=lambda g: g.nodes[-1].position)

    def group_of(self, value: SSAValue) -> Group | None:
        """The group that computes a value."""
        group = self._groups.get(cast(Operation, value.owner))
        return None if group is None else resolve(group)

    def operand_group(self, node: Node, operand: int) -> Group | None:
        return self.group_of(node.ins[operand])

    def is_inside_one_group(self, node: Node, operand: int) -> bool:
        """Whether an op and what computes its operand are in one group already."""
        return self.operand_group(node, operand) is resolve(self._groups[node.op])

    def may_become_one(self, groups: set[Group], node: Node | None = None) -> bool:
        """Whether groups (and an op) can be one kernel: all who read one of them so far are among them."""
        if any(group.sealed for group in groups):
            return False
        return self.nobody_else_reads(groups, node)

    def nobody_else_reads(self, groups: set[Group], node: Node | None = None) -> bool:
        """Whether all who read one of some groups so far are among them and an op, and see them as they are."""
        outside = any(resolve(reader) not in groups for group in groups for reader in group.readers)
        viewed = [resolve(v) for group in groups for v in group.viewed]
        if node is not None:
            viewed += self._viewed_by(node)
        return not outside and not any(group in groups for group in viewed)

    def largest_that_may_become_one(self, groups: Iterable[Group], node: Node) -> set[Group]:
        """Drop the groups that stand in the way of one kernel, until the rest can be one."""
        rest = {group for group in groups if not group.sealed}
        while rest:
            viewed = {*self._viewed_by(node), *(resolve(v) for group in rest for v in group.viewed)}
            kept = {
                group
                for group in rest
                if group not in viewed and all(resolve(reader) in rest for reader in group.readers)
            }
            if kept == rest:
                break
            rest = kept
        return rest

    def outside_uses(self, value: SSAValue, inside: set[Group], node: Node | None = None) -> list[Use]:
        """Uses of a value by others than an op and the members of some groups."""
        return [
            use
            for use in value.uses
            if not (node is not None and use.operation is node.op)
            and not ((group := self._groups.get(use.operation)) is not None and resolve(group) in inside)
        ]

    def _visit(self, op: Operation, position: int) -> None:
        if isinstance(op, ConstantOp) and not self.layouts.is_needed_as_it_is(op):
            self.free.add(op.res[0])
            return
        if isinstance(op, ViewOp) and self.layouts.is_free(op):
            self._note_view(op)
            return
        if not isinstance(op, DestinationOp):
            # Whoever else reads a group keeps it from growing.
            barrier = Group([], {}, sealed=True)
            for value in values_used(op):
                if (group := self.group_of(self._source(value))) is not None:
                    group.readers.add(barrier)
            return
        self._place(Node(op, position))

    def _note_view(self, view: ViewOp) -> None:
        source = view.ins[0]
        self.views[view] = self._source(source)
        if source in self.free:
            self.free.add(view.res[0])

    def _source(self, value: SSAValue) -> SSAValue:
        """The value whose elements a chain of free views shows."""
        owner = value.owner
        return self.views.get(owner, value) if isinstance(owner, ViewOp) else value

    def _viewed_by(self, node: Node) -> list[Group]:
        """Groups whose results an op reads through views."""
        sources = [self._source(v) for v in node.ins if self._source(v) is not v]
        return [group for source in sources if (group := self.group_of(source)) is not None]

    def _place(self, node: Node) -> None:
        merge: Merge | None = None
        if node.role not in (Role.ALONE, Role.BLOCKS):
            for rule in self.rules:
                merge = rule(self, node)
                if merge is not None:
                    break
        if merge is None:
            merge = Merge((), dict(enumerate(node.shape)))
        group = _united(node, merge)
        group.sealed = group.has(Role.ALONE) or group.has(Role.BLOCKS) or isinstance(node.op, ConstantOp)
        self._groups[node.op] = group
        group.viewed.update(self._viewed_by(node))
        for value in node.ins:
            read = self.group_of(self._source(value))
            if read is not None and read is not group:
                read.readers.add(group)


def _united(node: Node, merge: Merge) -> Group:
    """One group of an op and the groups that it joins; the largest of them takes the others in."""
    if not merge.groups:
        return Group([node], merge.frame, merge.kind)
    largest = max(merge.groups, key=lambda g: len(g.nodes))
    for group in merge.groups:
        if group is not largest:
            largest.nodes.extend(group.nodes)
            largest.readers |= group.readers
            largest.viewed |= group.viewed
            largest.kind = largest.kind or group.kind
            group.merged_into = largest
    largest.nodes.sort(key=lambda n: n.position)
    largest.nodes.append(node)
    largest.frame = merge.frame
    largest.kind = merge.kind or largest.kind
    largest.readers = {r for r in map(resolve, largest.readers) if r is not largest}
    return largest
