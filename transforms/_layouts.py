"""Where the elements of a tensor will lie: row-major, or as the views that it is say."""

from __future__ import annotations

from math import prod

from xdsl.ir import SSAValue

from dlp.dialects.dlp.structured import DestinationOp, shape_of
from dlp.dialects.dlp.view import Layout, ViewOp


class Layouts:
    """Offset and strides of the values of a block, and which views need no copy."""

    def __init__(self) -> None:
        self.copied: set[SSAValue] = set()
        """Results of views that are to be copies, though strides could say them."""
        self._known: dict[SSAValue, Layout] = {}

    def of(self, value: SSAValue) -> Layout:
        known = self._known.get(value)
        if known is None:
            owner = value.owner
            if isinstance(owner, ViewOp) and value not in self.copied:
                known = owner.relayout(self.of(owner.ins[0]))
            if known is None:
                shape = shape_of(value.type)
                known = 0, tuple(prod(shape[d + 1 :]) for d in range(len(shape)))
            self._known[value] = known
        return known

    def is_free(self, view: ViewOp) -> bool:
        """Whether a view is a matter of strides alone."""
        return view.res[0] not in self.copied and view.relayout(self.of(view.ins[0])) is not None

    def is_needed_as_it_is(self, op: DestinationOp) -> bool:
        """Whether others than compute ops use a value or a free view of it: it cannot be made again there."""
        return any(
            not isinstance(user, DestinationOp)
            or (isinstance(user, ViewOp) and self.is_free(user) and self.is_needed_as_it_is(user))
            for user in (use.operation for use in op.res[0].uses)
        )
