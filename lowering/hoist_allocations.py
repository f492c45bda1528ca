"""Kernels own no memory: what they still need of it, their callers give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.ir import BlockArgument
from xdsl.passes import ModulePass

from dlp.lowering._buffers import Buffer, allocate
from dlp.lowering._kernels import kernels
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.sizes import Sizes, symbols_of
from dlp.walking import walk_of


class HoistAllocations(ModulePass):
    """Turn each buffer that a kernel allocates at its top into an argument, and allocate it in front of the calls.

    So the buffers that tiling has not made small share one arena with all others, and printed kernels never allocate.

    Before:
    ```mlir
    func.func @forward(%x: memref<8xf32>, %out: memref<8xf32>) {
      func.call @k(%x, %out) : (memref<8xf32>, memref<8xf32>) -> ()
      func.return
    }
    func.func private @k(%a: memref<8xf32>, %out: memref<8xf32>) {
      %t = memref.alloc() : memref<8xf32>
      ...
    ```
    After:
    ```mlir
    func.func @forward(%x: memref<8xf32>, %out: memref<8xf32>) {
      %t = memref.alloc() : memref<8xf32>
      func.call @k(%x, %out, %t) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
      func.return
    }
    func.func private @k(%a: memref<8xf32>, %out: memref<8xf32>, %t: memref<8xf32>) {
      ...
    ```
    """

    name = "hoist-allocations"
    scope = Scope.FUNCTION

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        arguments: dict[str, list[BlockArgument]] = {}
        for function in kernels(op):
            _take_allocations(function)
            arguments[function.sym_name.data] = list(function.body.block.args)
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp):
                for call in walk_of(function, func.CallOp):
                    wanted = arguments.get(call.callee.string_value(), [])
                    if missing := wanted[len(call.arguments) :]:
                        _give(function, call, missing)


def _take_allocations(function: func.FuncOp) -> None:
    """Make the function's allocations its last arguments."""
    block = function.body.block
    for op in list(block.ops):
        if isinstance(op, memref.AllocOp):
            argument = block.insert_arg(op.memref.type, len(block.args))
            argument.name_hint = op.memref.name_hint
            op.memref.replace_all_uses_with(argument)
            block.erase_op(op)
            count("allocations moved to callers")
    function.function_type = FunctionType.from_lists(
        [a.type for a in block.args], list(function.function_type.outputs)
    )


def _give(function: func.FuncOp, call: func.CallOp, buffers: Sequence[BlockArgument]) -> None:
    block = call.parent
    assert block is not None
    given = []
    sizes = Sizes(symbols_of(function), lambda op: block.insert_op_before(op, call))
    for buffer in buffers:
        allocation = allocate(cast(Buffer, buffer.type), sizes.value)
        allocation.memref.name_hint = buffer.name_hint
        block.insert_op_before(allocation, call)
        given.append(allocation.memref)
    new = func.CallOp(call.callee, [*call.arguments, *given], [r.type for r in call.results])
    new.attributes.update(call.attributes)
    block.insert_op_before(new, call)
    for old, result in zip(call.results, new.results, strict=True):
        old.replace_all_uses_with(result)
    block.erase_op(call)
