"""From tensors to buffers: kernels write into what they are given, the network becomes a list of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerAttr, MemRefType, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.structured import DestinationOp, int_list
from dlp.dialects.dlp.view import CopyOp, ReshapeOp, SliceOp, ViewOp
from dlp.errors import PassError
from dlp.lowering._buffers import (
    Buffer,
    allocate,
    buffer_type,
    contiguous_strides,
    layout_of,
    reinterpret,
    reshape_root,
    strided_type,
    subview,
)
from dlp.lowering._kernel_names import KernelNames
from dlp.statistics import count

WEIGHTS = "dlp.weights"
"""Attribute of a bufferised function: the names of the weights that its first arguments are."""

OUTPUTS = "dlp.num_outputs"
"""Attribute of a bufferised function: how many of its last arguments it writes."""

ALIASES = "dlp.aliases"
"""Attribute of a bufferised function: for each output the argument that it is, or -1 where it is written."""


class Bufferize(ModulePass):
    """Give every tensor a buffer.

    Kernels (private functions) become destination-passing: behind the inputs they take the buffers of their results.
    Views become memref views where strides can say them, else they stay as ops that copy. A value that is returned is
    written where it is wanted; what is no fresh value (an argument, a second return of a value) is copied there.

    Entry functions (public) become calls of kernels on buffers: arguments are the inputs, or for the function with
    `dlp.weight` ops the weights in their order, then the outputs. An output that is an argument as it is stays
    unwritten and is named in `dlp.aliases`. A kernel that is called on differently strided buffers is
    made once for each, so that its strides are constants.

    Before:
    ```mlir
    func.func @forward(%x: tensor<8x16xf32>) -> tensor<128xf32> {
      %0 = func.call @relu(%x) : (tensor<8x16xf32>) -> tensor<8x16xf32>
      %1 = dlp.reshape ins(%0 : tensor<8x16xf32>) -> tensor<128xf32>
      func.return %1 : tensor<128xf32>
    }
    func.func private @relu(%a: tensor<8x16xf32>) -> tensor<8x16xf32> {
      %0 = dlp.relu ins(%a : tensor<8x16xf32>) -> tensor<8x16xf32>
      func.return %0 : tensor<8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @forward(%x: memref<8x16xf32>, %out: memref<128xf32>) {
      %0 = memref.reinterpret_cast %out to offset: [0], sizes: [8, 16], strides: [16, 1] : ...
      func.call @relu(%x, %0) : (memref<8x16xf32>, memref<8x16xf32>) -> ()
      func.return
    }
    func.func private @relu(%a: memref<8x16xf32>, %out: memref<8x16xf32>) {
      dlp.relu ins(%a : memref<8x16xf32>) outs(%out : memref<8x16xf32>)
      func.return
    }
    ```
    """

    name = "bufferize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        functions = [f for f in op.body.block.ops if isinstance(f, func.FuncOp) and f.body.blocks]
        public = [f for f in functions if f.sym_visibility is None or f.sym_visibility.data == "public"]
        kernels = _Kernels(functions)
        for function in public:
            op.body.block.insert_op_before(_Entry(function, kernels).convert(), function)
        for function in functions:
            function.detach()
            function.erase(safe_erase=False)
        for kernel in kernels.made.values():
            op.body.block.add_op(kernel)


class _Kernels:
    """Bufferised kernels, one for each function and layout of its arguments."""

    def __init__(self, functions: Sequence[func.FuncOp]) -> None:
        self._sources = {f.sym_name.data: f for f in functions}
        self._names = KernelNames(())
        self.made: dict[tuple[object, tuple[Attribute, ...]], func.FuncOp] = {}

    def of_function(self, name: str, types: Sequence[Buffer]) -> func.FuncOp:
        """The kernel for a function on tensors, for arguments of these types."""
        return self._get(name, self._sources[name], types)

    def of_op(self, op: DestinationOp, types: Sequence[Buffer]) -> func.FuncOp:
        """A kernel of one op, for what stands outside the groups: a constant, a view that needs a copy."""
        key = (op.name, frozenset(op.properties.items()), op.res[0].type)
        tensors = [v.type for v in op.ins]
        block = Block(arg_types=tensors)
        alone = op.on(block.args, result_type=op.res[0].type)
        block.add_ops([alone, func.ReturnOp(alone.res[0])])
        name = f"{op.name.removeprefix('dlp.')}_alone"
        function = func.FuncOp(name, (tensors, [op.res[0].type]), Region(block), "private")
        function.attributes["dlp.comment"] = StringAttr(op.name.removeprefix("dlp."))
        return self._get(key, function, types)

    def of_copy(self, type_: Attribute, source: Buffer) -> func.FuncOp:
        """A kernel that copies a tensor."""
        return self.of_op(CopyOp.of(Block(arg_types=[type_]).args[0]), [source])

    def _get(self, key: object, function: func.FuncOp, types: Sequence[Buffer]) -> func.FuncOp:
        known = self.made.get((key, tuple(types)))
        if known is None:
            name = self._names.fresh(function.sym_name.data)
            known = self.made[key, tuple(types)] = _Kernel(function, types).convert(name)
            count("kernels bufferised")
        return known


@dataclass
class _Body:
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
            root = reshape_root(value)
            if root in self.destinations or value in self.destinations:
                copies.append((value, out))
            elif root is value and self.writes(value):
                self.destinations[value] = out
            elif self.writes(root):
                self.filled[value] = out
                shape = buffer_type(root.type).get_shape()
                view = self.value(reinterpret(out, shape, (0, contiguous_strides(shape))), root.name_hint)
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
            buffer = self.value(allocate(buffer_type(value.type)), value.name_hint)
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
            view = self.value(subview(source, int_list(op.offsets), op.shape, int_list(op.steps)), hint)
        else:
            root = self.roots.get(source, source)
            view = self.value(reinterpret(root, op.shape, layout), hint)
            self.roots[view] = root
        self.buffers[op.res[0]] = view
        count("views without a copy")
        return True

    def finish(self, name: str, attributes: dict[str, Attribute]) -> func.FuncOp:
        for op in reversed(self.block.ops):
            if isinstance(op, memref.ReinterpretCastOp | memref.SubviewOp) and not op.result.uses:
                self.block.erase_op(op)
        self.block.add_op(func.ReturnOp())
        types = ([a.type for a in self.block.args], [])
        result = func.FuncOp(name, types, Region(self.block), self.function.sym_visibility)
        result.attributes.update(self.function.attributes)
        result.attributes.update(attributes)
        return result


class _Kernel(_Body):
    """A kernel: ops in destination form between its arguments and local buffers."""

    def __init__(self, function: func.FuncOp, types: Sequence[Buffer]) -> None:
        super().__init__(function)
        for argument, type_ in zip(self.source.args, types, strict=True):
            self.buffers[argument] = self.argument(type_, argument.name_hint)

    def convert(self, name: str) -> func.FuncOp:
        returned = self.returned
        hints = ["out"] if len(returned) == 1 else [f"out{i}" for i in range(len(returned))]
        outs = [
            self.argument(buffer_type(v.type), hint) for v, hint in zip(returned, hints, strict=True)
        ]
        copies = self.take_destinations(outs)
        for op in self.source.ops:
            if isinstance(op, func.ReturnOp):
                break
            if not isinstance(op, DestinationOp):
                raise PassError(f"@{self.function.sym_name.data}: '{op.name}' cannot be given a buffer")
            if isinstance(op, ViewOp) and self.view(op):
                continue
            self.write(op, self.buffer_for(op.res[0]))
        for value, out in copies:
            self.block.add_op(CopyOp.of(self.buffers[value], out=out))
        return self.finish(name, {})

    def writes(self, value: SSAValue) -> bool:
        return isinstance(value.owner, DestinationOp)

    def write(self, op: DestinationOp, out: SSAValue) -> None:
        new = op.on([self.buffers[v] for v in op.ins], out=out)
        new.attributes.update(op.attributes)
        self.block.add_op(new)


class _Entry(_Body):
    """An entry function: calls of kernels on arguments and buffers."""

    def __init__(self, function: func.FuncOp, kernels: _Kernels) -> None:
        super().__init__(function)
        self.kernels = kernels

    def convert(self) -> func.FuncOp:
        for argument in self.source.args:
            self.buffers[argument] = self.argument(buffer_type(argument.type), argument.name_hint)
        weights = self.add_weights()
        aliases = [self.alias_of(value) for value in self.returned]
        outs = [
            self.argument(buffer_type(value.type), value.name_hint or "out") for value in self.returned
        ]
        unwritten = [None if alias >= 0 else out for alias, out in zip(aliases, outs, strict=True)]
        copies = self.take_destinations(unwritten)
        for op in self.source.ops:
            match op:
                case WeightOp() | func.ReturnOp():
                    pass
                case func.CallOp():
                    self.call_function(op)
                case ViewOp() if self.view(op):
                    pass
                case DestinationOp():
                    self.call_op(op, self.buffer_for(op.res[0]))
                case _:
                    raise PassError(f"@{self.function.sym_name.data}: '{op.name}' cannot be given a buffer")
            # At once, so that the buffer that is copied lives no longer than it must.
            for value, out in copies:
                if value.owner is op:
                    self.copy(value, out)
        for value, out in copies:
            if isinstance(value, BlockArgument):
                self.copy(value, out)
        attributes: dict[str, Attribute] = {OUTPUTS: IntegerAttr(len(outs), 64)}
        if weights:
            attributes[WEIGHTS] = ArrayAttr([StringAttr(w) for w in weights])
        if any(alias >= 0 for alias in aliases):
            attributes[ALIASES] = DenseArrayBase.from_list(i64, aliases)
        return self.finish(self.function.sym_name.data, attributes)

    def add_weights(self) -> list[str]:
        """An argument for every weight by name."""
        arguments: dict[str, SSAValue] = {}
        for op in self.source.ops:
            if isinstance(op, WeightOp):
                symbol = op.symbol.data
                if symbol not in arguments:
                    arguments[symbol] = self.argument(buffer_type(op.res.type), op.res.name_hint or "weight")
                self.buffers[op.res] = arguments[symbol]
        return list(arguments)

    def alias_of(self, value: SSAValue) -> int:
        """Number of the argument of a weight that a function of weights alone returns as it is, or -1.

        A function with inputs never hands memory through: its caller owns the outputs.
        """
        root = reshape_root(value)
        if not isinstance(root.owner, WeightOp) or self.source.args:
            return -1
        return cast(BlockArgument, self.buffers[root]).index

    def writes(self, value: SSAValue) -> bool:
        op = value.owner
        if isinstance(op, ViewOp):  # it may need no kernel, so it is copied into the output as the view that it is
            return isinstance(op, CopyOp)
        return isinstance(op, func.CallOp | DestinationOp)

    def call_function(self, op: func.CallOp) -> None:
        ins = [self.buffers[v] for v in op.arguments]
        kernel = self.kernels.of_function(op.callee.string_value(), [_argument_type(v) for v in ins])
        outs = [self.buffer_for(result) for result in op.results]
        self.call(kernel, [*ins, *outs], op)

    def call_op(self, op: DestinationOp, out: SSAValue) -> None:
        ins = [self.buffers[v] for v in op.ins]
        kernel = self.kernels.of_op(op, [_argument_type(v) for v in ins])
        self.call(kernel, [*ins, out], op)
        count("ops outside groups")

    def copy(self, value: SSAValue, out: SSAValue) -> None:
        source = self.buffers[value]
        self.call(self.kernels.of_copy(value.type, _argument_type(source)), [source, out])

    def call(self, kernel: func.FuncOp, operands: Sequence[SSAValue], origin: Operation | None = None) -> None:
        types = kernel.function_type.inputs.data
        values = [self.cast(v, t) for v, t in zip(operands, types, strict=True)]
        call = func.CallOp(kernel.sym_name.data, values, [])
        if origin is not None:
            call.attributes.update(origin.attributes)
        self.block.add_op(call)

    def cast(self, value: SSAValue, wanted: Attribute) -> SSAValue:
        if value.type == wanted:
            return value
        assert isinstance(wanted, MemRefType)
        return self.value(memref.CastOp.get(value, wanted), value.name_hint)


def _argument_type(value: SSAValue) -> Buffer:
    """The type of a kernel's argument: a kernel does not depend on where in its buffer a view begins."""
    type_ = cast(Buffer, value.type)
    offset, strides = layout_of(type_)
    return strided_type(type_.element_type, type_.get_shape(), (0 if offset == 0 else None, strides))
