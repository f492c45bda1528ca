"""Attention in blocks of queries and keys gives what eager mode gives: sizes, masks, NaN and infinities."""

from __future__ import annotations

import math

import pytest
import torch
from comparison import close
from torch import nn
from torch.nn import functional

import dlp
from dlp.frontends.torch.report import Report


class Attend(nn.Module):
    def __init__(self, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal

    def forward(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        return functional.scaled_dot_product_attention(
            q, k, v, mask, is_causal=self.causal, enable_gqa=q.shape[1] != k.shape[1]
        )


def operands(queries: int, keys: int, depth: int = 16, heads: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(1, h, n, depth) for h, n in ((2, queries), (heads, keys), (heads, keys))]


def compare(model: nn.Module, *inputs: torch.Tensor) -> Report:
    optimized = dlp.optimize(model, strict=True)
    with torch.inference_mode():
        torch.testing.assert_close(
            optimized(*inputs), model(*inputs), rtol=1e-5, atol=1e-5, equal_nan=True, check_stride=True
        )
    return dlp.report(optimized)


@pytest.mark.parametrize(
    ("queries", "keys", "depth", "heads"),
    [(150, 145, 16, 2), (7, 33, 20, 1), (1, 140, 16, 2), (40, 30, 300, 2)],
)
def test_sizes(queries: int, keys: int, depth: int, heads: int) -> None:
    """More than a block and less than a tile of either, shared keys, deep heads."""
    compare(Attend(), *operands(queries, keys, depth, heads))


def test_causal() -> None:
    compare(Attend(causal=True), *operands(150, 150))


def test_what_is_hidden_until_late() -> None:
    """Whole blocks without a visible key before the first one, and queries without any: zeros."""
    q, k, v = operands(140, 140)
    mask = torch.zeros(140, 140)
    mask[:, :130] = -math.inf
    mask[3] = -math.inf
    compare(Attend(), q, k, v, mask)


def test_infinities_and_nan() -> None:
    q, k, v = operands(140, 140)
    q[0, 0, 5, 3] = math.nan
    k[0, 1, 130, 2] = math.inf
    v[0, 0, 9, 3] = math.inf
    compare(Attend(), q, k, v)


def test_scores_are_nowhere() -> None:
    """The matrix of scores would be 4.5 MB; no intermediate is in memory."""
    report = compare(Attend(), *operands(750, 750, 8))
    assert report.arena_bytes == 0


class Layer(nn.Module):
    """Heads as a transformer cuts them, of a sequence of any length."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.inner, self.outer, self.causal = nn.Linear(32, 96), nn.Linear(32, 32), causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = (y.view(batch, length, 2, 16).transpose(1, 2) for y in self.inner(x).chunk(3, -1))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.outer(y.transpose(1, 2).reshape(batch, length, width))


@pytest.mark.parametrize("causal", [False, True])
def test_lengths_stay_open(causal: bool) -> None:
    model = Layer(causal).eval()
    optimized = dlp.optimize(model, strict=True)
    with torch.inference_mode():
        for length in (9, 17, 2, 140, 5, 150, 128):
            x = torch.randn(2, length, 32)
            assert close(optimized(x), model(x))
    report = dlp.report(optimized)
    assert (report.graphs_captured, report.graphs_for_all_sizes) == (2, 1), str(report)
