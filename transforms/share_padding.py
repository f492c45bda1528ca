"""One buffer for a value and its padded form."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.loop import graph_blocks
from dlp.dialects.dlp.structured import GraphBuilder, StructuredOp, int_list
from dlp.dialects.dlp.view import PadOp, ReshapeOp, SliceOp
from dlp.statistics import count

from ._free_reshape import contiguous
from ._weight_side import WeightSide


@dataclass(frozen=True)
class SharePadding(ModulePass):
    """Let the other users of a padded value read the inside of its padded form.

    ```mlir
    %p = dlp.pad ins(%x : tensor<1x7x7x64xf32>) -> tensor<1x9x9x64xf32> {low = ..., high = ...}
    %y = dlp.add ins(%c, %x : tensor<1x7x7x64xf32>, tensor<1x7x7x64xf32>) -> tensor<1x7x7x64xf32>
    ```
    becomes
    ```mlir
    %p = dlp.pad ins(%x : tensor<1x7x7x64xf32>) -> tensor<1x9x9x64xf32> {low = ..., high = ...}
    %i = dlp.slice ins(%p : tensor<1x9x9x64xf32>) -> tensor<1x7x7x64xf32> {offsets = array<i64: 0, 1, 1, 0>, ...}
    %y = dlp.add ins(%c, %i : tensor<1x7x7x64xf32>, tensor<1x7x7x64xf32>) -> tensor<1x7x7x64xf32>
    ```
    so that the producer of `%x` writes once, into the frame, and nothing is copied. Of several pads with the same fill
    the one that contains the others serves them too. Nothing changes where a user cannot read with gaps between the
    lines (a reshape of them, the function's result, a concatenation), or where `%x` is not computed here.
    """

    name = "share-padding"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in op.ops:
            if isinstance(func, FuncOp):
                for block in graph_blocks(func):
                    _share_in_block(block)


def _share_in_block(block: Block) -> None:
    weights = WeightSide(block)
    seen: set[SSAValue] = set()
    for op in list(block.ops):
        if not isinstance(op, PadOp) or op.parent is None or not op.res or op.ins[0] in seen:
            continue
        x = op.ins[0]
        seen.add(x)
        if x in weights or not isinstance(x.owner, StructuredOp) or x.has_one_use():
            continue
        _share(x, block)


def _share(x: SSAValue, block: Block) -> None:
    users = list(dict.fromkeys(use.operation for use in x.uses))
    pads = [user for user in users if isinstance(user, PadOp) and user.parent is block]
    largest = max(pads, key=lambda pad: sum((*int_list(pad.low), *int_list(pad.high))))
    _, strides = contiguous(largest.shape)
    others = [user for user in users if user is not largest]
    for user in others:
        if isinstance(user, PadOp):
            if not _contains(largest, user):
                return
        elif user.parent is not block or not _reads_with_gaps(user, strides):
            return
    # The frame is there before its first reader.
    assert isinstance(x.owner, Operation)
    largest.detach()
    block.insert_op_after(largest, x.owner)
    for user in others:
        if isinstance(user, PadOp):
            low = [a - b for a, b in zip(int_list(largest.low), int_list(user.low), strict=True)]
            view = _slice(largest, user, low, user.shape)
            user.result.replace_all_uses_with(view)
            user.detach()
            user.erase()
            count("pads that are part of another")
    readers = [user for user in others if user.parent is not None]
    if readers:
        first = min(readers, key=block.get_operation_index)
        view = _slice(largest, first, int_list(largest.low), largest.in_shape(0))
        x.replace_uses_with_if(view, lambda use: use.operation is not largest)
        count("values read from their padded form")


def _slice(
    pad: PadOp, before: Operation, offsets: list[int] | tuple[int, ...], shape: tuple[int, ...]
) -> SSAValue:
    return GraphBuilder(before)(SliceOp, pad.result, shape=shape, offsets=offsets, steps=[1] * len(shape))


def _contains(outer: PadOp, inner: PadOp) -> bool:
    return outer.value == inner.value and all(
        a >= b
        for a, b in zip(
            (*int_list(outer.low), *int_list(outer.high)),
            (*int_list(inner.low), *int_list(inner.high)),
            strict=True,
        )
    )


def _reads_with_gaps(user: Operation, strides: tuple[int, ...]) -> bool:
    """Whether the op reads a slice of the padded value as well as the value."""
    if isinstance(user, ReshapeOp):
        return user.relayout((0, strides)) is not None
    return isinstance(user, StructuredOp)
