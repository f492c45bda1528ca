"""Views: ops that only say where an element lies.

A `ViewOp` is a structured op whose body hands its operand through, so that it can be fused like any other; where the
source's strides allow it, bufferisation makes it a `memref` view instead and nothing is copied. `dlp.pad` and
`dlp.concat` are views of their *destination*: their producers write into parts of the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Self, TypeAlias, cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineExpr
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .dim import known_not_below
from .structured import (
    DestinationOp,
    IterationSpace,
    Shape,
    ShapedValueType,
    StructuredOp,
    broadcast_map,
    dims,
    int_list,
    shape_of,
)

Layout: TypeAlias = tuple[int, tuple[int, ...]]
"""Offset and strides of a buffer, in elements."""


class ViewOp(StructuredOp, ABC):
    """result[d...] = operand 0[map(d...)]."""

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return args[0]

    @abstractmethod
    def relayout(self, source: Layout) -> Layout | None:
        """Offset and strides of the result as a view of a source with these; None where that needs a copy."""


def _one_operand(name: str, ins: Sequence[ShapedValueType]) -> Shape:
    if len(ins) != 1:
        raise VerifyException(f"{name}: takes 1 operand, has {len(ins)}")
    return shape_of(ins[0])


@irdl_op_definition
class CopyOp(ViewOp):
    """The same elements in a buffer of their own."""

    name = "dlp.copy"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        return _one_operand(cls.name, ins), ins[0].element_type

    def iteration_space(self) -> IterationSpace:
        return IterationSpace(self.shape, (), (dims(len(self.shape)),))

    def relayout(self, source: Layout) -> Layout | None:
        return None


@irdl_op_definition
class TransposeOp(ViewOp):
    """Dimension i of the result is dimension `permutation[i]` of the operand."""

    name = "dlp.transpose"
    permutation = prop_def(DenseArrayBase)
    """For each dimension of the result that of the operand."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        shape = _one_operand(cls.name, ins)
        permutation = int_list(properties["permutation"])
        if sorted(permutation) != list(range(len(shape))):
            raise VerifyException(
                f"dlp.transpose: {list(permutation)} is no permutation of the dimensions of operand 0 ({ins[0]})"
            )
        return tuple(shape[p] for p in permutation), ins[0].element_type

    @property
    def order(self) -> tuple[int, ...]:
        return int_list(self.permutation)

    def iteration_space(self) -> IterationSpace:
        inverse = {p: AffineExpr.dimension(i) for i, p in enumerate(self.order)}
        return IterationSpace(self.shape, (), (tuple(inverse[k] for k in range(len(inverse))),))

    def relayout(self, source: Layout) -> Layout | None:
        offset, strides = source
        return offset, tuple(strides[p] for p in self.order)


@irdl_op_definition
class ReshapeOp(ViewOp):
    """The elements in row-major order under another shape of the same size."""

    name = "dlp.reshape"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        _one_operand(cls.name, ins)
        return None, ins[0].element_type

    def verify_(self) -> None:
        super().verify_()
        if -1 not in (*self.shape, *self.in_shape(0)) and prod(self.shape) != prod(self.in_shape(0)):
            raise VerifyException(
                f"dlp.reshape: operand 0 ({self.ins[0].type}) and {self.destination_type} differ in size"
            )

    def iteration_space(self) -> IterationSpace:
        """Maps each group of dimensions that the two shapes split differently through its linear index."""
        maps: list[AffineExpr] = []
        for source_dims, result_dims in reshape_groups(self.in_shape(0), self.shape):
            if not source_dims:
                continue
            linear: AffineExpr | None = None
            for d in result_dims:
                step = prod(self.shape[result_dims[0] : result_dims[-1] + 1][d - result_dims[0] + 1 :])
                if self.shape[d] == 1:
                    continue
                term = AffineExpr.dimension(d) * step if step != 1 else AffineExpr.dimension(d)
                linear = term if linear is None else linear + term
            rest = prod(self.in_shape(0)[d] for d in source_dims)
            leading = True
            for d in source_dims:
                n = self.in_shape(0)[d]
                rest //= n
                if n == 1 or linear is None:
                    maps.append(AffineExpr.constant(0))
                    continue
                e = linear // rest if rest != 1 else linear
                maps.append(e if leading else e % n)
                leading = False
        return IterationSpace(self.shape, (), (tuple(maps),))

    def relayout(self, source: Layout) -> Layout | None:
        offset, strides = source
        shape = self.in_shape(0)
        result = [0] * len(self.shape)
        for source_dims, result_dims in reshape_groups(shape, self.shape):
            walk = [d for d in source_dims if shape[d] != 1]
            for outer, inner in pairwise(walk):
                if strides[outer] != strides[inner] * shape[inner]:
                    return None
            step = strides[walk[-1]] if walk else 1
            for d in reversed(result_dims):
                result[d] = step
                step *= self.shape[d]
        return offset, tuple(result)


def reshape_groups(source: Shape, result: Shape) -> list[tuple[list[int], list[int]]]:
    """Cut two shapes of one size into the finest runs of dimensions with equal products, in order."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(source) or j < len(result):
        left, right = [], []
        size_left = size_right = 1
        if i < len(source):
            left.append(i)
            size_left = source[i]
            i += 1
        if j < len(result) and (size_left != 1 or not left or result[j] == 1):
            right.append(j)
            size_right = result[j]
            j += 1
        while size_left != size_right:
            # Of sizes that may be equal the one that is never larger grows.
            if known_not_below(size_right, size_left) or size_left < size_right:
                left.append(i)
                size_left *= source[i]
                i += 1
            else:
                right.append(j)
                size_right *= result[j]
                j += 1
        groups.append((left, right))
    return groups


@irdl_op_definition
class SliceOp(ViewOp):
    """result[d...] = operand[offset + d * step ...]; a negative step walks backwards."""

    name = "dlp.slice"
    offsets = prop_def(DenseArrayBase)
    """Index of the first element in each dimension."""
    steps = prop_def(DenseArrayBase)
    """Distance of the elements in each dimension; may be negative."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        shape = _one_operand(cls.name, ins)
        if not len(shape) == len(int_list(properties["offsets"])) == len(int_list(properties["steps"])):
            raise VerifyException(f"dlp.slice: offsets and steps do not fit operand 0 ({ins[0]})")
        return None, ins[0].element_type

    def verify_(self) -> None:
        super().verify_()
        source = self.in_shape(0)
        if len(source) != len(self.shape):
            raise VerifyException(
                f"dlp.slice: operand 0 ({self.ins[0].type}) and {self.destination_type} differ in rank"
            )
        for d, (o, s, n, m) in enumerate(
            zip(int_list(self.offsets), int_list(self.steps), self.shape, source, strict=True)
        ):
            last = o + (n - 1) * s
            if -1 not in (n, m) and n > 0 and not (0 <= o < m and 0 <= last < m):
                raise VerifyException(
                    f"dlp.slice: dimension {d} reads {o} to {last} of operand 0 ({self.ins[0].type})"
                )

    def iteration_space(self) -> IterationSpace:
        maps = tuple(
            d * s + o if s != 1 else d + o if o else d
            for d, o, s in zip(
                dims(len(self.shape)), int_list(self.offsets), int_list(self.steps), strict=True
            )
        )
        return IterationSpace(self.shape, (), (maps,))

    def on_tile(self, ins: Sequence[SSAValue], out: SSAValue) -> Self:
        tile = self.on(ins, out)
        # The operand is the region that is read: it starts at its first element, or its last when walking backwards.
        steps = int_list(self.steps)
        starts = [-s * (n - 1) if s < 0 else 0 for s, n in zip(steps, tile.shape, strict=True)]
        tile.properties["offsets"] = DenseArrayBase.from_list(i64, starts)
        return tile

    def relayout(self, source: Layout) -> Layout | None:
        offset, strides = source
        steps = int_list(self.steps)
        if any(s < 0 for s in steps):
            return None
        offset += sum(o * s for o, s in zip(int_list(self.offsets), strides, strict=True))
        return offset, tuple(s * t for s, t in zip(strides, steps, strict=True))


@irdl_op_definition
class BroadcastOp(ViewOp):
    """The operand repeated along new or size-1 dimensions, by NumPy's rule."""

    name = "dlp.broadcast"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        _one_operand(cls.name, ins)
        return None, ins[0].element_type

    def verify_(self) -> None:
        super().verify_()
        source = self.in_shape(0)
        tail = self.shape[len(self.shape) - len(source) :]
        if len(source) > len(self.shape) or any(
            m not in (1, n, -1) and n != -1 for m, n in zip(source, tail, strict=True)
        ):
            raise VerifyException(
                f"dlp.broadcast: operand 0 ({self.ins[0].type}) does not broadcast to {self.destination_type}"
            )

    def iteration_space(self) -> IterationSpace:
        return IterationSpace(self.shape, (), (broadcast_map(self.in_shape(0), self.shape),))

    def relayout(self, source: Layout) -> Layout | None:
        offset, strides = source
        lead = len(self.shape) - len(strides)
        kept = tuple(
            0 if m == 1 and n != 1 else s
            for s, m, n in zip(strides, self.in_shape(0), self.shape[lead:], strict=True)
        )
        return offset, (0,) * lead + kept


@irdl_op_definition
class PadOp(DestinationOp):
    """The operand inside a frame of `value`: `low[d]` elements before and `high[d]` behind dimension d.

    A view of the destination: the operand's producer writes into the interior, the frame is filled.
    """

    name = "dlp.pad"
    low = prop_def(DenseArrayBase)
    """Elements before, for each dimension."""
    high = prop_def(DenseArrayBase)
    """Elements behind, for each dimension."""
    value = prop_def(Attribute)
    """What the frame holds."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        shape = _one_operand(cls.name, ins)
        low, high = int_list(properties["low"]), int_list(properties["high"])
        if not len(low) == len(high) == len(shape):
            raise VerifyException(f"dlp.pad: low and high do not fit operand 0 ({ins[0]})")
        if min((*low, *high), default=0) < 0:
            raise VerifyException("dlp.pad: low and high must not be negative (a slice crops)")
        return tuple(n if n == -1 else n + a + b for n, a, b in zip(shape, low, high, strict=True)), ins[
            0
        ].element_type


@irdl_op_definition
class ConcatOp(DestinationOp):
    """The operands one after the other along `dimension`; their producers write into parts of the result."""

    name = "dlp.concat"
    dimension = prop_def(IntegerAttr)
    """The dimension along which the operands follow each other."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if not ins:
            raise VerifyException("dlp.concat: takes at least 1 operand")
        d = cast(IntegerAttr, properties["dimension"]).value.data
        first = list(shape_of(ins[0]))
        if not 0 <= d < len(first):
            raise VerifyException(f"dlp.concat: {d} is no dimension of operand 0 ({ins[0]})")
        total = 0
        for k, t in enumerate(ins):
            shape = list(shape_of(t))
            if t.element_type != ins[0].element_type or len(shape) != len(first):
                raise VerifyException(f"dlp.concat: operand {k} ({t}) does not fit operand 0 ({ins[0]})")
            if any(
                a != b and -1 not in (a, b)
                for i, (a, b) in enumerate(zip(shape, first, strict=True))
                if i != d
            ):
                raise VerifyException(f"dlp.concat: operand {k} ({t}) does not fit operand 0 ({ins[0]})")
            total = -1 if -1 in (total, shape[d]) else total + shape[d]
        return (*first[:d], total, *first[d + 1 :]), ins[0].element_type

    @property
    def axis(self) -> int:
        return self.dimension.value.data


OPS = (CopyOp, TransposeOp, ReshapeOp, SliceOp, BroadcastOp, PadOp, ConcatOp)
