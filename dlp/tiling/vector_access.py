"""Along which dimension the vector of a structured op runs, and whether its operands allow that."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import cast

from xdsl.dialects.builtin import IntegerType, MemRefType, f32, i1, i32
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineExpr, AffineSymExpr

from dlp.dialects.dlp.dim import Dim, Size
from dlp.dialects.dlp.structured import StructuredOp, shape_of
from dlp.targets import Target
from dlp.tiling.arith_builder import is_float
from dlp.tiling.linear import Interval, Linear, NotAlignedError, Region, evaluate
from dlp.tiling.transposition import is_square

_VECTOR_ELEMENTS = (f32, i32)
REDUCTION_KINDS = {"add": "add", "mul": "mul", "maximum": "maximumf", "minimum": "minimumf"}
"""Combiner -> kind of `vector.reduction`, on floating-point vectors."""


def vectorizable(op: StructuredOp) -> bool:
    """Whether the op's tile has a size known now and its body neither needs an index nor checks anything.

    How much is reduced need not be known.
    """
    sizes = (
        op.shape if op.COMBINER is not None else (*op.shape, *(n for x in op.ins for n in shape_of(x.type)))
    )
    if op.USES_INDEX or op.CHECKS or any(map(is_open, sizes)):
        return False
    return op.COMBINER is None or is_float(op.element_type) or op.COMBINER in ("add", "mul", "or", "and")


def is_open(size: Size) -> bool:
    """Whether only a run knows a size."""
    return isinstance(size, Dim) or size < 0


def has_vector_form(op: StructuredOp, target: Target, carried: Container[SSAValue]) -> bool:
    """Whether full vectors along the innermost parallel dimension can be loaded, computed and stored."""
    if not op.shape:
        return False
    space = op.iteration_space()
    if runs_along_reduction(op, target, carried):
        return True
    if is_square(op, target) and not any(x in carried for x in (*op.ins, *op.outs)):
        return True
    if op.outs[0] not in carried:
        out = cast(MemRefType[Attribute], op.outs[0].type)
        if out.element_type not in _VECTOR_ELEMENTS or not _contiguous(out):
            return False
    elif op.element_type not in (*_VECTOR_ELEMENTS, i1):
        return False
    last = len(space.parallel) - 1
    columns = _columns(target, space.parallel[last])
    for k, expressions in enumerate(space.maps):
        operand = cast(MemRefType[Attribute], op.ins[k].type)
        if op.ins[k] in carried:
            continue
        # One index for all lanes, or nothing: lanes that each have their own are read one by one.
        if any(
            isinstance(e, AffineSymExpr)
            and (isinstance(operand.element_type, IntegerType) or space.depends(e.position, last))
            for e in expressions
        ):
            return False
        # Every vector, not the first alone: a later one may lie across the border of two groups.
        lanes = {_lanes(expressions, space.sizes, last, c, n) for c, n in columns}
        if None in lanes:
            return False
        if lanes != {1} and (not _contiguous(operand) or operand.element_type not in _VECTOR_ELEMENTS):
            return False
    return True


def _lanes(
    expressions: Sequence[AffineExpr], sizes: Sequence[int], last: int, column: int, width: int
) -> int | None:
    """How many elements of an operand the vector from `column` on needs: one for all, or consecutive ones of a row.

    None for anything else.
    """
    box: Region = [Interval.of(0, 1) for _ in sizes]
    box[last] = Interval.of(column, width)
    try:
        needed = [1 if isinstance(e, AffineSymExpr) else evaluate(e, box).static_size for e in expressions]
    except NotAlignedError:
        return None
    if all(n == 1 for n in needed):
        return 1
    if needed[-1] != width or any(n != 1 for n in needed[:-1]):
        return None
    return width if _consecutive(expressions[-1], box, last) else None


def runs_along_reduction(op: StructuredOp, target: Target, carried: Container[SSAValue]) -> bool:
    """Whether the operands are contiguous along the last reduced dimension and not along the last parallel one."""
    space = op.iteration_space()
    if not space.reduction or op.COMBINER not in REDUCTION_KINDS or not is_float(op.element_type):
        return False
    last_parallel, last = len(space.parallel) - 1, len(space.sizes) - 1
    if target.vector_lanes == 1 or (not is_open(space.reduction[-1]) and space.reduction[-1] < 2):
        return False
    reads_along = False
    for k, expressions in enumerate(space.maps):
        operand = cast(MemRefType[Attribute], op.ins[k].type)
        if op.ins[k] in carried or any(isinstance(e, AffineSymExpr) for e in expressions):
            return False
        if space.parallel and space.parallel[-1] > 1 and space.depends(k, last_parallel):
            innermost = set(expressions[-1].dfs())
            if any(getattr(e, "position", None) == last_parallel for e in innermost):
                return False
        if space.depends(k, last):
            box: Region = [Interval.of(0, 1) for _ in space.sizes]
            box[last] = Interval.of(0, 2)
            try:
                sizes = [evaluate(e, box).static_size for e in expressions]
            except NotAlignedError:
                return False
            if sizes[-1] != 2 or any(n != 1 for n in sizes[:-1]) or not _contiguous(operand):
                return False
            if not _consecutive(expressions[-1], box, last):
                return False
            if operand.element_type != f32:
                return False
            reads_along = True
    return reads_along


def _consecutive(expression: AffineExpr, box: Region, dimension: int) -> bool:
    """Whether an index grows by one from each element of a dimension of the box to the next.

    Not that of a reversed slice; nor that of the first channels of several groups, though as many may lie between.
    """
    if isinstance(expression, AffineSymExpr):
        return True
    offsets = []
    for lane in range(box[dimension].static_size):
        single = [*box]
        single[dimension] = Interval(box[dimension].offset + lane, Linear(1), 1)
        offsets.append(evaluate(expression, single).offset)
    return all(offset.key == (offsets[0] + lane).key for lane, offset in enumerate(offsets))


def _contiguous(buffer: MemRefType[Attribute]) -> bool:
    strides = buffer.get_strides()
    return strides is not None and (not strides or strides[-1] == 1)


def _columns(target: Target, extent: int) -> list[tuple[int, int]]:
    """(first column, width) of the vectors that cover an extent."""
    result, at = [], 0
    for width in target.vector_cuts(extent):
        result.append((at, width))
        at += width
    return result
