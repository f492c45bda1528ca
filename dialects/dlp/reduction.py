"""Reductions over whole dimensions and over windows (pooling)."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, UnitAttr
from xdsl.ir import Attribute
from xdsl.ir.affine import AffineExpr
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .contraction import SPATIAL_NAMES, window_index, window_output
from .structured import IterationSpace, Shape, ShapedValueType, StructuredOp, dims, int_list, shape_of


class ReduceOp(StructuredOp, ABC):
    """Combines the elements along the dimensions `dims`, which stay as dimensions of size 1.

    Keeping them makes the result broadcast against the operand; a `dlp.reshape` drops them where the framework does.
    """

    dims = prop_def(DenseArrayBase)
    """The dimensions to reduce, ascending."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 1:
            raise VerifyException(f"{cls.name}: takes 1 operand, has {len(ins)}")
        reduced = set(int_list(properties["dims"]))
        shape = shape_of(ins[0])
        if any(d < 0 or d >= len(shape) for d in reduced):
            raise VerifyException(
                f"{cls.name}: dims {sorted(reduced)} are not dimensions of operand 0 ({ins[0]})"
            )
        return tuple(1 if d in reduced else n for d, n in enumerate(shape)), ins[0].element_type

    def iteration_space(self) -> IterationSpace:
        shape, source = self.shape, self.in_shape(0)
        reduced = sorted(set(int_list(self.dims)))
        inner = {d: AffineExpr.dimension(len(shape) + k) for k, d in enumerate(reduced)}
        maps = (tuple(inner.get(d, AffineExpr.dimension(d)) for d in range(len(shape))),)
        return IterationSpace(shape, tuple(source[d] for d in reduced), maps)


class PoolOp(StructuredOp, ABC):
    """Combines a sliding window over the spatial dimensions, without padding (`dlp.pad` does that).

    x is [n, c, s...] ("channels_first") or [n, s..., c] ("channels_last"); the result has the same layout.
    """

    layout = prop_def(StringAttr)
    """"channels_first" or "channels_last": where the operands have their channels."""
    kernel = prop_def(DenseArrayBase)
    """Size of the window along each spatial dimension."""
    strides = prop_def(DenseArrayBase)
    """Step of the window along each spatial dimension."""
    dilations = prop_def(DenseArrayBase)
    """Distance of the window's elements along each spatial dimension."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 1:
            raise VerifyException(f"{cls.name}: takes 1 operand, has {len(ins)}")
        kernel, strides, dilations = (int_list(properties[p]) for p in ("kernel", "strides", "dilations"))
        layout = cast(StringAttr, properties["layout"]).data
        if layout not in ("channels_first", "channels_last"):
            raise VerifyException(f'{cls.name}: layout "{layout}" is not "channels_first" or "channels_last"')
        x = shape_of(ins[0])
        if not len(kernel) == len(strides) == len(dilations) == len(x) - 2:
            raise VerifyException(
                f"{cls.name}: kernel, strides and dilations do not fit operand 0 ({ins[0]})"
            )
        last = layout == "channels_last"
        out = window_output(x[1:-1] if last else x[2:], kernel, strides, dilations)
        if any(o < 1 and o != -1 for o in out):
            raise VerifyException(f"{cls.name}: operand 0 ({ins[0]}) is smaller than the window {kernel}")
        return (x[0], *out, x[-1]) if last else (x[0], x[1], *out), ins[0].element_type

    @property
    def channels_last(self) -> bool:
        return self.layout.data == "channels_last"

    def iteration_space(self) -> IterationSpace:
        shape, kernel = self.shape, int_list(self.kernel)
        rank = len(shape)
        d = dims(rank + len(kernel))
        place = d[1:-1][: len(kernel)] if self.channels_last else d[2:rank]
        window = d[rank:]
        at = tuple(
            window_index(p, k, s, e)
            for p, k, s, e in zip(
                place, window, int_list(self.strides), int_list(self.dilations), strict=True
            )
        )
        x_map = (d[0], *at, d[rank - 1]) if self.channels_last else (d[0], d[1], *at)
        return IterationSpace(shape, kernel, (x_map,))

    def dimension_names(self) -> tuple[str, ...]:
        names = SPATIAL_NAMES[len(self.shape) - 2]
        return (("n", *names, "c") if self.channels_last else ("n", "c", *names)) + tuple(
            f"k{s}" for s in names
        )


@irdl_op_definition
class SumOp(ReduceOp):
    """Sum of the elements along `dims`, which stay as dimensions of size 1."""

    name = "dlp.sum"
    COMBINER: ClassVar[str | None] = "add"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.add(acc, args[0])


@irdl_op_definition
class ProdOp(ReduceOp):
    """Product of the elements along `dims`, which stay as dimensions of size 1."""

    name = "dlp.prod"
    COMBINER: ClassVar[str | None] = "mul"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.mul(acc, args[0])


@irdl_op_definition
class MaxOp(ReduceOp):
    """Largest element; NaN where there is one."""

    name = "dlp.max"
    COMBINER: ClassVar[str | None] = "maximum"

    loose = opt_prop_def(UnitAttr)
    """Elements that are NaN may be passed over, and zeros have any sign: enough for what is subtracted in a softmax."""

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        if self.loose is not None:
            return b.select(b.compare("gt", args[0], acc), args[0], acc)
        return b.maximum(acc, args[0])


@irdl_op_definition
class MinOp(ReduceOp):
    """Smallest element; NaN where there is one."""

    name = "dlp.min"
    COMBINER: ClassVar[str | None] = "minimum"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.minimum(acc, args[0])


@irdl_op_definition
class AnyOp(ReduceOp):
    """Logical or of i1 elements."""

    name = "dlp.any"
    COMBINER: ClassVar[str | None] = "or"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.or_(acc, args[0])


@irdl_op_definition
class AllOp(ReduceOp):
    """Logical and of i1 elements."""

    name = "dlp.all"
    COMBINER: ClassVar[str | None] = "and"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.and_(acc, args[0])


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """Largest element of each window; NaN where there is one."""

    name = "dlp.max_pool"
    COMBINER: ClassVar[str | None] = "maximum"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.maximum(acc, args[0])


@irdl_op_definition
class SumPoolOp(PoolOp):
    """Sum of each window; an average pool multiplies it by the inverse count."""

    name = "dlp.sum_pool"
    COMBINER: ClassVar[str | None] = "add"

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.add(acc, args[0])


OPS = (SumOp, ProdOp, MaxOp, MinOp, AnyOp, AllOp, MaxPoolOp, SumPoolOp)
