"""Floating-point numbers as what they are made of: exponents, mantissas, neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_LEAST = 2.0**-149
"""The smallest number above 0 in single precision."""
_HALF = 2.0**-24 * (1 + 2.0**-20)
"""Of a number in single precision: at least half of the way to its neighbours, and not as far as to the next ones."""


def nextafter(x: Tensor, y: Tensor) -> Tensor:
    """The neighbour of x in the direction of y: what a sum in double precision is rounded to.

    The idea is that of Rump, Zimmermann, Boldo, Melquiond, "Computing predecessor and successor in rounding to
    nearest" (2009).
    """
    if x.dtype != torch.float32 or y.dtype != torch.float32:
        return NotImplemented
    step = torch.clamp_min(x.double().abs() * _HALF, _LEAST * 0.75)
    neighbour = torch.where(y > x, x.double() + step, x.double() - step).to(torch.float32)
    # A sum with infinity is infinity, and one from below zero up to it has lost its sign.
    neighbour = torch.where(x.isinf(), torch.copysign(torch.full_like(x, _LARGEST), x), neighbour)
    neighbour = torch.where(neighbour == 0, torch.copysign(neighbour, x), neighbour)
    neighbour = torch.where(x == y, y, neighbour)
    return torch.where(x.isnan() | y.isnan(), math.nan, neighbour)


_LARGEST = torch.finfo(torch.float32).max


def frexp(x: Tensor) -> tuple[Tensor, Tensor]:
    """x = mantissa * 2 ** exponent, the mantissa being in [1/2, 1); multiplying by powers of 2 is exact."""
    if x.dtype != torch.float32:
        return NotImplemented
    ordinary = x.isfinite() & (x != 0)
    mantissa = torch.where(ordinary, x, 0.5).double()
    exponent = torch.zeros_like(mantissa, dtype=torch.int32)
    for bits in (128, 64, 32, 16, 8, 4, 2, 1):
        large = mantissa.abs() >= 2.0 ** (bits - 1)
        small = mantissa.abs() < 2.0**-bits
        mantissa = torch.where(
            large, mantissa * 2.0**-bits, torch.where(small, mantissa * 2.0**bits, mantissa)
        )
        exponent = exponent + torch.where(large, bits, torch.where(small, -bits, 0)).to(torch.int32)
    return torch.where(ordinary, mantissa.to(x.dtype), x), exponent


FLOATS: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten.nextafter.default: nextafter,
    torch.ops.aten.frexp.Tensor: frexp,
}
"""Decompositions, by operation."""
