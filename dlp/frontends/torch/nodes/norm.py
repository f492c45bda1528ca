"""Normalisations and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.composite import AttentionOp, BatchNormOp, LayerNormOp
from dlp.dialects.dlp.elementwise import AddOp, MulOp, RsqrtOp, SelectOp, SubOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.reduction import average
from dlp.frontends.torch.registry import imports
from dlp.frontends.torch.symbols import sizes_of


@imports("aten._native_batch_norm_legit_no_training.default")
def batch_norm(
    g: Emitter,
    x: SSAValue,
    weight: SSAValue | None,
    bias: SSAValue | None,
    mean: SSAValue,
    variance: SSAValue,
    momentum: float,
    eps: float,
) -> tuple[SSAValue, None, None]:
    channels = (g.shape[1],)
    weight = g.constant(1.0, g.dtype, channels) if weight is None else weight
    bias = g.constant(0.0, g.dtype, channels) if bias is None else bias
    return g(BatchNormOp, x, mean, variance, weight, bias, eps=eps), None, None


@imports("aten._native_batch_norm_legit.no_stats")
def instance_norm(
    g: Emitter,
    x: SSAValue,
    weight: SSAValue | None,
    bias: SSAValue | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[SSAValue | None, ...]:
    """Normalised by the batch's own statistics, a channel each: what an instance norm becomes."""
    over = [d for d in range(len(g.shape)) if d != 1]
    mean, deviation = _statistics(g, x, over, eps)
    y = g(MulOp, g(SubOp, x, mean), deviation)
    row = (g.shape[1], *(1,) * (len(g.shape) - 2))
    if weight is not None:
        y = g(MulOp, y, g.reshape(weight, row))
    y = y if bias is None else g(AddOp, y, g.reshape(bias, row))
    return y, *(g.reshape(s, (g.shape[1],)) if g.is_used(i) else None for i, s in ((1, mean), (2, deviation)))


def _statistics(g: Emitter, x: SSAValue, over: Sequence[int], eps: float) -> tuple[SSAValue, SSAValue]:
    """The mean and 1 / sqrt(variance + eps) over dimensions, which stay with size 1."""
    mean = average(g, x, over)
    centred = g(SubOp, x, mean)
    variance = average(g, g(MulOp, centred, centred), over)
    return mean, g(RsqrtOp, g(AddOp, variance, g.constant(eps, g.dtype)))


def _used_statistics(
    g: Emitter, x: SSAValue, over: Sequence[int], eps: float
) -> tuple[SSAValue | None, SSAValue | None]:
    """Results 1 and 2 of a normalisation, where anything uses them."""
    if not g.is_used(1) and not g.is_used(2):
        return None, None
    shapes = [sizes_of(fake.shape) for fake in g.node.meta["val"]]
    mean, deviation = _statistics(g, x, over, eps)
    return g.reshape(mean, shapes[1]), g.reshape(deviation, shapes[2])


@imports("aten.native_layer_norm.default")
def layer_norm(
    g: Emitter,
    x: SSAValue,
    normalized: Sequence[int],
    weight: SSAValue | None,
    bias: SSAValue | None,
    eps: float,
) -> tuple[SSAValue | None, ...]:
    affine = [v for v in (weight, bias) if v is not None]
    y = g(
        LayerNormOp,
        x,
        *affine,
        rank=len(normalized),
        eps=eps,
        has_weight=weight is not None,
        has_bias=bias is not None,
    )
    rank = len(g.shape)
    return y, *_used_statistics(g, x, range(rank - len(normalized), rank), eps)


@imports("aten.native_group_norm.default")
def group_norm(
    g: Emitter,
    x: SSAValue,
    weight: SSAValue | None,
    bias: SSAValue | None,
    batch: int,
    channels: int,
    pixels: int,
    groups: int,
    eps: float,
) -> tuple[SSAValue | None, ...]:
    """A layer norm of each group of channels, then the channels' own scales."""
    rows = g.reshape(x, (batch * groups, channels // groups * pixels))
    y = g.reshape(g(LayerNormOp, rows, rank=1, eps=eps), g.shape)
    row = (channels, *(1,) * (len(g.shape) - 2))
    if weight is not None:
        y = g(MulOp, y, g.reshape(weight, row))
    y = y if bias is None else g(AddOp, y, g.reshape(bias, row))
    return y, *_used_statistics(g, rows, [1], eps)


@imports("aten._scaled_dot_product_flash_attention_for_cpu.default")
def flash_attention(
    g: Emitter,
    q: SSAValue,
    k: SSAValue,
    v: SSAValue,
    dropout: float,
    causal: bool,
    mask: SSAValue | None,
    scale: float | None,
) -> tuple[SSAValue, None]:
    if g.is_used(1):
        raise NotSupported("the logarithms of an attention's sums, which training uses")
    return attention(g, q, k, v, mask, dropout, causal, scale, True), None


@imports("aten.scaled_dot_product_attention.default")
def attention(
    g: Emitter,
    q: SSAValue,
    k: SSAValue,
    v: SSAValue,
    mask: SSAValue | None,
    dropout: float,
    causal: bool,
    scale: float | None,
    grouped: bool,
) -> SSAValue:
    if dropout:
        raise NotSupported("dropout")
    if not g.dtype.is_floating_point:
        raise NotSupported("attention over integers")
    q_shape, k_shape = g.shape_of(q), g.shape_of(k)
    if len(q_shape) != len(k_shape) or q_shape[:-3] != k_shape[:-3]:
        raise NotSupported("leading dimensions that broadcast")
    if len(q_shape) > 2 and q_shape[-3] != k_shape[-3] and not grouped:
        raise NotSupported("heads that broadcast")
    if mask is not None and g.dtype_of(mask) == torch.bool:
        mask = g(SelectOp, mask, g.constant(0.0, g.dtype), g.constant(-math.inf, g.dtype))
    elif mask is not None:
        mask = g.cast(mask, g.dtype)
    operands = [x for x in (q, k, v, mask) if x is not None]
    factor = 1 / math.sqrt(g.shape_of(q)[-1]) if scale is None else scale
    return g(AttentionOp, *operands, scale=float(factor), causal=causal, has_mask=mask is not None)
