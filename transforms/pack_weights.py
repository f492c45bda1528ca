"""Weights in the order in which the inner loops read them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import AnyFloat, IntegerAttr, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass

from dlp import targets
from dlp.cost.register_tile import panel_width
from dlp.dialects.dlp.contraction import ContractionOp, ConvOp, MatmulOp
from dlp.dialects.dlp.loop import graph_blocks
from dlp.dialects.dlp.structured import GraphBuilder
from dlp.dialects.dlp.view import PadOp, ReshapeOp, TransposeOp
from dlp.statistics import count
from dlp.targets import Target

from ._carried_views import shape_of
from ._weight_side import WeightSide


@dataclass(frozen=True)
class PackWeights(ModulePass):
    """Cut the weights of matrix products and convolutions into panels as wide as a register tile.

    ```mlir
    %1 = dlp.matmul ins(%x, %w : tensor<8x64xf32>, tensor<64x24xf32>) -> tensor<8x24xf32>
    ```
    becomes, for panels of 16 columns,
    ```mlir
    %p = dlp.pad ins(%w : tensor<64x24xf32>) -> tensor<64x32xf32> {high = array<i64: 0, 8>, ...}
    %q = dlp.reshape ins(%p : tensor<64x32xf32>) -> tensor<64x2x16xf32>
    %r = dlp.transpose ins(%q : tensor<64x2x16xf32>) -> tensor<2x64x16xf32> {permutation = array<i64: 1, 0, 2>}
    %1 = dlp.matmul ins(%x, %r : tensor<8x64xf32>, tensor<2x64x16xf32>) -> tensor<8x24xf32> {panel = 16 : i64}
    ```
    Only weights that follow from parameters alone are packed: the ops that do it end up in `@prepare`. Convolutions
    must have channels last. Depthwise ones are left as they are: their weights are already read in a row.

    Options: `target` is the machine whose registers decide the width of a panel.
    """

    name = "pack-weights"

    target: str = "avx2"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = targets.load(self.target)
        for func in op.ops:
            if isinstance(func, FuncOp):
                for block in graph_blocks(func):
                    _pack_block(target, block)


def _pack_block(target: Target, block: Block) -> None:
    weights = WeightSide(block)
    # Steps of a recurrent network share their weights.
    packed: dict[tuple[SSAValue, int], SSAValue] = {}
    for op in list(block.ops):
        if not isinstance(op, ContractionOp) or not op.res or op.panel is not None:
            continue
        if op.ins[1] not in weights or op.ins[0] in weights or not isinstance(op.element_type, AnyFloat):
            continue
        if isinstance(op, ConvOp):
            if not op.channels_last or op.out_channels == op.group_count:
                continue
        elif not _has_lead_of_data(op):
            continue
        panel = panel_width(target, op)
        if panel is None:
            continue
        w = op.ins[1]
        if (w, panel) not in packed:
            depth = 2 if isinstance(op, MatmulOp) else len(op.in_shape(1))
            packed[w, panel] = _pack(w, panel, depth, GraphBuilder(op))
        op.operands[1] = packed[w, panel]
        op.properties["panel"] = IntegerAttr(panel, 64)
        count("contractions on packed weights")


def _has_lead_of_data(op: ContractionOp) -> bool:
    """Whether the weights have no leading dimensions but those of the data: packed weights broadcast, data does not."""
    data, lead = op.in_shape(0)[:-2], op.in_shape(1)[:-2]
    return len(lead) <= len(data) and all(
        n in (1, m) for n, m in zip(lead, data[len(data) - len(lead) :], strict=True)
    )


def _pack(w: SSAValue, panel: int, depth: int, b: GraphBuilder) -> SSAValue:
    """Panels of the last dimension in front of the last `depth` dimensions."""
    *rows, columns = shape_of(w)
    panels = -(-columns // panel)
    if panels * panel != columns:
        none = [0] * (len(rows) + 1)
        fill = [*none[:-1], panels * panel - columns]
        w = b(PadOp, w, low=none, high=fill, value=0.0)
    w = b(ReshapeOp, w, shape=(*rows, panels, panel))
    count("weights packed")
    lead = len(rows) + 1 - depth
    order = (*range(lead), len(rows), *range(lead, len(rows)), len(rows) + 1)
    return b(TransposeOp, w, permutation=order)
