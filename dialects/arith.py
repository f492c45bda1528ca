"""The `arith` dialect with vectors: xDSL's, but for the operations that it defines on scalars only.

MLIR's comparisons, selection and casts work on vectors lane by lane, and a vector's condition is a vector of `i1`;
xDSL's do not verify there, and it has no `arith.remf`. The operations here keep xDSL's names, constructors and MLIR's
syntax, and a context made by dlp parses into them. Use this module wherever `xdsl.dialects.arith` would do:

    from dlp.dialects import arith
"""

from __future__ import annotations

import functools
from typing import ClassVar

from xdsl.dialects import arith as scalar
from xdsl.dialects.arith import (
    CMPF_COMPARISON_OPERATIONS,
    CMPI_COMPARISON_OPERATIONS,
    AddfOp,
    AddiOp,
    AddUIExtendedOp,
    AndIOp,
    BitcastOp,
    CeilDivSIOp,
    CeilDivUIOp,
    ConstantOp,
    DivfOp,
    DivSIOp,
    DivUIOp,
    ExtFOp,
    FastMathFlagsAttr,
    FloorDivSIOp,
    IntegerOverflowAttr,
    MaximumfOp,
    MaxnumfOp,
    MaxSIOp,
    MaxUIOp,
    MinimumfOp,
    MinnumfOp,
    MinSIOp,
    MinUIOp,
    MulfOp,
    MuliOp,
    MulSIExtendedOp,
    MulUIExtendedOp,
    NegfOp,
    OrIOp,
    RemSIOp,
    RemUIOp,
    ShLIOp,
    ShRSIOp,
    ShRUIOp,
    SubfOp,
    SubiOp,
    TruncFOp,
    XOrIOp,
    floatingPointLike,
    signlessIntegerLike,
)
from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, VectorType, i1
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.type import get_element_type_or_self, have_compatible_shape

__all__ = [
    "AddUIExtendedOp",
    "AddfOp",
    "AddiOp",
    "AndIOp",
    "Arith",
    "BitcastOp",
    "CeilDivSIOp",
    "CeilDivUIOp",
    "CmpfOp",
    "CmpiOp",
    "ConstantOp",
    "DivSIOp",
    "DivUIOp",
    "DivfOp",
    "ExtFOp",
    "ExtSIOp",
    "ExtUIOp",
    "FPToSIOp",
    "FPToUIOp",
    "FastMathFlagsAttr",
    "FloorDivSIOp",
    "IndexCastOp",
    "IntegerOverflowAttr",
    "MaxSIOp",
    "MaxUIOp",
    "MaximumfOp",
    "MaxnumfOp",
    "MinSIOp",
    "MinUIOp",
    "MinimumfOp",
    "MinnumfOp",
    "MulSIExtendedOp",
    "MulUIExtendedOp",
    "MulfOp",
    "MuliOp",
    "NegfOp",
    "OrIOp",
    "RemFOp",
    "RemSIOp",
    "RemUIOp",
    "SIToFPOp",
    "SelectOp",
    "ShLIOp",
    "ShRSIOp",
    "ShRUIOp",
    "SubfOp",
    "SubiOp",
    "TruncFOp",
    "TruncIOp",
    "UIToFPOp",
    "XOrIOp",
    "truth_type",
]


def truth_type(operand_type: Attribute) -> Attribute:
    """Type of a comparison's result: `i1`, or a vector of `i1` as long as the operands."""
    if isinstance(operand_type, VectorType):
        return vector_of(i1, operand_type.get_shape())
    return i1


@functools.cache
def vector_of(element: Attribute, shape: tuple[int, ...]) -> VectorType[Attribute]:
    """The type of a vector, built once: every operation on vectors has one."""
    return VectorType(element, shape)


class _Compare(IRDLOperation):
    """What the two comparisons share: `arith.cmpf ogt, %a, %b : vector<8xf32>`."""

    PREDICATES: ClassVar[tuple[str, ...]] = ()

    predicate = prop_def(IntegerAttr)
    result = result_def(AnyAttr())

    def _verify(self) -> None:
        if self.results[0].type != truth_type(self.operands[0].type):
            raise VerifyException(f"the result must be {truth_type(self.operands[0].type)}")

    @classmethod
    def _predicate_number(cls, predicate: int | str) -> int:
        if isinstance(predicate, int):
            return predicate
        if predicate not in cls.PREDICATES:
            raise VerifyException(f"unknown predicate '{predicate}', not one of {', '.join(cls.PREDICATES)}")
        return cls.PREDICATES.index(predicate)

    @classmethod
    def _parse_operands(cls, parser: Parser) -> tuple[str, SSAValue, SSAValue]:
        predicate = parser.parse_identifier()
        parser.parse_punctuation(",")
        a = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        b = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        lhs, rhs = parser.resolve_operands([a, b], [type_, type_], parser.pos)
        return predicate, lhs, rhs

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.PREDICATES[self.predicate.value.data]}, ")
        printer.print_ssa_value(self.operands[0])
        printer.print_string(", ")
        printer.print_ssa_value(self.operands[1])
        printer.print_string(" : ")
        printer.print_attribute(self.operands[0].type)


@irdl_op_definition
class CmpfOp(_Compare):
    """`arith.cmpf` on scalars and vectors; unordered predicates (`ult`, `une` ...) hold where an operand is NaN."""

    name = "arith.cmpf"
    PREDICATES: ClassVar[tuple[str, ...]] = tuple(CMPF_COMPARISON_OPERATIONS)
    T: ClassVar = VarConstraint("T", floatingPointLike)

    lhs = operand_def(T)
    rhs = operand_def(T)
    fastmath = prop_def(FastMathFlagsAttr, default_value=FastMathFlagsAttr("none"))

    traits = traits_def(Pure())

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation, predicate: int | str) -> None:
        lhs = SSAValue.get(lhs)
        number = IntegerAttr(self._predicate_number(predicate), 64)
        super().__init__(
            operands=[lhs, rhs], result_types=[truth_type(lhs.type)], properties={"predicate": number}
        )

    def verify_(self) -> None:
        self._verify()

    @classmethod
    def parse(cls, parser: Parser) -> CmpfOp:
        predicate, lhs, rhs = cls._parse_operands(parser)
        return cls(lhs, rhs, predicate)


@irdl_op_definition
class CmpiOp(_Compare):
    """`arith.cmpi` on integers, indices and vectors of them."""

    name = "arith.cmpi"
    PREDICATES: ClassVar[tuple[str, ...]] = tuple(CMPI_COMPARISON_OPERATIONS)
    T: ClassVar = VarConstraint("T", signlessIntegerLike)

    lhs = operand_def(T)
    rhs = operand_def(T)

    traits = traits_def(Pure())

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation, predicate: int | str) -> None:
        lhs = SSAValue.get(lhs)
        number = IntegerAttr(self._predicate_number(predicate), 64)
        super().__init__(
            operands=[lhs, rhs], result_types=[truth_type(lhs.type)], properties={"predicate": number}
        )

    def verify_(self) -> None:
        self._verify()

    @classmethod
    def parse(cls, parser: Parser) -> CmpiOp:
        predicate, lhs, rhs = cls._parse_operands(parser)
        return cls(lhs, rhs, predicate)


@irdl_op_definition
class SelectOp(IRDLOperation):
    """`arith.select`: the condition is an `i1` for all, or a vector of `i1` that chooses lane by lane."""

    name = "arith.select"
    T: ClassVar = VarConstraint("T", AnyAttr())

    cond = operand_def(AnyAttr())
    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(T)

    traits = traits_def(Pure())

    def __init__(
        self, cond: SSAValue | Operation, lhs: SSAValue | Operation, rhs: SSAValue | Operation
    ) -> None:
        lhs = SSAValue.get(lhs)
        super().__init__(operands=[cond, lhs, rhs], result_types=[lhs.type])

    def verify_(self) -> None:
        if self.cond.type not in (i1, truth_type(self.lhs.type)):
            raise VerifyException(f"the condition must be i1 or {truth_type(self.lhs.type)}")

    @classmethod
    def parse(cls, parser: Parser) -> SelectOp:
        names = [parser.parse_unresolved_operand()]
        for _ in range(2):
            parser.parse_punctuation(",")
            names.append(parser.parse_unresolved_operand())
        parser.parse_punctuation(":")
        types = [parser.parse_type()]
        if parser.parse_optional_punctuation(","):
            types.append(parser.parse_type())
        condition = types[0] if len(types) == 2 else i1
        return cls(*parser.resolve_operands(names, [condition, types[-1], types[-1]], parser.pos))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_string(" : ")
        if self.cond.type != i1:
            printer.print_attribute(self.cond.type)
            printer.print_string(", ")
        printer.print_attribute(self.lhs.type)


@irdl_op_definition
class RemFOp(IRDLOperation):
    """`arith.remf`: the remainder of the truncated quotient, with the sign of the dividend."""

    name = "arith.remf"
    T: ClassVar = VarConstraint("T", floatingPointLike)

    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(T)
    fastmath = prop_def(FastMathFlagsAttr, default_value=FastMathFlagsAttr("none"))

    traits = traits_def(Pure())
    assembly_format = "$lhs `,` $rhs (`fastmath` `` $fastmath^)? attr-dict `:` type($result)"

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation) -> None:
        lhs = SSAValue.get(lhs)
        super().__init__(operands=[lhs, rhs], result_types=[lhs.type])


class _Cast(IRDLOperation):
    """What the casts share: `arith.sitofp %a : vector<8xi32> to vector<8xf32>`."""

    traits = traits_def(Pure())

    def __init__(self, value: SSAValue | Operation, target_type: Attribute) -> None:
        super().__init__(operands=[value], result_types=[target_type])

    def _verify(self) -> None:
        before, after = self.operands[0].type, self.results[0].type
        if isinstance(before, VectorType) != isinstance(after, VectorType) or not have_compatible_shape(
            before, after
        ):
            raise VerifyException(f"{before} and {after} have different shapes")


@irdl_op_definition
class FPToSIOp(_Cast):
    """`arith.fptosi`: truncates towards zero."""

    name = "arith.fptosi"
    input = operand_def(floatingPointLike)
    result = result_def(signlessIntegerLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()


@irdl_op_definition
class FPToUIOp(_Cast):
    """`arith.fptoui`: truncates towards zero."""

    name = "arith.fptoui"
    input = operand_def(floatingPointLike)
    result = result_def(signlessIntegerLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()


@irdl_op_definition
class SIToFPOp(_Cast):
    """`arith.sitofp`"""

    name = "arith.sitofp"
    input = operand_def(signlessIntegerLike)
    result = result_def(floatingPointLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()


@irdl_op_definition
class UIToFPOp(_Cast):
    """`arith.uitofp`; a truth value becomes 0 or 1."""

    name = "arith.uitofp"
    input = operand_def(signlessIntegerLike)
    result = result_def(floatingPointLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()


@irdl_op_definition
class TruncIOp(_Cast):
    """`arith.trunci`: the low bits."""

    name = "arith.trunci"
    input = operand_def(signlessIntegerLike)
    result = result_def(signlessIntegerLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()
        if _width(self.input) <= _width(self.result):
            raise VerifyException("the result must be narrower than the operand")


@irdl_op_definition
class ExtSIOp(_Cast):
    """`arith.extsi`: repeats the sign."""

    name = "arith.extsi"
    input = operand_def(signlessIntegerLike)
    result = result_def(signlessIntegerLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()
        if _width(self.input) >= _width(self.result):
            raise VerifyException("the result must be wider than the operand")


@irdl_op_definition
class ExtUIOp(_Cast):
    """`arith.extui`: fills with zeros."""

    name = "arith.extui"
    input = operand_def(signlessIntegerLike)
    result = result_def(signlessIntegerLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()
        if _width(self.input) >= _width(self.result):
            raise VerifyException("the result must be wider than the operand")


@irdl_op_definition
class IndexCastOp(_Cast):
    """`arith.index_cast` between integers and index."""

    name = "arith.index_cast"
    input = operand_def(signlessIntegerLike)
    result = result_def(signlessIntegerLike)
    assembly_format = "$input attr-dict `:` type($input) `to` type($result)"

    def verify_(self) -> None:
        self._verify()
        types = (get_element_type_or_self(value.type) for value in (self.input, self.result))
        if sum(isinstance(type_, IndexType) for type_ in types) != 1:
            raise VerifyException("one of operand and result must be of index type, the other one not")


def _width(value: SSAValue) -> int:
    type_ = get_element_type_or_self(value.type)
    return type_.width.data if isinstance(type_, IntegerType) else 64


_OWN: dict[str, type[Operation]] = {
    op.name: op
    for op in (
        CmpfOp,
        CmpiOp,
        SelectOp,
        RemFOp,
        FPToSIOp,
        FPToUIOp,
        SIToFPOp,
        UIToFPOp,
        TruncIOp,
        ExtSIOp,
        ExtUIOp,
        IndexCastOp,
    )
}

Arith = Dialect(
    "arith",
    [*(_OWN.get(op.name, op) for op in scalar.Arith.operations), RemFOp],
    list(scalar.Arith.attributes),
    list(scalar.Arith._interfaces),  # xDSL offers no public way to all of them
)
