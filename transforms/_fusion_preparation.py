"""What fusing wants to find: every copy an op of its own, and constants that can be made where they are used."""

from __future__ import annotations

from typing import TypeGuard

from xdsl.ir import Block, Operation, SSAValue

from dlp.dialects.dlp.composite import AttentionOp
from dlp.dialects.dlp.contraction import MatmulOp
from dlp.dialects.dlp.dim import is_static
from dlp.dialects.dlp.elementwise import ConstantOp
from dlp.dialects.dlp.structured import DestinationOp, GraphBuilder, StructuredOp
from dlp.dialects.dlp.view import CopyOp, ReshapeOp, TransposeOp, ViewOp

from ._layouts import Layouts


def make_copies_explicit(block: Block, layouts: Layouts) -> None:
    """Make a reshape that is no matter of strides a copy in the operand's shape, and a reshape that is.

    A copy can be cut into tiles of any size, where a reshape can be cut between its rows only. Where it is the reshape
    of a transpose of something computed, the transpose is the copy: a kernel may write its result in that order.
    """
    for op in list(block.ops):
        if not isinstance(op, ReshapeOp) or layouts.is_free(op):
            continue
        source = op.ins[0]
        if _can_be_written_transposed(source.owner):
            copied = GraphBuilder(op).insert(source.owner.clone()).res[0]
            layouts.copied.add(copied)
        else:
            copied = GraphBuilder(op)(CopyOp, source)
        copied.name_hint = source.name_hint
        op.operands[0] = copied
        if isinstance(source.owner, ViewOp) and not source.uses:
            block.erase_op(source.owner)


def write_out_transposes(block: Block, layouts: Layouts) -> None:
    """Make the transpose that a matrix product of open size reads as its columns an op of its own.

    Of known size, a tile's columns are brought into order inside the product (`promote-operands`); over rows of open
    size that would be done again for every tile of them.
    """
    for op in list(block.ops):
        if not isinstance(op, MatmulOp) or is_static((*op.shape, *op.in_shape(1))):
            continue
        view = op.ins[1].owner
        if isinstance(view, TransposeOp) and view.order[-1] != len(view.order) - 1 and layouts.is_free(view):
            copied = GraphBuilder(op).insert(view.clone()).res[0]
            layouts.copied.add(copied)
            op.operands[1] = copied
            if not view.res[0].uses:
                block.erase_op(view)


def _can_be_written_transposed(view: object) -> TypeGuard[TransposeOp]:
    """Whether a view is a transpose of a computed value that leaves the innermost dimension, that of vectors, alone."""
    if not isinstance(view, TransposeOp) or view.order[-1] != len(view.order) - 1:
        return False
    computed = view.ins[0].owner
    return isinstance(computed, StructuredOp | AttentionOp) and not isinstance(computed, ViewOp)


def sink_constants(block: Block) -> None:
    """Give the body of a loop constants of its own, and views of them of its own, instead of those from around it."""
    copies: dict[SSAValue, SSAValue] = {}
    for op in list(block.ops):
        if isinstance(op, DestinationOp):
            for i, value in enumerate(op.operands):
                if _is_constant(value) and value.owner.parent is not block:
                    op.operands[i] = _sunk(value, op, copies)


def _is_constant(value: SSAValue) -> bool:
    op = value.owner
    return isinstance(op, ConstantOp) or (isinstance(op, ViewOp) and all(map(_is_constant, op.ins)))


def _sunk(value: SSAValue, anchor: Operation, copies: dict[SSAValue, SSAValue]) -> SSAValue:
    if value not in copies:
        op = value.owner
        assert isinstance(op, DestinationOp)
        copy = op.clone({operand: _sunk(operand, anchor, copies) for operand in op.ins})
        copies[value] = GraphBuilder(anchor).insert(copy).res[0]
    return copies[value]


def separate_constants(block: Block, layouts: Layouts) -> None:
    """Give what is no kernel (a return) constants of its own; all others can then be made again where they are used."""
    for op in list(block.ops):
        if isinstance(op, ConstantOp) and layouts.is_needed_as_it_is(op):
            _copy_for_others(op, layouts, {})


def _copy_for_others(op: DestinationOp, layouts: Layouts, copies: dict[SSAValue, SSAValue]) -> None:
    """Copy a constant or a free view of one, and move to the copy the uses that are no compute ops."""
    block = op.parent
    assert block is not None
    copy = op.clone(copies)
    block.insert_op_after(copy, op)
    copies[op.res[0]] = copy.res[0]
    for use in list(op.res[0].uses):
        user = use.operation
        if not isinstance(user, DestinationOp):
            user.operands[use.index] = copy.res[0]
        elif isinstance(user, ViewOp) and layouts.is_free(user) and layouts.is_needed_as_it_is(user):
            _copy_for_others(user, layouts, copies)
