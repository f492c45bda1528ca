"""Ops that index maps and a scalar body cannot say: a scan, a sort, a scatter. They bring their own loops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from xdsl.ir import Attribute, SSAValue

from .body import BodyBuilder, Value
from .dim import Dim, Size
from .structured import DestinationOp, Shape

Index = Value
"""A place in a buffer: a number known now, or what a loop counts."""


class LoopBuilder(Protocol):
    """What the loops of an algorithm are written against: buffers, loops, and bodies of scalars (`compute`)."""

    @property
    def compute(self) -> BodyBuilder:
        """Arithmetic on elements and on indices."""
        ...

    def index(self, n: Size) -> Index: ...
    def to_index(self, a: Value) -> Index:
        """An integer as an index."""
        ...

    def to_integer(self, a: Index, element_type: Attribute) -> Value: ...
    def load(self, buffer: SSAValue, at: Sequence[Index]) -> Value: ...
    def store(self, value: Value, buffer: SSAValue, at: Sequence[Index]) -> None: ...
    def copy(self, source: SSAValue, destination: SSAValue) -> None: ...
    def scratch(self, shape: Shape, element_type: Attribute) -> SSAValue:
        """A buffer for the time of the op."""
        ...

    def loop(
        self,
        low: Index | int,
        high: Index | int,
        carried: Sequence[Value],
        step: Callable[..., Sequence[Value]],
        name: str = "i",
    ) -> Sequence[Value]:
        """For each index in low .. high - 1: `step(index, *carried)` gives the next carried values.

        Returns:
            The last of them.
        """
        ...

    def nest(self, sizes: Sequence[int], body: Callable[[Sequence[Index]], None]) -> None:
        """Loops over a box whose points do not depend on each other; may run on several threads."""
        ...

    def when(self, condition: Value, body: Callable[[], object]) -> None: ...


class AlgorithmOp(DestinationOp, ABC):
    """An op with loops of its own. It is a kernel by itself; on tensors it is a function like every other op."""

    @abstractmethod
    def loops(self, b: LoopBuilder) -> None:
        """Fill `outs` from `ins`, all of them buffers."""


def bit_length(b: LoopBuilder, n: Size) -> Index | int:
    """How many bits a size has."""
    if not isinstance(n, Dim):
        return n.bit_length()
    c = b.compute

    def bit(_: Index, rest: Value, bits: Value) -> Sequence[Value]:
        some = c.compare("gt", rest, b.index(0))
        return c.div(rest, b.index(2)), c.add(bits, c.select(some, b.index(1), b.index(0)))

    return b.loop(0, _MOST_BITS, (b.index(n), b.index(0)), bit, "bit")[1]


_MOST_BITS = 48
"""No size has more."""


def in_order(b: BodyBuilder, first: Value, second: Value, *, descending: bool, is_float: bool) -> Value:
    """Whether an element must stand before another one; NaN counts as larger than every number."""
    ahead = b.compare("gt" if descending else "lt", first, second)
    if not is_float:
        return ahead
    larger, smaller = (first, second) if descending else (second, first)
    return b.or_(ahead, b.and_(b.compare("ne", larger, larger), b.compare("eq", smaller, smaller)))
