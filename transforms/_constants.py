"""Constants in the graph: reading, making and computing with them."""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, f64, i64
from xdsl.ir import Attribute, SSAValue

from dlp.dialects.dlp.elementwise import ConstantOp, ElementwiseOp, scalar_value
from dlp.dialects.dlp.structured import GraphBuilder, Shape


def splat_value(value: SSAValue) -> float | int | None:
    """The number that every element of the value is, where it is a `dlp.constant`."""
    return scalar_value(value.owner.value) if isinstance(value.owner, ConstantOp) else None


def splat(b: GraphBuilder, number: float | int, element_type: Attribute, shape: Shape = ()) -> SSAValue:
    """A constant."""
    attribute = (
        IntegerAttr(int(number), i64)
        if isinstance(element_type, IntegerType)
        else FloatAttr(float(number), f64)
    )
    return b(ConstantOp, shape=shape, element_type=element_type, value=attribute)


def evaluate(op: ElementwiseOp) -> float | int | None:
    """The number that an element-wise op of constants gives, rounded as its element type rounds; None if unknown."""
    if not op.operands or not all(isinstance(operand.owner, ConstantOp) for operand in op.operands):
        return None
    numbers = [splat_value(operand) for operand in op.operands]
    # NumPy takes 0.1 s to import, which a run that folds nothing need not spend.
    import numpy as np

    from dlp.interpreter.body_builder import NumpyBodyBuilder
    from dlp.interpreter.dtypes import dtype_of

    args = [dtype_of(op.in_type(i).element_type).type(number) for i, number in enumerate(numbers)]
    with np.errstate(all="ignore"):
        result = np.asarray(op.body(NumpyBodyBuilder([]), args, None))
    return result.item()
