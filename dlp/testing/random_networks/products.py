"""Steps that multiply and sum: matrix products, attention, convolutions."""

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


@step(floats_of_rank(2, 3, 4), 1.5)
def product_of_views(b: Builder, x: Value) -> None:
    """An operand with its dimensions in any order, as in memory or as they are summed, times a weight or itself."""
    order = b.random.sample(range(x.rank), x.rank)
    y = b.quiet(torch.permute, x, order)
    if b.chance(0.3) and y.rank == 4:
        y = b.quiet(torch.Tensor.contiguous, y, memory_format=torch.channels_last)
    k, columns = y.shape[-1], b.random.choice(_WIDTHS)
    kind = b.random.randrange(5)
    if kind == 0:
        b.call(torch.matmul, y, b.quiet(torch.transpose, b.matrix(columns, k, fan_in=k), 0, 1))
    elif kind == 1:
        w = b.matrix(*y.shape[:-2], k, columns, fan_in=k)
        b.call(torch.matmul, y, w)
    elif kind == 2:
        b.call(torch.matmul, b.matrix(columns, y.shape[-2], fan_in=y.shape[-2]), y)
    elif kind == 3:
        b.call(torch.matmul, y, b.matrix(k, fan_in=k))
    elif y.rank == 2:
        b.call(torch.addmm, b.weight(columns), y, b.matrix(k, columns, fan_in=k), beta=0.5, alpha=2)
    elif y.rank == 3:
        second = b.matrix(y.shape[0], k, columns, fan_in=k)
        b.call(torch.baddbmm, b.weight(1, y.shape[1], columns), y, second, beta=0.5)


@step(floats_of_rank(3), 1)
def heads(b: Builder, x: Value) -> None:
    """Attention as in networks: heads side by side in one product, fewer of them for keys and values, other lengths."""
    batch, length, width = x.shape
    queries, shared = b.random.choice([(1, 1), (2, 1), (2, 2), (4, 2), (3, 1)])
    size = b.random.choice([3, 4, 8, 16])
    others = [
        v for v in b.values if v.is_float and v.rank == 3 and v.shape[0] == batch and v.shape[2] == width
    ]
    memory = b.random.choice(others)
    parts = []
    for value, count in ((x, queries), (memory, shared), (memory, shared)):
        flat = b.quiet(F.linear, value, b.matrix(count * size, width, fan_in=width))
        split = b.quiet(torch.reshape, flat, (batch, value.shape[1], count, size))
        parts.append(b.quiet(torch.transpose, split, 1, 2))
    mask = None
    if b.chance(0.4):
        open_places = b.integers((length, memory.shape[1]), 3) > 0
        open_places[:, 0] = True
        mask = b.constant(open_places)
    causal = mask is None and b.chance(0.3)
    grouped = {"enable_gqa": True} if queries != shared else {}
    y = b.quiet(F.scaled_dot_product_attention, *parts, mask, 0.0, causal, **grouped)
    b.call(torch.reshape, b.quiet(torch.transpose, y, 1, 2), (batch, length, queries * size))


@step(floats_of_rank(3, 4), 1.5)
def attention(b: Builder, x: Value) -> None:
    if x.rank == 3:
        x = b.quiet(torch.unsqueeze, x, 1) if b.chance(0.5) else b.quiet(torch.unsqueeze, x, 0)
    width, length = x.shape[-1], x.shape[-2]
    parts = [b.quiet(F.linear, x, b.matrix(width, width, fan_in=width)) for _ in range(3)]
    mask = b.weight(length, length) if b.chance(0.3) else None
    b.call(F.scaled_dot_product_attention, *parts, mask, 0.0, mask is None and b.chance(0.4))


def windows_fit(x: Value, padding: list[int], reach: list[int]) -> bool:
    """Whether windows of this reach are not larger than the image."""
    return all(n + 2 * p >= r for n, p, r in zip(x.shape[2:], padding, reach, strict=True))


@step(floats_of_rank(3, 4, 5), 8)
def conv(b: Builder, x: Value) -> None:
    spatial, channels = x.rank - 2, x.shape[1]
    groups = b.random.choice([1, 1, 1, channels, *(g for g in (2, 3) if channels % g == 0)])
    width = groups * b.random.choice([1, 2, 3, 5, 8] if groups < 4 else [1, 1, 2])
    kernel = [b.random.choice([1, 2, 3, 3, 5]) for _ in range(spatial)]
    stride = [b.random.choice([1, 1, 1, 2, 3])] * spatial
    dilation = [b.random.choice([1, 1, 1, 2])] * spatial
    padding = [b.random.choice([0, k // 2, k // 2, k - 1]) for k in kernel]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if width > 40 or not windows_fit(x, padding, reach):
        raise Rejected
    weight = b.matrix(width, channels // groups, *kernel, fan_in=channels // groups * prod(kernel))
    bias = b.weight(width) if b.chance(0.6) else None
    function = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    b.call(function, x, weight, bias, stride, padding, dilation, groups)


@step(lambda x: x.is_float and x.rank == 4 and min(x.shape[2:]) >= 4, 1.5)
def wide_conv(b: Builder, x: Value) -> None:
    """A 3 x 3 convolution with so many channels that Winograd's transforms are worth their while."""
    width = b.random.choice([48, 64, 64, 80])
    size = [min(n, b.random.choice([4, 5, 6, 7])) for n in x.shape[2:]]
    if x.shape[0] * width * prod(size) > LARGEST:
        raise Rejected
    for d, n in enumerate(size, 2):
        x = b.quiet(torch.narrow, x, d, 0, n)
    y = b.quiet(F.conv2d, x, b.matrix(width, x.shape[1], 1, 1, fan_in=x.shape[1]))
    bias = b.weight(width) if b.chance(0.6) else None
    y = b.quiet(
        F.conv2d, y, b.matrix(width, width, 3, 3, fan_in=9 * width), bias, 1, b.random.choice([1, 1, 0])
    )
    b.call(b.random.choice([torch.relu, torch.neg, F.silu]), y)


@step(floats_of_rank(3, 4, 5), 2)
def conv_transpose(b: Builder, x: Value) -> None:
    spatial, channels = x.rank - 2, x.shape[1]
    groups = b.random.choice([1, 1, *(g for g in (2, 3) if channels % g == 0)])
    kernel = [b.random.choice([1, 2, 3, 4]) for _ in range(spatial)]
    stride = [b.random.choice([1, 2, 2, 3]) for _ in range(spatial)]
    dilation = [b.random.choice([1, 1, 1, 2]) for _ in range(spatial)]
    padding = [b.random.choice([0, 1, k // 2]) for k in kernel]
    extra = [b.random.choice([0, s - 1]) for s in stride]
    width = b.random.choice([1, 2, 3, 5, 8])
    weight = b.matrix(channels, width, *kernel, fan_in=channels // groups * 2)
    sizes = zip(x.shape[2:], stride, dilation, kernel, padding, extra, strict=True)
    if any((n - 1) * s + d * (k - 1) + 1 - 2 * p + e < 1 for n, s, d, k, p, e in sizes):
        raise Rejected
    bias = b.weight(width * groups) if b.chance(0.5) else None
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[spatial - 1]
    b.call(function, x, weight, bias, stride, padding, extra, groups, dilation)
