"""Cut each kernel into the tasks of its threads, every producer computed inside the task."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from dlp.dialects.dlp.dim import hints, is_static
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp
from dlp.lowering._kernels import kernels_worth_tuning
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import load
from dlp.tiling.fusion import FuseFilter, Level, TileAndFuse, erase_replaced
from dlp.tiling.linear import NotAlignedError, whole
from dlp.tiling.schedule import footprint, task_level
from dlp.tiling.together import TileTogether, common_dimensions, rows_of_open_sizes


@dataclass(frozen=True)
class TileTasksPass(ModulePass):
    """Cut each kernel into the tasks of its threads, every producer computed inside the task.

    before: `dlp.conv ins(%x, %w) outs(%t)`, `dlp.relu ins(%t) outs(%y)` on whole buffers;
    after: `scf.parallel (%h)` over rows of %y, in it a conv on the rows of %x that they need, into scratch, and relu.

    Which dimensions and how large the tiles are follows from the cost model (`dlp.tiling.schedule`). A kernel that is
    too small for two threads stays one task. Over stacks of windows this is depth-first execution: the halo is
    recomputed where that is cheaper than memory.
    """

    name = "tile-tasks"
    scope = Scope.KERNEL

    target: str = "avx2"
    """Target description to tile for."""
    threads: int = 2
    """Threads that share a kernel."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        for function in kernels_worth_tuning(op):
            rows = rows_of_open_sizes(function.body.block)
            if rows and (common := common_dimensions(rows)):
                TileTogether(function, rows, common, target).replace()
                count("kernels cut into rows")
                continue
            small: set[DestinationOp] = set()
            for root in roots(function.body.block):
                if root.parent is None or root.USES_INDEX or root in small:
                    continue
                try:
                    single = footprint(root, whole(hints(root.shape)), target)
                except NotAlignedError:
                    count("kernels left whole: not aligned")
                    continue
                if single.is_small(target) and is_static(root.shape):
                    # What it reads is smaller yet, and need not be looked at by itself.
                    small.update(single.whole)
                    continue
                level = task_level(root, single, target, self.threads)
                if level is not None:
                    tile_root(function, root, level, lambda producer, _: not uses_index(producer))
                    count("kernels cut into tasks")


def uses_index(op: DestinationOp) -> bool:
    return isinstance(op, StructuredOp) and op.USES_INDEX


def roots(block: Block) -> list[StructuredOp]:
    """Structured ops from last to first; tiling one erases the producers that it made superfluous."""
    return [op for op in reversed(list(block.ops)) if isinstance(op, StructuredOp)]


def tile_root(function: func.FuncOp, root: StructuredOp, level: Level, fuse: FuseFilter) -> None:
    """Tile one op and erase it with the producers whose every reader was computed inside the tiles."""
    block = root.parent
    assert block is not None
    order = {op: i for i, op in enumerate(block.ops)}
    readers = {
        op: [u.operation for u in op.outs[0].uses if u.operation is not op]
        for op in block.ops
        if isinstance(op, DestinationOp)
    }
    fused = TileAndFuse(function, root, level, fuse).run()
    gone: set[Operation] = {root}
    for producer in sorted(fused, key=order.__getitem__, reverse=True):
        if all(reader in gone for reader in readers[producer]):
            gone.add(producer)
    erase_replaced(block, gone)
