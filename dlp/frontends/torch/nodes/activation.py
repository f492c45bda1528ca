"""Activation functions, and clamping."""

from __future__ import annotations

import math

from xdsl.ir import SSAValue

from dlp.dialects.dlp.composite import SoftmaxOp
from dlp.dialects.dlp.dim import Dim
from dlp.dialects.dlp.elementwise import (
    ClampOp,
    CompareOp,
    GeluOp,
    HardsigmoidOp,
    HardswishOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    ReluOp,
    SelectOp,
    SiluOp,
)
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.elementwise import expm1
from dlp.frontends.torch.registry import imports


@imports("aten.relu.default")
def relu(g: Emitter, x: SSAValue) -> SSAValue:
    return g(ReluOp, x)


@imports("aten.gelu.default")
def gelu(g: Emitter, x: SSAValue, approximate: str) -> SSAValue:
    return g(GeluOp, x, approximate=approximate)


@imports("aten.silu.default")
def silu(g: Emitter, x: SSAValue) -> SSAValue:
    return g(SiluOp, x)


@imports("aten.hardsigmoid.default")
def hardsigmoid(g: Emitter, x: SSAValue) -> SSAValue:
    return g(HardsigmoidOp, x)


@imports("aten.hardswish.default")
def hardswish(g: Emitter, x: SSAValue) -> SSAValue:
    return g(HardswishOp, x)


@imports("aten.leaky_relu.default")
def leaky_relu(g: Emitter, x: SSAValue, slope: float) -> SSAValue:
    positive = g(CompareOp, x, g.constant(0.0, g.dtype), predicate="gt")
    return g(SelectOp, positive, x, g(MulOp, x, g.constant(slope, g.dtype)))


@imports("aten.elu.default")
def elu(g: Emitter, x: SSAValue, alpha: float, scale: float, input_scale: float) -> SSAValue:
    def times(y: SSAValue, factor: float) -> SSAValue:
        return y if factor == 1 else g(MulOp, y, g.constant(factor, g.dtype))

    negative = g(CompareOp, x, g.constant(0.0, g.dtype), predicate="le")
    return g(SelectOp, negative, times(expm1(g, times(x, input_scale)), alpha * scale), times(x, scale))


Bound = SSAValue | Dim | float | int | None


@imports("aten.clamp.default", "aten.hardtanh.default")
def clamp(g: Emitter, x: SSAValue, low: Bound = None, high: Bound = None) -> SSAValue:
    known = [bound for bound in (low, high) if isinstance(bound, int | float)]
    if any(map(math.isnan, known)):
        raise NotSupported("a bound that is not a number")
    x = g.cast(x, g.dtype)
    if g.dtype.is_floating_point and len(known) == sum(bound is not None for bound in (low, high)):
        bounds = {"low": low, "high": high}
        return g(ClampOp, x, **{name: float(b) for name, b in bounds.items() if isinstance(b, int | float)})
    if low is not None:
        x = g(MaximumOp, x, g.operand(low, g.dtype))
    return x if high is None else g(MinimumOp, x, g.operand(high, g.dtype))


@imports("aten.clamp.Tensor")
def clamp_tensor(g: Emitter, x: SSAValue, low: SSAValue | None, high: SSAValue | None) -> SSAValue:
    x = g.cast(x, g.dtype)
    if low is not None:
        x = g(MaximumOp, x, g.cast(low, g.dtype))
    return x if high is None else g(MinimumOp, x, g.cast(high, g.dtype))


@imports("aten.clamp_min.default")
def clamp_min(g: Emitter, x: SSAValue, low: float) -> SSAValue:
    return clamp(g, x, low, None)


@imports("aten.clamp_max.default")
def clamp_max(g: Emitter, x: SSAValue, high: float) -> SSAValue:
    return clamp(g, x, None, high)


@imports("aten._softmax.default", "aten._log_softmax.default")
def softmax(g: Emitter, x: SSAValue, dimension: int, half_to_float: bool) -> SSAValue:
    rank = len(g.shape)
    if rank == 0:
        value = 0.0 if "log" in str(g.node.target) else 1.0
        return g.constant(value, g.dtype)
    return g(SoftmaxOp, x, dimension=dimension % rank, log="log" in str(g.node.target))


@imports("aten.threshold.default")
def threshold(g: Emitter, x: SSAValue, limit: float, value: float) -> SSAValue:
    """x where x is above the limit or NaN."""
    below = g(CompareOp, x, g.constant(limit, g.dtype), predicate="le")
    return g(SelectOp, below, g.constant(value, g.dtype), x)


@imports("aten.prelu.default", "aten._prelu_kernel.default")
def prelu(g: Emitter, x: SSAValue, weight: SSAValue) -> SSAValue:
    rank, slopes = len(g.shape), g.shape_of(weight)
    if str(g.node.target) == "aten.prelu.default" and rank > 1:
        weight = g.reshape(weight, (*slopes, *(1,) * (rank - 2)))
    elif rank == 0:
        weight = g.reshape(weight, ())
    positive = g(CompareOp, x, g.constant(0.0, g.dtype), predicate="gt")
    return g(SelectOp, positive, x, g(MulOp, x, weight))
