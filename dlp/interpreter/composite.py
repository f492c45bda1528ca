"""Composite ops straight from their formulas, in float64: what their `decompose` is checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dlp.dialects.dlp.composite import AttentionOp, BatchNormOp, LayerNormOp, SoftmaxOp
from dlp.dialects.dlp.structured import DecomposableOp, int_list
from dlp.dialects.dlp.transposed_convolution import ConvTransposeOp

from .dtypes import Array


def _softmax(x: Array, axis: int) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax(op: SoftmaxOp, x: Array) -> Array:
    axis = op.dimension.value.data
    if op.log is None:
        return _softmax(x, axis)
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def layer_norm(op: LayerNormOp, x: Array, *scale_and_shift: Array) -> Array:
    axes = tuple(range(x.ndim - op.rank.value.data, x.ndim))
    y = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + op.eps.value.data)
    rest = list(scale_and_shift)
    if op.has_weight is not None:
        y = y * rest.pop(0)
    if op.has_bias is not None:
        y = y + rest.pop(0)
    return y


def batch_norm(op: BatchNormOp, x: Array, *statistics: Array) -> Array:
    per_channel = (slice(None), *[None] * (x.ndim - 2))
    mean, variance, weight, bias = (s[per_channel] for s in statistics)
    return (x - mean) / np.sqrt(variance + op.eps.value.data) * weight + bias


def attention(op: AttentionOp, q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    if q.ndim > 2 and k.shape[-3] != q.shape[-3]:
        k, v = (np.repeat(x, q.shape[-3] // x.shape[-3], axis=-3) for x in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * op.scale.value.data
    if op.causal is not None:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=np.bool_), scores, -np.inf)
    if mask is not None:
        scores = scores + mask
    # A query to which the mask shows no key gives zeros.
    blind = (scores == -np.inf).all(axis=-1, keepdims=True)
    return np.where(blind, 0.0, _softmax(scores, -1) @ v)


def conv_transpose(op: ConvTransposeOp, x: Array, w: Array) -> Array:
    strides, padding = int_list(op.strides), int_list(op.padding)
    more, dilations = int_list(op.output_padding), int_list(op.dilations)
    kernel, groups = w.shape[2:], op.group_count
    full = [
        (n - 1) * s + e * (k - 1) + 1 + m
        for n, s, k, e, m in zip(x.shape[2:], strides, kernel, dilations, more, strict=True)
    ]
    grouped = x.reshape(x.shape[0], groups, -1, *x.shape[2:])
    weights = w.reshape(groups, -1, *w.shape[1:])
    y = np.zeros((x.shape[0], groups, w.shape[1], *full))
    for place in np.ndindex(*kernel):
        window = tuple(
            slice(k * e, k * e + (n - 1) * s + 1, s)
            for k, e, n, s in zip(place, dilations, x.shape[2:], strides, strict=True)
        )
        tap = weights[(slice(None), slice(None), slice(None), *place)]
        y[(slice(None), slice(None), slice(None), *window)] += np.einsum("ngc...,gco->ngo...", grouped, tap)
    kept = tuple(slice(p, n - p) for p, n in zip(padding, full, strict=True))
    return y.reshape(x.shape[0], -1, *full)[(slice(None), slice(None), *kept)]


_FORMULAS: Mapping[type[DecomposableOp], Callable[..., Array]] = {
    SoftmaxOp: softmax,
    LayerNormOp: layer_norm,
    BatchNormOp: batch_norm,
    AttentionOp: attention,
    ConvTransposeOp: conv_transpose,
}


def evaluate_formula(op: DecomposableOp, ins: Sequence[Array]) -> Array | None:
    """The result of a composite op of the dialect; None for those of other packages, which only decompose."""
    formula = _FORMULAS.get(type(op))
    if formula is None:
        return None
    result: Any = formula(op, *(a.astype(np.float64) for a in ins))
    return result.astype(ins[0].dtype)
