"""`numerics="strict"`: no other rounding than that of the operations as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from networks import network

import dlp
from dlp.errors import InputError


class Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


def _sources(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.rglob("*.c"))


def test_strict_leaves_out_what_changes_rounding(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, x = Block().eval(), torch.randn(1, 64, 16, 16)
    fast = dlp.optimize(model, strict=True, dump_dir=tmp_path / "fast")
    strict = dlp.optimize(model, strict=True, dump_dir=tmp_path / "strict", numerics="strict")
    with torch.inference_mode():
        expected = model(x)
        assert torch.allclose(fast(x), expected, atol=1e-4)
        assert (strict(x) - expected).abs().max() <= 1e-6 * expected.abs().max()
    assert "winograd" in _sources(tmp_path / "fast")
    assert "winograd" not in _sources(tmp_path / "strict")


def test_an_infinity_stays_where_windows_see_it() -> None:
    torch.manual_seed(0)
    model, x = Block().eval(), torch.randn(1, 64, 16, 16)
    x[0, 0, 5, 5] = torch.inf
    strict = dlp.optimize(model, strict=True, numerics="strict")
    with torch.inference_mode():
        assert torch.equal(strict(x).isfinite(), model(x).isfinite())


@pytest.mark.parametrize("name", ["digits_cnn", "mlp", "lstm", "bert"])
def test_strict_results_do_not_depend_on_threads(name: str) -> None:
    built = network(name, "small")
    results = []
    for threads in (1, 2, 3):
        strict = dlp.optimize(built.model, strict=True, numerics="strict", threads=threads)
        with torch.inference_mode():
            results.append(strict(*built.args))
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_unknown_numerics_are_refused() -> None:
    with pytest.raises(InputError, match='"fast" or "strict"'):
        dlp.optimize(Block(), numerics="exact")  # pyright: ignore[reportArgumentType]
