"""Cut what a task computes into tiles that stay in registers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import IndexType, ModuleOp
from xdsl.ir import Block
from xdsl.ir.affine import AffineDimExpr
from xdsl.passes import ModulePass

from dlp.dialects.dlp.contraction import ContractionOp
from dlp.dialects.dlp.dim import is_static
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp
from dlp.dialects.dlp.view import ReshapeOp
from dlp.lowering._kernels import kernels_worth_tuning
from dlp.lowering.tile_tasks import roots, tile_root, uses_index
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import Target, load
from dlp.tiling.fusion import check_alignment, is_local, segments, writer_of
from dlp.tiling.linear import Interval, Linear, NotAlignedError
from dlp.tiling.schedule import Level, register_level
from dlp.walking import walk_blocks, walk_of


@dataclass(frozen=True)
class TileRegistersPass(ModulePass):
    """Cut what a task computes into tiles that stay in registers.

    before: `dlp.matmul ins(%a, %w) outs(%t)`, `dlp.relu ins(%t) outs(%y)` on a task's buffers;
    after: loops over panels and rows, in them matmul and relu on a tile of 6 x 16 elements, say.

    Element-wise ops are fused behind the contraction or reduction that they follow when they read it point by point
    and nobody else reads it: then nothing is computed twice, and the value between them never leaves the registers.
    """

    name = "tile-registers"
    scope = Scope.KERNEL

    target: str = "avx2"
    """Target description to tile for."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        for function in kernels_worth_tuning(op):
            for block in walk_blocks(function):
                _tile_block(function, block, target)
            for buffer in walk_of(function, memref.AllocOp):
                if buffer.memref.first_use is None:
                    buffer.detach()
                    buffer.erase()


def _tile_block(function: func.FuncOp, block: Block, target: Target) -> None:
    for root in roots(block):
        if root.parent is None or root.USES_INDEX:
            continue
        chain = point_wise_producers(root)
        members = set(chain)
        if not is_static(root.shape) and any(isinstance(op, ContractionOp) for op in (root, *chain)):
            continue
        level = register_level(root, chain, target)
        if level.loop_order() and all(_has_tiles(op, level) for op in (root, *chain)):
            tile_root(function, root, level, lambda producer, _, members=members: producer in members)
            count("register tiles")


def _has_tiles(op: DestinationOp, level: Level) -> bool:
    """Whether each tile of what the op writes is one of what it reads: those of a reshape may not be."""
    if not isinstance(op, ReshapeOp) or not is_static(op.shape):
        return True
    axes = [[Interval.of(0, n)] for n in op.shape]
    loops = Block(arg_types=[IndexType()] * len(axes)).args
    for d in level.loop_order():
        axes[d] = [
            Interval.of(Linear(offset, [(loops[d], size)] if trips > 1 else []), size)
            for offset, size, trips in segments(
                op.shape[d], level.tile[d], level.balanced and d != level.vector
            )
        ]
    try:
        for box in product(*axes):
            check_alignment(op, list(box))
    except NotAlignedError:
        return False
    return True


def point_wise_producers(root: StructuredOp) -> list[DestinationOp]:
    """Producers in the block that the root's chain of element-wise ops reads point by point, and nobody else reads."""
    if not root.is_elementwise:
        return []
    members: dict[DestinationOp, None] = {}
    frontier: list[StructuredOp] = [root]
    candidates: list[StructuredOp] = []
    while frontier:
        consumer = frontier.pop()
        space = consumer.iteration_space()
        for i, x in enumerate(consumer.ins):
            producer = writer_of(x)
            if (
                not isinstance(producer, StructuredOp)
                or producer.parent is not root.parent
                or uses_index(producer)
            ):
                continue
            identity = len(space.maps[i]) == len(space.parallel) and all(
                (isinstance(e, AffineDimExpr) and e.position == d) or space.parallel[d] == 1
                for d, e in enumerate(space.maps[i])
            )
            if not identity or producer in members or not is_local(x):
                continue
            members[producer] = None
            candidates.append(producer)
            if producer.is_elementwise:
                frontier.append(producer)
    return _closed(root, members)


def _closed(root: StructuredOp, members: dict[DestinationOp, None]) -> list[DestinationOp]:
    """Drop, until nothing changes, the members that somebody outside reads, and those only reached through them."""
    inside = set(members)
    while True:
        reachable = {root, *inside}
        outside = {op for op in inside if any(u.operation not in reachable for u in op.outs[0].uses)}
        if not outside:
            break
        inside -= outside
    reductions = [op for op in inside if isinstance(op, StructuredOp) and not op.is_elementwise]
    # One reduction a tile: a second one has loops of its own.
    for op in reductions[1:]:
        inside.discard(op)
    return [op for op in members if op in inside]
