"""Batch normalisation as part of the weights before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.composite import BatchNormOp
from dlp.dialects.dlp.contraction import ContractionOp, ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import AddOp, MulOp
from dlp.dialects.dlp.structured import GraphBuilder
from dlp.dialects.dlp.transposed_convolution import ConvTransposeOp
from dlp.dialects.dlp.view import ReshapeOp
from dlp.statistics import count

from ._carried_views import shape_of
from ._weight_side import WeightSide


@dataclass(frozen=True)
class FoldBatchNorm(ModulePass):
    """Fold a batch norm into the convolution or matrix product before it.

    ```mlir
    %1 = dlp.conv ins(%x, %w : ...) -> tensor<1x8x4x4xf32>
    %2 = dlp.add ins(%1, %b : tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
    %3 = dlp.batch_norm ins(%2, %mean, %variance, %gamma, %beta : ...) -> tensor<1x8x4x4xf32>
    ```
    becomes, with scale = gamma / sqrt(variance + eps) and shift = beta - mean * scale, computed from weights alone,
    ```mlir
    %v = dlp.mul ins(%w, %scale : ...)
    %1 = dlp.conv ins(%x, %v : ...) -> tensor<1x8x4x4xf32>
    %3 = dlp.add ins(%1, %shift_and_scaled_b : tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
    ```
    The add before it is optional. The product must have no other user, since its values change; its weights and the
    statistics must follow from parameters. It runs before layouts are chosen: channels are in dimension 1.
    """

    name = "fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in op.ops:
            if isinstance(func, FuncOp):
                for block in func.body.blocks:
                    _fold_block(block)


def _fold_block(block: Block) -> None:
    norms = [o for o in block.ops if isinstance(o, BatchNormOp) and o.res]
    if not norms:
        return
    weights = WeightSide(block)
    for norm in norms:
        found = _product_before(norm, weights)
        if found is not None and all(statistic in weights for statistic in norm.ins[1:]):
            _fold(norm, *found)


Product: TypeAlias = ContractionOp | ConvTransposeOp


def _product_before(norm: BatchNormOp, weights: WeightSide) -> tuple[Product, SSAValue | None] | None:
    """The contraction whose result is normalised, and the bias added in between."""
    x, bias = norm.ins[0], None
    if isinstance(x.owner, AddOp) and x.has_one_use():
        add = x.owner
        for product, other in (add.ins, reversed(add.ins)):
            if isinstance(product.owner, Product) and _is_bias(other, norm) and other in weights:
                x, bias = product, other
                break
    product = x.owner
    if not isinstance(product, Product) or not x.has_one_use() or not _has_columns_in_dimension_1(product):
        return None
    if product.ins[1] not in weights or product.ins[0] in weights:
        return None
    return product, bias


def _has_columns_in_dimension_1(op: Operation) -> bool:
    if isinstance(op, ConvOp):
        return not op.channels_last
    if isinstance(op, ConvTransposeOp):
        return op.group_count == 1  # the columns of several groups lie in two dimensions of the weights
    return isinstance(op, MatmulOp) and op.panel is None and len(op.shape) == 2 and len(op.in_shape(1)) == 2


def _is_bias(value: SSAValue, norm: BatchNormOp) -> bool:
    """Whether the value is one number for each channel."""
    shape = shape_of(value)
    aligned = (1,) * (len(norm.shape) - len(shape)) + shape
    return aligned == (1, norm.shape[1], *(1,) * (len(norm.shape) - 2))


def _fold(norm: BatchNormOp, product: Product, bias: SSAValue | None) -> None:
    b = GraphBuilder(norm)
    scale, shift = norm.scale_and_shift(b)
    channels = norm.shape[1]
    ones = (1,) * (len(norm.shape) - 2)
    x, w = product.ins
    scaled = product.on([x, b(MulOp, w, _along_columns(product, scale, b))], result_type=product.result.type)
    b.insert(scaled).attributes.update(product.attributes)
    if bias is not None:
        if shape_of(bias) != (channels,):
            bias = b(ReshapeOp, bias, shape=(channels,))
        shift = b(AddOp, shift, b(MulOp, bias, scale))
    if ones:
        shift = b(ReshapeOp, shift, shape=(channels, *ones))
    result = b(AddOp, scaled.result, shift)
    result.name_hint = norm.result.name_hint

    before = norm.ins[0].owner
    norm.result.replace_all_uses_with(result)
    for op in dict.fromkeys((norm, before, product)):
        assert isinstance(op, Operation)
        op.detach()
        op.erase()
    count("batch norms folded")


def _along_columns(product: Product, scale: SSAValue, b: GraphBuilder) -> SSAValue:
    """One number a column in the shape that broadcasts with the weights: a matrix product has its columns last."""
    (channels,) = shape_of(scale)
    ones = (1,) * (len(product.shape) - 2)
    if isinstance(product, ConvOp):
        return b(ReshapeOp, scale, shape=(channels, 1, *ones))
    if isinstance(product, ConvTransposeOp):
        return b(ReshapeOp, scale, shape=(channels, *ones))
    return scale
