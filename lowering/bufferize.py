"""From tensors to buffers: kernels write into what they are given, the network becomes a list of calls."""

from __future__ import annotations

from typing import cast

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.structured import shape_of
from dlp.errors import PassError
from dlp.lowering._buffer_calls import EntryBody
from dlp.lowering._buffer_kernels import Kernels
from dlp.lowering._buffers import buffer_type, reshape_root
from dlp.lowering._kernels import mark_kernels_that_run_once

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
        mark_kernels_that_run_once(op)


def _require_known_sizes(module: ModuleOp) -> None:
    """Buffers of sizes that only a run knows have no place in an arena yet.

    Raises:
        PassError: naming the first op with such a result.
    """
    for op in module.walk():
        for result in op.results:
            if isinstance(result.type, TensorType) and any(n < 0 for n in shape_of(result.type)):
                raise PassError(f"'{op.name}' has a result of type {result.type}: buffers need known sizes")


class _Entry(EntryBody):
    """An entry function: its arguments and results."""

    def convert(self) -> func.FuncOp:
        for argument in self.source.args:
            self.buffers[argument] = self.argument(buffer_type(argument.type), argument.name_hint)
        weights = self.add_weights()
        aliases = [self.alias_of(value) for value in self.returned]
        outs = [self.argument(buffer_type(value.type), value.name_hint or "out") for value in self.returned]
        unwritten = [None if alias >= 0 else out for alias, out in zip(aliases, outs, strict=True)]
        self.add_symbols()
        self.convert_ops(self.take_destinations(unwritten))
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
