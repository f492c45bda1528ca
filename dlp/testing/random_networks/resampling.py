"""Steps that give images other sizes, or their pixels other places."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .builder import Builder, Rejected, Value
from .steps import floats_of_rank, step


@step(floats_of_rank(3, 4, 5), 1.5)
def resize(b: Builder, x: Value) -> None:
    smooth = ("linear", "bilinear", "trilinear")[x.rank - 3]
    modes = ["nearest", "nearest-exact", smooth, smooth, "area"] + ["bicubic"] * (x.rank == 4)
    mode = b.random.choice(modes)
    if mode == smooth:
        # Whether a place is on a pixel or 1e-8 beside it, and an infinity counts, is a matter of the framework's build.
        x = b.quiet(torch.clamp, x, -9.0, 9.0)
    corners = {"align_corners": b.chance(0.5)} if mode in (smooth, "bicubic") else {}
    if mode == "area" or b.chance(0.5):
        sizes = [b.random.choice([1, n, n + 1, 2 * n, (n + 1) // 2, 7]) for n in x.shape[2:]]
        b.call(F.interpolate, x, sizes, mode=mode, **corners)
    else:
        factor = b.random.choice([2, 2, 0.5, 1.5]) if min(x.shape[2:]) > 1 else 2
        b.call(F.interpolate, x, scale_factor=factor, mode=mode, **corners)


@step(floats_of_rank(4), 0.5)
def shuffle(b: Builder, x: Value) -> None:
    """Channels become pixels, pixels become channels, or channels trade places."""
    _, channels, *size = x.shape
    factor = b.random.choice([2, 3])
    kind = b.random.randrange(3)
    if kind == 0 and channels % factor**2 == 0:
        b.call(F.pixel_shuffle, x, factor)
    elif kind == 1 and all(n % factor == 0 for n in size):
        b.call(F.pixel_unshuffle, x, factor)
    elif channels % factor == 0:
        b.call(torch.channel_shuffle, x, factor)
    else:
        raise Rejected


@step(floats_of_rank(4), 0.5)
def columns(b: Builder, x: Value) -> None:
    """Windows as columns; and back, each pixel the sum of its copies."""
    kernel = b.random.choice([1, 2, 3])
    padding, stride = b.random.choice([0, kernel // 2]), b.random.choice([1, 2])
    if any(n + 2 * padding < kernel for n in x.shape[2:]):
        raise Rejected
    found = b.quiet(F.unfold, x, kernel, 1, padding, stride)
    if b.chance(0.5):
        b.call(F.fold, found, x.shape[2:], kernel, 1, padding, stride)
    else:
        b.call(torch.mul, found, 0.5)


@step(floats_of_rank(4), 0.4)
def sample(b: Builder, x: Value) -> None:
    """Pixels at places between the pixels, some of them outside."""
    height, width = b.random.choice([1, 3, 5]), b.random.choice([2, 4, 8])
    grid = b.constant(b.normal((x.shape[0], height, width, 2)) * 0.7)
    mode, padding = (
        b.random.choice(["bilinear", "nearest"]),
        b.random.choice(["zeros", "border", "reflection"]),
    )
    b.call(F.grid_sample, x, grid, mode, padding, b.chance(0.5))
