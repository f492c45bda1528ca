"""1x1 convolutions are matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import ElementwiseOp
from dlp.dialects.dlp.structured import GraphBuilder, int_list
from dlp.dialects.dlp.view import PadOp, ReshapeOp
from dlp.statistics import count

from ._carried_views import shape_of
from ._free_reshape import reshapes_freely


@dataclass(frozen=True)
class ConvToMatmul(ModulePass):
    """Make a convolution whose window is one pixel a product of pixels and weights.

    ```mlir
    %1 = dlp.conv ins(%x, %w : tensor<1x7x7x64xf32>, tensor<1x1x64x32xf32>) -> tensor<1x7x7x32xf32>
         {layout = "channels_last", strides = array<i64: 1, 1>, ...}
    ```
    becomes
    ```mlir
    %0 = dlp.reshape ins(%x : tensor<1x7x7x64xf32>) -> tensor<49x64xf32>
    %v = dlp.reshape ins(%w : tensor<1x1x64x32xf32>) -> tensor<64x32xf32>
    %y = dlp.matmul ins(%0, %v : tensor<49x64xf32>, tensor<64x32xf32>) -> tensor<49x32xf32>
    %1 = dlp.reshape ins(%y : tensor<49x32xf32>) -> tensor<1x7x7x32xf32>
    ```
    so that the rows of a register tile run over the whole image, not over one line of it. The reshapes are views.
    Where they would be copies the convolution stays: with strides, of a slice, and where the result goes into a
    `dlp.pad`, whose frame breaks the image into lines.
    """

    name = "conv-to-matmul"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for conv in [o for o in op.walk() if isinstance(o, ConvOp)]:
            if _is_product(conv) and not _is_padded(conv.result):
                _rewrite(conv)


def _is_product(conv: ConvOp) -> bool:
    if not conv.res or not conv.channels_last or conv.panel is not None or conv.group_count != 1:
        return False
    if any(n != 1 for n in (*conv.kernel, *int_list(conv.strides))) or -1 in conv.shape:
        return False
    x = conv.in_shape(0)
    return reshapes_freely(conv.ins[0], (prod(x[:-1]), x[-1]))


def _is_padded(value: SSAValue) -> bool:
    """Whether a pad reads the value, through element-wise ops."""
    for use in value.uses:
        user = use.operation
        if isinstance(user, PadOp):
            return True
        if isinstance(user, ElementwiseOp) and user.shape == shape_of(value) and _is_padded(user.result):
            return True
    return False


def _rewrite(conv: ConvOp) -> None:
    b = GraphBuilder(conv)
    *pixels, channels = conv.in_shape(0)
    rows = b(ReshapeOp, conv.ins[0], shape=(prod(pixels), channels))
    weights = b(ReshapeOp, conv.ins[1], shape=(channels, conv.out_channels))
    product = b(MatmulOp, rows, weights)
    result = b(ReshapeOp, product, shape=conv.shape)
    result.name_hint = conv.result.name_hint
    conv.result.replace_all_uses_with(result)
    conv.detach()
    conv.erase()
    count("convolutions made matrix products")
