"""Ops that are defined by other ops, replaced by their definition."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.dialects.dlp.composite import AttentionOp
from dlp.dialects.dlp.structured import DecomposableOp, GraphBuilder
from dlp.statistics import count
from dlp.tiling.attention import has_blocks


@dataclass(frozen=True)
class Decompose(ModulePass):
    """Replace each op that has a definition (`DecomposableOp`) by it: softmax, norms, attention.

    ```mlir
    %1 = dlp.softmax ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32> {dimension = 1 : i64}
    ```
    becomes
    ```mlir
    %m = dlp.max ins(%x : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
    %s = dlp.sub ins(%x, %m : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    %e = dlp.exp ins(%s : tensor<4x8xf32>) -> tensor<4x8xf32>
    %t = dlp.sum ins(%e : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
    %1 = dlp.div ins(%e, %t : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    ```
    Attention stays whole without `attention` where it can be computed in blocks, which `tile-attention` does: then
    the matrix of scores never exists.

    Definitions may use such ops themselves (attention uses softmax); they are replaced in turn. What is emitted
    stands on the same line of the user's model (`dlp.source`).
    """

    name = "decompose"

    attention: bool = True
    """Attention as well, whatever its sizes."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        while todo := [
            o for o in op.walk() if isinstance(o, DecomposableOp) and o.res and not self._stays(o)
        ]:
            for composite in todo:
                result = composite.decompose(GraphBuilder(composite))
                if result.name_hint is None:
                    result.name_hint = composite.result.name_hint
                composite.result.replace_all_uses_with(result)
                composite.detach()
                composite.erase()
                count(f"{composite.name.removeprefix('dlp.')} ops decomposed")

    def _stays(self, op: DecomposableOp) -> bool:
        return not self.attention and isinstance(op, AttentionOp) and has_blocks(op)
