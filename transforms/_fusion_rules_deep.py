"""Rules that put several reductions into one kernel: what stands between them is never whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar, cast

from xdsl.ir.affine import AffineDimExpr

from dlp.cost.depth_first import estimate
from dlp.dialects.dlp.dim import hint, hints
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp, TransformOp
from dlp.targets import Target
from dlp.tiling.fusion import operand_region
from dlp.tiling.linear import Interval, NotAlignedError, whole
from dlp.tiling.schedule import SCRATCH_LIMIT, element_bytes

from ._fusion_nodes import Node, Role
from ._fusion_rules import FEW_ELEMENTS, FEWEST_TILES, common_frame
from ._grouping import Group, Grouping, Merge


@dataclass(frozen=True)
class Attention:
    """A contraction of rows that were computed from another contraction: softmax(q k^T) v.

    `matmul, (scale, mask,) max, sub, exp, sum, div, matmul`: cut along the dimensions that all of them share (batch,
    head, query), the scores of a block of rows are computed, normalised and used without ever being in memory. The
    rows of the scores, and the keys and values that a block reads, must fit the second-level cache.
    """

    name: ClassVar[str] = "attention"
    target: Target

    ROWS: ClassVar[int] = 16
    """Queries of a block, at least: what a register tile of the contractions wants."""

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        if node.role is not Role.CONTRACTION:
            return None
        for i in range(len(node.ins)):
            rows = grouping.operand_group(node, i)
            if rows is None or not _reduces_rows_only(rows) or not _contracts_rows(node, i, rows):
                continue
            scores = self._scores(grouping, rows)
            if scores is None:
                continue
            together = {rows, scores}
            frame = common_frame(grouping, node, together)
            if (
                frame is not None
                and grouping.may_become_one(together, node)
                and self._is_only_for(grouping, node, together, frame)
                and self._fits(grouping, together, node, frame)
            ):
                return Merge(list(together), frame, "attention")
        return None

    @staticmethod
    def _scores(grouping: Grouping, rows: Group) -> Group | None:
        """The group of one contraction whose result the rows are made of."""
        read = {
            group
            for n in rows.nodes
            for i in range(len(n.ins))
            if (group := grouping.operand_group(n, i)) is not None
            and group is not rows
            and [h.role for h in group.heavy] == [Role.CONTRACTION]
            and n.aligned(i) is not None
        }
        return next(iter(read)) if len(read) == 1 else None

    @staticmethod
    def _is_only_for(grouping: Grouping, node: Node, groups: set[Group], frame: dict[int, int]) -> bool:
        """Whether nobody else needs the scores; what has one element a row (the maximum) others may have."""
        return not any(
            grouping.outside_uses(n.op.res[0], groups, node)
            for g in groups
            for n in g.nodes
            if any(size != 1 for d, size in enumerate(n.shape) if d not in frame)
        )

    def _fits(self, grouping: Grouping, groups: set[Group], node: Node, frame: dict[int, int]) -> bool:
        row = max(frame, default=0)

        def tile(d: int) -> int:
            return self.ROWS if d == row else 1

        if not all(g.is_static_within(frame) for g in groups):
            return False
        tiles = prod(-(-hint(n) // tile(d)) for d, n in frame.items())
        if tiles < FEWEST_TILES and max(prod(hints(n.shape)) for g in groups for n in g.nodes) > FEW_ELEMENTS:
            return False
        held = sum(g.scratch_bytes(frame, tile) for g in groups)
        contractions = [node, *(n for g in groups for n in g.nodes if n.role is Role.CONTRACTION)]
        for n in contractions:
            box = [
                Interval.of(0, min(tile(d), size) if d in frame else size)
                for d, size in enumerate(hints(n.space.sizes))
            ]
            for i in range(len(n.ins)):
                if grouping.operand_group(n, i) not in groups:
                    try:
                        region = operand_region(cast(StructuredOp, n.op), i, box)
                    except NotAlignedError:
                        return False
                    held += prod(interval.bound for interval in region) * n.element_bytes
        return held <= self.target.l2_bytes


def _reduces_rows_only(group: Group) -> bool:
    """Whether a group reduces, and nothing but whole dimensions."""
    return bool(group.heavy) and all(n.role in (Role.POINTWISE, Role.REDUCTION) for n in group.nodes)


def _contracts_rows(node: Node, operand: int, rows: Group) -> bool:
    """Whether a contraction sums along the very dimensions that a group has reduced, and no others."""
    if node.aligned(operand) is None:
        return False
    rank = len(node.shape)
    index = node.space.maps[operand]
    contracted = {d for d, e in enumerate(index) if isinstance(e, AffineDimExpr) and e.position >= rank}
    reduced = [{d for d, n in enumerate(h.op.in_shape(0)) if h.shape[d] != n} for h in rows.heavy]
    return all(len(h.shape) == rank for h in rows.heavy) and all(r == contracted for r in reduced)


@dataclass(frozen=True)
class DepthFirst:
    """A window op behind what computes its operand, with the pad in between: the operand is never whole.

    `conv, relu, pad, max_pool`; `conv, relu6, pad, conv` where the second is depthwise. For each tile of the result
    the part of the operand that its windows see is computed, and the rows that two tiles see are computed twice. Only
    where nobody else needs the operand, and where the cost model (`dlp.cost.depth_first`) says that it pays.
    """

    name: ClassVar[str] = "depth-first"
    target: Target
    always: bool = False
    """Also where the cost model says no, as long as tiles fit their scratch."""

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        if node.role is not Role.WINDOW:
            return None
        for i in range(len(node.ins)):
            group, kept = grouping.operand_group(node, i), node.slides(i)
            if group is None or kept is None or not self._can_join(grouping, group, node):
                continue
            frame = {d: n for d, n in enumerate(node.shape) if d in kept and group.frame.get(d) == n}
            found = estimate(cast(StructuredOp, node.op), [n.op for n in group.nodes], frame, self.target)
            if found is not None and (self.always or found.pays):
                return Merge([group], frame, "depth_first")
        return None

    @staticmethod
    def _can_join(grouping: Grouping, group: Group, node: Node) -> bool:
        roles = {Role.POINTWISE, Role.CONTRACTION, Role.WINDOW, Role.PLACEMENT}
        return (
            all(n.role in roles and len(n.ins) > 0 for n in group.nodes)
            and any(n.role is not Role.PLACEMENT for n in group.nodes)
            and grouping.may_become_one({group}, node)
            and not any(grouping.outside_uses(n.op.res[0], {group}, node) for n in group.nodes)
        )


@dataclass(frozen=True)
class Strips:
    """A contraction between transforms: `winograd_input_transform, matmul, winograd_output_transform`.

    Cut along the image's lines, and within them, a strip of tiles is transformed, multiplied and transformed back
    while it is in the cache. Where the strip of one tile does not fit the scratch, the three stay apart.
    """

    name: ClassVar[str] = "strips"

    def __call__(self, grouping: Grouping, node: Node) -> Merge | None:
        if not isinstance(node.op, TransformOp):
            return None
        products = grouping.operand_group(node, 0)
        if products is None or [n.role for n in products.nodes] != [Role.CONTRACTION]:
            return None
        (contraction,) = products.nodes
        data = grouping.operand_group(contraction, 0)
        if data is None or len(data.nodes) != 1 or not isinstance(data.nodes[0].op, TransformOp):
            return None
        together = {products, data}
        runs = node.op.tile_runs()
        if (
            not grouping.may_become_one(together, node)
            or any(grouping.outside_uses(n.op.res[0], together, node) for g in together for n in g.nodes)
            or not self._fits(node.op, contraction.op, runs)
        ):
            return None
        kept = {d: n for d, n in enumerate(node.shape) if d in runs or d < min(runs, default=0)}
        return Merge(list(together), kept, self.name)

    @staticmethod
    def _fits(last: TransformOp, contraction: DestinationOp, runs: Mapping[int, int]) -> bool:
        """Whether the data and the products of the tile of one run a dimension fit the scratch."""
        assert isinstance(contraction, StructuredOp)
        channels = len(last.shape) - 1
        box = [
            Interval.of(0, n if d == channels else runs.get(d, 1)) for d, n in enumerate(hints(last.shape))
        ]
        try:
            products = operand_region(last, 0, [*box, *whole(hints(last.iteration_space().reduction))])
            depth = whole(hints(contraction.iteration_space().reduction))
            data = operand_region(contraction, 0, [*products, *depth])
        except NotAlignedError:
            return False
        elements = sum(prod(i.bound for i in region) for region in (products, data))
        return elements * element_bytes(last.element_type) <= SCRATCH_LIMIT
