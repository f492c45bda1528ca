"""Local algebra on element-wise ops and reductions, exact for every value that a float can have.

A rule takes an op and hands back what replaces its result, or None. Nothing here changes a rounding, a NaN, an
infinity or, sums of one element apart, the sign of a zero: `x + 0.0` stays, because it turns -0.0 into 0.0, and
`x * 0.0` stays, because it is NaN for an infinite x; `x + -0.0` and `x - 0.0` go. Powers become products as the
framework computes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

from xdsl.dialects.builtin import IntegerType, i1
from xdsl.ir import Attribute, SSAValue

from dlp.dialects.dlp.elementwise import (
    AddOp,
    AndOp,
    CastOp,
    ClampOp,
    ConstantOp,
    DivOp,
    ElementwiseOp,
    MulOp,
    NegOp,
    OrOp,
    PowOp,
    ReciprocalOp,
    ReluOp,
    RsqrtOp,
    SelectOp,
    SqrtOp,
    SubOp,
)
from dlp.dialects.dlp.reduction import ReduceOp
from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder, broadcast_shapes, int_list, tensor_of
from dlp.dialects.dlp.view import BroadcastOp

from ._carried_views import shape_of
from ._constants import evaluate, splat, splat_value

Rule = Callable[[DestinationOp, GraphBuilder], SSAValue | None]


def constants_folded(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """An element-wise op of constants is a constant."""
    number = evaluate(cast(ElementwiseOp, op))
    return None if number is None else splat(b, number, op.element_type, op.shape)


def broadcasts_dropped(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A broadcast of an operand, or a constant's shape, is needed only where it alone gives the shape."""
    if not any(isinstance(x.owner, BroadcastOp | ConstantOp) for x in op.operands):
        return None
    types = [op.in_type(i) for i in range(len(op.operands))]
    narrow: dict[int, SSAValue | float | int] = {}
    for i, x in enumerate(op.operands):
        if isinstance(x.owner, BroadcastOp):
            candidate, shape = x.owner.operands[0], x.owner.in_shape(0)
        elif len(op.operands) > 1 and shape_of(x) and (number := splat_value(x)) is not None:
            candidate, shape = number, ()
        else:
            continue
        trial = [*types[:i], tensor_of(types[i].element_type, shape), *types[i + 1 :]]
        if broadcast_shapes(op.name, trial) == op.shape:
            types, narrow[i] = trial, candidate
    if not narrow:
        return None
    ins = list(op.operands)
    for i, x in narrow.items():
        ins[i] = x if isinstance(x, SSAValue) else splat(b, x, types[i].element_type)
    return b.insert(op.on(ins, result_type=op.res[0].type)).result


def _with_constant(op: DestinationOp) -> tuple[SSAValue, float | int] | None:
    """The operands of a commutative op as (x, constant), where x has the shape of the result."""
    for x, c in (op.operands, reversed(op.operands)):
        number = splat_value(c)
        if number is not None and shape_of(x) == op.shape:
            return x, number
    return None


def _is_integer(element_type: Attribute) -> bool:
    return isinstance(element_type, IntegerType)


def zeros_not_added(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """x + 0 on integers; on floats x + -0.0, which keeps the sign of a zero."""
    found = _with_constant(op)
    if found is None or found[1] != 0:
        return None
    return found[0] if _is_integer(op.element_type) or math.copysign(1, found[1]) < 0 else None


def zeros_not_subtracted(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """x - 0; on floats not x - -0.0, which would lose the sign of a zero."""
    number = splat_value(op.operands[1])
    if number is None or number != 0 or shape_of(op.operands[0]) != op.shape:
        return None
    return op.operands[0] if _is_integer(op.element_type) or math.copysign(1, number) > 0 else None


def ones_not_multiplied(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """x * 1 is x, x * -1 is -x, and x * 0 is 0 on integers."""
    found = _with_constant(op)
    if found is None or op.element_type == i1:
        return None
    x, number = found
    if number == 1:
        return x
    if number == -1:
        return b(NegOp, x)
    if number == 0 and _is_integer(op.element_type):
        return splat(b, 0, op.element_type, op.shape)
    return None


def factors_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """(x * c) * d is x * (c * d) where that is exact: on integers, and for powers of two that are at least 1."""
    found = _with_constant(op)
    if found is None or not isinstance(found[0].owner, MulOp):
        return None
    inner = _with_constant(found[0].owner)
    if inner is None:
        return None
    c, d = inner[1], found[1]
    exact = all(math.isfinite(n) and abs(n) >= 1 and abs(math.frexp(n)[0]) == 0.5 for n in (c, d))
    if not _is_integer(op.element_type) and not (exact and abs(c * d) < 2.0**64):
        return None
    return b(MulOp, inner[0], splat(b, c * d, op.element_type))


def terms_merged(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """(x + c) + d is x + (c + d) on integers."""
    found = _with_constant(op)
    if found is None or not _is_integer(op.element_type) or not isinstance(found[0].owner, AddOp):
        return None
    inner = _with_constant(found[0].owner)
    return None if inner is None else b(AddOp, inner[0], splat(b, inner[1] + found[1], op.element_type))


def divisions_multiplied(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """x / 1 is x; x / c is x * (1 / c) where c is a power of two, whose inverse is exact."""
    x, number = op.operands[0], splat_value(op.operands[1])
    if number is None or shape_of(x) != op.shape:
        return None
    if number == 1:
        return x
    if _is_integer(op.element_type) or not math.isfinite(number) or abs(math.frexp(number)[0]) != 0.5:
        return None
    # 1 / c must be a normal number also in the narrowest float.
    if not 2.0**-14 <= abs(number) <= 2.0**14:
        return None
    return b(MulOp, x, splat(b, 1 / number, op.element_type))


def powers_expanded(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """x ** c for the exponents that the framework computes in another way than by `pow`."""
    x, number = op.operands[0], splat_value(op.operands[1])
    if number is None or shape_of(x) != op.shape or _is_integer(op.element_type):
        return None
    match number:
        case 0:
            return splat(b, 1, op.element_type, op.shape)
        case 1:
            return x
        case 2:
            return b(MulOp, x, x)
        case 3:
            return b(MulOp, b(MulOp, x, x), x)
        case 0.5:
            return b(SqrtOp, x)
        case -0.5:
            return b(RsqrtOp, x)
        case -1:
            return b(ReciprocalOp, x)
        case _:
            return None


def negations_cancelled(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """-(-x) is x."""
    inner = op.operands[0].owner
    return inner.operands[0] if isinstance(inner, NegOp) else None


def repeats_dropped(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """relu(relu(x)) is relu(x), as is abs(abs(x)) abs(x)."""
    return op.operands[0] if type(op.operands[0].owner) is type(op) else None


def clamps_dropped(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A clamp without bounds is nothing; one from 0 without an upper bound is a relu."""
    clamp = cast(ClampOp, op)
    if clamp.high is not None:
        return None
    if clamp.low is None:
        return op.operands[0]
    return b(ReluOp, op.operands[0]) if clamp.low.value.data == 0 else None


def selects_decided(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A select with a constant condition, or between equals, is one of its operands."""
    condition, x, y = op.operands
    number = splat_value(condition)
    if number is None and x is not y:
        return None
    chosen = x if number is None or number else y
    return chosen if shape_of(chosen) == op.shape else b(BroadcastOp, chosen, shape=op.shape)


def logic_decided(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """Logical and, or with true or false."""
    found = _with_constant(op)
    if found is None or op.element_type != i1:
        return None
    x, number = found
    decided = isinstance(op, OrOp) == bool(number)
    return splat(b, number, i1, op.shape) if decided else x


def casts_dropped(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A cast to the type that it comes from; there and back through a type that holds every value."""
    source = op.in_type(0).element_type
    if source == op.element_type:
        return op.operands[0]
    inner = op.operands[0].owner
    if isinstance(inner, CastOp) and inner.in_type(0).element_type == op.element_type:
        before, between = op.element_type, source
        same_kind = isinstance(before, IntegerType) == isinstance(between, IntegerType)
        if (same_kind and _width(before) < _width(between)) or before == i1:
            return inner.operands[0]
    return None


def _width(element_type: Attribute) -> int:
    return int(getattr(element_type, "bitwidth", 0))


def single_elements_not_reduced(op: DestinationOp, b: GraphBuilder) -> SSAValue | None:
    """A reduction over dimensions of size 1 is nothing (a sum that starts from 0.0 would lose the sign of -0.0)."""
    over = int_list(cast(ReduceOp, op).dims)
    rest = [d for d in over if op.in_shape(0)[d] != 1]
    if not rest:
        return op.operands[0]
    return b(type(op), op.operands[0], dims=rest) if len(rest) < len(over) else None


ALGEBRA: dict[type, tuple[Rule, ...]] = {
    AddOp: (zeros_not_added, terms_merged),
    SubOp: (zeros_not_subtracted,),
    MulOp: (ones_not_multiplied, factors_merged),
    DivOp: (divisions_multiplied,),
    PowOp: (powers_expanded,),
    NegOp: (negations_cancelled,),
    ReluOp: (repeats_dropped,),
    ClampOp: (clamps_dropped,),
    SelectOp: (selects_decided,),
    AndOp: (logic_decided,),
    OrOp: (logic_decided,),
    CastOp: (casts_dropped,),
    ElementwiseOp: (constants_folded, broadcasts_dropped),
    ReduceOp: (single_elements_not_reduced,),
}
"""Rules by the class of op, or a base class of it, that they are for."""
