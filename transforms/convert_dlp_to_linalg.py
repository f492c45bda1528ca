"""Structured ops as `linalg.generic`: what upstream tools can check and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from xdsl.context import Context
from xdsl.dialects import memref, tensor
from xdsl.dialects.builtin import AffineMapAttr, IndexType, IntegerAttr, MemRefType, ModuleOp, TensorType, i64
from xdsl.dialects.linalg.attrs import IteratorType, IteratorTypeAttr
from xdsl.dialects.linalg.ops import FillOp, GenericOp, IndexOp, YieldOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from dlp.dialects import arith
from dlp.dialects.dlp.elementwise import scalar_value
from dlp.dialects.dlp.structured import (
    DestinationOp,
    IterationSpace,
    Shape,
    StructuredOp,
    dims,
    int_list,
    shape_of,
)
from dlp.dialects.dlp.view import ConcatOp, PadOp, SliceOp
from dlp.errors import PassError
from dlp.rewriting import apply_patterns
from dlp.tiling.arith_builder import ArithBuilder

_Add: TypeAlias = Callable[[Operation], Operation]


@dataclass(frozen=True)
class ConvertDlpToLinalg(ModulePass):
    """Turn every structured op, on tensors or on buffers, into `linalg.generic`, with a fill before a reduction.

    An operand with an indirect map is not an operand of the generic op: its element is read in the body. Dimensions
    of a window, whose sizes no operand has, get an operand that is never read. Pad and concat become insertions into
    their destination. Composite ops (`decompose` comes first), weights and `dlp.fused` stay.

    Before:
    ```mlir
    %1 = dlp.sum ins(%x : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
    ```
    After:
    ```mlir
    %0 = tensor.empty() : tensor<4x1xf32>
    %zero = arith.constant 0.0 : f32
    %start = linalg.fill ins(%zero : f32) outs(%0 : tensor<4x1xf32>) -> tensor<4x1xf32>
    %1 = linalg.generic {
      indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel", "reduction"]
    } ins(%x : tensor<4x8xf32>) outs(%start : tensor<4x1xf32>) {
    ^bb0(%a: f32, %acc: f32):
      %s = arith.addf %acc, %a : f32
      linalg.yield %s : f32
    } -> tensor<4x1xf32>
    ```
    """

    name = "convert-dlp-to-linalg"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, [StructuredToGeneric(), PadToInsertion(), ConcatToInsertions()])


class StructuredToGeneric(RewritePattern):
    """Any op with an iteration space, maps and a body."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, StructuredOp):
            return
        space = op.iteration_space()
        destination = _destination(op, rewriter)
        if op.COMBINER is not None and op.accumulate is None:
            destination = _filled(destination, op.neutral_value(), op, rewriter)
        direct = [k for k in range(len(op.ins)) if not space.is_indirect(k)]
        maps = [space.maps[k] for k in direct]
        ins = [_front(op, rewriter)] if isinstance(op, SliceOp) else [op.ins[k] for k in direct]
        if (window := _unsized_dimensions(space, maps)) is not None:
            maps.append(tuple(AffineExpr.dimension(d) for d in window))
            ins.append(_shape_only([space.sizes[d] for d in window], op, rewriter))
        maps.append(dims(len(space.parallel)))

        loops = len(space.sizes)
        elements = [_element_of(v) for v in (*ins, destination)]
        block = Block(arg_types=elements)
        block.add_op(YieldOp(_body(op, space, direct, block)))
        kinds = ["parallel"] * len(space.parallel) + ["reduction"] * len(space.reduction)
        generic = GenericOp(
            ins,
            [destination],
            Region(block),
            [AffineMapAttr(AffineMap(loops, 0, m)) for m in maps],
            [IteratorTypeAttr(IteratorType(kind)) for kind in kinds],
            [r.type for r in op.res],
        )
        generic.attributes.update(op.attributes)
        rewriter.replace(op, generic)


class PadToInsertion(RewritePattern):
    """A frame of the value, and the operand inserted into it."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if isinstance(op, PadOp):
            frame = _filled(_destination(op, rewriter), scalar_value(op.value), op, rewriter)
            _finish(op, _inserted(op.ins[0], frame, int_list(op.low), rewriter), rewriter)


class ConcatToInsertions(RewritePattern):
    """Each operand inserted behind the one before it."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, ConcatOp):
            return
        destination = _destination(op, rewriter)
        offsets = [0] * len(op.shape)
        for k, part in enumerate(op.ins):
            destination = _inserted(part, destination, tuple(offsets), rewriter)
            offsets[op.axis] += op.in_shape(k)[op.axis]
        _finish(op, destination, rewriter)


def _body(op: StructuredOp, space: IterationSpace, direct: Sequence[int], block: Block) -> SSAValue:
    """Emit the scalar body; the block's arguments are one element of each direct operand, then the accumulator."""

    def add(new: Operation) -> Operation:
        block.add_op(new)
        return new

    def dimension(d: int) -> SSAValue:
        return add(IndexOp(d)).results[0]

    values: dict[int, SSAValue] = dict(zip(direct, block.args, strict=False))
    for k, operand in enumerate(op.ins):
        if k not in values:
            place = [_index(e, dimension, values, add) for e in space.maps[k]]
            if isinstance(operand.type, MemRefType):
                values[k] = add(memref.LoadOp.get(operand, place)).results[0]
            else:
                values[k] = add(tensor.ExtractOp(operand, place, _element_of(operand))).results[0]
    builder = ArithBuilder(add, index=lambda d: add(arith.IndexCastOp(dimension(d), i64)).results[0])
    return op.body(builder, [values[k] for k in range(len(op.ins))], block.args[-1])


def _index(
    e: AffineExpr, dimension: Callable[[int], SSAValue], symbols: dict[int, SSAValue], add: _Add
) -> SSAValue:
    """An index expression as arithmetic: `affine.apply` does not take what a body computes."""
    match e:
        case AffineDimExpr():
            return dimension(e.position)
        case AffineSymExpr():
            return add(arith.IndexCastOp(symbols[e.position], IndexType())).results[0]
        case AffineConstantExpr():
            return add(arith.ConstantOp(IntegerAttr(e.value, IndexType()))).results[0]
        case AffineBinaryOpExpr():
            a, b = (_index(x, dimension, symbols, add) for x in (e.lhs, e.rhs))
            return add(_INDEX_ARITHMETIC[e.kind](a, b)).results[0]
        case _:
            raise PassError(f"no arithmetic for the index expression {e}")


_INDEX_ARITHMETIC: Mapping[AffineBinaryOpKind, Callable[[SSAValue, SSAValue], Operation]] = {
    AffineBinaryOpKind.Add: arith.AddiOp,
    AffineBinaryOpKind.Mul: arith.MuliOp,
    AffineBinaryOpKind.FloorDiv: arith.FloorDivSIOp,
    AffineBinaryOpKind.CeilDiv: arith.CeilDivSIOp,
    AffineBinaryOpKind.Mod: arith.RemSIOp,  # indices are not negative
}


def _unsized_dimensions(space: IterationSpace, maps: Sequence[Sequence[AffineExpr]]) -> list[int] | None:
    """Reduced dimensions that are nobody's index alone, so that no operand says how long they are."""
    sized = {e.position for m in maps for e in m if isinstance(e, AffineDimExpr)}
    first = len(space.parallel)
    return [d for d in range(first, len(space.sizes)) if d not in sized] or None


def _shape_only(shape: Shape | list[int], op: DestinationOp, rewriter: PatternRewriter) -> SSAValue:
    if op.outs:
        buffer = memref.AllocaOp.get(op.element_type, shape=shape)
        return _insert(buffer, rewriter).results[0]
    return _insert(tensor.EmptyOp([], TensorType(op.element_type, shape)), rewriter).results[0]


def _front(op: SliceOp, rewriter: PatternRewriter) -> SSAValue:
    """The operand without what lies behind a slice that begins at 0: its map does not say that there is more."""
    source, offsets = op.ins[0], [0] * len(op.shape)
    ways = zip(op.shape, op.in_shape(0), int_list(op.offsets), int_list(op.steps), strict=True)
    sizes = [n if (offset, step) == (0, 1) else m for n, m, offset, step in ways]
    if tuple(sizes) == op.in_shape(0):
        return source
    if not isinstance(source.type, MemRefType):
        return _insert(
            tensor.ExtractSliceOp.from_static_parameters(source, offsets, sizes), rewriter
        ).results[0]
    steps = (1,) * len(offsets)
    of = memref.SubviewOp.infer_result_type(source.type, offsets, sizes, steps)
    return _insert(memref.SubviewOp.get(source, offsets, sizes, steps, of), rewriter).results[0]


def _destination(op: DestinationOp, rewriter: PatternRewriter) -> SSAValue:
    """The buffer that an op writes into, or an empty tensor."""
    if op.outs:
        return op.outs[0]
    if -1 in op.shape:
        raise PassError(f"{op.name}: {op.destination_type} leaves a size open, which tensors must not")
    return _insert(tensor.EmptyOp([], op.destination_type), rewriter).results[0]


def _filled(
    destination: SSAValue, value: float | int, op: DestinationOp, rewriter: PatternRewriter
) -> SSAValue:
    """The destination with a value in every element."""
    constant = ArithBuilder(lambda new: _insert(new, rewriter)).constant(value, op.element_type)
    types = [] if op.outs else [destination.type]
    fill = _insert(FillOp([constant], [destination], types), rewriter)
    return destination if op.outs else fill.results[0]


def _inserted(part: SSAValue, into: SSAValue, offsets: Shape, rewriter: PatternRewriter) -> SSAValue:
    """The destination with `part` written at `offsets`."""
    sizes, steps = shape_of(part.type), (1,) * len(offsets)
    if not isinstance(into.type, MemRefType):
        slice_op = tensor.InsertSliceOp.from_static_parameters(part, into, offsets, sizes)
        return _insert(slice_op, rewriter).results[0]
    of = memref.SubviewOp.infer_result_type(into.type, offsets, sizes, steps)
    view = _insert(memref.SubviewOp.get(into, offsets, sizes, steps, of), rewriter).results[0]
    _insert(memref.CopyOp(part, view), rewriter)
    return into


def _finish(op: DestinationOp, result: SSAValue, rewriter: PatternRewriter) -> None:
    rewriter.replace(op, [], [result] if op.res else [])


def _element_of(value: SSAValue) -> Attribute:
    return cast(TensorType[Any] | MemRefType[Any], value.type).element_type


def _insert(op: Operation, rewriter: PatternRewriter) -> Operation:
    rewriter.insert(op)
    return op
