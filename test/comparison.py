"""Comparison of results with those of eager."""

from __future__ import annotations

import torch


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-5) -> bool:
    """Same shape, type and strides, and max|a - b| at most `tolerance` of max|b|."""
    if a.shape != b.shape or a.dtype != b.dtype or a.stride() != b.stride():
        return False
    if not a.dtype.is_floating_point:
        return torch.equal(a, b)
    return a.numel() == 0 or bool((a - b).abs().max() <= tolerance * b.abs().max())
