"""The graph of a network on its way to buffers: calls of kernels, and loops of calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue

from dlp.dialects.dlp.dim import Size
from dlp.dialects.dlp.graph import WeightOp, YieldOp
from dlp.dialects.dlp.loop import ScanOp
from dlp.dialects.dlp.structured import DestinationOp, shape_of
from dlp.dialects.dlp.view import ConcatOp, CopyOp, ViewOp
from dlp.errors import PassError
from dlp.lowering._buffer_body import BufferBody
from dlp.lowering._buffer_kernels import Kernels
from dlp.lowering._buffers import Buffer, allocate, buffer_type, layout_of, reinterpret, strided_type
from dlp.statistics import count
from dlp.tiling.sizes import symbols_of


class EntryBody(BufferBody):
    """Code that calls kernels on buffers: the body of an entry function."""

    def __init__(self, function: func.FuncOp, kernels: Kernels) -> None:
        super().__init__(function)
        self.kernels = kernels
        self.parts: dict[SSAValue, tuple[SSAValue, tuple[int, ...]]] = {}
        """Tensor -> the concatenation that it is a part of, and where it begins there."""

    def convert_ops(self, copies: Sequence[tuple[SSAValue, SSAValue]]) -> None:
        """Convert all ops; `copies` are the tensors that must be copied into a buffer besides."""
        self.find_states()
        self.find_parts()
        for op in self.source.ops:
            match op:
                case WeightOp() | func.ReturnOp() | YieldOp():
                    pass
                case func.CallOp():
                    self.call_function(op)
                case ScanOp():
                    LoopBody(self, op).convert()
                case ViewOp() if self.view(op):
                    pass
                case DestinationOp():
                    self.call_op(op)
                case _:
                    raise PassError(f"@{self.function.sym_name.data}: '{op.name}' cannot be given a buffer")
            # At once, so that the buffer that is copied lives no longer than it must.
            for value, out in copies:
                if value.owner is op:
                    self.copy(value, out)
        for value, out in copies:
            if not isinstance(value.owner, Operation) or value.owner.parent is not self.source:
                self.copy(value, out)

    def writes(self, value: SSAValue) -> bool:
        op = value.owner
        if isinstance(op, ViewOp):
            # It may need no kernel; then what it is a view of is copied into the output.
            return isinstance(op, CopyOp)
        if not isinstance(op, Operation) or op.parent is not self.source:
            return False
        return isinstance(op, func.CallOp | DestinationOp | ScanOp)

    def find_states(self) -> None:
        """Let the first states of loops be written where the loops keep them."""
        for op in self.source.ops:
            if isinstance(op, ScanOp):
                for first, state in zip(op.init, op.states, strict=True):
                    if first.has_one_use() and self.writes(first) and first not in self.destinations:
                        self.destinations[first] = self.buffer_for(state)

    def find_parts(self) -> None:
        """Note what can be written straight into a concatenation: fresh values that are part of only one."""
        for op in self.source.ops:
            for value, offsets in self.places(op):
                if self.writes(value) and value not in self.destinations and value not in self.parts:
                    self.parts[value] = op.results[0], offsets

    def concatenation(self, op: Operation) -> ConcatOp | None:
        """The concatenation that an op is, by itself or as all that the called function does with its arguments."""
        if isinstance(op, ConcatOp):
            return op
        if not isinstance(op, func.CallOp):
            return None
        body = self.kernels.source(op).body.block
        first = body.first_op
        if not isinstance(first, ConcatOp) or first.next_op is not body.last_op:
            return None
        return first if tuple(first.operands) == tuple(body.args) else None

    def buffer_for(self, value: SSAValue) -> SSAValue:
        """As for all functions; a part of a concatenation lies in the buffer of the whole."""
        if value in self.buffers or value not in self.parts:
            return self.buffers.get(value) or super().buffer_for(value)
        whole, offsets = self.parts[value]
        self.buffer_for(whole)
        self.buffers[value] = self.part(whole, value, offsets)
        count("producers that write into a part of the result")
        return self.buffers[value]

    def part(self, whole: SSAValue, value: SSAValue, offsets: tuple[int, ...]) -> SSAValue:
        """Where a tensor lies in the buffer of the concatenation that it is a part of."""
        buffer = self.buffers[whole]
        start, strides = layout_of(cast(Buffer, buffer.type))
        assert start is not None  # what an entry function allocates or is given begins at 0
        start += sum(o * s for o, s in zip(offsets, strides, strict=True))
        root = self.roots.get(buffer, buffer)
        shape = shape_of(value.type)
        view = self.value(reinterpret(root, shape, (start, strides), self.size), value.name_hint)
        self.roots[view] = root
        return view

    def join(self, op: Operation) -> bool:
        """Finish a concatenation some of whose parts are in place: copy the others. False where none is."""
        if self.concatenation(op) is None or op.results[0] not in self.buffers:
            return False
        for value, offsets in self.places(op):
            if self.parts.get(value) != (op.results[0], offsets):
                self.copy(value, self.part(op.results[0], value, offsets))
        return True

    def places(self, op: Operation) -> Iterator[tuple[SSAValue, tuple[int, ...]]]:
        """The operands of a concatenation, and where each begins; nothing for other ops."""
        if (concat := self.concatenation(op)) is not None:
            place = 0
            for value in op.operands:
                yield value, tuple(place if d == concat.axis else 0 for d in range(len(concat.shape)))
                place += shape_of(value.type)[concat.axis]

    def number(self, size: Size, hint: str | None = None) -> SSAValue:
        """A size as a value."""
        value = self.size(size)
        if isinstance(value, SSAValue):
            return value
        return self.value(arith.ConstantOp(IntegerAttr(value, IndexType())), hint)

    def call_function(self, op: func.CallOp) -> None:
        if not self.join(op):
            ins = [self.buffers[v] for v in op.arguments]
            outs = [self.buffer_for(result) for result in op.results]
            self.call(self.kernels.of_function(op, ins, outs), [*ins, *outs], op)

    def call_op(self, op: DestinationOp) -> None:
        if not self.join(op):
            ins, out = [self.buffers[v] for v in op.ins], self.buffer_for(op.res[0])
            self.call(self.kernels.of_op(op, ins, out), [*ins, out], op)
            count("ops outside groups")

    def copy(self, value: SSAValue, out: SSAValue) -> None:
        """Copy a tensor into a buffer."""
        self.copy_buffer(value.type, self.buffers[value], out)

    def copy_buffer(self, type_: Attribute, source: SSAValue, out: SSAValue) -> None:
        """Copy a buffer that holds a tensor of this type."""
        self.call(self.kernels.of_copy(type_, source, out), [source, out])

    def call(
        self, kernel: func.FuncOp, operands: Sequence[SSAValue], origin: Operation | None = None
    ) -> None:
        types = kernel.function_type.inputs.data
        values = [self.cast(v, t) for v, t in zip(operands, types[: len(operands)], strict=True)]
        values += [self.symbols[name] for name in symbols_of(kernel)]
        call = func.CallOp(kernel.sym_name.data, values, [])
        if origin is not None:
            call.attributes.update(origin.attributes)
        self.block.add_op(call)

    def cast(self, value: SSAValue, wanted: Attribute) -> SSAValue:
        if value.type == wanted:
            return value
        assert isinstance(wanted, MemRefType)
        return self.value(memref.CastOp.get(value, wanted), value.name_hint)


class LoopBody(EntryBody):
    """The body of a loop, inside the code around it, whose buffers it may use."""

    def __init__(self, around: EntryBody, loop: ScanOp) -> None:
        super().__init__(around.function, around.kernels)
        self.around = around
        self.loop = loop
        self.buffers = around.buffers
        self.roots = around.roots
        self.symbols = around.symbols
        self.counter = self.block.insert_arg(IndexType(), 0)
        self.counter.name_hint = "step"

    @property
    def source(self) -> Block:
        return self.loop.body

    @property
    def returned(self) -> tuple[SSAValue, ...]:
        return tuple(self.loop.yielded_outputs)

    def convert(self) -> None:
        """Add the loop to the code around it."""
        loop, around = self.loop, self.around
        states = [self.state_of(k) for k in range(len(loop.init))]
        stacks = [around.buffer_for(result) for result in loop.outputs]
        step: SSAValue = self.counter
        if loop.reverse:
            last = self.number(loop.steps - 1, "last")
            step = self.value(arith.SubiOp(last, step), "place")
        for argument, sequence in zip(loop.slices, loop.ins, strict=True):
            self.buffers[argument] = self.slice(around.buffers[sequence], step, argument.name_hint)
        for argument, state in zip(loop.carried, states, strict=True):
            self.buffers[argument] = state
        outs = [
            self.slice(stack, step, value.name_hint)
            for stack, value in zip(stacks, self.returned, strict=True)
        ]
        self.convert_ops(self.take_destinations(outs))
        self.advance(states)
        self.erase_unused_views()
        self.block.add_op(scf.YieldOp())
        low, high, by = (around.number(n) for n in (0, loop.steps, 1))
        around.block.add_op(scf.ForOp(low, high, by, [], Region(self.block)))
        count("loops")

    def state_of(self, k: int) -> SSAValue:
        """The buffer of a state, which holds the first one."""
        first, state = self.loop.init[k], self.loop.states[k]
        held = self.around.destinations.get(first)
        if held is not None and held is self.around.buffers.get(state):
            return held
        buffer = self.around.buffer_for(state)
        self.around.copy(first, buffer)
        return buffer

    def advance(self, states: Sequence[SSAValue]) -> None:
        """Copy the next states over those of this step, which nobody reads any more."""
        yielded = self.loop.yielded_states
        sources: list[SSAValue] = []
        for value, argument in zip(yielded, self.loop.carried, strict=True):
            source = self.buffers[value]
            if value is not argument and _is_state(value, self.loop):
                # A state that becomes another one is read before it is overwritten.
                source = self.value(allocate(buffer_type(value.type), self.size), value.name_hint)
                self.copy(value, source)
            sources.append(source)
        for value, source, state in zip(yielded, sources, states, strict=True):
            if source is not state:
                self.copy_buffer(value.type, source, state)

    def slice(self, sequence: SSAValue, step: SSAValue, hint: str | None) -> SSAValue:
        """The buffer of one step of a sequence."""
        type_ = cast(Buffer, sequence.type)
        _, strides = layout_of(type_)
        shape = shape_of(type_)[1:]
        result = strided_type(type_.element_type, shape, (None, strides[1:]))
        zeros, ones, sizes = [0] * len(shape), [1] * len(shape), [self.size(n) for n in shape]
        return self.value(
            memref.SubviewOp.get(sequence, [step, *zeros], [1, *sizes], [1, *ones], result), hint
        )


def _is_state(value: SSAValue, loop: ScanOp) -> bool:
    """Whether a value is a state of this step, or a view of one."""
    while isinstance(value.owner, ViewOp) and not isinstance(value.owner, CopyOp):
        value = value.owner.ins[0]
    return isinstance(value, BlockArgument) and value in loop.carried
