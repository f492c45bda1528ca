"""From tensors to buffers: kernels write into what they are given, the network becomes a list of calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.structured import DestinationOp, shape_of
from dlp.dialects.dlp.view import ConcatOp, CopyOp, ViewOp
from dlp.errors import PassError
from dlp.lowering._buffer_body import BufferBody
from dlp.lowering._buffer_kernels import Kernels
from dlp.lowering._buffers import Buffer, buffer_type, layout_of, reinterpret, reshape_root
from dlp.statistics import count
from dlp.tiling.sizes import symbols_of

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
        _require_known_sizes(op)
        kernels = Kernels(functions)
        for function in public:
            op.body.block.insert_op_before(_Entry(function, kernels).convert(), function)
        for function in functions:
            function.detach()
            function.erase(safe_erase=False)
        for kernel in kernels.made.values():
            op.body.block.add_op(kernel)


def _require_known_sizes(module: ModuleOp) -> None:
    """Buffers of sizes that only a run knows have no place in an arena yet.

    Raises:
        PassError: naming the first op with such a result.
    """
    for op in module.walk():
        for result in op.results:
            if isinstance(result.type, TensorType) and any(n < 0 for n in shape_of(result.type)):
                raise PassError(f"'{op.name}' has a result of type {result.type}: buffers need known sizes")


class _Entry(BufferBody):
    """An entry function: calls of kernels on arguments and buffers."""

    def __init__(self, function: func.FuncOp, kernels: Kernels) -> None:
        super().__init__(function)
        self.kernels = kernels
        self.parts: dict[SSAValue, tuple[SSAValue, tuple[int, ...]]] = {}
        """Tensor -> the concatenation that it is a part of, and where it begins there."""

    def convert(self) -> func.FuncOp:
        for argument in self.source.args:
            self.buffers[argument] = self.argument(buffer_type(argument.type), argument.name_hint)
        weights = self.add_weights()
        aliases = [self.alias_of(value) for value in self.returned]
        outs = [self.argument(buffer_type(value.type), value.name_hint or "out") for value in self.returned]
        unwritten = [None if alias >= 0 else out for alias, out in zip(aliases, outs, strict=True)]
        self.add_symbols()
        copies = self.take_destinations(unwritten)
        self.find_parts()
        for op in self.source.ops:
            match op:
                case WeightOp() | func.ReturnOp():
                    pass
                case func.CallOp():
                    self.call_function(op)
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
        if isinstance(op, ViewOp):
            # It may need no kernel; then what it is a view of is copied into the output.
            return isinstance(op, CopyOp)
        return isinstance(op, func.CallOp | DestinationOp)

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
        source = self.buffers[value]
        self.call(self.kernels.of_copy(value.type, source, out), [source, out])

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
