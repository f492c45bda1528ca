"""Padding and concatenation without ops: producers write into parts of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias, cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.elementwise import ConstantOp
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp, int_list
from dlp.dialects.dlp.view import ConcatOp, CopyOp, PadOp
from dlp.lowering._buffers import Buffer, subview
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.sizes import Sizes
from dlp.walking import walk_of

Box: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Offsets and sizes of a part of a buffer."""


@dataclass(frozen=True)
class LowerPad(ModulePass):
    """Replace `dlp.pad` and `dlp.concat` on buffers by views of their destination.

    The frame of a pad is filled with its value. An operand that is a local buffer becomes a part of the destination,
    so that its producer writes there; any other operand (an argument, an operand used as a part twice) is copied.

    Before:
    ```mlir
    %t = memref.alloc() : memref<4x4xf32>
    dlp.relu ins(%x : memref<4x4xf32>) outs(%t : memref<4x4xf32>)
    dlp.pad ins(%t : memref<4x4xf32>) outs(%y : memref<6x4xf32>) {low = [1, 0], high = [1, 0], value = 0.0 : f32}
    ```
    After:
    ```mlir
    %top = memref.subview %y[0, 0] [1, 4] [1, 1] : ...
    dlp.constant ins() outs(%top : ...) {value = 0.0 : f32}
    %bottom = memref.subview %y[5, 0] [1, 4] [1, 1] : ...
    dlp.constant ins() outs(%bottom : ...) {value = 0.0 : f32}
    %t = memref.subview %y[1, 0] [4, 4] [1, 1] : ...
    dlp.relu ins(%x : memref<4x4xf32>) outs(%t : ...)
    ```
    """

    name = "lower-pad"
    scope = Scope.FUNCTION

    trailing: bool = False
    """Only what no other op of the block reads: the rest may still be computed tile by tile (`tile-tasks`)."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in reversed(
            [o for o in walk_of(op, DestinationOp) if isinstance(o, PadOp | ConcatOp) and o.outs]
        ):
            if self.trailing and _is_read(inner):
                continue
            parts = list(_pad_parts(inner)) if isinstance(inner, PadOp) else list(_concat_parts(inner))
            if isinstance(inner, PadOp):
                _fill_frame(inner)
            for value, box in zip(inner.ins, parts, strict=True):
                if not prod(box[1]):
                    continue  # nothing of it is left: more was cropped than there was
                if _becomes_part(value, inner):
                    _write_in_place(cast(memref.AllocOp, value.owner), inner.outs[0], box, inner)
                    count("producers that write into a part of the result")
                else:
                    _copy(value, box, inner)
                    count("parts that are copied")
            block = inner.parent
            assert block is not None
            block.erase_op(inner, safe_erase=False)


def _is_read(op: PadOp | ConcatOp) -> bool:
    """Whether another op reads the destination, by itself."""
    return isinstance(op.outs[0].owner, memref.AllocOp | memref.AllocaOp) and any(
        isinstance(u.operation, StructuredOp) and u.operation.outs[0] is not op.outs[0]
        for u in op.outs[0].uses
    )


def _pad_parts(op: PadOp) -> Iterator[Box]:
    yield int_list(op.low), op.in_shape(0)


def _concat_parts(op: ConcatOp) -> Iterator[Box]:
    place = 0
    for k in range(len(op.ins)):
        shape = op.in_shape(k)
        yield tuple(place if d == op.axis else 0 for d in range(len(shape))), shape
        place += shape[op.axis]


def _fill_frame(op: PadOp) -> None:
    """Fill what is not the interior: for each dimension the slabs before and behind it, each element once."""
    low, high, shape = int_list(op.low), int_list(op.high), op.shape
    inner = op.in_shape(0)
    for d in range(len(shape)):
        for start, size in ((0, low[d]), (low[d] + inner[d], high[d])):
            offsets = (*low[:d], start, *(0,) * (len(shape) - d - 1))
            sizes = (*inner[:d], size, *shape[d + 1 :])
            if prod(sizes):
                slab = _part(op.outs[0], (offsets, sizes), op)
                fill = ConstantOp.of(out=slab.results[0], value=op.value)
                _insert((slab, fill), op)


def _becomes_part(value: SSAValue, op: Operation) -> bool:
    """Whether a buffer can lie inside the destination: it is local, of one use as a part, and its views can follow."""
    owner = value.owner
    if not isinstance(owner, memref.AllocOp | memref.AllocaOp) or owner.parent is not op.parent:
        return False
    parts = [
        u
        for u in value.uses
        if isinstance(u.operation, PadOp | ConcatOp) and u.operation.outs[0] is not value
    ]
    return len(parts) == 1 and _can_follow(value)


def _can_follow(value: SSAValue) -> bool:
    return all(
        _can_follow(u.operation.result)
        if isinstance(u.operation, memref.SubviewOp)
        else isinstance(u.operation, DestinationOp | memref.LoadOp | memref.StoreOp)
        for u in value.uses
    )


def _write_in_place(allocation: memref.AllocOp, destination: SSAValue, box: Box, op: Operation) -> None:
    """Make a local buffer a part of the destination, which must exist when the buffer is first written."""
    block = allocation.parent
    assert block is not None
    owner = destination.owner
    if isinstance(owner, Operation) and owner.parent is block and not owner.is_before_in_block(allocation):
        _move_before(owner, allocation, block)
    part = _part(destination, box, op)
    part.results[0].name_hint = allocation.memref.name_hint
    block.insert_op_before(part, allocation)
    _replace(allocation.memref, part.results[0])
    block.erase_op(allocation)


def _move_before(op: Operation, anchor: Operation, block: Block) -> None:
    """Move an allocation or a view, with what it is a view of, in front of another op of its block."""
    for operand in op.operands:
        owner = operand.owner
        if isinstance(owner, Operation) and owner.parent is block and not owner.is_before_in_block(anchor):
            _move_before(owner, anchor, block)
    op.detach()
    block.insert_op_before(op, anchor)


def _replace(old: SSAValue, new: SSAValue) -> None:
    """Use another buffer; the types of views of it follow."""
    for use in list(old.uses):
        view = use.operation
        if isinstance(view, memref.SubviewOp):
            follower = _subview_of(new, view)
            block = view.parent
            assert block is not None
            block.insert_op_before(follower, view)
            follower.result.name_hint = view.result.name_hint
            _replace(view.result, follower.result)
            block.erase_op(view)
        else:
            view.operands[use.index] = new


def _subview_of(source: SSAValue, view: memref.SubviewOp) -> memref.SubviewOp:
    offsets, sizes, steps = (
        _mixed(static.get_values(), dynamic)
        for static, dynamic in (
            (view.static_offsets, view.offsets),
            (view.static_sizes, view.sizes),
            (view.static_strides, view.strides),
        )
    )
    type_ = memref.SubviewOp.infer_result_type(cast(Buffer, source.type), offsets, sizes, steps)
    return memref.SubviewOp.get(source, offsets, sizes, steps, type_)


def _mixed(static: Sequence[int], dynamic: Sequence[SSAValue]) -> list[SSAValue | int]:
    given = iter(dynamic)
    return [next(given) if n == DYNAMIC_INDEX else n for n in static]


def _copy(value: SSAValue, box: Box, op: DestinationOp) -> None:
    part = _part(op.outs[0], box, op)
    copy = CopyOp.of(value, out=part.results[0])
    copy.attributes.update(op.attributes)
    _insert((part, copy), op)


def _part(buffer: SSAValue, box: Box, before: Operation) -> Operation:
    offsets, sizes = box
    return subview(buffer, offsets, sizes, [1] * len(sizes), Sizes.of(_function_of(before)).value)


def _function_of(op: Operation) -> func.FuncOp:
    while not isinstance(op, func.FuncOp):
        parent = op.parent_op()
        assert parent is not None
        op = parent
    return op


def _insert(ops: Sequence[Operation], before: Operation) -> None:
    block = before.parent
    assert block is not None
    block.insert_ops_before(ops, before)
