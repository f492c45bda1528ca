"""Arithmetic of integers where the machine's is not the framework's."""

from __future__ import annotations

import torch
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import (
    AbsOp,
    AndOp,
    CompareOp,
    DivOp,
    IotaOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    NegOp,
    RemOp,
    SelectOp,
    SubOp,
)
from dlp.dialects.dlp.integer import ShiftLeftOp, ShiftRightOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.view import broadcast
from dlp.frontends.torch.registry import imports

Operand = SSAValue | float | int | bool


def divisor(g: Emitter, y: Operand) -> SSAValue:
    """A divisor that is not zero, or the run fails as eager does."""
    if not isinstance(y, SSAValue):
        if y == 0:
            raise NotSupported("division of integers by 0")
        return g.constant(y, g.dtype)
    b = g.cast(y, g.dtype)
    not_zero = g(CompareOp, b, g.constant(0, g.dtype), predicate="ne")
    return g.require(not_zero, b, g.constant(1, g.dtype), "ZeroDivisionError")


def quotient(g: Emitter, a: SSAValue, b: SSAValue, y: Operand) -> SSAValue:
    """a / b rounded towards zero; the smallest number over -1, which traps in machine code, wraps around.

    Args:
        y: what b was made of; a number that is known is no case to be careful about.
    """
    if not isinstance(y, SSAValue) and y != -1:
        return g(DivOp, a, b)
    return g(SelectOp, _is_minus_one(g, b), g(NegOp, a), g(DivOp, a, without_minus_one(g, b, y)))


def floor_quotient(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    """a / b rounded down, b being positive."""
    towards_zero = g(DivOp, a, b)
    below = g(CompareOp, g(RemOp, a, b), g.constant(0, g.dtype), predicate="lt")
    return g(SelectOp, below, g(SubOp, towards_zero, g.constant(1, g.dtype)), towards_zero)


def without_minus_one(g: Emitter, b: SSAValue, y: Operand) -> SSAValue:
    """A divisor with 1 in place of -1, which leaves the same remainder, 0, and does not trap."""
    if not isinstance(y, SSAValue) and y != -1:
        return b
    return g(SelectOp, _is_minus_one(g, b), g.constant(1, g.dtype), b)


def _is_minus_one(g: Emitter, b: SSAValue) -> SSAValue:
    return g(CompareOp, b, g.constant(-1, g.dtype), predicate="eq")


@imports("aten.gcd.default")
def greatest_common_divisor(g: Emitter, x: SSAValue, y: SSAValue) -> SSAValue:
    a, b = (broadcast(g, g(AbsOp, g.cast(side, g.dtype)), g.shape) for side in (x, y))
    return g(AbsOp, _divisor_of_both(g, a, b))


@imports("aten.lcm.default")
def least_common_multiple(g: Emitter, x: SSAValue, y: SSAValue) -> SSAValue:
    a, b = (broadcast(g, g(AbsOp, g.cast(side, g.dtype)), g.shape) for side in (x, y))
    common = _divisor_of_both(g, a, b)
    none = g(CompareOp, common, g.constant(0, g.dtype), predicate="eq")
    return g(AbsOp, g(MulOp, g(DivOp, a, g(SelectOp, none, g.constant(1, g.dtype), common)), b))


def _divisor_of_both(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    """Euclid's algorithm: (a, b) becomes (b, a mod b), as often as it takes for neighbours in Fibonacci's sequence."""

    def step(_: SSAValue, a: SSAValue, b: SSAValue) -> tuple[list[SSAValue], list[SSAValue]]:
        done = g(CompareOp, b, g.constant(0, g.dtype), predicate="eq")
        rest = g(RemOp, a, g(SelectOp, done, g.constant(1, g.dtype), b))
        return [g(SelectOp, done, a, b), g(SelectOp, done, b, rest)], []

    bits = torch.iinfo(g.dtype).bits
    count = g(IotaOp, shape=(bits * 3 // 2,), dimension=0)
    (a, _), _ = g.scan([count], [a, b], step)
    return a


_SHIFTS = ("Tensor", "Scalar", "Tensor_Scalar", "Scalar_Tensor")


def _names(*operations: str) -> list[str]:
    """The overloads that there are of some operations."""
    packets = [(name, getattr(torch.ops.aten, name)) for name in operations]
    return [
        f"aten.{name}.{form}" for name, packet in packets for form in _SHIFTS if form in packet.overloads()
    ]


@imports(*_names("__lshift__", "bitwise_left_shift"))
def shift_left(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    """Zero where the number of bits is negative or larger than there are."""
    a, by, inside, _ = _shift(g, x, y)
    return g(SelectOp, inside, g(ShiftLeftOp, a, by), g.constant(0, g.dtype))


@imports(*_names("__rshift__", "bitwise_right_shift"))
def shift_right(g: Emitter, x: Operand, y: Operand) -> SSAValue:
    """Nothing but the sign is left where the number of bits is negative or larger than there are."""
    a, by, inside, most = _shift(g, x, y)
    return g(ShiftRightOp, a, g(SelectOp, inside, by, most))


def _shift(g: Emitter, x: Operand, y: Operand) -> tuple[SSAValue, SSAValue, SSAValue, SSAValue]:
    """Both operands, the second one as a number of bits that can be shifted by; whether it was one; the largest one."""
    if g.dtype.is_floating_point or g.dtype == torch.bool:
        raise NotSupported(f"a shift of {str(g.dtype).removeprefix('torch.')}")
    a, b = g.operand(x, g.dtype), g.operand(y, g.dtype)
    zero = g.constant(0, g.dtype)
    most = g.constant(torch.iinfo(g.dtype).bits - 1, g.dtype)
    by = g(MinimumOp, g(MaximumOp, b, zero), most)
    last = g.constant(torch.iinfo(g.result.dtype).bits - 1, g.dtype)
    inside = g(AndOp, g(CompareOp, b, zero, predicate="ge"), g(CompareOp, b, last, predicate="le"))
    return a, by, inside, most
