"""A dilation by a single element is an addition."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dlp.dialects.dlp.elementwise import AddOp
from dlp.dialects.dlp.structured import int_list
from dlp.dialects.dlp.view import ReshapeOp
from dlp.rewriting import apply_patterns

from .dialect import DilateOp


class DilateByOneElement(RewritePattern):
    """dilate(x, b) with b of 1 x 1 and no stride -> x + b."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DilateOp, rewriter: PatternRewriter) -> None:
        if not op.res or op.in_shape(1) != (1, 1) or int_list(op.strides) != (1, 1):
            return
        scalar = ReshapeOp.of(op.ins[1], shape=())
        rewriter.replace_op(op, [scalar, AddOp.of(op.ins[0], scalar.result)])


class FoldFlatDilation(ModulePass):
    """Turn dilations by a single element into additions, which fuse with anything.

    before: `morphology.dilate ins(%x, %b : tensor<1x8x8x4xf32>, tensor<1x1xf32>)`;
    after: `dlp.reshape ins(%b)` to a scalar, `dlp.add`.
    """

    name = "fold-flat-dilation"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, [DilateByOneElement()])
