"""What must hold of data that is known only when a network runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, IntegerType, StringAttr, UnitAttr, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .elementwise import ElementwiseOp, UnaryOp
from .structured import ShapedValueType, int_of


@irdl_op_definition
class RequireOp(ElementwiseOp):
    """Operand 1; where operand 0 (i1) is false operand 2, and the run fails with `message`.

    Operand 2 is what can be computed with in any case, so that a run that fails goes on to its end without harm: an
    index that is out of range becomes 0. Checking is part of the value: where nobody needs that, nothing is checked.
    A message may begin with the error that it is to be ("IndexError: ..."; see `dlp.errors.run_error`).
    """

    name = "dlp.require"
    ARITY: ClassVar[int] = 3
    CHECKS: ClassVar[bool] = True
    message = prop_def(StringAttr)
    """Of the error that a run ends with."""

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        if ins[0].element_type != i1:
            raise VerifyException(f"dlp.require: operand 0 is {ins[0]}, its elements must be i1")
        return super().infer_element(ins[1:], properties)

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        b.check(args[0], self.message.data)
        return b.select(args[0], args[1], args[2])


@irdl_op_definition
class CheckIndexOp(UnaryOp):
    """The operand, an index into a dimension of `size`, which must be in 0 .. size - 1, or the run fails.

    With `negative` an index from the end, -size .. -1, is one from the start in the result. What is out of range
    becomes 0, so that whatever the run goes on with, it stays inside the dimension.
    """

    name = "dlp.check_index"
    CHECKS: ClassVar[bool] = True
    size = prop_def(IntegerAttr)
    negative = opt_prop_def(UnitAttr)
    message = prop_def(StringAttr)

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        element = ins[0].element_type
        if not isinstance(element, IntegerType) or element == i1:
            raise VerifyException(f"dlp.check_index: operand 0 is {ins[0]}, its elements must be integers")
        if int_of(properties["size"]) < 1:
            raise VerifyException(
                f"dlp.check_index: the size is {int_of(properties['size'])}, not at least 1"
            )
        return element

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        (index,) = args
        element, size = b.type_of(index), self.size.value.data
        zero = b.constant(0, element)
        if self.negative is not None:
            wrapped = b.add(index, b.constant(size, element))
            index = b.select(b.compare("lt", index, zero), wrapped, index)
        inside = b.and_(b.compare("ge", index, zero), b.compare("lt", index, b.constant(size, element)))
        b.check(inside, self.message.data)
        return b.select(inside, index, zero)


OPS = (RequireOp, CheckIndexOp)
