"""Matrix products of a batch with one matrix are one product."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.dialects.dlp.contraction import MatmulOp
from dlp.dialects.dlp.structured import GraphBuilder
from dlp.dialects.dlp.view import ReshapeOp
from dlp.statistics import count

from ._free_reshape import reshapes_freely


@dataclass(frozen=True)
class FlattenMatmul(ModulePass):
    """Make the rows of a whole batch the rows of one product, where all are multiplied by the same matrix.

    ```mlir
    %1 = dlp.matmul ins(%x, %w : tensor<4x128x768xf32>, tensor<768x64xf32>) -> tensor<4x128x64xf32>
    ```
    becomes
    ```mlir
    %0 = dlp.reshape ins(%x : tensor<4x128x768xf32>) -> tensor<512x768xf32>
    %y = dlp.matmul ins(%0, %w : tensor<512x768xf32>, tensor<768x64xf32>) -> tensor<512x64xf32>
    %1 = dlp.reshape ins(%y : tensor<512x64xf32>) -> tensor<4x128x64xf32>
    ```
    A product whose rows would have to be copied together (a slice of a batch) stays.
    """

    name = "flatten-matmul"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for matmul in [o for o in op.walk() if isinstance(o, MatmulOp)]:
            if _is_batch_times_matrix(matmul):
                _rewrite(matmul)


def _is_batch_times_matrix(matmul: MatmulOp) -> bool:
    if not matmul.res or matmul.panel is not None or -1 in matmul.shape or 0 in matmul.shape:
        return False
    x, w = matmul.in_shape(0), matmul.in_shape(1)
    if len(matmul.shape) == 2 or prod(w[:-2]) != 1 or x[:-1] != matmul.shape[:-1]:
        return False
    return reshapes_freely(matmul.ins[0], (prod(x[:-1]), x[-1]))


def _rewrite(matmul: MatmulOp) -> None:
    b = GraphBuilder(matmul)
    x, w = matmul.ins
    x_shape, w_shape = matmul.in_shape(0), matmul.in_shape(1)
    rows = b(ReshapeOp, x, shape=(prod(x_shape[:-1]), x_shape[-1]))
    if len(w_shape) > 2:
        w = b(ReshapeOp, w, shape=w_shape[-2:])
    result = b(ReshapeOp, b(MatmulOp, rows, w), shape=matmul.shape)
    result.name_hint = matmul.result.name_hint
    matmul.result.replace_all_uses_with(result)
    matmul.detach()
    matmul.erase()
    count("batches made one product")
