"""What must hold of data that is known only when a network runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from xdsl.dialects.builtin import StringAttr, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .elementwise import ElementwiseOp
from .structured import ShapedValueType


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

    @classmethod
    def infer_element(cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> Attribute:
        if ins[0].element_type != i1:
            raise VerifyException(f"dlp.require: operand 0 is {ins[0]}, its elements must be i1")
        return super().infer_element(ins[1:], properties)

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        b.check(args[0], self.message.data)
        return b.select(args[0], args[1], args[2])


OPS = (RequireOp,)
