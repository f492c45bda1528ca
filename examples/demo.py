"""dlp in a minute: train a small network on handwritten digits, optimise it in two lines, compare; then ResNet-18.

python examples/demo.py [--dump DIR] [--threads N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

from resnet import ResNet18, statistics_from

import dlp

TOLERANCE = 1e-4
"""Largest difference from eager that counts as the same result, relative to the largest logit."""


class DigitsNet(nn.Module):
    """Two convolutions and a linear layer, for images of 8 x 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Linear(64 * 4 * 4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).flatten(1))


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int = 6) -> None:
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for chosen in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(chosen)
        print(f"  epoch {epoch + 1} of {epochs}: loss {total / len(images):.3f}", flush=True)
    model.eval()


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """max |a - b| / max |b|."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


def milliseconds(candidates: dict[str, Callable[[], object]], seconds: float = 6.0) -> dict[str, float]:
    """Median time of a call of each candidate, called in turns so that a busy moment hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for call in candidates.values():
        call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def compare(title: str, model: nn.Module, optimised: nn.Module, x: torch.Tensor) -> None:
    """Latency of eager (both memory layouts) and of the optimised module, on one input."""
    last = x.contiguous(memory_format=torch.channels_last)
    times = milliseconds(
        {"eager": lambda: model(x), "eager, channels last": lambda: model(last), "dlp": lambda: optimised(x)}
    )
    best = min(value for name, value in times.items() if name != "dlp")
    print(f"\n  {title}, median of one call:")
    for name, value in times.items():
        ratio = "" if name == "dlp" else f"dlp is {value / times['dlp']:.2f} x as fast"
        print(f"    {name:<22}{value:9.3f} ms   {ratio}")
    if times["dlp"] > best:
        print("    (slower than eager: is something else running on this machine?)")


def digits(dump: Path) -> bool:
    """Train, optimise, compare. Whether the results agree."""
    print("1. Handwritten digits\n")
    data: Any = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(data.target)
    order = torch.randperm(len(images))
    train_set, held_out = order[:1400], order[1400:]
    model = DigitsNet()
    train(model, images[train_set], labels[train_set])

    optimised = dlp.optimize(model, dump_dir=dump / "digits")
    with torch.inference_mode():
        x, truth = images[held_out], labels[held_out]
        theirs, ours = model(x), optimised(x)
        error = difference(ours, theirs)
        for name, logits in (("eager", theirs), ("dlp", ours)):
            print(
                f"  {name:<6} {(logits.argmax(1) == truth).float().mean():.2%} of {len(x)} held-out digits right"
            )
        print(f"  largest difference of a logit: {error:.1e} of the largest logit")
        compare(f"{len(x)} digits", model, optimised, x)
    print(f"\n{_indented(str(dlp.report(optimised)))}")
    return error <= TOLERANCE


def resnet(dump: Path) -> bool:
    """ResNet-18 at 224 with random weights: same logits, latency, memory. Whether the results agree."""
    print("\n2. ResNet-18, one image of 224 x 224 (random weights)\n")
    model = ResNet18()
    statistics_from(model, torch.randn(4, 3, 224, 224))
    print("  compiling (cached for the next time) ...", flush=True)
    optimised = dlp.optimize(model, dump_dir=dump / "resnet18")
    with torch.inference_mode():
        x = torch.randn(1, 3, 224, 224)
        theirs, ours = model(x), optimised(x)
        error = difference(ours, theirs)
        print(f"  largest difference of a logit: {error:.1e} of the largest logit")
        compare("ResNet-18", model, optimised, x)
    print(f"\n{_indented(str(dlp.report(optimised)))}")
    return error <= TOLERANCE


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dump", type=Path, help="folder for the IR after every pass and the C (default: a new one)"
    )
    parser.add_argument("--threads", type=int, help="threads for PyTorch and dlp (default: PyTorch's)")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    dump = options.dump or Path(tempfile.mkdtemp(prefix="dlp-demo-"))
    torch.manual_seed(0)
    agree = digits(dump) and resnet(dump)
    print("\n3. What the compiler did\n")
    for name in ("digits", "resnet18"):
        folder = dump / name
        passes = sorted(folder.rglob("*.mlir"))
        print(f"  {folder}: the IR after each of {len(passes)} passes that changed it, and the C")
        for path in (
            *passes[:1],
            *[p for p in passes if "fuse" in p.name],
            *passes[-1:],
            *sorted(folder.rglob("*.c"))[:1],
        ):
            print(f"    {path.relative_to(folder)}")
    print("\n  Run a pass by hand:  dlp-opt --help")
    if not agree:
        print("\nThe results differ by more than rounding: this is a bug, please report it.")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
