"""Turn structured ops on register tiles into loops over vectors, accumulators carried in registers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.dialects.dlp.structured import StructuredOp
from dlp.lowering._kernels import kernels_worth_tuning
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import load
from dlp.tiling.vector_access import vectorizable
from dlp.tiling.vectors import VectorizeBlock
from dlp.walking import walk_blocks

LARGEST_TILE = 512
"""Vectors (or scalars) of a tile that are unrolled; larger tiles are left to `convert-dlp-to-loops`."""


@dataclass(frozen=True)
class VectorizePass(ModulePass):
    """Turn structured ops on register tiles into loops over vectors, accumulators carried in registers.

    before: `dlp.matmul ins(%a, %w) outs(%t)`, `dlp.relu ins(%t) outs(%y)` on a tile of 6 x 16;
    after: `scf.for %k` with 12 vectors of 8 as iter_args, `vector.load`, `vector.broadcast`, `vector.fma`; relu on its
    results; 12 `vector.store`.

    The vector runs along the innermost parallel dimension, or along the reduction where that is what is contiguous;
    tails use narrower vectors. Small reductions are unrolled. A buffer that only carries a tile from one op to the next
    becomes values. Ops that do not fit (indirect or strided vectors, bytes and 64-bit integers, tiles of unknown
    size) are left for `convert-dlp-to-loops`, or computed lane by lane where only one operand is at fault.
    """

    name = "vectorize"
    scope = Scope.KERNEL

    target: str = "avx2"
    """Target description: lanes, and how tails are cut."""
    unroll: int = 9
    """Reductions of at most so many steps are unrolled."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        for function in kernels_worth_tuning(op):
            for block in walk_blocks(function):
                ops = [o for o in block.ops if isinstance(o, StructuredOp)]
                ready = {
                    o for o in ops if vectorizable(o) and prod(o.shape) <= LARGEST_TILE * target.vector_lanes
                }
                if ready:
                    VectorizeBlock(function, block, ready, target, self.unroll).run()
                    count("ops vectorized", len(ready))
                if len(ops) > len(ready):
                    count("ops left for scalar loops", len(ops) - len(ready))
