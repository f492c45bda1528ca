"""What only integers have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import IntegerType, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .elementwise import BinaryOp
from .structured import ShapedValueType


class ShiftOp(BinaryOp):
    """Operand 0 shifted by operand 1, which is at least 0 and smaller than the number of bits."""

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        element = super().infer_element(ins, properties)
        if not isinstance(element, IntegerType) or element == i1:
            raise VerifyException(f"{cls.name}: operand 0 is {ins[0]}, its elements must be integers")
        return element


@irdl_op_definition
class ShiftLeftOp(ShiftOp):
    """Operand 0 shifted to the left by operand 1 bits: 0 <= operand 1 < bits of the element."""

    name = "dlp.shift_left"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.shift_left(args[0], args[1])


@irdl_op_definition
class ShiftRightOp(ShiftOp):
    """Operand 0 shifted to the right by operand 1 bits, keeping its sign: 0 <= operand 1 < bits of the element."""

    name = "dlp.shift_right"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.shift_right(args[0], args[1])


OPS = (ShiftLeftOp, ShiftRightOp)
