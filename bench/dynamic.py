"""`python -m bench.dynamic`: what it costs that sizes stay open.

Each model is compiled twice, for one size alone (`dynamic=False`) and for all sizes (by calls of different sizes), and
both versions are timed in turn on that size. The ratio is of the best of many turns; 1.15 is what is allowed.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import dlp
from bench.quiet import alone, set_priority
from bench.rows import build
from dlp.errors import FallbackWarning

Inputs = tuple[torch.Tensor, ...]


class Encoder(nn.Module):
    """Layers of a transformer as in BERT, or with `causal` as in GPT-2."""

    def __init__(self, layers: int = 2, width: int = 768, heads: int = 12, causal: bool = False) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(1000, width), nn.Embedding(1024, width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, causal) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class EncoderLayer(nn.Module):
    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        parts = self.inner(self.first(x)).chunk(3, -1)
        q, k, v = (y.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for y in parts)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.outer(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(functional.gelu(self.wide(self.second(x))))


class Pooled(nn.Module):
    """Attention written out, its softmax along an open size, and the mean over the sequence."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = torch.softmax(x @ x.transpose(1, 2) * 0.125, -1)
        return (scores @ x).mean(1)


class RowSum(nn.Module):
    """Sums of rows of an open length."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(-1)


def _mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
    )


def _cnn() -> nn.Module:
    def step(inside: int, outside: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]

    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]
    return nn.Sequential(*step(3, 32, 2), *step(32, 64, 2), nn.MaxPool2d(2), *step(64, 128, 1), *head)


class Recurrent(nn.Module):
    """The last step of a recurrent network."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.layer = kind(128, 256, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0][:, -1]


def _published(name: str) -> Callable[[], nn.Module]:
    """A classifier of images of the benchmark's table, alive."""
    return lambda: build(name, "full", 0).model


def _image(side: int) -> Inputs:
    return (torch.randn(1, 3, side, side),)


def _ids(length: int) -> Inputs:
    return (torch.randint(0, 1000, (1, length)),)


@dataclass(frozen=True)
class Case:
    """A model, inputs of an open size, and the sizes at which both versions are timed."""

    make: Callable[[], nn.Module]
    inputs: Callable[[int], Inputs]
    sizes: tuple[int, ...]


CASES = {
    "MLP, open batch": Case(_mlp, lambda n: (torch.randn(n, 784),), (64, 13)),
    "CNN, open batch": Case(_cnn, lambda n: (torch.randn(n, 3, 64, 64),), (8, 3)),
    "CNN, open image": Case(_cnn, _image, (224, 131)),
    "ResNet-18, open image": Case(_published("resnet18"), _image, (224, 161)),
    "MobileNetV2, open image": Case(_published("mobilenet_v2"), _image, (224, 161)),
    "LSTM, open batch": Case(lambda: Recurrent(nn.LSTM), lambda n: (torch.randn(n, 16, 128),), (16, 5)),
    "LSTM, open length": Case(lambda: Recurrent(nn.LSTM), lambda n: (torch.randn(8, n, 128),), (32, 13)),
    "GRU, open batch": Case(lambda: Recurrent(nn.GRU), lambda n: (torch.randn(n, 16, 128),), (16, 5)),
    "GRU, open length": Case(lambda: Recurrent(nn.GRU), lambda n: (torch.randn(8, n, 128),), (32, 13)),
    "encoder, open length": Case(Encoder, _ids, (128, 61)),
    "causal encoder, open length": Case(lambda: Encoder(causal=True), _ids, (128, 200)),
    "written-out attention": Case(Pooled, lambda n: (torch.randn(12, n, 64),), (128, 61)),
    "softmax over open rows": Case(lambda: nn.Softmax(-1), lambda n: (torch.randn(1024, n),), (128, 517)),
    "softmax across rows": Case(lambda: nn.Softmax(1), lambda n: (torch.randn(16, n, 64),), (128, 61)),
    "layer norm, open rows": Case(lambda: nn.LayerNorm(768), lambda n: (torch.randn(n, 768),), (128, 61)),
    "sum over open rows": Case(RowSum, lambda n: (torch.randn(512, n),), (1000, 61)),
}


def seconds_of(run: Callable[[], Any], chunk: float) -> float:
    """The median of the calls of one turn."""
    run()
    times: list[float] = []
    end = time.perf_counter() + chunk
    while time.perf_counter() < end or len(times) < 3:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(case: Case, size: int, rounds: int, chunk: float) -> tuple[float, float, str]:
    """Seconds of the version for this size alone and of the one for all; what is to be said of the latter."""
    torch.manual_seed(0)
    model, inputs = case.make().eval(), case.inputs(size)
    alone_, open_ = dlp.optimize(model, dynamic=False), dlp.optimize(model)
    with torch.inference_mode():
        for other in (case.sizes[0] + 3, case.sizes[0] + 8):
            open_(*case.inputs(other))
        report = dlp.report(open_)
        note = "" if report.graphs_for_all_sizes else "compiled for each size"
        expected = model(*inputs)
        for version in (alone_, open_):
            error = float((version(*inputs) - expected).abs().max() / expected.abs().max())
            assert error <= 1e-4, f"error {error:.1e}"
        times: list[tuple[float, float]] = []
        for _ in range(rounds):
            with alone():
                set_priority(-19)
                try:
                    times.append(
                        (
                            seconds_of(lambda: alone_(*inputs), chunk),
                            seconds_of(lambda: open_(*inputs), chunk),
                        )
                    )
                finally:
                    set_priority(0)
    return min(a for a, _ in times), min(b for _, b in times), note


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dynamic", description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"parts of names of: {', '.join(CASES)}; default all")
    parser.add_argument("--rounds", type=int, default=15, help="default %(default)s")
    parser.add_argument("--chunk", type=float, default=0.02, help="seconds of a version a round")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore", FallbackWarning)
    print(f"{'':30} {'size':>5} {'alone':>10} {'for all':>10} {'ratio':>6}")
    for name, case in CASES.items():
        if options.cases and not any(part in name for part in options.cases):
            continue
        for size in case.sizes:
            alone_, open_, note = measure(case, size, options.rounds, options.chunk)
            print(
                f"{name:30} {size:5} {alone_ * 1e6:7.0f} us {open_ * 1e6:7.0f} us {open_ / alone_:6.2f} {note}",
                flush=True,
            )


if __name__ == "__main__":
    main()
