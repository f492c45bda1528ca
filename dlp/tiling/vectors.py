"""Vectorisation of the structured ops of one block."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from xdsl.dialects import func, memref
from xdsl.ir import Block, Operation, SSAValue

from dlp.dialects.dlp.structured import StructuredOp
from dlp.targets import Target
from dlp.tiling.vector_access import has_vector_form
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
        if any(_reduces(cast(StructuredOp, u), buffer) for u in users):
            return False  # one element after the other, where its writer has vectors
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
        scalar = {op for op in ops if not has_vector_form(op, self.tile.target, self.tile.carried)}
        changed = True
        while changed:
            changed = False
            for buffer in self.tile.carried:
                users = {cast(StructuredOp, u.operation) for u in buffer.uses}
                if users & scalar and not users <= scalar:
                    scalar |= users
                    changed = True
        cuts: dict[Operation, list[int]] = {}
        for op in ops:
            columns = op.shape[-1] if op.shape else 1
            cuts[op] = [1] * columns if op in scalar else self.tile.target.vector_cuts(columns)
        return cuts


def _reduces(op: StructuredOp, buffer: SSAValue) -> bool:
    """Whether an op reads a buffer along what it reduces."""
    space = op.iteration_space()
    reduced = range(len(space.parallel), len(space.sizes))
    return any(
        x is buffer and any(space.sizes[d] != 1 and space.depends(k, d) for d in reduced)
        for k, x in enumerate(op.ins)
    )
