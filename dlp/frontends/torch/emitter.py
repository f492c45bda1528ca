"""What the importer of a node works with: it emits operations, and knows the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch.fx import Node
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, f64, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dlp.dialects.dlp.checking import RequireOp
from dlp.dialects.dlp.dim import Dim, Size
from dlp.dialects.dlp.elementwise import AndOp, CastOp, CompareOp, ConstantOp, SizeOp
from dlp.dialects.dlp.graph import YieldOp
from dlp.dialects.dlp.loop import ScanOp, slice_type
from dlp.dialects.dlp.structured import DestinationOp, shape_of
from dlp.dialects.dlp.view import ReshapeOp, TransposeOp
from dlp.errors import StaticShapeRequired
from dlp.frontends.torch.element_types import DTYPES, ELEMENT_TYPES
from dlp.frontends.torch.symbols import sizes_of


class NotSupported(Exception):
    """Raised by a node importer: the reason why this node cannot be imported exactly."""


class Emitter:
    """Emits operations when it is called: `g(AddOp, x, y)`."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._block = Block()
        self._source: StringAttr | None = None
        """Where the user's code has the node."""
        self._computes = False
        """Whether the node computes with elements, rather than moving them."""
        self._asserted: list[tuple[SSAValue, str]] = []
        """What must hold of the inputs, beside the values that are computed: conditions without dimensions."""

    def __call__(self, op_class: type[DestinationOp], *ins: SSAValue, **arguments: Any) -> SSAValue:
        """Emit an operation and hand back its result; the arguments are those of `DestinationOp.of`."""
        return self._add(op_class.of(*ins, **arguments)).results[0]

    def scan(
        self,
        sequences: Sequence[SSAValue],
        states: Sequence[SSAValue],
        step: Callable[..., tuple[Sequence[SSAValue], Sequence[SSAValue]]],
        *,
        reverse: bool = False,
    ) -> tuple[list[SSAValue], list[SSAValue]]:
        """Emit a loop over the first dimension of some sequences.

        Args:
            sequences: of the same first dimension, which is not 0.
            states: the first ones.
            step: gets the slices of the sequences, then the states, and emits one step; returns the next states and
                the slices of the outputs.
            reverse: from the last step to the first.

        Returns:
            The last states, and the outputs: [steps, ...].
        """
        body = Block(arg_types=[*(slice_type(s.type) for s in sequences), *(s.type for s in states)])
        around, self._block = self._block, body
        try:
            following, outputs = step(*body.args)
        finally:
            self._block = around
        body.add_op(YieldOp(*following, *outputs))
        loop = self._add(ScanOp(sequences, states, body, reverse=reverse))
        return list(loop.results[: len(states)]), list(loop.results[len(states) :])

    @property
    def result(self) -> torch.Tensor:
        """The fake tensor of the node's (first) result."""
        return first(self.node.meta["val"])

    @property
    def dtype(self) -> torch.dtype:
        """Of the node's (first) result; what computes unsigned bytes computes them as `torch.int32`."""
        return torch.int32 if self._is_wide(self.result) else self.result.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the node's (first) result."""
        return sizes_of(self.result.shape)

    def fake(self, argument: int) -> torch.Tensor:
        """The fake tensor of an argument of the node."""
        return cast(Node, self.node.args[argument]).meta["val"]

    def is_used(self, result: int) -> bool:
        """Whether anything uses result `result` of a node that has several."""
        return any(user.args[1] == result and user.users for user in self.node.users)

    def shape_of(self, x: SSAValue) -> tuple[int, ...]:
        return shape_of(x.type)

    def element_of(self, x: SSAValue) -> Attribute:
        return x.type.element_type  # pyright: ignore[reportAttributeAccessIssue]

    def dtype_of(self, x: SSAValue) -> torch.dtype:
        """The dtype of a value; i8 reads as `torch.int8`."""
        return DTYPES[self.element_of(x)]

    def constant(self, value: float | int | bool, dtype: torch.dtype, shape: Sequence[int] = ()) -> SSAValue:
        """A constant, 0-d unless a shape is given: it broadcasts.

        Raises:
            StaticShapeRequired: the number is one that only a run knows (see `operand`).
        """
        if isinstance(value, SSAValue):
            raise StaticShapeRequired("a number that is computed from sizes")
        if dtype.is_floating_point:
            attribute: Attribute = FloatAttr(float(value), f64)
        else:
            attribute = IntegerAttr(int(bool(value) if dtype == torch.bool else value), i64)
        return self(ConstantOp, shape=tuple(shape), element_type=ELEMENT_TYPES[dtype], value=attribute)

    def cast(self, x: SSAValue, dtype: torch.dtype) -> SSAValue:
        """`x` with elements of `dtype`, as the framework converts them."""
        if self.element_of(x) == ELEMENT_TYPES[dtype]:
            return x
        if dtype == torch.bool:
            return self(CompareOp, x, self.constant(0, self.dtype_of(x)), predicate="ne")
        return self(CastOp, x, element_type=ELEMENT_TYPES[dtype])

    def number(self, size: Size, dtype: torch.dtype) -> SSAValue:
        """A size as a value, 0-d."""
        if not isinstance(size, Dim):
            return self.constant(size, dtype)
        return self.cast(self(SizeOp, size=size), dtype)

    def operand(self, x: SSAValue | float | int | bool | Dim, dtype: torch.dtype) -> SSAValue:
        """A tensor, a Python number or a size as a value with elements of `dtype`."""
        if isinstance(x, SSAValue):
            return self.cast(x, dtype)
        if isinstance(x, Dim):
            return self.number(x, dtype)
        return self.constant(x, dtype)

    def require(self, condition: SSAValue, x: SSAValue, otherwise: SSAValue, message: str) -> SSAValue:
        """`x`, whose elements must meet a condition: a run in which one does not fails with the message.

        Args:
            otherwise: what to go on with until then.
            message: may begin with an exception's name (see `dlp.errors.run_error`); the user's line is added.
        """
        return self(RequireOp, condition, x, otherwise, message=message + self.place)

    def require_later(self, condition: SSAValue, message: str) -> None:
        """Like `require`, where no value depends on the condition, which is a single one."""
        self._asserted.append((condition, message + self.place))

    @property
    def place(self) -> str:
        """The user's line, to stand at the end of a message."""
        return f" ({self._source.data})" if self._source is not None else ""

    def reshape(self, x: SSAValue, shape: Sequence[int]) -> SSAValue:
        return x if self.shape_of(x) == tuple(shape) else self(ReshapeOp, x, shape=tuple(shape))

    def transpose(self, x: SSAValue, permutation: Sequence[int]) -> SSAValue:
        if list(permutation) == list(range(len(permutation))):
            return x
        return self(TransposeOp, x, permutation=tuple(permutation))

    def _is_wide(self, fake: object) -> bool:
        """Whether the IR's bytes without a sign must be widened for what this node does with them."""
        return self._computes and isinstance(fake, torch.Tensor) and fake.dtype == torch.uint8

    def widen(self, x: SSAValue) -> SSAValue:
        """The i8 elements of a `torch.uint8` tensor as i32, 0 to 255."""
        return self(AndOp, self.cast(x, torch.int32), self.constant(255, torch.int32))

    def _add(self, op: Operation) -> Operation:
        if self._source is not None:
            op.attributes["dlp.source"] = self._source
        self._block.add_op(op)
        return op


def first(value: Any) -> Any:
    """The first of several results, or the only one."""
    return value[0] if isinstance(value, tuple | list) else value
