"""Vectorisation of the structured ops of one block."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from xdsl.dialects import func, memref
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr

from dlp.dialects.dlp.structured import StructuredOp, shape_of
from dlp.targets import Target
from dlp.tiling.vector_access import has_vector_form, is_open, runs_along_reduction
from dlp.tiling.vectorize_op import TileContext, VectorizeOp


class VectorizeBlock:
    """Replaces the given structured ops of a block by vector code."""

    def __init__(
        self, function: func.FuncOp, block: Block, ops: set[StructuredOp], target: Target, unroll: int
    ) -> None:
        self.block = block
        self.ops = ops
        self.tile = TileContext(function, target, unroll)
        for op in block.ops:
            if isinstance(op, memref.AllocaOp | memref.AllocOp) and self._only_carries(op.results[0]):
                self.tile.carried[op.results[0]] = {}

    def _only_carries(self, buffer: SSAValue) -> bool:
        users = [u.operation for u in buffer.uses]
        if not users or not all(u in self.ops for u in users):
            return False
        writers = [u for u in users if cast(StructuredOp, u).outs[0] is buffer]
        tile = cast(StructuredOp, users[0])
        return len(writers) == 1 and prod(tile.shape) <= 64 * self.tile.target.vector_lanes

    def run(self) -> None:
        ordered = [op for op in self.block.ops if op in self.ops]
        widths = self._column_cuts([cast(StructuredOp, op) for op in ordered])
        for op in ordered:
            VectorizeOp(self.tile, cast(StructuredOp, op), widths[op]).run()
        for op in ordered:
            op.detach()
            op.erase(safe_erase=False)
        for buffer in self.tile.carried:
            owner = cast(Operation, buffer.owner)
            owner.detach()
            owner.erase()

    def _column_cuts(self, ops: Sequence[StructuredOp]) -> dict[Operation, list[int]]:
        """Vector lengths along the innermost parallel dimension of each op; equal for ops that hand values on."""
        while True:
            scalar = self._scalar(ops)
            lost = [buffer for buffer in self.tile.carried if not self._hands_on(buffer, scalar)]
            if not lost:
                break
            for buffer in lost:
                del self.tile.carried[buffer]
        cuts: dict[Operation, list[int]] = {}
        for op in ops:
            columns = op.shape[-1] if op.shape else 1
            cuts[op] = [1] * columns if op in scalar else self.tile.target.vector_cuts(columns)
        return cuts

    def _scalar(self, ops: Sequence[StructuredOp]) -> set[StructuredOp]:
        """Ops that are computed element by element: those that must be, and those that hand values on to them."""
        scalar = {op for op in ops if not has_vector_form(op, self.tile.target, self.tile.carried)}
        changed = True
        while changed:
            changed = False
            for buffer in self.tile.carried:
                if shape_of(buffer.type)[-1:] in ((), (1,)):
                    continue  # one for all lanes
                users = {cast(StructuredOp, u.operation) for u in buffer.uses}
                if users & scalar and not users <= scalar:
                    scalar |= users
                    changed = True
        return scalar

    def _hands_on(self, buffer: SSAValue, scalar: set[StructuredOp]) -> bool:
        """Whether every reader asks for just the vectors, or elements, that the writer makes of the buffer."""
        users = [(cast(StructuredOp, u.operation), u.index) for u in buffer.uses]
        writer = next(op for op, _ in users if op.outs[0] is buffer)
        columns = writer.shape[-1] if writer.shape else 1
        by_element = writer in scalar or runs_along_reduction(writer, self.tile.target, self.tile.carried)
        for op, operand in users:
            if op is writer:
                continue
            space = op.iteration_space()
            index = space.maps[operand]
            if space.is_indirect(operand):
                return False
            inner = range(len(space.parallel), len(space.sizes))
            reads_reduced = any(
                space.depends(operand, d) and (is_open(space.sizes[d]) or space.sizes[d] > 1) for d in inner
            )
            if reads_reduced and (
                any(map(is_open, space.reduction)) or prod(space.reduction) > self.tile.unroll
            ):
                return False  # which element is read is known in a loop only
            if columns == 1:
                continue
            last = len(space.parallel) - 1
            in_place = index[-1] == AffineExpr.dimension(last) and space.parallel[last] == columns
            if not (by_element and op in scalar) and (by_element or op in scalar or not in_place):
                return False
        return True
