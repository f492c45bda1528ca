"""Dead code elimination."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriterListener
from xdsl.transforms.dead_code_elimination import region_dce

from dlp.statistics import count


@dataclass(frozen=True)
class DeadCodeElimination(ModulePass):
    """Remove operations whose results nobody needs and that have no effect beside them.

    ```mlir
    %0 = arith.mulf %a, %b : f32        // only %1 uses it
    %1 = arith.addf %0, %b : f32        // nobody uses it
    memref.store %a, %m[] : memref<f32>
    return %a : f32
    ```
    becomes
    ```mlir
    memref.store %a, %m[] : memref<f32>
    return %a : f32
    ```
    Liveness spreads from operations with effects, so chains and cycles of dead operations go at once. An operation
    whose effects are not known stays. Functions stay too, called or not.
    """

    name = "dce"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        def removed(_: Operation) -> None:
            count("operations removed")

        region_dce(op.body, PatternRewriterListener(operation_removal_handler=[removed]))
