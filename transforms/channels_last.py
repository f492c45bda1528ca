"""Channels in the innermost dimension, where vectors want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from dlp import targets
from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.loop import graph_blocks
from dlp.dialects.dlp.reduction import PoolOp
from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder, attribute_of, int_list
from dlp.dialects.dlp.view import PadOp, ReshapeOp, TransposeOp, reshape_groups

from ._carried_views import Rule, ViewCarrier, inverse, keeps_order, shape_of
from ._view_rules import RULES, STARTS, in_full_order, reshape_before_transpose, transposed_type


@dataclass(frozen=True)
class ChannelsLast(ModulePass):
    """Compute convolutions and pools with the channels in the last dimension.

    ```mlir
    %1 = dlp.conv ins(%x, %w : tensor<1x3x8x8xf32>, tensor<16x3x1x1xf32>) -> tensor<1x16x8x8xf32>
         {layout = "channels_first", ...}
    %2 = dlp.relu ins(%1 : tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
    ```
    becomes
    ```mlir
    %0 = dlp.transpose ins(%x : tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32> {permutation = array<i64: 0, 2, 3, 1>}
    %v = dlp.transpose ins(%w : tensor<16x3x1x1xf32>) -> tensor<1x1x3x16xf32> {permutation = array<i64: 2, 3, 1, 0>}
    %1 = dlp.conv ins(%0, %v : tensor<1x8x8x3xf32>, tensor<1x1x3x16xf32>) -> tensor<1x8x8x16xf32>
         {layout = "channels_last", ...}
    %2 = dlp.relu ins(%1 : tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32>
    %3 = dlp.transpose ins(%2 : tensor<1x8x8x16xf32>) -> tensor<1x16x8x8xf32> {permutation = array<i64: 0, 3, 1, 2>}
    ```
    The transpose back moves as far as it can, as in `simplify-views`, so that a network of images keeps one transpose
    at its input. Where an image is flattened for a matrix product, the rows of the weights are permuted instead.

    Options: `layout` overrides what the description of `target` prefers; "channels_first" makes the pass do nothing.
    """

    name = "channels-last"

    target: str = "avx2"
    layout: Literal["channels_last", "channels_first"] | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if (self.layout or targets.load(self.target).layout) != "channels_last":
            return
        for func in op.ops:
            if isinstance(func, FuncOp):
                for block in graph_blocks(func):
                    if any(_wants_channels_last(o) for o in block.ops):
                        ViewCarrier(block, _RULES, _STARTS, prefer_carried=True).run()


def _to_first(rank: int) -> tuple[int, ...]:
    """Of which dimension with channels last each dimension with channels first is."""
    return (0, rank - 1, *range(1, rank - 1))


def _conv(c: ViewCarrier, op: DestinationOp) -> bool:
    conv = cast(ConvOp, op)
    if conv.channels_last:
        return False
    order = _to_first(len(op.shape))
    b = GraphBuilder(op)
    x = in_full_order(c, b, op.operands[0], order)
    weight_order = inverse((*range(2, len(op.shape)), 1, 0))
    w = in_full_order(c, b, op.operands[1], weight_order)
    new = op.on([x, w], result_type=transposed_type(op, order))
    new.properties["layout"] = StringAttr("channels_last")
    c.instead(op, new, order, "convolutions turned")
    return True


def _pool(c: ViewCarrier, op: DestinationOp) -> bool:
    if cast(PoolOp, op).channels_last:
        return False
    order = _to_first(len(op.shape))
    x = in_full_order(c, GraphBuilder(op), op.operands[0], order)
    new = op.on([x], result_type=transposed_type(op, order))
    new.properties["layout"] = StringAttr("channels_last")
    c.instead(op, new, order, "pools turned")
    return True


def _pad(c: ViewCarrier, op: DestinationOp) -> bool:
    """A pad of an image that nobody turned yet is turned with the convolution behind it: one copy, not two."""
    x, users = op.operands[0], [use.operation for use in op.results[0].uses]
    if len(op.shape) < 3 or x in c.carried or not users or not all(map(_wants_channels_last, users)):
        return RULES[PadOp](c, op)
    order = _to_first(len(op.shape))
    turned = op.on([in_full_order(c, GraphBuilder(op), x, order)], result_type=transposed_type(op, order))
    for name in ("low", "high"):
        values = int_list(op.properties[name])
        turned.properties[name] = attribute_of([values[d] for d in inverse(order)])
    c.instead(op, turned, order)
    return True


def _wants_channels_last(op: Operation) -> bool:
    return isinstance(op, ConvOp | PoolOp) and not op.channels_last


def _reshape(c: ViewCarrier, op: DestinationOp) -> bool:
    """A reshape across what was moved apart (a shuffle of channels) copies; the copy has channels last too."""
    x = op.operands[0]
    carried = c.carried.get(x)
    if carried is None or carried.order is None or len(op.shape) < 3 or c.in_order(x) is not None:
        return RULES[ReshapeOp](c, op)
    source, seen = shape_of(carried.source), op.in_shape(0)
    if reshape_before_transpose(source, carried.order, op.shape) is not None:
        return RULES[ReshapeOp](c, op)
    order = _to_first(len(op.shape))
    last = inverse(order)
    walk: list[int] = []
    for view_dims, result_dims in sorted(
        reshape_groups(seen, op.shape), key=lambda group: [last.index(d) for d in group[1]] or [0]
    ):
        places = [last.index(d) for d in result_dims]
        if places and places != list(range(places[0], places[0] + len(places))):
            return RULES[ReshapeOp](c, op)
        walk += [carried.order[d] for d in view_dims]
    b = GraphBuilder(op)
    copy = b(TransposeOp, c.real(carried.source), permutation=walk)
    c.instead(op, ReshapeOp.of(copy, shape=[op.shape[d] for d in last]), order)
    return True


def _matmul(c: ViewCarrier, op: DestinationOp) -> bool:
    """flatten(transpose(u)) @ w is flatten(u) @ w with the rows of w in u's order."""
    flat, w = op.operands
    reshaped = c.carried.get(flat)
    if reshaped is None or reshaped.order is not None or w not in c.weights or len(shape_of(w)) != 2:
        return False
    turned = c.carried.get(reshaped.source)
    if turned is None or turned.order is None:
        return False
    source, order, shape = shape_of(turned.source), turned.order, shape_of(flat)
    flattened: list[int] = []
    kept: list[int] = []
    for view_dims, result_dims in reshape_groups(tuple(source[d] for d in order), shape):
        is_row = result_dims[-1:] == [len(shape) - 1]
        (flattened if is_row else kept).extend(order[d] for d in view_dims)
        if is_row and any(shape[d] != 1 for d in result_dims[:-1]):
            return False
    stored = sorted(flattened)
    if not keeps_order(source, (*kept, *stored)):
        return False
    b = GraphBuilder(op)
    columns = shape_of(w)[1]
    rows = b(ReshapeOp, c.real(w), shape=(*(source[d] for d in flattened), columns))
    places = (*(flattened.index(d) for d in stored), len(flattened))
    rows = b(ReshapeOp, b(TransposeOp, rows, permutation=places), shape=shape_of(w))
    new = op.on([c.reshaped(b, turned.source, shape), rows], result_type=op.results[0].type)
    c.instead(op, new, None, "weights with permuted rows")
    return True


_STARTS = (*STARTS, ConvOp, PoolOp, PadOp)

_RULES: dict[type[Operation], Rule] = {
    **RULES,
    ConvOp: _conv,
    PoolOp: _pool,
    PadOp: _pad,
    ReshapeOp: _reshape,
    MatmulOp: _matmul,
}
