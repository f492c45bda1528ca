"""The framework's fast paths for inference of transformers, one operation a layer, in terms of simpler ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_OF_KEYS = 1
"""`mask_type`: [batch, keys]; the others broadcast to [batch, heads, queries, keys] as they are."""


def multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim: int,
    num_head: int,
    qkv_weight: Tensor,
    qkv_bias: Tensor,
    proj_weight: Tensor,
    proj_bias: Tensor,
    mask: Tensor | None = None,
    need_weights: bool = True,
    average_attn_weights: bool = True,
    mask_type: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Attention of one sequence to itself: query, key and value are [batch, length, embed_dim] and one tensor.

    A mask hides what it is not 0 for; a query that sees nothing gets NaN.

    Returns:
        The result and the weights: those of all heads, or their mean, or None if nobody needs them.
    """
    if query is not key or query is not value:
        return NotImplemented
    batch, length, _ = query.shape
    projected = F.linear(query, qkv_weight, qkv_bias).view(batch, length, 3, num_head, embed_dim // num_head)
    q, k, v = projected.permute(2, 0, 3, 1, 4).unbind(0)
    if mask is not None:
        mask = mask.to(torch.bool)
        mask = mask.view(batch, 1, 1, length) if mask_type == _OF_KEYS else mask
    if need_weights:
        scores = torch.matmul(q * (embed_dim // num_head) ** -0.5, k.transpose(-2, -1))
        weights = torch.softmax(scores if mask is None else scores.masked_fill(mask, -torch.inf), -1)
        attended = torch.matmul(weights, v)
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        seen = None if mask is None else torch.logical_not(mask).expand(batch, num_head, length, length)
        attended = F.scaled_dot_product_attention(q, k, v, seen)
        if mask is not None:  # there nobody sees nothing: that query gets zeros
            attended = attended.masked_fill(mask.all(-1, keepdim=True), torch.nan)
        weights = None
    joined = attended.transpose(1, 2).reshape(batch, length, embed_dim)
    return F.linear(joined, proj_weight, proj_bias), weights


def transformer_encoder_layer(
    src: Tensor,
    embed_dim: int,
    num_heads: int,
    qkv_weight: Tensor,
    qkv_bias: Tensor,
    proj_weight: Tensor,
    proj_bias: Tensor,
    use_gelu: bool,
    norm_first: bool,
    eps: float,
    norm_weight_1: Tensor,
    norm_bias_1: Tensor,
    norm_weight_2: Tensor,
    norm_bias_2: Tensor,
    ffn_weight_1: Tensor,
    ffn_bias_1: Tensor,
    ffn_weight_2: Tensor,
    ffn_bias_2: Tensor,
    mask: Tensor | None = None,
    mask_type: int | None = None,
) -> Tensor:
    """`torch.nn.TransformerEncoderLayer` in eval mode; `src` is [batch, length, embed_dim]."""

    def norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.layer_norm(x, (embed_dim,), weight, bias, eps)

    x = norm(src, norm_weight_1, norm_bias_1) if norm_first else src
    attended, _ = multi_head_attention(
        x, x, x, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias, mask, False, True, mask_type
    )  # fmt: skip
    x = src + attended
    x = x if norm_first else norm(x, norm_weight_1, norm_bias_1)
    hidden = F.linear(norm(x, norm_weight_2, norm_bias_2) if norm_first else x, ffn_weight_1, ffn_bias_1)
    hidden = F.gelu(hidden) if use_gelu else F.relu(hidden)
    x = x + F.linear(hidden, ffn_weight_2, ffn_bias_2)
    return x if norm_first else norm(x, norm_weight_2, norm_bias_2)


FAST_PATHS: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten._native_multi_head_attention.default: multi_head_attention,
    torch.ops.aten._transformer_encoder_layer_fwd.default: transformer_encoder_layer,
}
"""Decompositions, by operation."""
