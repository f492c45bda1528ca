"""Steps that multiply and sum: matrix products, attention, convolutions, and pooling beside them."""

from __future__ import annotations

from math import prod

import torch
from torch.nn import functional as F

from .builder import LARGEST, Builder, Rejected, Value
from .steps import floats_of_rank, step

_WIDTHS = (1, 3, 7, 8, 9, 13, 16, 17, 24, 33)


@step(floats_of_rank(1, 2, 3, 4), 3)
def linear(b: Builder, x: Value) -> None:
    k, n = x.shape[-1], b.random.choice(_WIDTHS)
    if b.chance(0.7):
        bias = b.weight(n) if b.chance(0.7) else None
        b.call(F.linear, x, b.matrix(n, k, fan_in=k), bias)
    else:
        b.call(torch.matmul, x, b.matrix(k, n, fan_in=k))


@step(floats_of_rank(2, 3, 4), 2)
def product(b: Builder, x: Value) -> None:
    """With another value, or with itself."""
    k = x.shape[-1]
    fitting = [v for v in b.values if v.is_float and v.rank >= 2 and v.shape[-1] == k]
    fitting = [v for v in fitting if v.shape[:-2] in (x.shape[:-2], ())]
    other = b.quiet(torch.transpose, b.random.choice(fitting), -1, -2)
    scaled = b.quiet(torch.mul, x, k**-0.5)
    if prod(x.shape[:-1]) * other.shape[-1] > LARGEST:
        raise Rejected
    b.call(torch.matmul, scaled, other)


@step(floats_of_rank(3, 4), 1.5)
def attention(b: Builder, x: Value) -> None:
    if x.rank == 3:
        x = b.quiet(torch.unsqueeze, x, 1) if b.chance(0.5) else b.quiet(torch.unsqueeze, x, 0)
    width, length = x.shape[-1], x.shape[-2]
    parts = [b.quiet(F.linear, x, b.matrix(width, width, fan_in=width)) for _ in range(3)]
    mask = b.weight(length, length) if b.chance(0.3) else None
    b.call(F.scaled_dot_product_attention, *parts, mask, 0.0, mask is None and b.chance(0.4))


def _windows(x: Value, padding: list[int], reach: list[int]) -> bool:
    return all(n + 2 * p >= r for n, p, r in zip(x.shape[2:], padding, reach, strict=True))


@step(floats_of_rank(3, 4, 5), 5)
def conv(b: Builder, x: Value) -> None:
    spatial, channels = x.rank - 2, x.shape[1]
    groups = b.random.choice([1, 1, 1, channels, *(g for g in (2, 3) if channels % g == 0)])
    width = groups * b.random.choice([1, 2, 3, 5, 8] if groups < 4 else [1, 1, 2])
    kernel = [b.random.choice([1, 2, 3, 3, 5]) for _ in range(spatial)]
    stride = [b.random.choice([1, 1, 1, 2, 3])] * spatial
    dilation = [b.random.choice([1, 1, 1, 2])] * spatial
    padding = [b.random.choice([0, k // 2, k // 2, k - 1]) for k in kernel]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if width > 40 or not _windows(x, padding, reach):
        raise Rejected
    weight = b.matrix(width, channels // groups, *kernel, fan_in=channels // groups * prod(kernel))
    bias = b.weight(width) if b.chance(0.6) else None
    function = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    b.call(function, x, weight, bias, stride, padding, dilation, groups)


@step(floats_of_rank(3, 4))
def conv_transpose(b: Builder, x: Value) -> None:
    spatial, channels = x.rank - 2, x.shape[1]
    groups = b.random.choice([1, 1, *(g for g in (2, 3) if channels % g == 0)])
    kernel = [b.random.choice([1, 2, 3]) for _ in range(spatial)]
    stride = [b.random.choice([1, 2, 3]) for _ in range(spatial)]
    padding = [b.random.choice([0, k // 2]) for k in kernel]
    extra = [b.random.choice([0, s - 1]) for s in stride]
    width = b.random.choice([1, 2, 3, 5])
    weight = b.matrix(channels, width, *kernel, fan_in=channels // groups * 2)
    sizes = zip(x.shape[2:], stride, kernel, padding, extra, strict=True)
    if any((n - 1) * s + k - 2 * p + e < 1 for n, s, k, p, e in sizes):
        raise Rejected
    bias = b.weight(width * groups) if b.chance(0.5) else None
    function = (F.conv_transpose1d, F.conv_transpose2d)[spatial - 1]
    b.call(function, x, weight, bias, stride, padding, extra, groups)


@step(floats_of_rank(3, 4, 5), 2)
def pool(b: Builder, x: Value) -> None:
    spatial = x.rank - 2
    kernel = [min(n, b.random.choice([1, 2, 3])) for n in x.shape[2:]]
    stride = [b.random.choice([1, k]) for k in kernel]
    padding = [k // 2 if b.chance(0.4) else 0 for k in kernel]
    ceil = b.chance(0.2)
    if b.chance(0.5):
        b.call((F.max_pool1d, F.max_pool2d, F.max_pool3d)[spatial - 1], x, kernel, stride, padding, 1, ceil)
    else:
        function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[spatial - 1]
        b.call(function, x, kernel, stride, padding, ceil, b.chance(0.5))


@step(floats_of_rank(3, 4))
def pool_to_size(b: Builder, x: Value) -> None:
    sizes = [b.random.choice([1, 1, 2, 3]) for _ in x.shape[2:]]
    b.call((F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)[x.rank - 3], x, sizes)


@step(floats_of_rank(4))
def resize(b: Builder, x: Value) -> None:
    mode = b.random.choice(["nearest", "bilinear"])
    b.call(
        F.interpolate,
        x,
        scale_factor=b.random.choice([2, 0.5, 1.5]) if min(x.shape[2:]) > 1 else 2,
        mode=mode,
    )
