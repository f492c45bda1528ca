"""When an op joins the kernel that computes its operands.

Each rule looks at one op and at the groups that compute its operands, and says which of them it joins. Rules speak
of index maps and of what an op reduces, never of its name: an op of another package is fused by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Protocol

from dlp.dialects.dlp.dim import hint, hints
from dlp.dialects.dlp.structured import StructuredOp
from dlp.targets import Target

from ._fusion_nodes import Node, Role
from ._grouping import Group, Grouping, Merge

MOST_MEMBERS = 64
"""Ops of one kernel; more make its text long and save no memory traffic worth it."""

FEW_ELEMENTS = 1 << 15
"""Elements that one thread may well compute alone: there the frame need not feed several threads."""

FEWEST_TILES = 8
"""Tiles that the frame must offer otherwise."""


class FusionRule(Protocol):
    """A way in which ops become one kernel; can be switched off by its name."""

    name: ClassVar[str]

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None: ...


@dataclass(frozen=True)
class Chain:
    """An element-wise op behind a reduction, which can be cut into the same tiles.

    `conv, add, relu` read each other point by point: bias, residual and activation are computed on the accumulators
    of a tile. Other operands may be anything that exists by then; element-wise groups of the same shape come along.
    """

    name: ClassVar[str] = "chain"

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        return _join_pointwise(grouping, node, with_reduction=True)


@dataclass(frozen=True)
class Elementwise:
    """An element-wise op behind others of the same shape."""

    name: ClassVar[str] = "elementwise"

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        return _join_pointwise(grouping, node, with_reduction=False)


def _join_pointwise(grouping: Grouping, node: Node, *, with_reduction: bool) -> Merge | None:
    if node.role is not Role.POINTWISE or node.is_indirect:
        return None
    candidates = _read_groups(grouping, node, keep_frame=True)
    heavy = [g for g in candidates if g.heavy]
    if with_reduction and not heavy:
        return None
    # One reduction a kernel: the last, whose result is the latest to exist.
    anchor = max(heavy, key=lambda g: g.nodes[-1].position, default=None) if with_reduction else None
    together = grouping.largest_that_may_become_one(
        [g for g in candidates if g is anchor or not g.heavy], node
    )
    if (with_reduction and anchor not in together) or not together or not _is_moderate(together):
        return None
    if common_frame(grouping, node, together) != _common(node, together):
        # They read one another otherwise than point by point, as a product reads an element-wise group.
        together = {anchor or max(together, key=lambda g: g.nodes[-1].position)}
        if not grouping.may_become_one(together, node):
            return None
    return Merge(list(together), _common(node, together))


@dataclass(frozen=True)
class Rows:
    """Reductions over whole dimensions with the element-wise ops before and behind them.

    `max, sub, exp, sum, div`: cut along the dimensions that nobody reduces, each row is read once and all that
    happens to it stays in the cache. A row of all values in between must fit there.
    """

    name: ClassVar[str] = "rows"
    target: Target

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        if node.role not in (Role.POINTWISE, Role.REDUCTION) or node.is_indirect:
            return None
        candidates = [
            g
            for g in _read_groups(grouping, node)
            if not g.has(Role.CONTRACTION) and not g.has(Role.WINDOW) and not g.has(Role.PLACEMENT)
        ]
        together = grouping.largest_that_may_become_one(candidates, node)
        if not together or not _is_moderate(together):
            return None
        if node.role is Role.POINTWISE and not any(g.heavy for g in together):
            return None
        frame = common_frame(grouping, node, together)
        if frame is None or not self._fits(together, node, frame):
            return None
        return Merge(list(together), frame, "rows")

    def _fits(self, groups: Iterable[Group], node: Node, frame: dict[int, int]) -> bool:
        nodes = [n for g in groups for n in g.nodes]
        elements = max(abs(prod(hints(n.shape))) for n in nodes)
        last = len(node.shape) - 1

        def smallest(d: int) -> int:
            return self.target.vector_lanes if d == last else 1

        tiles = prod(-(-hint(n) // smallest(d)) for d, n in frame.items())
        scratch = sum(g.scratch_bytes(frame, smallest) for g in groups)
        return scratch <= self.target.l2_bytes // 2 and (tiles >= FEWEST_TILES or elements <= FEW_ELEMENTS)


@dataclass(frozen=True)
class Trailing:
    """A pad or a transpose of a group's value: the kernel writes where the result wants it.

    Into the interior of the padded buffer, whose frame it fills; in the final order of the dimensions.
    """

    name: ClassVar[str] = "trailing"

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        pads = node.role is Role.PLACEMENT and len(node.ins) == 1
        if not pads and node.op.res[0] not in grouping.layouts.copied:
            return None
        group = grouping.operand_group(node, 0)
        if group is None or not any(n.role is not Role.PLACEMENT for n in group.nodes):
            return None
        if group.has(Role.BLOCKS) and not pads and len(group.nodes) == 1:
            joins = grouping.nobody_else_reads({group}, node)
        else:
            joins = grouping.may_become_one({group}, node)
        return Merge([group], group.frame) if joins else None


def _read_groups(grouping: Grouping, node: Node, *, keep_frame: bool = False) -> list[Group]:
    """Groups that compute operands of an op, all of them read by whole dimensions.

    With `keep_frame`, those that can be cut with the op wherever they can be cut now: where nothing is reduced, the op
    reads them point by point.

    What a pad or a concatenation made is left to others: its frame would break the tiles.
    """
    good: dict[Group, bool] = {}
    for i in range(len(node.ins)):
        group = grouping.operand_group(node, i)
        if group is None:
            continue
        if not isinstance(node.ins[i].owner, StructuredOp):
            good[group] = False
            continue
        aligned = node.aligned(i)
        fits = aligned is not None and (not keep_frame or aligned.issuperset(group.frame))
        good[group] = good.get(group, True) and fits
    return [group for group, fits in good.items() if fits]


def common_frame(grouping: Grouping, node: Node, groups: set[Group]) -> dict[int, int] | None:
    """Where an op and groups that it reads, and that may read one another, can be cut alike.

    None where one of them reads another otherwise than by whole dimensions.
    """
    frame = _common(node, groups)
    readers = [node] if len(groups) == 1 else [node, *(n for g in groups for n in g.nodes)]
    for reader in readers:
        for i in range(len(reader.ins)):
            if grouping.operand_group(reader, i) not in groups:
                continue
            if reader is node or not grouping.is_inside_one_group(reader, i):
                aligned = reader.aligned(i)
                if aligned is None:
                    return None
                frame = {d: n for d, n in frame.items() if d in aligned}
    return frame


def _common(node: Node, groups: Iterable[Group]) -> dict[int, int]:
    """Where an op and groups can be cut alike, each taken alone."""
    frame = dict(enumerate(node.shape))
    for group in groups:
        frame = {d: n for d, n in frame.items() if group.frame.get(d) == n}
    return frame


def _is_moderate(groups: Iterable[Group]) -> bool:
    return sum(len(g.nodes) for g in groups) < MOST_MEMBERS
