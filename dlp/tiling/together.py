"""All ops of a kernel cut alike: one nest of loops, in which each of them computes its part of the same rows.

For reductions along sizes that only a run knows there is no scratch that a row would surely fit. Parts of whole buffers
serve instead: a row is still in the cache when the next op reads it. What the last op reads point by point lies in the
last op's own result.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects import func, memref
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from dlp.dialects.dlp.contraction import ContractionOp
from dlp.dialects.dlp.dim import Dim, hint, hints, is_static
from dlp.dialects.dlp.structured import StructuredOp
from dlp.targets import Target
from dlp.tiling.emitter import Emitter
from dlp.tiling.extents import extents
from dlp.tiling.fusion import Level, TileAndFuse, erase_replaced, operand_region
from dlp.tiling.linear import Region

PARALLEL_POINTS = 1 << 14
"""Elements from which threads pay."""


def rows_of_open_sizes(block: Block) -> list[StructuredOp]:
    """The ops of a kernel that reduces along sizes that only a run knows; none where it is another kind of kernel."""
    ops = [op for op in block.ops if isinstance(op, StructuredOp) and op.shape]
    reduces = any(op.COMBINER is not None and not is_static(op.iteration_space().reduction) for op in ops)
    plain = not any(isinstance(op, ContractionOp) or op.USES_INDEX or op.CHECKS for op in ops)
    return ops if reduces and plain and len(ops) > 1 else []


def common_dimensions(ops: Sequence[StructuredOp]) -> list[int]:
    """Dimensions along which all ops can be cut alike: each reads of the others just what lies at its own place."""
    last = ops[-1]
    if any(len(op.shape) != len(last.shape) for op in ops):
        return []
    computed = {op.outs[0] for op in ops}
    common = [d for d, n in enumerate(last.shape) if isinstance(n, Dim) or n > 1]
    for op in ops:
        common = [d for d in common if op.shape[d] == last.shape[d]]
        for x, index in zip(op.ins, op.iteration_space().maps, strict=True):
            if x in computed:
                common = [d for d in common if len(index) > d and index[d] == AffineExpr.dimension(d)]
    return common


class TileTogether(TileAndFuse):
    """Loops over the common dimensions of several ops, all of them inside.

    before: `dlp.max`, `dlp.sub`, `dlp.exp`, `dlp.sum`, `dlp.div` on whole buffers;
    after: `scf.parallel (%row)`, in it the five on a row.
    """

    def __init__(
        self, function: func.FuncOp, ops: Sequence[StructuredOp], common: Sequence[int], target: Target
    ) -> None:
        root = ops[-1]
        super().__init__(function, root, _level(ops, common, target), lambda producer, consumer: False)
        self.ops = ops
        self.common = set(common)
        self.inside_result = _inside_result(ops)

    def replace(self) -> None:
        """Emit the loops and erase the ops, with the buffers that nobody needs any more."""
        self.run()
        block = self.root.parent
        assert block is not None
        gone: set[Operation] = set(self.ops)
        erase_replaced(block, gone)

    def _inside(self, emitter: Emitter, box: Region) -> None:
        views: dict[SSAValue, SSAValue] = {}
        for inner in self.ops:
            space = inner.iteration_space()
            whole = extents(inner, emitter, range(len(space.sizes)))
            part = [box[d] if d in self.common else i for d, i in enumerate(whole)]
            ins = [
                views[x] if x in views else emitter.subview(x, operand_region(inner, i, part, emitter.size))
                for i, x in enumerate(inner.ins)
            ]
            place = part[: len(space.parallel)]
            buffer = inner.outs[0]
            emitter.views.clear()  # a view has one writer
            if buffer is self.inside_result:
                view = emitter.subview(self.root.outs[0], place)
            elif self._is_scratch(buffer) and all(i.is_static for i in place):
                view = emitter.scratch([i.bound for i in place], inner.element_type, buffer.name_hint)
            else:
                view = emitter.subview(buffer, place)
            views[buffer] = view
            tile = inner.on_tile(ins, view)
            if "dlp.source" in inner.attributes:
                tile.attributes["dlp.source"] = inner.attributes["dlp.source"]
            emitter.add(tile)

    def _is_scratch(self, buffer: SSAValue) -> bool:
        users = {u.operation for u in buffer.uses}
        return isinstance(buffer.owner, memref.AllocOp) and users <= set(self.ops)


def _inside_result(ops: Sequence[StructuredOp]) -> SSAValue | None:
    """A local buffer that the last op reads point by point, and nobody after it: its result can hold it."""
    root = ops[-1]
    if not root.is_elementwise:
        return None
    identity = tuple(AffineExpr.dimension(d) for d in range(len(root.shape)))
    for x, index in zip(root.ins, root.iteration_space().maps, strict=True):
        users = {u.operation for u in x.uses}
        if (
            isinstance(x.owner, memref.AllocOp)
            and index == identity
            and x.type == root.outs[0].type
            and users <= set(ops)
            and not any(y is root.outs[0] for op in ops for y in op.ins)
        ):
            return x
    return None


def _level(ops: Sequence[StructuredOp], common: Sequence[int], target: Target) -> Level:
    """Single rows; of the innermost dimension, or of the last one that is cut, as much as the nearest cache holds."""
    root = ops[-1]
    sizes = hints(root.shape)
    largest = max(ops, key=lambda op: prod(hints(op.shape)))
    row = 4 * prod(hint(n) for d, n in enumerate(largest.shape) if d not in common)
    tile = [0] * len(sizes)
    for d in common:
        tile[d] = 1
    last = common[-1]
    if last == len(sizes) - 1:
        fitting = max(4, target.l1_bytes // 2 // (row * target.vector_lanes)) * target.vector_lanes
        tile[last] = 0 if fitting >= sizes[last] and len(common) > 1 else fitting
        if isinstance(root.shape[last], Dim):
            tile[last] = 0
    order = tuple(d for d in common if tile[d])
    parallel = order if prod(hints(largest.iteration_space().sizes)) >= PARALLEL_POINTS else ()
    return Level(tuple(tile), order, parallel[:1] if parallel else ())
