"""Let the producer of a rearranged result write it in its final order."""

from __future__ import annotations

from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.structured import DestinationOp, Shape
from dlp.dialects.dlp.view import CopyOp, ReshapeOp, TransposeOp, ViewOp
from dlp.lowering._buffers import Buffer, contiguous_strides, layout_of, reinterpret
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.sizes import Sizes
from dlp.walking import walk_of


class FoldDestinationViews(ModulePass):
    """Let the producer of a transposed or reshaped result write through a view of it, instead of copying.

    Before:
    ```mlir
    %t = memref.alloc() : memref<12x128x64xf32>
    dlp.matmul ins(%p, %v : ...) outs(%t : memref<12x128x64xf32>)
    dlp.transpose ins(%t : ...) outs(%y : memref<128x12x64xf32>) {permutation = array<i64: 1, 0, 2>}
    ```
    After:
    ```mlir
    %t = memref.reinterpret_cast %y to offset: [0], sizes: [12, 128, 64], strides: [64, 768, 1] : ...
    dlp.matmul ins(%p, %v : ...) outs(%t : ...)
    ```
    Only where the rearranged buffer is local and its writer does not run before the destination exists. A view that
    repeats or drops elements (broadcast, slice) has no inverse and stays. A reshape that cannot be folded becomes a
    copy that goes through the dimensions of the side whose elements do not lie one behind the other: a tile of it is
    then a tile of both sides.
    """

    name = "fold-destination-views"
    scope = Scope.FUNCTION

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for view in reversed(
            [o for o in walk_of(op, ViewOp) if isinstance(o, TransposeOp | ReshapeOp) and o.outs]
        ):
            if not _fold(view) and isinstance(view, ReshapeOp):
                _copy(view)


def _fold(view: ViewOp) -> bool:
    allocation = view.ins[0].owner
    if not isinstance(allocation, memref.AllocOp) or not _can_follow(view, allocation):
        return False
    strides = _source_strides(view)
    if strides is None:
        return False
    block = allocation.parent
    assert block is not None
    replacement = reinterpret(view.outs[0], view.in_shape(0), (0, strides), _sizes(view).value)
    replacement.results[0].name_hint = allocation.memref.name_hint
    block.insert_op_before(replacement, allocation)
    block.erase_op(view)
    allocation.memref.replace_all_uses_with(replacement.results[0])
    block.erase_op(allocation)
    count("results written in their final order")
    return True


def _copy(reshape: ReshapeOp) -> None:
    """Through the operand's dimensions if the result is contiguous, or else through the result's."""
    source, destination = reshape.ins[0], reshape.outs[0]
    if _is_contiguous(destination, reshape.shape):
        view = _with_shape(reshape, destination, reshape.in_shape(0))
        copy = CopyOp.of(source, out=view.results[0])
    elif isinstance(source, BlockArgument) and _is_contiguous(source, reshape.in_shape(0)):
        view = _with_shape(reshape, source, reshape.shape)
        copy = CopyOp.of(view.results[0], out=destination)
    else:
        return
    if "dlp.source" in reshape.attributes:
        copy.attributes["dlp.source"] = reshape.attributes["dlp.source"]
    block = reshape.parent
    assert block is not None
    block.insert_ops_before([view, copy], reshape)
    block.erase_op(reshape)
    count("reshapes that are copies")


def _is_contiguous(buffer: SSAValue, shape: Shape) -> bool:
    return layout_of(cast(Buffer, buffer.type)) == (0, contiguous_strides(shape))


def _with_shape(at: ReshapeOp, buffer: SSAValue, shape: Shape) -> Operation:
    return reinterpret(buffer, shape, (0, contiguous_strides(shape)), _sizes(at).value)


def _sizes(view: ViewOp) -> Sizes:
    function = view.parent_op()
    assert isinstance(function, func.FuncOp)
    return Sizes.of(function)


def _can_follow(view: ViewOp, allocation: memref.AllocOp) -> bool:
    """Whether the buffer is read and written by ops that take any strides, and the destination exists before it."""
    destination = view.outs[0]
    owner = destination.owner
    if isinstance(owner, Operation):
        exists = owner.parent is allocation.parent and owner.is_before_in_block(allocation)
        if not exists:
            return False
    if view.parent is not allocation.parent or layout_of(cast(Buffer, destination.type))[0] != 0:
        return False
    return _only_destination_ops(allocation.memref) and _read_once(allocation.memref, view)


def _only_destination_ops(buffer: SSAValue) -> bool:
    return all(isinstance(u.operation, DestinationOp) for u in buffer.uses)


def _read_once(buffer: SSAValue, view: ViewOp) -> bool:
    """Whether no other view of this kind claims the buffer as well."""
    claims = [
        u.operation
        for u in buffer.uses
        if isinstance(u.operation, TransposeOp | ReshapeOp) and u.operation.outs[0] is not buffer
    ]
    return claims == [view]


def _source_strides(view: ViewOp) -> tuple[int, ...] | None:
    """Strides of the view's operand as a view of its destination."""
    _, strides = layout_of(cast(Buffer, view.outs[0].type))
    if isinstance(view, TransposeOp):
        source = [0] * len(strides)
        for k, d in enumerate(view.order):
            source[d] = strides[k]
        return tuple(source)
    if strides == contiguous_strides(view.shape):
        return contiguous_strides(view.in_shape(0))
    return None
