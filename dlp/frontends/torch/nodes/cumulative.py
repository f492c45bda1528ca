"""Running totals."""

from __future__ import annotations

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.cumulative import CumulateOp
from dlp.dialects.dlp.elementwise import CompareOp, IotaOp, OrOp, SelectOp
from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.registry import imports

KINDS = {
    "aten.cumsum.default": "add",
    "aten.cumprod.default": "mul",
    "aten.logcumsumexp.default": "logaddexp",
}


@imports(*KINDS)
def running_total(g: Emitter, x: SSAValue, dimension: int, *_: object) -> SSAValue:
    x, rank = g.cast(x, g.dtype), len(g.shape_of(x))
    return g(CumulateOp, x, dimension=dimension % rank, kind=KINDS[str(g.node.target)]) if rank else x


@imports("aten.cummax.default", "aten.cummin.default")
def running_extremum(g: Emitter, x: SSAValue, dimension: int) -> tuple[SSAValue, SSAValue]:
    """The extremum so far, and the last place where it, or a NaN, was."""
    shape = g.shape_of(x)
    if not shape:
        return x, g.constant(0, torch.int64)
    dimension %= len(shape)
    ordered = g.cast(x, torch.int32) if g.dtype == torch.bool else x
    kind = "maximum" if g.node.target is torch.ops.aten.cummax.default else "minimum"
    values = g(CumulateOp, ordered, dimension=dimension, kind=kind)
    met = g(CompareOp, ordered, values, predicate="eq")
    if g.dtype.is_floating_point:
        met = g(OrOp, met, g(CompareOp, x, x, predicate="ne"))
    place = g(IotaOp, shape=shape, dimension=dimension)
    places = g(SelectOp, met, place, g.constant(0, torch.int64))
    return g.cast(values, g.dtype), g(CumulateOp, places, dimension=dimension, kind="maximum")
