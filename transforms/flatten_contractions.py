"""Contractions with one matrix of weights as products of two matrices."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.contraction import ContractionOp, ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import ElementwiseOp
from dlp.dialects.dlp.structured import GraphBuilder, int_list
from dlp.dialects.dlp.view import PadOp, ReshapeOp
from dlp.statistics import count

from ._carried_views import shape_of
from ._free_reshape import reshapes_freely


@dataclass(frozen=True)
class FlattenContractions(ModulePass):
    """Make convolutions whose window is one pixel, and batches times one matrix, products of two matrices.

    ```mlir
    %1 = dlp.conv ins(%x, %w : tensor<1x7x7x64xf32>, tensor<1x1x64x32xf32>) -> tensor<1x7x7x32xf32>
         {layout = "channels_last", strides = array<i64: 1, 1>, ...}
    %2 = dlp.matmul ins(%y, %v : tensor<4x128x768xf32>, tensor<768x64xf32>) -> tensor<4x128x64xf32>
    ```
    becomes
    ```mlir
    %0 = dlp.reshape ins(%x : tensor<1x7x7x64xf32>) -> tensor<49x64xf32>
    %u = dlp.reshape ins(%w : tensor<1x1x64x32xf32>) -> tensor<64x32xf32>
    %p = dlp.matmul ins(%0, %u : tensor<49x64xf32>, tensor<64x32xf32>) -> tensor<49x32xf32>
    %1 = dlp.reshape ins(%p : tensor<49x32xf32>) -> tensor<1x7x7x32xf32>
    %3 = dlp.reshape ins(%y : tensor<4x128x768xf32>) -> tensor<512x768xf32>
    %q = dlp.matmul ins(%3, %v : tensor<512x768xf32>, tensor<768x64xf32>) -> tensor<512x64xf32>
    %2 = dlp.reshape ins(%q : tensor<512x64xf32>) -> tensor<4x128x64xf32>
    ```
    so that the rows of a register tile run over the whole image or batch, not over one line of it. The reshapes are
    views. Where they would be copies the op stays as it is: with strides, of a slice, and where an image goes into
    a `dlp.pad`, whose frame breaks it into lines.
    """

    name = "flatten-contractions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for contraction in [o for o in op.walk() if isinstance(o, ContractionOp)]:
            if _is_flat_inside(contraction):
                _flatten(contraction)


def _is_flat_inside(op: ContractionOp) -> bool:
    if not op.res or op.panel is not None or any(n < 1 for n in op.shape):
        return False
    x, w = op.in_shape(0), op.in_shape(1)
    if isinstance(op, ConvOp):
        if not op.channels_last or op.group_count != 1 or _is_padded(op.result):
            return False
        if any(n != 1 for n in (*op.kernel, *int_list(op.strides))):
            return False
    elif not isinstance(op, MatmulOp) or len(op.shape) == 2 or prod(w[:-2]) != 1 or x[:-1] != op.shape[:-1]:
        return False
    return reshapes_freely(op.ins[0], (prod(x[:-1]), x[-1]))


def _is_padded(value: SSAValue) -> bool:
    """Whether a pad reads the value, through element-wise ops."""
    for use in value.uses:
        user = use.operation
        if isinstance(user, PadOp):
            return True
        if isinstance(user, ElementwiseOp) and user.shape == shape_of(value) and _is_padded(user.result):
            return True
    return False


def _flatten(op: ContractionOp) -> None:
    b = GraphBuilder(op)
    x, w = op.ins
    *lines, depth = op.in_shape(0)
    rows = b(ReshapeOp, x, shape=(prod(lines), depth))
    if len(op.in_shape(1)) > 2:
        w = b(ReshapeOp, w, shape=op.in_shape(1)[-2:])
    result = b(ReshapeOp, b(MatmulOp, rows, w), shape=op.shape)
    result.name_hint = op.result.name_hint
    op.result.replace_all_uses_with(result)
    op.detach()
    op.erase()
    count("convolutions made matrix products" if isinstance(op, ConvOp) else "batches made matrices")
