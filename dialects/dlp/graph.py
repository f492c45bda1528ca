"""What holds a network together: its weights, and groups of ops that become one kernel."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class WeightOp(IRDLOperation):
    """A parameter, buffer or lifted constant of the network, by name; its data lives beside the IR."""

    name = "dlp.weight"
    symbol = prop_def(StringAttr)
    """The name that the framework has for it."""
    res = result_def(TensorType[Attribute])
    traits = traits_def(Pure())
    assembly_format = "$symbol attr-dict `:` type($res)"

    def __init__(self, symbol: str, result_type: TensorType[Attribute]) -> None:
        super().__init__(properties={"symbol": StringAttr(symbol)}, result_types=[result_type])


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Hands the results of a `dlp.fused` region out."""

    name = "dlp.yield"
    arguments = var_operand_def()
    traits = traits_def(IsTerminator())
    assembly_format = "($arguments^ `:` type($arguments))? attr-dict"

    def __init__(self, *values: SSAValue) -> None:
        super().__init__(operands=[list(values)])


@irdl_op_definition
class FusedOp(IRDLOperation):
    """Ops that are computed together, as one kernel; isolated, so that outlining it moves the region.

    `kind` says what the group grew around, for the reader ("conv", "matmul", "elementwise", ...).
    """

    name = "dlp.fused"
    ins = var_operand_def()
    res = var_result_def()
    region = region_def("single_block")
    kind = opt_prop_def(StringAttr)
    """What the group grew around."""
    traits = traits_def(IsolatedFromAbove(), RecursiveMemoryEffect())
    assembly_format = "($kind^)? `ins` `(` ($ins^ `:` type($ins))? `)` `->` type($res) $region attr-dict"

    def __init__(
        self, ins: list[SSAValue], result_types: list[Attribute], region: Region, kind: str | None = None
    ) -> None:
        properties = {} if kind is None else {"kind": StringAttr(kind)}
        super().__init__(operands=[ins], result_types=[result_types], regions=[region], properties=properties)

    @property
    def body(self) -> Block:
        return self.region.block

    @property
    def yielded(self) -> tuple[SSAValue, ...]:
        return tuple(cast(YieldOp, self.body.last_op).arguments)

    def verify_(self) -> None:
        if [a.type for a in self.body.args] != [v.type for v in self.ins]:
            raise VerifyException("dlp.fused: the region's arguments do not have the types of the operands")
        if not isinstance(self.body.last_op, YieldOp):
            raise VerifyException("dlp.fused: the region must end in dlp.yield")
        if [v.type for v in self.yielded] != [r.type for r in self.res]:
            raise VerifyException("dlp.fused: the yielded types are not those of the results")


OPS = (WeightOp, YieldOp, FusedOp)
