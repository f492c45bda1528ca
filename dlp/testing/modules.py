"""Small modules for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import MemRefType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region

from dlp.context import make_context
from dlp.dialects.dlp.structured import DestinationOp
from dlp.interpreter import Interpreter
from dlp.interpreter.dtypes import Array, element_type_of
from dlp.ir_parser import IRParser


def parse_module(text: str) -> ModuleOp:
    """The module that `text` spells, verified."""
    module = IRParser(make_context(), text).parse_module()
    module.verify()
    return module


def tensor_type(array: Array) -> TensorType[Any]:
    """The type of an array as a tensor."""
    return TensorType(element_type_of(array.dtype), array.shape)


def run_op(op_class: type[DestinationOp], *arrays: Array, **arguments: Any) -> Array:
    """The result of one op on arrays; `arguments` as of `op_module`."""
    module = op_module(op_class, *(tensor_type(a) for a in arrays), **arguments)
    (result,) = Interpreter(module).call("forward", *arrays)
    return result


def op_module(
    op_class: type[DestinationOp], *types: TensorType[Any], buffers: bool = False, **arguments: Any
) -> ModuleOp:
    """A module whose @forward is one op.

    Args:
        types: of the operands.
        buffers: on memrefs: the destination is the last argument of @forward.
        arguments: as of `DestinationOp.of`: the op's properties, and `shape` and `element_type` where needed.
    """
    block = Block(arg_types=types)
    op = op_class.of(*block.args, **arguments)
    inputs: Sequence[Attribute] = types
    if buffers:
        inputs = [MemRefType(t.element_type, t.get_shape()) for t in (*types, op.destination_type)]
        *operands, out = Block(arg_types=inputs).args
        op = op.on(operands, out=out)
        block = out.block
    block.add_op(op)
    block.add_op(ReturnOp(*op.res))
    module = ModuleOp([FuncOp("forward", (inputs, [r.type for r in op.res]), Region(block))])
    module.verify()
    return module
