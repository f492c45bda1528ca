"""Compiled networks under address and undefined-behaviour sanitizers, with every buffer apart and full of NaN.

Sizes straddle the vector length, so that tails, padding and packed panels are all partly filled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dlp.frontends.torch.capture import capture
from dlp.targets import Target, emulated, host, load
from dlp.testing import Network, parse_module, random_inputs, random_weights
from dlp.testing.sanitized import run_sanitized


class Attention(nn.Module):
    """Layer norm, two heads of attention, GELU: reductions along rows that fill no vector."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(18)
        self.project = nn.Linear(18, 54)
        self.out = nn.Linear(18, 18)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.project(self.norm(x)).reshape(1, 7, 3, 2, 9).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + nn.functional.gelu(self.out(y.transpose(1, 2).reshape(1, 7, 18)))


def convolutions() -> nn.Module:
    """Strides, padding, depthwise windows and pooling on channels that fill no vector."""
    return nn.Sequential(
        nn.Conv2d(3, 17, 3, stride=2, padding=1),
        nn.ReLU6(),
        nn.Conv2d(17, 17, 3, padding=1, groups=17),
        nn.ReLU6(),
        nn.Conv2d(17, 9, 1),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(9, 5, 3, padding=2, dilation=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 11),
    )


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(7, 33), nn.ReLU(), nn.Linear(33, 15), nn.Sigmoid(), nn.Linear(15, 1))


MODELS = {
    "mlp": (layers, (5, 7)),
    "convolutions": (convolutions, (2, 3, 13, 11)),
    "attention": (Attention, (1, 7, 18)),
}


def check(name: str, target: Target, flags: tuple[str, ...], folder: Path) -> None:
    torch.manual_seed(0)
    make, shape = MODELS[name]
    model, x = make().eval(), torch.randn(shape)
    captured = capture(model, (x,))
    weights = {w: value.numpy() for w, value in captured.physical_weights().items()}
    with torch.inference_mode():
        wanted = model(x).numpy()
    (found,) = run_sanitized(captured.imported.module, [x.numpy()], weights, target, folder, flags=flags)
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


GCC, CLANG = (
    pytest.param(tool, marks=pytest.mark.requires_tool(tool), id=tool) for tool in ("gcc", "clang-22")
)


@pytest.mark.parametrize("compiler", [GCC, CLANG])
@pytest.mark.parametrize(
    ("name", "level"),
    [("mlp", "-O3"), ("convolutions", "-O0"), ("attention", "-O0")],
)
def test_clean(compiler: str, name: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLP_CC", compiler)
    check(name, host(), (level,), tmp_path)


@pytest.mark.parametrize(("name", "target"), [("attention", "avx512"), ("convolutions", "scalar")])
def test_clean_for_other_targets(target: str, name: str, tmp_path: Path) -> None:
    check(name, emulated(load(target)), ("-O0",), tmp_path)


OVERRUN = """
func.func @forward(%x: memref<8xf32>, %y: memref<8xf32>) attributes {dlp.num_outputs = 1 : i64} {
  %t = memref.alloc() : memref<8xf32>
  func.call @shift(%x, %t) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @shift(%t, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  func.return
}
func.func private @shift(%a: memref<8xf32>, %b: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %j = affine.apply affine_map<(d0) -> (d0 + DISTANCE)>(%i)
    %v = memref.load %a[%j] : memref<8xf32>
    memref.store %v, %b[%i] : memref<8xf32>
  }
  func.return
}
"""


@pytest.mark.requires_tool("gcc")
def test_an_overrun_would_be_seen(tmp_path: Path) -> None:
    """The harness itself: one element too far is reported, none too far is not."""
    for distance in (0, 1):
        module = parse_module(OVERRUN.replace("DISTANCE", str(distance)))
        network = Network(module.clone(), random_weights(module))
        inputs = random_inputs(network.input_types[:1])
        if distance:
            with pytest.raises(AssertionError, match="heap-buffer-overflow"):
                run_sanitized(module, inputs, {}, host(), tmp_path, pipeline="plan-arena")
        else:
            (found,) = run_sanitized(module, inputs, {}, host(), tmp_path, pipeline="plan-arena")
            np.testing.assert_array_equal(found, inputs[0])
