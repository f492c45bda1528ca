"""Convolutions with fewer multiplications."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.passes import ModulePass

from dlp import targets
from dlp.cost.winograd import Schedule, best_schedule
from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.dim import Dim, is_static
from dlp.dialects.dlp.elementwise import scalar_value
from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.loop import graph_blocks
from dlp.dialects.dlp.structured import GraphBuilder, int_list
from dlp.dialects.dlp.toom_cook import LARGEST
from dlp.dialects.dlp.view import CopyOp, PadOp, ReshapeOp, ViewOp
from dlp.dialects.dlp.winograd import (
    WinogradFilterTransformOp,
    WinogradInputTransformOp,
    WinogradOutputTransformOp,
)
from dlp.statistics import count
from dlp.tiling.schedule import element_bytes

from ._carried_views import shape_of
from ._weight_side import WeightSide


@dataclass(frozen=True)
class Winograd(ModulePass):
    """Compute convolutions with fewer multiplications, by Winograd's minimal filtering, where that is faster.

    ```mlir
    %1 = dlp.conv ins(%x, %w : tensor<1x58x58x64xf32>, tensor<3x3x64x64xf32>) -> tensor<1x56x56x64xf32>
         {layout = "channels_last", strides = array<i64: 1, 1>, ...}
    ```
    becomes, with tiles of 4 x 4 pixels,
    ```mlir
    %u = dlp.winograd_filter_transform ins(%w : ...) -> tensor<6x6x64x64xf32> {tile = 4 : i64, window = 3 : i64}
    %v = dlp.winograd_input_transform ins(%x : ...) -> tensor<6x6x1x14x14x64xf32> {tile = 4 : i64, window = 3 : i64}
    %m = dlp.matmul ins(%v', %u' : tensor<36x196x64xf32>, tensor<36x64x64xf32>) -> tensor<36x196x64xf32>
    %1 = dlp.winograd_output_transform ins(%m' : ...) -> tensor<1x56x56x64xf32> {tile = 4 : i64, window = 3 : i64}
    ```
    where the primes are reshapes: 36 products of matrices instead of 144 for the same pixels. Where the transformed
    weights leave room in the second-level cache, there are no reshapes around the product,
    ```mlir
    %m = dlp.matmul ins(%v, %u' : tensor<6x6x1x14x14x64xf32>, tensor<6x6x1x1x64x64xf32>) -> tensor<6x6x1x14x14x64xf32>
    ```
    so that `fuse` can make one kernel of the three, which computes strip by strip of the image. Only convolutions with
    stride 1, without groups and dilation, whose weights are known when the model is prepared: the transformed weights
    are computed there. The result's rounding differs from that of a plain sum, and a NaN or an infinity spreads over
    the tiles that read it (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).

    Options: `target` is the machine whose cost model decides. `tile`: pixels a side of every tile, instead of those
    that the cost model finds best; 0 leaves all convolutions as they are.
    """

    name = "winograd"

    target: str = "avx2"
    tile: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.tile == 0:
            return
        for func in op.ops:
            if isinstance(func, FuncOp):
                weights = sum(_bytes(op.res.type) for op in func.walk() if isinstance(op, WeightOp))
                for block in graph_blocks(func):
                    self._in_block(block, weights)

    def _in_block(self, block: Block, weights_bytes: int) -> None:
        weights = WeightSide(block)
        for op in list(block.ops):
            if not isinstance(op, ConvOp) or not is_candidate(op):
                continue
            if op.ins[1] not in weights or op.ins[0] in weights:
                continue
            schedule = best_schedule(op, targets.load(self.target), weights_bytes, self.tile)
            if schedule is not None:
                _rewrite(op, schedule)
                count(f"convolutions with tiles of {schedule.tile}")


def _bytes(of: TensorType[Attribute]) -> int:
    return prod(of.get_shape()) * element_bytes(of.element_type)


def is_candidate(op: ConvOp) -> bool:
    """Whether there are transforms for a convolution at all."""
    kernel = op.kernel
    return (
        bool(op.res)
        and op.channels_last
        and op.panel is None
        and op.group_count == 1
        and op.element_type == f32
        and is_static((op.in_shape(0)[-1], *op.in_shape(1)))
        and all(n == 1 for n in (*int_list(op.strides), *int_list(op.dilations)))
        and 1 < kernel[0] < LARGEST
        and len(set(kernel)) == 1
    )


def _rewrite(op: ConvOp, schedule: Schedule) -> None:
    b, tile = GraphBuilder(op), schedule.tile
    x, w = op.ins
    window = op.kernel[0]
    n, *size, columns = op.shape
    tiles = [(s + tile - 1) // tile for s in size]
    # Of an image whose size only a run knows, as much as may be missing of the last tiles.
    missing = [tile - 1 if isinstance(s, Dim) else t * tile - s for s, t in zip(size, tiles, strict=True)]
    x = _extended(b, x, missing)
    f = {"tile": tile, "window": window}
    if isinstance(w.owner, ViewOp):
        w = b(CopyOp, w)  # in the order in which vectors are read
    v, u = b(WinogradInputTransformOp, x, **f), b(WinogradFilterTransformOp, w, **f)
    factors = shape_of(v)[: len(size)]
    depth = op.in_shape(0)[-1]
    if schedule.in_strips:
        # The products keep the image's dimensions: fusing cuts all three steps along them.
        u = b(ReshapeOp, u, shape=(*factors, *(1,) * len(size), depth, columns))
        m = b(MatmulOp, v, u)
    else:
        v = b(ReshapeOp, v, shape=(prod(factors), n * prod(tiles), depth))
        u = b(ReshapeOp, u, shape=(prod(factors), depth, columns))
        m = b(ReshapeOp, b(MatmulOp, v, u), shape=(*factors, n, *tiles, columns))
    y = b(WinogradOutputTransformOp, m, shape=op.shape, **f)
    y.name_hint = op.result.name_hint
    op.result.replace_all_uses_with(y)
    op.detach()
    op.erase()


def _extended(b: GraphBuilder, x: SSAValue, missing: list[int]) -> SSAValue:
    """Zeros behind an image, so that it consists of whole tiles; they go into the frame that it has, if any."""
    if not any(missing):
        return x
    low, high = [0] * (len(missing) + 2), [0, *missing, 0]
    pad = x.owner
    if isinstance(pad, PadOp) and scalar_value(pad.value) == 0:
        low = list(int_list(pad.low))
        high = [a + c for a, c in zip(int_list(pad.high), high, strict=True)]
        x = pad.ins[0]
    return b(PadOp, x, low=low, high=high, value=0.0)
