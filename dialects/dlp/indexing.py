"""Indirect access."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import IntegerAttr, IntegerType
from xdsl.ir import Attribute
from xdsl.ir.affine import AffineExpr
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .structured import IterationSpace, Shape, ShapedValueType, StructuredOp, dims, shape_of


def _table_and_index(
    name: str, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
) -> tuple[Shape, Shape, int]:
    """The shapes of a table and of an index into it, and the dimension that is indexed.

    Raises:
        VerifyException: there is no such dimension, or the index holds no integers.
    """
    if len(ins) != 2:
        raise VerifyException(f"{name}: takes 2 operands, has {len(ins)}")
    table, index = shape_of(ins[0]), shape_of(ins[1])
    d = cast(IntegerAttr, properties["dimension"]).value.data
    if not 0 <= d < len(table):
        raise VerifyException(f"{name}: {d} is no dimension of operand 0 ({ins[0]})")
    if not isinstance(ins[1].element_type, IntegerType):
        raise VerifyException(f"{name}: operand 1 ({ins[1]}) must hold integers")
    return table, index, d


@irdl_op_definition
class GatherOp(StructuredOp):
    """result[a..., i..., b...] = table[a..., index[i...], b...], the index taking the place of `dimension`.

    Operand 0 is the table, operand 1 the index (integers, 0 <= index < size; the importer normalises negative ones).
    An embedding is a gather along dimension 0.
    """

    name = "dlp.gather"
    dimension = prop_def(IntegerAttr)
    """The dimension of the table that is indexed."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        table, index, d = _table_and_index(cls.name, ins, properties)
        return (*table[:d], *index, *table[d + 1 :]), ins[0].element_type

    def iteration_space(self) -> IterationSpace:
        d, rank = self.dimension.value.data, len(self.in_shape(1))
        all_dims = dims(len(self.shape))
        index_map = all_dims[d : d + rank]
        table_map = (*all_dims[:d], AffineExpr.symbol(1), *all_dims[d + rank :])
        return IterationSpace(self.shape, (), (table_map, index_map))

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return args[0]


@irdl_op_definition
class TakeAlongOp(StructuredOp):
    """result[a..., i, b...] = table[a..., index[a..., i, b...], b...]: along `dimension`, each row by its own index.

    Operand 0 is the table, operand 1 the index (integers, 0 <= index < size), which has the rank of the table and is
    not larger but along `dimension`; the result has the index's shape.
    """

    name = "dlp.take_along"
    dimension = prop_def(IntegerAttr)
    """The dimension of the table that is indexed."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        table, index, d = _table_and_index(cls.name, ins, properties)
        if len(index) != len(table) or any(
            k != d and -1 not in (i, n) and i > n for k, (i, n) in enumerate(zip(index, table, strict=True))
        ):
            raise VerifyException(f"dlp.take_along: operand 1 ({ins[1]}) is larger than operand 0 ({ins[0]})")
        return index, ins[0].element_type

    def iteration_space(self) -> IterationSpace:
        d, all_dims = self.dimension.value.data, dims(len(self.shape))
        table_map = (*all_dims[:d], AffineExpr.symbol(1), *all_dims[d + 1 :])
        return IterationSpace(self.shape, (), (table_map, all_dims))

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return args[0]


OPS = (GatherOp, TakeAlongOp)
