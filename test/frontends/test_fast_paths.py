"""The framework's one-operation layers: their decompositions against the operations, and compiled."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import dlp
from dlp.frontends.torch.fast_paths import multi_head_attention

SINGLE = torch.tensor([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]).bool()
MASKS = {
    "none": (None, None),
    "queries and keys": (torch.arange(25).view(5, 5) % 3 == 1, 0),
    "of any numbers": ((torch.arange(25.0).view(5, 5) - 12).clamp(min=0), 0),
    "keys": (SINGLE, 1),
    "heads": (torch.arange(100).view(2, 2, 5, 5) % 3 == 1, 2),
    "nothing to see": (torch.ones(5, 5).bool(), 0),
    "nothing to see in one sequence": (torch.tensor([[0] * 5, [1] * 5]).bool(), 1),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("weights", ["none", "mean", "heads"])
def test_attention_is_what_the_operation_computes(mask: str, weights: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 5, 16)
    matrices = torch.randn(48, 16), torch.randn(48), torch.randn(16, 16), torch.randn(16)
    arguments = (
        x,
        x,
        x,
        16,
        2,
        *matrices,
        MASKS[mask][0],
        weights != "none",
        weights == "mean",
        MASKS[mask][1],
    )
    for ours, theirs in zip(
        multi_head_attention(*arguments), torch._native_multi_head_attention(*arguments), strict=True
    ):
        if theirs is None:
            assert ours is None
        else:
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_layer(norm_first: bool, activation: str) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        16, 2, 32, batch_first=True, norm_first=norm_first, activation=activation
    )
    _same_and_compiled(layer, torch.randn(2, 5, 16))


def test_encoder_with_padding() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    _same_and_compiled(model, torch.randn(2, 5, 16), src_key_padding_mask=SINGLE)


def test_attention_with_weights() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 5, 16)
    _same_and_compiled(nn.MultiheadAttention(16, 2, batch_first=True), x, x, x, key_padding_mask=SINGLE)


def _same_and_compiled(model: nn.Module, *args: torch.Tensor, **kwargs: torch.Tensor) -> None:
    fast = dlp.optimize(model.eval())
    with torch.inference_mode():
        torch.testing.assert_close(fast(*args, **kwargs), model(*args, **kwargs), rtol=1e-5, atol=1e-6)
    assert dlp.report(fast).calls_compiled == 1, str(dlp.report(fast))
