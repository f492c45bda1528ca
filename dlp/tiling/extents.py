"""How far the dimensions of an op on buffers reach, where its types do not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import memref
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr

from dlp.dialects.dlp.dim import Dim, Size
from dlp.dialects.dlp.structured import StructuredOp
from dlp.errors import PassError
from dlp.tiling.emitter import Emitter
from dlp.tiling.linear import Interval, Linear, Region


def extents(op: StructuredOp, emitter: Emitter, dimensions: Sequence[int]) -> Region:
    """Dimensions of the iteration space as wholes.

    A size that the types leave open (-1) is an operand of the view that an operand of the op is.

    Raises:
        PassError: no view says how large a dimension is.
    """
    return [_extent(op, emitter, d) for d in dimensions]


def _extent(op: StructuredOp, emitter: Emitter, d: int) -> Interval:
    size = cast(Size, op.iteration_space().sizes[d])
    if isinstance(size, Dim) or size >= 0:
        return Interval(Linear(0), emitter.size(size), cast(int, size))
    return Interval(Linear(0), Linear(0, [(_open_size(op, d), 1)]), -1)


def _open_size(op: StructuredOp, d: int) -> SSAValue:
    space = op.iteration_space()
    if d < len(space.parallel) and (found := size_of_view(op.outs[0], d)) is not None:
        return found
    for x, index in zip(op.ins, space.maps, strict=True):
        for place, expression in enumerate(index):
            if expression == AffineExpr.dimension(d) and (found := size_of_view(x, place)) is not None:
                return found
    raise PassError(f"nothing says how large dimension {d} of '{op.name}' is")


def size_of_view(buffer: SSAValue, d: int) -> SSAValue | None:
    """The operand of the subview that made the buffer which gives the size of dimension d; None if there is none."""
    view = buffer.owner
    if not isinstance(view, memref.SubviewOp):
        return None
    sizes = tuple(view.static_sizes.get_values())
    return view.sizes[sum(1 for n in sizes[:d] if n < 0)] if sizes[d] < 0 else None
