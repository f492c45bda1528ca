"""The `memref` dialect with `memref.prefetch`, which xDSL's lacks; the rest of the dialect is xDSL's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import I32, BoolAttr, IndexType, IntegerAttr, MemRefType, i32
from xdsl.ir import Attribute, Dialect, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """Asks for the cache line of an element, which will be needed soon; computes nothing.

    `locality` is 0 for what is used once, up to 3 for what should stay in the nearest cache. Syntax and meaning are
    those of MLIR: `memref.prefetch %w[%i, %j], read, locality<2>, data : memref<8x16xf32>`.
    """

    name = "memref.prefetch"

    memref = operand_def(MemRefType)
    indices = var_operand_def(IndexType())
    is_write = prop_def(BoolAttr, prop_name="isWrite")
    locality_hint = prop_def(IntegerAttr[I32], prop_name="localityHint")
    is_data_cache = prop_def(BoolAttr, prop_name="isDataCache")

    @classmethod
    def of(cls, buffer: SSAValue, indices: Sequence[SSAValue], locality: int) -> PrefetchOp:
        """A prefetch of data that will be read."""
        properties = _properties(write=False, locality=locality, data=True)
        return cls(operands=[buffer, indices], properties=properties)

    @property
    def locality(self) -> int:
        return self.locality_hint.value.data

    def verify_(self) -> None:
        if len(self.indices) != cast("MemRefType[Attribute]", self.memref.type).get_num_dims():
            raise VerifyException("expected an index for each dimension")
        if not 0 <= self.locality <= 3:
            raise VerifyException(f"expected a locality of 0 to 3, not {self.locality}")

    @classmethod
    def parse(cls, parser: Parser) -> PrefetchOp:
        buffer = parser.parse_unresolved_operand()
        indices = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_unresolved_operand)
        parser.parse_punctuation(",")
        write = _one_of(parser, "write", "read")
        parser.parse_punctuation(",")
        parser.parse_keyword("locality")
        parser.parse_punctuation("<")
        locality = parser.parse_integer()
        parser.parse_punctuation(">")
        parser.parse_punctuation(",")
        data = _one_of(parser, "data", "instr")
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        op = cls(
            operands=[
                parser.resolve_operand(buffer, type_),
                [parser.resolve_operand(index, IndexType()) for index in indices],
            ],
            properties=_properties(write=write, locality=locality, data=data),
        )
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.memref)
        printer.print_string("[")
        printer.print_list(self.indices, printer.print_operand)
        access = "write" if self.is_write.value.data else "read"
        cache = "data" if self.is_data_cache.value.data else "instr"
        printer.print_string(f"], {access}, locality<{self.locality}>, {cache}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.memref.type)


def _properties(*, write: bool, locality: int, data: bool) -> dict[str, Attribute]:
    return {
        "isWrite": BoolAttr.from_bool(write),
        "localityHint": IntegerAttr(locality, i32),
        "isDataCache": BoolAttr.from_bool(data),
    }


def _one_of(parser: Parser, first: str, second: str) -> bool:
    """Whether it is the first of two keywords."""
    if parser.parse_optional_keyword(first):
        return True
    parser.parse_keyword(second)
    return False


MemRef = Dialect(
    "memref",
    [*memref.MemRef.operations, PrefetchOp],
    list(memref.MemRef.attributes),
    list(memref.MemRef._interfaces),
)
