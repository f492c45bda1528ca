"""Views that meet and cancel."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from dlp.dialects.dlp.loop import graph_blocks

from ._carried_views import ViewCarrier
from ._view_rules import RULES, STARTS


@dataclass(frozen=True)
class SimplifyViews(ModulePass):
    """Move transposes and reshapes behind the ops that use them, so that layout changes meet and cancel.

    ```mlir
    %0 = dlp.transpose ins(%x : tensor<2x8x4xf32>) -> tensor<2x4x8xf32> {permutation = array<i64: 0, 2, 1>}
    %1 = dlp.relu ins(%0 : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    %2 = dlp.transpose ins(%1 : tensor<2x4x8xf32>) -> tensor<2x8x4xf32> {permutation = array<i64: 0, 2, 1>}
    ```
    becomes
    ```mlir
    %2 = dlp.relu ins(%x : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
    ```
    Transposes pass element-wise ops, reductions, pads, slices, concatenations, broadcasts and reshapes that do not
    cut across them; reshapes pass element-wise ops and reductions where they add dimensions, as a matrix product's
    rows become an image or a batch. An op with several operands is computed in the order in which the fewest elements
    move; a tie leaves it as it is. What follows from weights alone counts nothing: it is computed once.
    """

    name = "simplify-views"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in op.ops:
            if isinstance(func, FuncOp):
                for block in graph_blocks(func):
                    ViewCarrier(block, RULES, STARTS).run()
