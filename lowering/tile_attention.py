"""Compute attention in blocks, without the matrix of scores."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.dialects.dlp.composite import AttentionOp
from dlp.lowering._kernels import kernels
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import load
from dlp.tiling.attention import TileAttention
from dlp.walking import walk_of


@dataclass(frozen=True)
class TileAttentionPass(ModulePass):
    """Compute attention in blocks of queries and of keys, without the matrix of scores.

    before: `dlp.attention ins(%q, %k, %v) outs(%y)` on whole buffers;
    after: `scf.parallel (%b, %h, %block)` over blocks of queries, in it `scf.for %j` over blocks of keys, in that
    `dlp.matmul`, `dlp.max`, `dlp.exp`, `dlp.sum` and `dlp.matmul` on the scores of a few queries (online softmax, see
    `dlp.tiling.attention`).

    Sizes of blocks follow from the target's register tile and from the sizes of a head. The numbers of queries and
    keys need not be known.
    """

    name = "tile-attention"
    scope = Scope.KERNEL

    target: str = "avx2"
    """Target description to tile for."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        for function in kernels(op):
            for attention in [o for o in walk_of(function, AttentionOp) if o.outs]:
                TileAttention(function, attention, target).run()
                attention.detach()
                attention.erase()
                count("attentions tiled")
