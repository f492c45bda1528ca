"""Convolutions by minimal filtering, from the framework to machine code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import dlp


class Residual(torch.nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.second = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.first(x))
        return torch.relu(self.second(y) + x)


# Images of whole tiles, with a part of one at each side, of few lines; two that have lines enough for strips.
@pytest.mark.parametrize(
    ("batch", "height", "width"), [(1, 16, 16), (2, 15, 9), (1, 6, 21), (1, 32, 32), (2, 35, 22)]
)
def test_like_eager(batch: int, height: int, width: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Residual(48).eval()
    fast = dlp.optimize(model, strict=True, dynamic=False, dump_dir=tmp_path)
    x = torch.randn(batch, 48, height, width)
    with torch.inference_mode():
        expected, found = model(x), fast(x)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    sources = "".join(file.read_text() for file in tmp_path.rglob("*.c"))
    assert "winograd_output_transform" in sources
    assert ("winograd_input_transform_matmul_winograd_output_transform" in sources) == (height >= 32)


def test_open_batches() -> None:
    """Of images with known sizes; the second number of images compiles for all."""
    torch.manual_seed(0)
    model = Residual(48).eval()
    fast = dlp.optimize(model, strict=True)
    with torch.inference_mode():
        for batch in (2, 3, 5):
            x = torch.randn(batch, 48, 16, 14)
            expected, found = model(x), fast(x)
            assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert dlp.report(fast).graphs_for_all_sizes == 1
