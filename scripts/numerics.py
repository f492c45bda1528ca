"""How far convolutions are from float64: eager, `numerics="strict"`, and the default; the table of docs/numerics.md."""

from __future__ import annotations

import torch

import dlp

LAYERS = ((64, 56), (128, 28), (256, 14), (512, 7), (512, 14))
"""Channels and pixels a side of 3 x 3 convolutions."""


def main() -> None:
    print("| layer | eager max | rms | strict max | rms | default max | rms |\n|---|---|---|---|---|---|---|")
    for channels, side in LAYERS:
        torch.manual_seed(0)
        conv = torch.nn.Conv2d(channels, channels, 3, padding=1).eval()
        x = torch.randn(1, channels, side, side)
        with torch.inference_mode():
            exact = torch.nn.functional.conv2d(
                x.double(), conv.weight.double(), None if conv.bias is None else conv.bias.double(), padding=1
            )
            found = (conv(x), dlp.optimize(conv, numerics="strict")(x), dlp.optimize(conv)(x))
        cells = []
        for y in found:
            difference = y.double() - exact
            cells.append(f"{float(difference.abs().max() / exact.abs().max()):.1e}")
            cells.append(f"{float(difference.square().mean().sqrt() / exact.square().mean().sqrt()):.1e}")
        print(f"| {channels} at {side} x {side} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
