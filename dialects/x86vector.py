"""MLIR's `x86vector` dialect, as far as dlp writes it: instructions of AVX-512 that C's operators cannot say."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import Float32Type, IntegerType, VectorType, i32
from xdsl.ir import Attribute, Dialect
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

CURRENT_ROUNDING = 4
"""`rounding` that leaves the mode as it is set."""


@irdl_op_definition
class MaskScaleFOp(IRDLOperation):
    """a * 2**floor(b) where a bit of `k` is set, the lane of `src` elsewhere; rounded once, denormals included.

    Syntax and meaning are those of MLIR, for 16 lanes of f32:
    `%r = x86vector.avx512.mask.scalef %src, %a, %b, %k, %rounding : vector<16xf32>`. `k` is an i16 with a bit for each
    lane, `rounding` an i32 constant.
    """

    name = "x86vector.avx512.mask.scalef"

    T: ClassVar = VarConstraint("T", AnyAttr())
    src = operand_def(T)
    a = operand_def(T)
    b = operand_def(T)
    k = operand_def(IntegerType(16))
    rounding = operand_def(i32)
    dst = result_def(T)

    traits = traits_def(Pure())
    assembly_format = "$src `,` $a `,` $b `,` $k `,` $rounding attr-dict `:` type($dst)"

    def verify_(self) -> None:
        type_: Attribute = self.dst.type
        if not isinstance(type_, VectorType) or type_.get_shape() != (16,):
            raise VerifyException(f"expected a vector of 16 lanes, not {type_}")
        if not isinstance(type_.element_type, Float32Type):
            raise VerifyException(f"expected lanes of f32, not {type_.element_type}")


X86Vector = Dialect("x86vector", [MaskScaleFOp])
