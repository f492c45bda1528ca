"""One function on its way from tensors to buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import DictionaryAttr, IndexType, IntegerAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from dlp.dialects.dlp.elementwise import SizeOp
from dlp.dialects.dlp.structured import dims_of, int_list, shape_of
from dlp.dialects.dlp.view import SliceOp, ViewOp
from dlp.errors import PassError
from dlp.lowering._buffers import (
    Buffer,
    ValueOfSize,
    allocate,
    buffer_type,
    contiguous_strides,
    layout_of,
    reinterpret,
    reshape_root,
    subview,
)
from dlp.statistics import count
from dlp.tiling.sizes import SYMBOLS, Sizes


@dataclass
class BufferBody:
    """One function on its way from tensors to buffers: what is known of each tensor's buffer."""

    function: func.FuncOp
    block: Block = field(default_factory=Block)
    buffers: dict[SSAValue, SSAValue] = field(default_factory=dict)
    destinations: dict[SSAValue, SSAValue] = field(default_factory=dict)
    """Where tensors that are returned are to be written."""
    filled: dict[SSAValue, SSAValue] = field(default_factory=dict)
    """Reshaped tensors that are returned -> the output that holds them once their root is written."""
    roots: dict[SSAValue, SSAValue] = field(default_factory=dict)
    """View -> the buffer that it is a view of, whose offset is 0."""
    symbols: dict[str, SSAValue] = field(default_factory=dict)
    """The arguments that bring the sizes that only a run knows."""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    """What to write on the function."""

    @property
    def source(self) -> Block:
        return self.function.body.block

    @property
    def returned(self) -> tuple[SSAValue, ...]:
        last = self.source.last_op
        if not isinstance(last, func.ReturnOp):
            raise PassError(f"@{self.function.sym_name.data} does not end in func.return")
        return tuple(last.arguments)

    def value(self, op: Operation, hint: str | None) -> SSAValue:
        """Add an op and name its result."""
        self.block.add_op(op)
        op.results[0].name_hint = hint
        return op.results[0]

    def argument(self, type_: Attribute, hint: str | None) -> SSAValue:
        value = self.block.insert_arg(type_, len(self.block.args))
        value.name_hint = hint
        return value

    def add_symbols(self) -> None:
        """An argument for each symbol in the sizes and strides of the arguments so far, behind them.

        And for those of what is computed between them, and of sizes that are numbers in the function.
        """
        values = [v for op in self.source.ops for v in op.results]
        types = [v.type for v in (*self.source.args, *values, *self.returned, *self.block.args)]
        used = [dims for t in types if (dims := dims_of(t)) is not None]
        used += [op.size for op in self.source.ops if isinstance(op, SizeOp)]
        names = sorted({name for dims in used for name in dims.symbols.data})
        numbers: dict[str, Attribute] = {}
        for name in names:
            numbers[name] = IntegerAttr(len(self.block.args), 64)
            self.symbols[name] = self.argument(IndexType(), name)
        if numbers:
            self.attributes[SYMBOLS] = DictionaryAttr(numbers)

    @cached_property
    def size(self) -> ValueOfSize:
        """The number or the value of a size."""
        return Sizes(self.symbols, self.block.add_op).value

    def take_destinations(self, outs: Sequence[SSAValue | None]) -> list[tuple[SSAValue, SSAValue]]:
        """Decide who writes each output.

        Args:
            outs: the buffer of each returned value; None where there is nothing to write.

        Returns:
            (tensor, buffer) of the outputs to which the tensor must be copied at the end.
        """
        copies: list[tuple[SSAValue, SSAValue]] = []
        for value, out in zip(self.returned, outs, strict=True):
            if out is None:
                continue
            # Only memory without gaps can be seen under another shape.
            root = reshape_root(value) if out.type == buffer_type(value.type) else value
            if root in self.destinations or value in self.destinations:
                copies.append((value, out))
            elif root is value and self.writes(value):
                self.destinations[value] = out
            elif self.writes(root):
                self.filled[value] = out
                shape = shape_of(root.type)
                view = self.value(
                    reinterpret(out, shape, (0, contiguous_strides(shape)), self.size), root.name_hint
                )
                self.destinations[root] = view
                self.roots[view] = out
            elif self.writes(value):
                self.destinations[value] = out
            else:
                copies.append((value, out))
        return copies

    def writes(self, value: SSAValue) -> bool:
        """Whether an op of this function writes the buffer of `value`, so that it can write elsewhere."""
        raise NotImplementedError

    def buffer_for(self, value: SSAValue) -> SSAValue:
        """The buffer into which a tensor is to be written: its destination, or a new one."""
        buffer = self.destinations.get(value)
        if buffer is None:
            buffer = self.value(allocate(buffer_type(value.type), self.size), value.name_hint)
            count("buffers")
        self.buffers[value] = buffer
        return buffer

    def view(self, op: ViewOp) -> bool:
        """Make the result of a view op a view of its operand's buffer. Returns whether that is possible."""
        if (known := self.filled.get(op.res[0])) is not None:
            self.buffers[op.res[0]] = known
            return True
        if op.res[0] in self.destinations:
            return False
        source = self.buffers[op.ins[0]]
        offset, strides = layout_of(cast(Buffer, source.type))
        layout = op.relayout((offset or 0, strides))
        if layout is None:
            return False
        hint = op.res[0].name_hint
        if offset is None:
            # The distance from the root's first element is not known: only a part can be taken.
            if not isinstance(op, SliceOp):
                return False
            view = self.value(
                subview(source, int_list(op.offsets), op.shape, int_list(op.steps), self.size), hint
            )
        else:
            root = self.roots.get(source, source)
            view = self.value(reinterpret(root, op.shape, layout, self.size), hint)
            self.roots[view] = root
        self.buffers[op.res[0]] = view
        count("views without a copy")
        return True

    def erase_unused_views(self) -> None:
        for op in reversed(self.block.ops):
            if isinstance(op, memref.ReinterpretCastOp | memref.SubviewOp) and not op.result.uses:
                self.block.erase_op(op)

    def finish(self, name: str, attributes: dict[str, Attribute]) -> func.FuncOp:
        self.erase_unused_views()
        self.block.add_op(func.ReturnOp())
        types = ([a.type for a in self.block.args], [])
        result = func.FuncOp(name, types, Region(self.block), self.function.sym_visibility)
        result.attributes.update(self.function.attributes)
        result.attributes.update(self.attributes)
        result.attributes.update(attributes)
        return result
