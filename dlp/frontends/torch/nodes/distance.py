"""Norms, and distances of vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import AbsOp, CompareOp, MulOp, PowOp, SqrtOp, SubOp
from dlp.dialects.dlp.reduction import MaxOp, MinOp, SumOp
from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.nodes.reduction import Dims, dimensions
from dlp.frontends.torch.registry import imports


def norm(g: Emitter, x: SSAValue, order: float, over: Sequence[int]) -> SSAValue:
    """The norm of any order over dimensions, which stay with size 1."""
    match order:
        case 0:
            return g(
                SumOp, g.cast(g(CompareOp, x, g.constant(0.0, g.dtype), predicate="ne"), g.dtype), dims=over
            )
        case 1:
            return g(SumOp, g(AbsOp, x), dims=over)
        case 2:
            return g(SqrtOp, g(SumOp, g(MulOp, x, x), dims=over))
        case math.inf:
            return g(MaxOp, g(AbsOp, x), dims=over)
    if order == -math.inf:
        return g(MinOp, g(AbsOp, x), dims=over)
    powers = g(SumOp, g(PowOp, g(AbsOp, x), g.constant(order, g.dtype)), dims=over)
    return g(PowOp, powers, g.constant(1 / order, g.dtype))


@imports("aten.linalg_vector_norm.default")
def vector_norm(g: Emitter, x: SSAValue, order: float, dims: Dims, keepdim: bool, dtype: object) -> SSAValue:
    return g.reshape(norm(g, g.cast(x, g.dtype), order, dimensions(g, x, dims)), g.shape)


@imports("aten._cdist_forward.default")
def distances(g: Emitter, x: SSAValue, y: SSAValue, order: float, mode: int | None) -> SSAValue:
    """result[..., i, j]: of row i of x [..., m, d] and row j of y [..., n, d]."""
    (*lead_x, m, d), (*lead_y, n, _) = g.shape_of(x), g.shape_of(y)
    difference = g(SubOp, g.reshape(x, (*lead_x, m, 1, d)), g.reshape(y, (*lead_y, 1, n, d)))
    return g.reshape(norm(g, difference, order, [len(g.shape_of(difference)) - 1]), g.shape)
