"""Single operations are imported, and compute in the interpreter what they compute in torch."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from imported import Call, check, interpret, outputs
from torch import nn

from dlp.frontends.torch.capture import capture

INF, NAN = math.inf, math.nan
SPECIAL = torch.tensor(
    [[0.0, -0.0, 1.0, -1.0, INF], [-INF, NAN, 0.5, -2.5, 3.0], [1e-8, -1e-8, 7.5, -7.5, 20.0]]
)
NUMBERS = torch.tensor([[3, -3, 0, 7], [-7, 1, -1, 100]])
TRUTHS = torch.tensor([[True, False, True], [False, False, True]])


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape) + len(shape)))


def many(*functions: Callable[[torch.Tensor], Any]) -> Callable[[torch.Tensor], Any]:
    """Several functions of one tensor in one graph."""
    return lambda x: tuple(f(x) for f in functions)


UNARY = {
    "exp": many(torch.exp, torch.exp2, torch.expm1),
    "log": many(torch.log, torch.log2, torch.log10, torch.log1p),
    "roots": many(torch.sqrt, torch.rsqrt, torch.reciprocal),
    "round": many(torch.floor, torch.ceil, torch.trunc, torch.round, torch.frac),
    "sign": many(torch.neg, torch.abs, torch.sign, torch.square),
    "classify": many(torch.isnan, torch.isinf, torch.isfinite, torch.logical_not),
    "sigmoidal": many(torch.tanh, torch.sigmoid, torch.erf, F.logsigmoid),
    "relu": many(
        F.relu, F.relu6, F.leaky_relu, lambda x: F.leaky_relu(x, 0.3), lambda x: F.threshold(x, 0.1, 9)
    ),
    "elu": many(F.elu, F.selu, F.celu, lambda x: F.elu(x, 0.5)),
    "gelu": many(lambda x: F.gelu(x.masked_fill(x == INF, 5.0)), lambda x: F.gelu(x, approximate="tanh")),
    "hard": many(F.hardsigmoid, F.hardswish, F.hardtanh, F.hardshrink, F.softshrink),
    "soft": many(F.softplus, F.mish, F.silu, F.softsign),
    "clamp": many(
        lambda x: x.clamp(-1, 2.5),
        lambda x: x.clamp(min=0.25),
        lambda x: x.clamp(max=0),
        lambda x: x.clamp(3.0, 1.0),
        lambda x: torch.clamp(x, x * 0, x * 0 + 2),
    ),
    "powers": many(*(lambda x, e=e: x**e for e in (0, 1, 2, 3, 0.5, -0.5, -1, -2, 1.7, -3))),
    "powers of": lambda x: 2.0**x,
    "scalars": many(lambda x: x + 1, lambda x: 2 - x, lambda x: x / 3, lambda x: x * True, lambda x: 1 / x),
    "compare": many(
        *(lambda x, p=p: getattr(torch, p)(x, 0.5) for p in ("eq", "ne", "lt", "le", "gt", "ge"))
    ),
    "where": many(lambda x: torch.where(x > 0, x, -1.0), lambda x: x.masked_fill(x < 0, 9)),
    "nan_to_num": lambda x: torch.nan_to_num(x, 1.0, 2.0, 3.0),
    "remainders": many(
        lambda x: torch.fmod(x, 2.0),
        lambda x: torch.remainder(x, -2.0),
        lambda x: torch.floor_divide(x, 0.7),
        lambda x: torch.div(x, 2.0, rounding_mode="trunc"),
    ),
}


@pytest.mark.parametrize("name", UNARY)
def test_element_wise(name: str) -> None:
    check(UNARY[name], SPECIAL)


def test_gelu_of_infinity() -> None:
    """Infinity, as its definition says; the framework's own gives NaN on machines with AVX-512."""
    x = torch.tensor([INF, -INF, 1.0])
    (found,) = outputs(capture(Call(F.gelu).eval(), (x,)), (x,), interpret)
    assert found[0] == INF and found[1].isnan() and found[2].isclose(F.gelu(x[2:])[0])


def test_trigonometry() -> None:
    check(many(torch.sin, torch.cos, torch.tan), normal(3, 7))


BINARY = {
    "arithmetic": lambda x, y: (x + y, x - y, x * y, x / y, torch.add(x, y, alpha=2), torch.rsub(x, y)),
    "extrema": lambda x, y: (torch.maximum(x, y), torch.minimum(x, y)),
    "remainders": lambda x, y: (torch.fmod(x, y), torch.remainder(x, y), torch.floor_divide(x, y)),
    "compare": lambda x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y),
    "logic": lambda x, y: (torch.logical_and(x, y), torch.logical_or(x, y), torch.logical_xor(x, y)),
    "lerp": lambda x, y: (torch.lerp(x, y, 0.3), torch.addcmul(x, x, y, value=0.5), torch.addcdiv(x, x, y)),
}


@pytest.mark.parametrize("name", BINARY)
def test_two_operands_with_special_values(name: str) -> None:
    y = torch.tensor([[2.0, -0.5, NAN, -1.0, INF], [1.0, 1.0, -0.0, -2.5, 0.0], [3.0, -INF, 2.5, 2.5, -3.0]])
    check(BINARY[name], SPECIAL, y)


def test_broadcast() -> None:
    check(lambda x, y: (x + y, y * x.sum(), x[:, :1] - y), normal(4, 5), normal(3, 1, 5))


def test_power_of_two_tensors() -> None:
    check(torch.pow, normal(3, 4).abs(), normal(3, 4))


def test_integers() -> None:
    check(
        lambda n: (
            n + 1,
            n * n,
            -n,
            n.abs(),
            n / 2,
            n // 3,
            n % 3,
            n % -3,
            torch.div(n, -2, rounding_mode="floor"),
            torch.div(n, 4, rounding_mode="trunc"),
            torch.fmod(n, 4),
            n + 0.5,
            n > 1.5,
            n.float().sqrt(),
            n.sqrt(),
            n & 3,
            n | 8,
            n ^ 1,
            ~n,
            n.clamp(0, 5),
            n.relu(),
            n**3,
            n.sign(),
        ),
        NUMBERS,
    )


def test_booleans() -> None:
    check(
        lambda t: (
            t + t,
            t * ~t,
            t & t,
            t ^ True,
            t.sum(),
            t.float().mean(),
            t < ~t,
            t >= ~t,
            torch.maximum(t, ~t),
            t.any(),
            t.all(),
            t.any(1),
            t.all(0, keepdim=True),
            t.amax(1),
            t.int() + 1,
        ),
        TRUTHS,
    )


def test_mixed_types() -> None:
    check(
        lambda n, x, d: (n + x, n.int() * 2, x + d, torch.where(n > 0, n, x), n.int() + n, x == n, d > x),
        NUMBERS,
        normal(2, 4),
        normal(2, 4).double(),
    )


def test_conversions() -> None:
    check(
        lambda x, n: (x.long(), x.int(), x.bool(), x.double(), n.float(), n.bool(), n.to(torch.int8).long()),
        torch.tensor([2.7, -2.7, 0.0, 100.0]),
        NUMBERS,
    )


def test_unsigned_bytes() -> None:
    pixels = torch.arange(0, 256, 17, dtype=torch.uint8).reshape(4, 4)
    check(
        lambda p: (
            p.float() / 255,
            p.t(),
            p.long(),
            torch.cat([p, p])[1:6],
            F.pad(p, (1, 1), value=200),
            p + p,
            p * 3 - 1,
            -p,
            p // 7,
            p > 100,
            p.amax(1),
            p.sum(),
            p.int() + p,
            ~p,
            torch.maximum(p, p.t()),
            p.clamp(20, 200),
            p == p.t(),
            torch.where(p > 17, p, p + 1),
        ),
        pixels,
    )


REDUCTIONS = {
    "sum": many(
        torch.sum, lambda x: x.sum(1), lambda x: x.sum((0, 2), keepdim=True), lambda x: x.sum(-1).sum()
    ),
    "mean": many(torch.mean, lambda x: x.mean(2), lambda x: x.mean((1, 2), keepdim=True)),
    "variance": many(
        torch.var,
        lambda x: x.var(1),
        lambda x: x.var((0, 2), unbiased=False),
        lambda x: x.std(2, keepdim=True),
        lambda x: torch.var_mean(x, 1),
    ),
    "extrema": many(
        torch.amax, torch.amin, lambda x: x.amax(1), lambda x: x.max(2), lambda x: x.min(0), torch.max
    ),
    "places": many(torch.argmax, lambda x: x.argmax(1), lambda x: x.argmin(2, keepdim=True)),
    "product": many(torch.prod, lambda x: x.prod(1)),
    "norms": many(
        torch.norm, lambda x: x.norm(dim=1), lambda x: x.norm(1, dim=2), lambda x: F.normalize(x, dim=1)
    ),
    "logsumexp": many(lambda x: x.logsumexp(1), lambda x: (x > 0).sum(2)),
    "running sums": many(lambda x: x.cumsum(1), lambda x: (x > 0).cumsum(-1), lambda x: x.sum().cumsum(0)),
    "softmax": many(lambda x: x.softmax(1), lambda x: x.log_softmax(-1), lambda x: F.softmin(x, 0)),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction(name: str) -> None:
    check(REDUCTIONS[name], normal(3, 5, 4))


def test_extrema_are_not_numbers_where_an_element_is_not() -> None:
    check(many(torch.amax, lambda x: x.min(1), lambda x: x.argmax(1), lambda x: x.argmin(0)), SPECIAL)


def test_ties_go_to_the_first() -> None:
    check(many(lambda x: x.argmax(1), lambda x: x.max(0)), torch.tensor([[1, 3, 3], [2, 2, 0]]))


VIEWS = {
    "shapes": many(
        lambda x: x.view(6, 20),
        lambda x: x.reshape(-1),
        lambda x: x.flatten(1),
        lambda x: x.unsqueeze(1).unsqueeze(-1),
        lambda x: x[:, :1].squeeze(1),
        lambda x: x[:1].squeeze(),
        lambda x: x.unflatten(3, (2, 2)),
    ),
    "orders": many(
        lambda x: x.permute(3, 1, 0, 2) + 0,
        lambda x: x.transpose(1, 2),
        lambda x: x.mT.contiguous(),
        lambda x: x.movedim(0, 2).reshape(5, -1),
        lambda x: x.flip(1, 3),
        lambda x: x.roll((1, -2), (1, 3)),
        lambda x: x.roll(7),
        torch.rot90,
    ),
    "parts": many(
        lambda x: x[1:, ::2, -3:],
        lambda x: x[0, :, 1],
        lambda x: x[..., -1],
        lambda x: x.narrow(2, 1, 3),
        lambda x: x.chunk(2, 1),
        lambda x: x.split([1, 3], 3),
        lambda x: x.unbind(0),
        lambda x: x.tensor_split(3, 2),
    ),
    "joins": many(
        lambda x: torch.cat([x, x + 1], 1),
        lambda x: torch.stack([x, x * 2], -1),
        lambda x: torch.cat([torch.empty(0), x.flatten()]),
        lambda x: torch.cat([x[:, 1:], x[:, :1]], 1),
        lambda x: torch.hstack([x, x]),
    ),
    "repeats": many(
        lambda x: x[:, :1].expand(-1, 6, -1, -1) * 1,
        lambda x: x.repeat(2, 1, 1, 3),
        lambda x: x[0].tile(2, 1),
        lambda x: x[0, 0].repeat_interleave(3, 0),
        lambda x: x[0, :1].expand(4, 3, 5, 4),
    ),
    "frames": many(
        lambda x: F.pad(x, (1, 2)),
        lambda x: F.pad(x, (1, 0, 0, 2), value=-1.5),
        lambda x: F.pad(x, (-1, 1)),
        lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"),
        lambda x: F.pad(x, (1, 2, 2, 1), mode="replicate"),
        lambda x: F.pad(x, (1, 2, 2, 1), mode="circular"),
    ),
    "triangles": many(torch.tril, lambda x: x.triu(1), lambda x: x.tril(-1)),
    "pixels": many(
        lambda x: F.pixel_unshuffle(x[..., :4, :4], 2),
        lambda x: F.pixel_shuffle(x[:, :1].expand(-1, 4, -1, -1), 2),
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_view(name: str) -> None:
    check(VIEWS[name], normal(2, 3, 5, 4))


def test_parts_that_are_replaced() -> None:
    def f(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, 1] = y
        x[2:4] = 0.5
        return x

    check(f, normal(5, 3), normal(5))


def test_new_tensors() -> None:
    check(
        lambda x: (
            torch.zeros(2, 3) + x.sum(),
            torch.ones_like(x),
            torch.full((3,), 2.5),
            torch.full_like(x, True, dtype=torch.bool),
            x.new_full((2,), 3),
            torch.arange(5),
            torch.arange(2, 11, 3),
            torch.arange(0.0, 1.0, 0.1),
            torch.eye(3),
            torch.linspace(0, 1, 7),
            torch.tensor(4.0) * x,
            torch.tensor([1.0, 2.0, 3.0, 4.0]) + x,
        ),
        normal(2, 4),
    )


CONVOLUTIONS = {
    "plain": nn.Conv2d(3, 5, 3),
    "padded": nn.Conv2d(3, 5, (3, 5), padding=(1, 2), bias=False),
    "strided": nn.Conv2d(3, 4, 3, stride=2, padding=1),
    "dilated": nn.Conv2d(3, 4, 3, dilation=2, padding="same"),
    "grouped": nn.Conv2d(3, 6, 3, groups=3),
    "pointwise": nn.Conv2d(3, 7, 1),
    "reflect": nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name: str) -> None:
    check(CONVOLUTIONS[name], normal(2, 3, 9, 8))


def test_convolutions_of_other_ranks() -> None:
    check(nn.Conv1d(3, 4, 3, padding=1), normal(2, 3, 7))
    check(nn.Conv3d(2, 3, (1, 2, 3)), normal(1, 2, 4, 5, 6))
    check(nn.Conv2d(3, 4, 3), normal(3, 6, 6))


TRANSPOSED = {
    "plain": nn.ConvTranspose2d(3, 4, 3),
    "strided": nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=1, output_padding=(1, 0), groups=2),
    "dilated": nn.ConvTranspose2d(3, 4, 3, dilation=2, padding=3, bias=False),
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolution(name: str) -> None:
    module = TRANSPOSED[name]
    check(module, normal(2, module.in_channels, 4, 5))


def test_matrix_products() -> None:
    a, b = normal(4, 5), normal(5, 6)
    check(
        lambda a, b, c: (
            a @ b,
            torch.addmm(c, a, b),
            torch.addmm(c, a, b, beta=0.5, alpha=2.0),
            a @ b[:, 0],
            a[0] @ b,
            a[0] @ b[:, 0],
            torch.bmm(a.expand(2, 4, 5), b.expand(2, 5, 6)),
            torch.baddbmm(c, a.expand(2, 4, 5), b.expand(2, 5, 6)),
            torch.einsum("ij,jk->ki", a, b),
            a.expand(3, 1, 4, 5) @ b.expand(2, 5, 6),
            F.linear(a, b.t(), b[0]),
            torch.outer(a[0], b[0]),
        ),
        a,
        b,
        normal(6),
    )


POOLS = {
    "max": nn.MaxPool2d(3, 2, 1),
    "max, dilated": nn.MaxPool2d(2, 1, dilation=2),
    "max, ceil": nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "average": nn.AvgPool2d(2),
    "average, padded": nn.AvgPool2d(3, 2, 1),
    "average, padding not counted": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "average, ceil": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "average, ceil, padding not counted": nn.AvgPool2d(3, 2, ceil_mode=True, count_include_pad=False),
    "average, divisor": nn.AvgPool2d(2, divisor_override=3),
    "global": nn.AdaptiveAvgPool2d(1),
    "adaptive": nn.AdaptiveAvgPool2d((4, 2)),
    "adaptive, uneven": nn.AdaptiveAvgPool2d((3, 5)),
}


@pytest.mark.parametrize("name", POOLS)
def test_pool(name: str) -> None:
    check(POOLS[name], normal(2, 3, 8, 10))


def test_max_pool_of_negative_and_special_values() -> None:
    check(nn.MaxPool2d(2, 1, 1), (SPECIAL - 100).reshape(1, 1, 3, 5))


def test_pools_of_other_ranks() -> None:
    check(nn.MaxPool1d(3, 2), normal(2, 3, 9))
    check(nn.AvgPool1d(2), normal(2, 3, 9))
    check(nn.AvgPool3d(2), normal(1, 2, 4, 4, 5))
    check(nn.MaxPool2d(2), normal(3, 6, 6))


def _alive(module: nn.Module) -> nn.Module:
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.dtype.is_floating_point:
            tensor.data.copy_(normal(*tensor.shape).abs() + 0.5 if "var" in name else normal(*tensor.shape))
    return module


NORMS = {
    "batch": _alive(nn.BatchNorm2d(6)),
    "batch, not affine": nn.BatchNorm2d(6, affine=False),
    "layer": _alive(nn.LayerNorm((4, 5))),
    "layer, without bias": _alive(nn.LayerNorm(5, bias=False)),
    "layer, not affine": nn.LayerNorm(5, elementwise_affine=False, eps=1e-3),
    "group": _alive(nn.GroupNorm(3, 6)),
    "instance": _alive(nn.InstanceNorm2d(6, affine=True)),
    "root mean square": _alive(nn.RMSNorm(5)),
}


@pytest.mark.parametrize("name", NORMS)
def test_norm(name: str) -> None:
    check(NORMS[name], normal(2, 6, 4, 5))


def test_batch_norm_without_pixels() -> None:
    check(_alive(nn.BatchNorm1d(6)), normal(3, 6))


def test_attention() -> None:
    q, k, v = normal(2, 4, 6, 8), normal(2, 4, 7, 8), normal(2, 4, 7, 8) + 1
    mask = normal(2, 1, 6, 7) > 0
    mask[..., 0] = True
    attend = F.scaled_dot_product_attention
    check(attend, q, k, v)
    check(lambda q, k, v: attend(q, k, v, is_causal=True, scale=0.3), q, q + 1, q + 2)
    check(lambda q, k, v, m: attend(q, k, v, attn_mask=m), q, k, v, mask)
    check(lambda q, k, v, m: attend(q, k, v, m.float()), q, k, v, mask)
    check(lambda q, k, v: attend(q, k, v, enable_gqa=True), q, k[:, :2], v[:, :2])


def test_attention_to_nothing_gives_zeros() -> None:
    q, k = normal(1, 2, 3, 8), normal(1, 2, 5, 8)
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1] = False
    check(lambda q, k, m: F.scaled_dot_product_attention(q, k, k, attn_mask=m), q, k, mask)


def test_transformer_layer() -> None:
    check(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True), normal(2, 5, 16))


def test_indices() -> None:
    x, i = normal(5, 4, 3), torch.tensor([[0, 4, 2], [3, 3, 1]])
    check(
        lambda x, i: (x[i], x[:, i % 4], x.index_select(2, i[0] % 3), x[i[0], :, i[1] % 3], x[i, i % 4]), x, i
    )
    check(lambda x, i: x[-1 - i], x, i)
    check(lambda x, i: (x.gather(1, i), torch.take_along_dim(x, i[:, :1], 1)), normal(2, 5), i)
    check(nn.Embedding(6, 5, padding_idx=0), i)


def test_memory_seen_otherwise() -> None:
    def f(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = x + 1
        return (
            y.as_strided((3, 2), (2, 1)) * 1,
            y.as_strided((3, 2), (1, 3)) * 1,
            y.as_strided((2, 2), (3, 1), 1) * 1,
        )

    check(f, normal(2, 3))
    check(nn.AdaptiveAvgPool2d(1), normal(2, 3, 4, 4).to(memory_format=torch.channels_last))


RESAMPLED = {
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "nearest to a size": lambda x: F.interpolate(x, size=(5, 3)),
    "bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "bilinear, corners": lambda x: F.interpolate(x, size=(7, 5), mode="bilinear", align_corners=True),
}


@pytest.mark.parametrize("name", RESAMPLED)
def test_resampling(name: str) -> None:
    check(RESAMPLED[name], normal(1, 2, 3, 4))


RECURRENT = {
    "one layer": nn.LSTM(5, 7),
    "two layers, batch first": nn.LSTM(5, 7, 2, batch_first=True),
    "both directions, no bias": nn.LSTM(5, 7, 2, bidirectional=True, bias=False),
    "gated recurrent unit": nn.GRU(5, 7),
    "two gated layers, both directions": nn.GRU(5, 7, 2, bidirectional=True, batch_first=True),
    "gated, no bias": nn.GRU(5, 7, bias=False),
    "plain": nn.RNN(5, 7),
    "plain, rectified": nn.RNN(5, 7, 2, nonlinearity="relu"),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent(name: str) -> None:
    check(RECURRENT[name], normal(4, 3, 5))


def test_steps_are_a_loop() -> None:
    """The inputs of all steps in one product, whatever their number, and a loop for each direction."""
    sizes: set[int] = set()
    for steps in (7, 30):
        captured = check(nn.LSTM(5, 7, bidirectional=True), normal(steps, 3, 5))
        text = str(captured.imported.module)
        assert text.count("dlp.scan ins") == text.count("dlp.scan reverse ins") == 1
        assert re.findall(r"dlp.matmul ins\(.* : tensor<(\d+)x5xf32>", text) == [f"{3 * steps}"] * 2
        sizes.add(len(list(captured.imported.module.walk())))
    assert len(sizes) == 1


def test_lstm_with_a_state() -> None:
    rnn = nn.LSTM(5, 7)
    check(lambda x, h, c: rnn(x, (h, c)), normal(4, 3, 5), normal(1, 3, 7), normal(1, 3, 7))


def test_dropout_of_inference_is_nothing() -> None:
    captured = check(nn.Sequential(nn.Dropout(0.5), nn.ReLU()), normal(3, 4))
    assert "dlp.mul" not in str(captured.imported.module)
