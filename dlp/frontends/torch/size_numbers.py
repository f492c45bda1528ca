"""Floating-point numbers that follow from sizes, as values: by how much a picture grows, one over a length."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.fx import Node
from xdsl.ir import SSAValue

from dlp.dialects.dlp.elementwise import AddOp, DivOp, MulOp, NegOp, PowOp, SqrtOp, SubOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.frontends.torch.emitter import Emitter, NotSupported

_OPERATIONS: Mapping[Callable[..., Any], type[DestinationOp]] = {
    operator.add: AddOp,
    operator.sub: SubOp,
    operator.mul: MulOp,
    operator.truediv: DivOp,
    operator.neg: NegOp,
    operator.pow: PowOp,
    torch._sym_sqrt: SqrtOp,  # pyright: ignore[reportAttributeAccessIssue]
}
"""What Python's arithmetic of numbers becomes."""


def is_size_number(node: Node) -> bool:
    """Whether a node computes a floating-point number from others, or from sizes."""
    return isinstance(node.meta.get("val"), torch.SymFloat)


def size_number(g: Emitter, *arguments: Any) -> SSAValue:
    """What the emitter's node computes from these arguments, in double precision as Python does; 0-d.

    Raises:
        NotSupported: there is no such operation.
    """
    values = [g.operand(a, torch.float64) for a in arguments]
    if g.node.target is torch.sym_float:
        return values[0]
    if g.node.target is operator.pow and arguments[1] == 0.5:
        return g(SqrtOp, values[0])
    operation = _OPERATIONS.get(g.node.target)  # pyright: ignore[reportArgumentType, reportCallIssue]
    if operation is None:
        raise NotSupported("a number that is known only at run time")
    return g(operation, *values)
