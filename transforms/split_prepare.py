"""What follows from the weights alone, computed once instead of with every call."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import FunctionType, IntegerAttr, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.dialects.dlp.view import BroadcastOp
from dlp.statistics import count

from ._carried_views import shape_of
from ._weight_side import WeightSide

PREPARE = "prepare"
"""Name of the function that computes what depends on weights alone."""

NUM_INPUTS = "dlp.num_inputs"
"""Attribute of @forward: how many of its arguments are the user's; the others come from @prepare."""


@dataclass(frozen=True)
class SplitPrepare(ModulePass):
    """Split @forward into what depends on its inputs and, as @prepare, what depends on weights and constants alone.

    ```mlir
    func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
      %w = dlp.weight "w" : tensor<4xf32>
      %0 = dlp.exp ins(%w : tensor<4xf32>) -> tensor<4xf32>
      %1 = dlp.add ins(%x, %0 : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      func.return %1 : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @forward(%x: tensor<4xf32>, %0: tensor<4xf32>) -> tensor<4xf32> attributes {dlp.num_inputs = 1 : i64} {
      %1 = dlp.add ins(%x, %0 : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      func.return %1 : tensor<4xf32>
    }
    func.func @prepare() -> tensor<4xf32> {
      %w = dlp.weight "w" : tensor<4xf32>
      %0 = dlp.exp ins(%w : tensor<4xf32>) -> tensor<4xf32>
      func.return %0 : tensor<4xf32>
    }
    ```
    What costs nothing to make again stays in @forward: constants and indices, single numbers made of them, and
    broadcasts, whose operand goes over instead of the larger result. A weight that is used as it is goes through
    @prepare as it is.
    """

    name = "split-prepare"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in list(op.ops):
            if isinstance(func, FuncOp) and func.sym_name.data == "forward" and not func.is_declaration:
                prepare = _split(func)
                op.body.block.insert_op_after(prepare, func)


def _split(forward: FuncOp) -> FuncOp:
    block = forward.body.block
    weights = WeightSide(block)
    num_inputs = len(block.args)

    packed = _packed_values(block, weights)
    needed = _ops_behind(packed)
    prepare = Block()
    copies: dict[SSAValue, SSAValue] = {}
    for op in [o for o in block.ops if o in needed]:
        copy = op.clone(copies)
        prepare.add_op(copy)
        for old, new in zip(op.results, copy.results, strict=True):
            new.name_hint = old.name_hint
    prepare.add_op(ReturnOp(*(copies[value] for value in packed)))

    for value in packed:
        argument = block.insert_arg(value.type, len(block.args))
        argument.name_hint = value.name_hint
        value.replace_all_uses_with(argument)
    for op in reversed(list(block.ops)):
        if (op in needed or isinstance(op, WeightOp)) and not any(result.uses for result in op.results):
            block.erase_op(op)

    inputs = [argument.type for argument in block.args]
    forward.function_type = FunctionType.from_lists(inputs, list(forward.function_type.outputs))
    forward.attributes[NUM_INPUTS] = IntegerAttr(num_inputs, 64)
    count("values prepared", len(packed))
    count("ops moved to @prepare", len(needed) - sum(isinstance(o, WeightOp) for o in needed))
    return FuncOp(PREPARE, ([], [value.type for value in packed]), Region(prepare))


def _packed_values(block: Block, weights: WeightSide) -> list[SSAValue]:
    """The values that go over, in the order in which they are first needed."""
    packed: dict[SSAValue, None] = {}
    staying: set[SSAValue] = set()

    def need(value: SSAValue) -> None:
        if value in packed or value in staying or value not in weights:
            return
        # What is computed in a loop stays there, with all else of its body.
        if cast(Operation, value.owner).parent is not block:
            return
        if _is_cheap(value):
            staying.add(value)
            for operand in cast(Operation, value.owner).operands:
                need(operand)
        else:
            packed[value] = None

    for op in block.ops:
        if not op.results or op.results[0] not in weights:
            for inner in op.walk():
                for operand in inner.operands:
                    need(operand)
    return list(packed)


def _is_cheap(value: SSAValue) -> bool:
    """Whether to make the value again with every call."""
    op = value.owner
    if not isinstance(op, DestinationOp):
        return False
    if isinstance(op, BroadcastOp):
        return prod(op.shape) > prod(op.in_shape(0))
    if prod(shape_of(value)) != 1:
        return not op.ins
    return all(_is_cheap(operand) for operand in op.ins)


def _ops_behind(values: list[SSAValue]) -> set[Operation]:
    """The ops that the values are computed by."""
    found: set[Operation] = set()
    todo = list(values)
    while todo:
        op = todo.pop().owner
        assert isinstance(op, Operation)
        if op not in found:
            found.add(op)
            todo.extend(op.operands)
    return found
