"""Whether a reshape is a view of what lies in memory, or a copy."""

from __future__ import annotations

from xdsl.ir import SSAValue

from dlp.dialects.dlp.structured import Shape
from dlp.dialects.dlp.view import Layout, ReshapeOp, ViewOp

from ._carried_views import shape_of


def contiguous(shape: Shape) -> Layout:
    """Row-major strides."""
    strides = [1] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        strides[d] = strides[d + 1] * shape[d + 1]
    return 0, tuple(strides)


def layout_of(value: SSAValue) -> Layout:
    """Where the elements will lie: of a view in its source if it can be one, else in a buffer of its own."""
    owner = value.owner
    if isinstance(owner, ViewOp):
        return owner.relayout(layout_of(owner.ins[0])) or contiguous(shape_of(value))
    return contiguous(shape_of(value))


def reshapes_freely(value: SSAValue, shape: Shape) -> bool:
    """Whether a reshape of the value to `shape` copies nothing."""
    reshape = ReshapeOp.of(value, shape=shape)
    free = reshape.relayout(layout_of(value)) is not None
    reshape.drop_all_references()
    return free
