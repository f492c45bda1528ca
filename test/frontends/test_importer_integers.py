"""Arithmetic of integers: imported, interpreted and compiled, against eager."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from imported import check, compare, compile_and_run, outputs

import dlp
from dlp.errors import RunError

TYPES = (torch.int64, torch.int32, torch.int8)
A = torch.tensor([7, -7, 100, -100, 0, 3, -1, 5, 127])
B = torch.tensor([3, 3, -7, -7, 2, -5, -1, 1, -1])


def divisions(a: torch.Tensor, b: torch.Tensor) -> Any:
    return (
        a // b,
        a % b,
        torch.div(a, b, rounding_mode="trunc"),
        torch.fmod(a, b),
        100 // b,
        a // -1,
        a % -1,
        torch.div(a, -1, rounding_mode="trunc"),
        torch.fmod(a, -1),
        torch.remainder(9, b),
    )


def bits(a: torch.Tensor, b: torch.Tensor) -> Any:
    return (
        a & b,
        a | b,
        a ^ b,
        ~a,
        a & 12,
        a << 2,
        a >> 1,
        a << b,
        a >> b,
        a << 70,
        a >> -1,
        3 << b.abs(),
        5 >> b,
    )


def powers(a: torch.Tensor, b: torch.Tensor) -> Any:
    return a**5, a**4, a**b, (-1) ** b, 2 ** b.abs(), a.clamp(-1, 1) ** b


def products(a: torch.Tensor, b: torch.Tensor) -> Any:
    m, n = a.reshape(3, 3), b.reshape(3, 3)
    return m @ n, m.mm(n.T), torch.bmm(m[None], n[None]), a.dot(b), m @ n[0]


def reductions(a: torch.Tensor, b: torch.Tensor) -> Any:
    m = a.reshape(3, 3)
    return m.sum(), m.sum(0), m.prod(1), m.max(), m.amin(0), m.any(), m.all(1), m.argmax(1), m.float().mean(0)


FUNCTIONS = {f.__name__: f for f in (divisions, bits, powers, products, reductions)}


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_interpreted(name: str, dtype: torch.dtype) -> None:
    check(FUNCTIONS[name], A.to(dtype), B.to(dtype))


def test_bytes_without_a_sign() -> None:
    x, y = torch.tensor([0, 1, 200, 255], dtype=torch.uint8), torch.tensor([1, 7, 3, 200], dtype=torch.uint8)
    check(lambda x, y: (x // y, x % y, x << y, x >> y, x << 9, x >> 3, x & y, x**2, x // 3), x, y)


@pytest.mark.requires_tool("gcc")
def test_compiled() -> None:
    pairs = [x.to(dtype) for dtype in TYPES for x in (A, B)]

    def together(*given: torch.Tensor) -> Any:
        return [f(*given[i : i + 2]) for i in (0, 2, 4) for f in FUNCTIONS.values()]

    captured = check(together, *pairs)
    expected = torch.utils._pytree.tree_leaves(together(*pairs))
    compare(captured, outputs(captured, pairs, compile_and_run), expected, 1e-5)


@pytest.mark.requires_tool("gcc")
def test_division_by_zero_is_an_error() -> None:
    class Divide(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a // b + a % b

    model = Divide().eval()
    compiled = dlp.optimize(model, strict=True)
    assert torch.equal(compiled(A, B), model(A, B))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        model(A, B * (B > 0))
    with pytest.raises(RunError, match="ZeroDivisionError"):
        compiled(A, B * (B > 0))
    smallest = torch.full_like(A, torch.iinfo(torch.int64).min)
    assert torch.equal(compiled(smallest, torch.full_like(B, -1)), smallest)


def test_common_divisors_and_multiples():
    """The numbers of Fibonacci take Euclid's algorithm longest."""
    a = torch.tensor([7540113804746346429, 12, -18, 0, 0, 7, -(2**40)])
    b = torch.tensor([4660046610375530309, 18, 12, 5, 0, 0, 2**20])
    check(lambda a, b: (torch.gcd(a, b), torch.gcd(a.view(-1, 1), b), torch.lcm(a[1:], b[1:])), a, b)
    small = [x.clamp(-(2**31) + 1, 2**31 - 1).to(torch.int32) for x in (a, b)]
    small[0][0], small[1][0] = 1836311903, 1134903170
    check(lambda a, b: (torch.gcd(a, b), torch.lcm(a[1:], b[1:])), *small)


def test_averages_of_integers():
    x = torch.arange(-30, 30).view(1, 3, 4, 5)

    def function(x):
        return (
            F.avg_pool2d(x, 2),
            F.avg_pool2d(x, 3, 1, 1),
            F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
            F.avg_pool2d(x, 2, divisor_override=3),
        )

    check(function, x)


def test_floats_as_unsigned_bytes():
    """What lies outside of a byte wraps around, as it does in eager."""
    numbers = [
        -1.5,
        -0.5,
        300.7,
        255.9,
        256.0,
        1e10,
        -1e10,
        float("nan"),
        float("inf"),
        2.0**31,
        3e9,
        -300.0,
        65536.5,
    ]
    check(lambda x: (x.byte(), x.repeat(9).byte().int() + 1), torch.tensor(numbers))
