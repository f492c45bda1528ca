"""Networks as the compiler gets them: captured, with their data and what eager makes of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from networks import ALL as NETWORKS
from networks import enliven, network, take_statistics
from torch import nn
from xdsl.dialects.builtin import ModuleOp

from dlp.dialects.dlp.dim import is_static
from dlp.frontends.torch.capture import CapturedProgram, capture
from dlp.frontends.torch.imported_graph import TensorSpec
from dlp.interpreter.dtypes import Array

ALL = os.environ.get("DLP_PROOF") == "all"
"""Whether to run every case of the proof (`make proof`); by default as many as a change can wait for."""


@dataclass(frozen=True)
class Road:
    """The start of the road of one network, and its end."""

    module: ModuleOp
    """As imported; whoever changes it clones it."""
    inputs: tuple[Array, ...]
    weights: dict[str, Array]
    expected: tuple[Array, ...]
    """Eager's outputs, laid out as `@forward` gives them."""


class InvertedResidual(nn.Module):
    """MobileNetV2's block: channels up, a window on each channel, channels down, and what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(6, 18, 1, bias=False),
            nn.BatchNorm2d(18),
            nn.ReLU6(),
            nn.Conv2d(18, 18, 3, padding=1, groups=18, bias=False),
            nn.BatchNorm2d(18),
            nn.ReLU6(),
            nn.Conv2d(18, 6, 1, bias=False),
            nn.BatchNorm2d(6),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.block(x)


class TransformerLayer(nn.Module):
    """BERT's layer on a table of tokens: embedding, attention, layer norms, GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 18)
        self.project = nn.Linear(18, 54)
        self.out = nn.Linear(18, 18)
        self.first = nn.LayerNorm(18)
        self.up = nn.Linear(18, 35)
        self.down = nn.Linear(35, 18)
        self.second = nn.LayerNorm(18)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        batch, length, width = x.shape
        q, k, v = self.project(x).reshape(batch, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        x = self.first(x + self.out(y.transpose(1, 2).reshape(batch, length, width)))
        return self.second(x + self.down(nn.functional.gelu(self.up(x))))


class Windows(nn.Module):
    """Strides, dilation, groups, and pooling whose padding is -inf, on channels that fill no vector."""

    def __init__(self, channels: int = 17) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, channels, 3, stride=2, padding=1),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), groups=channels),
            nn.ReLU(),
            nn.Conv2d(channels, 9, 1),
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(9, 5, 3, padding=2, dilation=2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(5, 11),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Rows(nn.Module):
    """Reductions along rows that fill no vector, of every kind."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scaled = nn.functional.layer_norm(x, x.shape[-1:])
        return scaled.softmax(-1), scaled.logsumexp(1), x.amax(-1) + x.mean(-1), x.tanh().sum(0)


MINIATURES: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "inverted_residual": (InvertedResidual, lambda: torch.randn(1, 6, 5, 7)),
    "transformer_layer": (TransformerLayer, lambda: torch.randint(0, 11, (1, 7))),
    "windows": (Windows, lambda: torch.randn(2, 3, 13, 11)),
    "rows": (Rows, lambda: torch.randn(3, 5, 19)),
}
"""Pieces of networks whose sizes are no multiples of any vector length."""

LARGE = {"long_rows": (Rows, lambda: torch.randn(64, 40, 100))}
"""More data than a second-level cache holds, and too much for the interpreter."""


class Recurrent(nn.Module):
    """Steps forwards and backwards, then steps of another kind."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTM(5, 9, bidirectional=True), nn.GRU(18, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x)[0])[0]


@dataclass(frozen=True)
class OpenCase:
    """A network, inputs of some size, and which of their dimensions are open."""

    make: Callable[[], nn.Module]
    sample: Callable[[int], torch.Tensor]
    dimensions: tuple[int, ...]


OPEN: dict[str, OpenCase] = {
    "open_rows": OpenCase(Rows, lambda n: torch.randn(2, n, 2 * n + 3), (1, 2)),
    "open_lstm": OpenCase(Recurrent, lambda n: torch.randn(3, n, 5), (1,)),
    "open_transformer_layer": OpenCase(TransformerLayer, lambda n: torch.randint(0, 11, (n - 1, n)), (0, 1)),
    "open_batch": OpenCase(InvertedResidual, lambda n: torch.randn(n, 6, 5, 7), (0,)),
}
"""Networks over sizes that only a run knows."""


@cache
def open_roads(name: str) -> list[Road]:
    """One module for all sizes, and two of them: the one that it was captured with, and a larger one."""
    case = OPEN[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, samples = case.make().eval(), [(case.sample(n),) for n in (3, 6)]
        enliven(model)
        take_statistics(model, samples[0])
    return roads_of(model, samples, (dict.fromkeys(case.dimensions, torch.export.Dim.AUTO),))


@cache
def road(name: str) -> Road:
    """A network of the tests, small, or of `MINIATURES` or `LARGE`."""
    if name in NETWORKS:
        built = network(name, "small")
        return road_of(built.model, built.args)
    make, sample = (MINIATURES | LARGE)[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, args = make(), (sample(),)
        enliven(model)
        take_statistics(model, args)
    return road_of(model, args)


def road_of(model: nn.Module, args: tuple[torch.Tensor, ...]) -> Road:
    return roads_of(model, [args])[0]


def roads_of(
    model: nn.Module, samples: list[tuple[torch.Tensor, ...]], dynamic_shapes: object = None
) -> list[Road]:
    """One module, captured with the first sample, with each of the samples."""
    model.eval()
    captured = capture(model, samples[0], dynamic_shapes=dynamic_shapes)
    return [_with_results(captured, model, args) for args in samples]


def _with_results(captured: CapturedProgram, model: nn.Module, args: tuple[torch.Tensor, ...]) -> Road:
    imported = captured.imported
    with torch.inference_mode():
        outputs = model(*args)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    first = min(i.placeholder for i in imported.inputs)
    return Road(
        imported.module,
        tuple(np.array(i.spec.physical(args[i.placeholder - first])) for i in imported.inputs),
        {name: value.numpy() for name, value in captured.physical_weights().items()},
        tuple(
            np.array(_laid_out(spec, value)) for spec, value in zip(imported.results, outputs, strict=True)
        ),
    )


def _laid_out(spec: TensorSpec, value: torch.Tensor) -> torch.Tensor:
    """A result of eager as `@forward` gives it."""
    physical = spec.physical(value)
    return physical.reshape(spec.physical_shape) if is_static(spec.physical_shape) else physical
