"""Structured ops: an iteration space, an index map for every operand, and a scalar body.

Everything that the passes need to know of a compute op follows from these three: the slices of its operands that a
tile of its result needs, whether a producer can be computed inside a consumer's tile, the loop nest, the vectorised
form, operation and byte counts, a reference. The result's index map is always the identity over the parallel
dimensions: an op that writes elsewhere writes through a view of its destination.

The idea is MLIR's (linalg's structured ops), carried by the dialect's own ops so that tiled IR still reads as the
network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    TensorType,
    UnitAttr,
    f64,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr, AffineSymExpr
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    opt_prop_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .dim import Dim, DimsAttr, Size, is_static

Shape: TypeAlias = tuple[int, ...]
"""Sizes; those that only a run knows are `Dim`s, which behave like numbers where that is safe (see `dim.py`)."""
ShapedValueType: TypeAlias = TensorType[Attribute] | MemRefType[Attribute]
OpT = TypeVar("OpT", bound=Operation)

NEUTRAL: Mapping[str, float] = {
    "add": 0.0,
    "mul": 1.0,
    "maximum": float("-inf"),
    "minimum": float("inf"),
    "or": 0,
    "and": 1,
}
"""Neutral element of every combiner, on floating-point numbers (`StructuredOp.neutral_value` knows the others)."""


@dataclass(frozen=True)
class IterationSpace:
    """The loops of a structured op.

    `parallel` are the sizes of the result's dimensions in the result's order, `reduction` those of the reduced
    dimensions behind them. `maps[i]` holds one affine expression for each dimension of operand i: dimension `d<k>` of
    the expression is the k-th of parallel + reduction; symbol `s<k>` is the value that operand k holds at this point
    of the iteration space (an indirect access, as of a gather).
    """

    parallel: Shape
    reduction: Shape
    maps: tuple[tuple[AffineExpr, ...], ...]

    @property
    def sizes(self) -> Shape:
        return self.parallel + self.reduction

    def depends(self, operand: int, dimension: int) -> bool:
        """Whether the operand's address changes along a dimension of the space."""
        return any(
            isinstance(e, AffineDimExpr) and e.position == dimension
            for expression in self.maps[operand]
            for e in expression.dfs()
        )

    def is_indirect(self, operand: int) -> bool:
        return any(isinstance(e, AffineSymExpr) for expr in self.maps[operand] for e in expr.dfs())


class _StructuredEffects(MemoryEffect):
    """Pure on tensors; on buffers reads the inputs and writes the destination."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        destination_op = cast(DestinationOp, op)
        effects = {EffectInstance(MemoryEffectKind.WRITE, out) for out in destination_op.outs}
        if destination_op.outs:
            effects |= {EffectInstance(MemoryEffectKind.READ, x) for x in destination_op.ins}
            if getattr(op, "accumulate", None) is not None:
                effects |= {EffectInstance(MemoryEffectKind.READ, x) for x in destination_op.outs}
        return effects


def shape_of(shaped: Attribute) -> Shape:
    """Shape of a tensor or buffer type; a size that only a run knows is a `Dim`, or -1 where nothing says which."""
    # Kept beside the type, which never changes: every pass asks, and a type's hash takes longer than its shape.
    beside = vars(shaped)
    known = beside.get(_SHAPE)
    if known is None:
        dims = dims_of(shaped)
        shape = cast(ShapedValueType, shaped).get_shape() if dims is None else ()
        known = tuple(max(n, -1) for n in shape) if dims is None else dims.get_sizes()
        beside[_SHAPE] = known
    return known


_SHAPE = "dlp.shape"


def dims_of(shaped: Attribute) -> DimsAttr | None:
    """What says which sizes the `?` of a type are."""
    found = shaped.encoding if isinstance(shaped, TensorType) else cast(Any, shaped).memory_space
    return found if isinstance(found, DimsAttr) else None


def tensor_of(element_type: Attribute, shape: Sequence[Size]) -> TensorType[Attribute]:
    """The type of a tensor; sizes may be `Dim`s, or -1."""
    if is_static(shape):
        return TensorType(element_type, [DYNAMIC_INDEX if n < 0 else cast(int, n) for n in shape])
    plain = [DYNAMIC_INDEX if isinstance(n, Dim) else n for n in shape]
    return TensorType(element_type, plain, DimsAttr.of(shape))


def attribute_of(value: Any) -> Attribute:
    """The attribute for a Python value: bool, int, float, str, a `Dim`, or a sequence of integers."""
    match value:
        case Attribute():
            return value
        case bool():
            return UnitAttr() if value else BoolAttr.from_bool(False)
        case int():
            return IntegerAttr(value, 64)
        case float():
            return FloatAttr(value, f64)
        case str():
            return StringAttr(value)
        case Dim():
            return DimsAttr.of([value])
        case _:
            items = list(value)
            if items and isinstance(items[0], Attribute):
                return ArrayAttr(items)
            return DenseArrayBase.from_list(i64, items)


class DestinationOp(IRDLOperation, ABC):
    """An op that computes a new tensor, or writes into the buffer that it is given.

    On tensors it has a result and no `outs`; after bufferisation one `outs` buffer and no result.
    """

    ins = var_operand_def()
    outs = var_operand_def()
    res = var_result_def()

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    traits = traits_def(_StructuredEffects())
    assembly_format: ClassVar[str | None] = (
        "`ins` `(` ($ins^ `:` type($ins))? `)` (`outs` `(` $outs^ `:` type($outs) `)`)? (`->` type($res)^)? attr-dict"
    )

    @classmethod
    @abstractmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        """Shape and element type of the result; None where the operands do not determine it.

        Raises:
            VerifyException: naming the operand that does not fit.
        """

    @classmethod
    def of(
        cls,
        *ins: SSAValue | Operation,
        out: SSAValue | None = None,
        shape: Sequence[int] | None = None,
        element_type: Attribute | None = None,
        **properties: Any,
    ) -> Self:
        """Build the op: on tensors with an inferred result, or into the buffer `out`.

        `properties` are Python values (see `attribute_of`); None and False are left out. `shape` and `element_type`
        are given where the operands do not determine them.
        """
        values = [SSAValue.get(x) for x in ins]
        attributes = {k: attribute_of(v) for k, v in properties.items() if v is not None and v is not False}
        if out is not None:
            return cls.build(operands=[values, [out]], result_types=[[]], properties=attributes)
        types = [cast(ShapedValueType, v.type) for v in values]
        inferred_shape, inferred_element = cls.infer(types, attributes)
        final_shape = inferred_shape if shape is None else tuple(shape)
        final_element = element_type or inferred_element
        if final_shape is None or final_element is None:
            raise ValueError(f"{cls.name}: the result's shape and element type must be given")
        result = tensor_of(final_element, final_shape)
        return cls.build(operands=[values, []], result_types=[[result]], properties=attributes)

    def on(
        self, ins: Sequence[SSAValue], out: SSAValue | None = None, result_type: Attribute | None = None
    ) -> Self:
        """The same op on other operands: on tiles of buffers when `out` is given, else on tensors."""
        properties = {k: v for k, v in self.properties.items() if k != "operandSegmentSizes"}
        types = [] if result_type is None else [result_type]
        outs = [] if out is None else [out]
        return type(self).build(operands=[list(ins), outs], result_types=[types], properties=properties)

    # By position, `ins` come first: the named segments take ten times as long, and every pass asks.

    @property
    def inputs(self) -> Sequence[SSAValue]:
        """What `ins` holds."""
        return self.operands if self.results else self.operands[:-1]

    @property
    def destination(self) -> SSAValue:
        """The result on tensors, else the buffer that is written."""
        return self.results[0] if self.results else self.operands[-1]

    @property
    def destination_type(self) -> ShapedValueType:
        return cast(ShapedValueType, self.destination.type)

    @property
    def shape(self) -> Shape:
        """Shape of the result or of the destination buffer."""
        return shape_of(self.destination_type)

    @property
    def element_type(self) -> Attribute:
        return self.destination_type.element_type

    @property
    def result(self) -> SSAValue:
        """The result on tensors."""
        return self.results[0]

    def in_type(self, i: int) -> ShapedValueType:
        return cast(ShapedValueType, self.operands[i].type)

    def in_shape(self, i: int) -> Shape:
        return shape_of(self.operands[i].type)

    def verify_(self) -> None:
        if len(self.outs) + len(self.res) != 1:
            raise VerifyException(
                f"{self.name}: needs exactly one of a result (on tensors) or an `outs` buffer"
            )
        for i, v in enumerate((*self.ins, *self.outs, *self.res)):
            if not isinstance(v.type, TensorType | MemRefType):
                raise VerifyException(
                    f"{self.name}: operand {i} ({_name(v)}) is {v.type}, not a tensor or memref"
                )
        shape, element = self.infer([cast(ShapedValueType, v.type) for v in self.ins], self.properties)
        target = self.outs[0] if self.outs else self.res[0]
        if shape is not None and not shapes_fit(shape, self.shape):
            raise VerifyException(
                f"{self.name}: the operands give a result of shape {_dims(shape)}, "
                f"but {_name(target)} is {target.type}"
            )
        if element is not None and element != self.element_type:
            raise VerifyException(
                f"{self.name}: the element type is {element}, but {_name(target)} is {target.type}"
            )


class StructuredOp(DestinationOp, ABC):
    """An op with an iteration space, index maps and a scalar body."""

    accumulate = opt_prop_def(UnitAttr)
    """Reductions: start from what `outs` holds instead of from the neutral element."""

    USES_INDEX: ClassVar[bool] = False
    """Whether the body asks for its place in the iteration space, which a tile does not know."""

    CHECKS: ClassVar[bool] = False
    """Whether the body checks its operands, and so has an effect beside its value: it is evaluated on scalars."""

    COMBINER: ClassVar[str | None] = None
    """How a reduction combines (a key of NEUTRAL); None for element-wise ops."""

    @abstractmethod
    def iteration_space(self) -> IterationSpace: ...

    @abstractmethod
    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        """The value of one point of the iteration space, from one value of each operand and the accumulator."""

    def dimension_names(self) -> tuple[str, ...]:
        """Names for the loops, parallel then reduction; they become the names of C's loop variables."""
        space = self.iteration_space()
        return tuple(f"i{k}" for k in range(len(space.parallel))) + tuple(
            f"r{k}" for k in range(len(space.reduction))
        )

    def on_tile(self, ins: Sequence[SSAValue], out: SSAValue) -> Self:
        """The same op on a tile of its result, the operands being the regions that the index maps give for it.

        Ops whose properties speak of positions in the whole operand override this.
        """
        return self.on(ins, out)

    def tile_runs(self) -> Mapping[int, int]:
        """Parallel dimensions that come in runs (of a group's channels, say): a tile has whole runs, or lies in one."""
        return {}

    @property
    def is_elementwise(self) -> bool:
        """Whether one point of the result needs one point of each operand (no reduction)."""
        return self.COMBINER is None

    def neutral_value(self) -> float | int:
        """What a reduction starts from; on integers the bounds of their type stand for the infinities."""
        assert self.COMBINER is not None
        element = self.element_type
        if not isinstance(element, IntegerType):
            return NEUTRAL[self.COMBINER]
        width = element.width.data
        lowest, highest = (0, 1) if width == 1 else (-(1 << width - 1), (1 << width - 1) - 1)
        bounds = {"maximum": lowest, "minimum": highest, "and": 1 if width == 1 else -1}
        return bounds[self.COMBINER] if self.COMBINER in bounds else int(NEUTRAL[self.COMBINER])

    def operation_count(self) -> int:
        """Body evaluations, a fused multiply-add counted as two."""
        return prod(self.iteration_space().sizes) * (
            2 if self.COMBINER == "add" and len(self.ins) == 2 else 1
        )


class TransformOp(StructuredOp, ABC):
    """A reduction whose results come by the run (see `tile_runs`), from one reading of the operand.

    A tile starts where a run does; the last run of a dimension may be a part of one.
    """

    @abstractmethod
    def transform(
        self, b: BodyBuilder, read: Callable[[tuple[int, ...]], Value]
    ) -> Mapping[tuple[int, ...], Value]:
        """All results of one run, by their place in it: `read` gives the operand at a place of the reduction."""


class DecomposableOp(DestinationOp, ABC):
    """A graph-level op that is defined by structured ops; the pass `decompose` replaces it by them."""

    @abstractmethod
    def decompose(self, b: GraphBuilder) -> SSAValue:
        """Emit the definition through `b` and return the value that replaces the result."""


SOURCE = "dlp.source"
"""Discardable attribute of an op: the line of the user's model that it came from, "file.py:12"."""


class GraphBuilder:
    """Emits ops before a given op, on the same line of the user's model, and hands back their results."""

    def __init__(self, anchor: Operation) -> None:
        self.anchor = anchor

    def __call__(self, op_class: type[DestinationOp], *ins: SSAValue, **arguments: Any) -> SSAValue:
        return self.insert(op_class.of(*ins, **arguments)).result

    def insert(self, op: OpT) -> OpT:
        """Put an op that was built elsewhere before the anchor."""
        source = self.anchor.attributes.get(SOURCE)
        if source is not None:
            op.attributes[SOURCE] = source
        block = self.anchor.parent
        assert block is not None
        block.insert_op_before(op, self.anchor)
        return op


def dims(n: int, start: int = 0) -> tuple[AffineExpr, ...]:
    """The dimensions d<start> .. d<start+n-1>."""
    return tuple(AffineExpr.dimension(start + i) for i in range(n))


def int_list(attribute: Attribute | None) -> tuple[int, ...]:
    """The integers of a DenseArray property."""
    assert isinstance(attribute, DenseArrayBase)
    return cast(tuple[int, ...], tuple(attribute.get_values()))


def int_of(attribute: Attribute) -> int:
    """The integer of an IntegerAttr property."""
    return cast(IntegerAttr, attribute).value.data


def broadcast_shapes(name: str, ins: Sequence[ShapedValueType]) -> Shape:
    """NumPy's broadcasting of the operands' shapes.

    Raises:
        VerifyException: naming the operand that does not broadcast with the ones before it.
    """
    shape: list[int] = []
    for k, t in enumerate(ins):
        other = list(shape_of(t))
        rank = max(len(shape), len(other))
        left, right = [1] * (rank - len(shape)) + shape, [1] * (rank - len(other)) + other
        for a, b in zip(left, right, strict=True):
            if a != b and 1 not in (a, b) and -1 not in (a, b):
                raise VerifyException(
                    f"{name}: operand {k} ({t}) does not broadcast with shape {_dims(shape)}"
                )
        shape = [b if a == 1 else a if b == 1 else max(a, b) for a, b in zip(left, right, strict=True)]
    return tuple(shape)


def broadcast_map(operand: Shape, result: Shape) -> tuple[AffineExpr, ...]:
    """Index map of an operand that is broadcast to the result's shape."""
    lead = len(result) - len(operand)
    return tuple(
        AffineExpr.constant(0) if n == 1 and result[lead + i] != 1 else AffineExpr.dimension(lead + i)
        for i, n in enumerate(operand)
    )


def shapes_fit(a: Shape, b: Shape) -> bool:
    """Whether two shapes are the same as far as they are known."""
    return len(a) == len(b) and all(x == y or -1 in (x, y) for x, y in zip(a, b, strict=True))


def _dims(shape: Sequence[int]) -> str:
    return "x".join("?" if n < 0 else str(n) for n in shape) or "()"


def _name(value: SSAValue) -> str:
    return (
        f"%{value.name_hint}"
        if value.name_hint
        else "the result"
        if not isinstance(value.owner, Operation)
        else f"a result of {value.owner.name}"
    )
