"""Graph-level operations: dlp ops on tensors and on buffers, weights, fused groups, functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import CallOp
from xdsl.ir import Attribute, Block

from dlp.dialects.dlp.algorithm import AlgorithmOp
from dlp.dialects.dlp.elementwise import scalar_value
from dlp.dialects.dlp.graph import FusedOp, WeightOp
from dlp.dialects.dlp.loop import ScanOp
from dlp.dialects.dlp.structured import (
    DecomposableOp,
    DestinationOp,
    GraphBuilder,
    Shape,
    StructuredOp,
    int_list,
)
from dlp.dialects.dlp.view import ConcatOp, PadOp, ReshapeOp

from .algorithm import evaluate_algorithm
from .composite import evaluate_formula
from .dtypes import Array, dtype_of
from .errors import InterpreterError
from .handlers import handles
from .memory import Buffer
from .open_sizes import is_open, known, known_shape
from .structured import evaluate, with_static_shapes

if TYPE_CHECKING:
    from .interpreter import Frame


def run_destination_op(frame: Frame, op: DestinationOp, operands: Sequence[Any]) -> Sequence[Any]:
    """A dlp op: its result on tensors, or its destination filled."""
    check = frame.interpreter.check_reads
    ins = [o.read(check) if isinstance(o, Buffer) else o for o in operands[: len(op.ins)]]
    if not op.outs:
        return (_compute(frame, op, ins, _result_shape(frame, op, ins), None),)
    out = cast(Buffer, operands[-1])
    accumulates = isinstance(op, StructuredOp) and op.accumulate is not None
    initial = out.read(check) if accumulates else None
    out.write(_compute(frame, op, ins, out.array.shape, initial))
    return ()


def _result_shape(frame: Frame, op: DestinationOp, ins: Sequence[Array]) -> Shape:
    """The result's shape, with the sizes that its type leaves open inferred from the operands."""
    shape = known(op.shape, frame.interpreter.symbols)
    if -1 not in shape:
        return shape
    types = [TensorType(op.in_type(i).element_type, a.shape) for i, a in enumerate(ins)]
    inferred, _ = op.infer(types, op.properties)
    if inferred is None or -1 in inferred:
        raise InterpreterError(f"{op.name}: the operands do not determine the shape of {op.destination_type}")
    return inferred


def _compute(
    frame: Frame, op: DestinationOp, ins: Sequence[Array], shape: Shape, initial: Array | None
) -> Array:
    match op:
        case PadOp():
            result = np.full(shape, scalar_value(op.value), dtype_of(op.element_type))
            low = int_list(op.low)
            result[tuple(slice(o, o + n) for o, n in zip(low, ins[0].shape, strict=True))] = ins[0]
            return result
        case ConcatOp():
            return np.concatenate(ins, axis=op.axis)
        case ReshapeOp() if is_open((*op.shape, *op.in_shape(0))):
            return ins[0].reshape(shape)
        case StructuredOp():
            return evaluate(op, ins, shape, initial, frame.interpreter.symbols)
        case AlgorithmOp():
            return evaluate_algorithm(with_static_shapes(op, [a.shape for a in ins], shape), ins)
        case DecomposableOp():
            op = with_static_shapes(op, [a.shape for a in ins], shape)
            result = evaluate_formula(op, ins)
            return _by_decomposition(frame, op, ins) if result is None else result
        case _:
            raise InterpreterError(f"the interpreter does not know the operation '{op.name}'")


def _by_decomposition(frame: Frame, op: DecomposableOp, ins: Sequence[Array]) -> Array:
    types: list[Attribute] = [TensorType(op.in_type(i).element_type, a.shape) for i, a in enumerate(ins)]
    block = Block(arg_types=types)
    copy = op.on(list(block.args), result_type=TensorType(op.element_type, op.shape))
    block.add_op(copy)
    result = copy.decompose(GraphBuilder(copy))
    copy.detach()
    frame.run_block(block, ins)
    return frame.values[result]


@handles("dlp.weight")
def _weight(frame: Frame, op: WeightOp, operands: Sequence[Any]) -> Sequence[Any]:
    symbol = op.symbol.data
    if symbol not in frame.interpreter.weights:
        raise InterpreterError(f'no data was given for dlp.weight "{symbol}"')
    data = np.asarray(frame.interpreter.weights[symbol])
    expected = cast(TensorType[Attribute], op.res.type)
    if data.shape != known_shape(expected, frame.interpreter.symbols) or data.dtype != dtype_of(
        expected.element_type
    ):
        raise InterpreterError(
            f'the data of dlp.weight "{symbol}" is {data.dtype} of shape {data.shape}, not {expected}'
        )
    return (data,)


@handles("dlp.fused")
def _fused(frame: Frame, op: FusedOp, operands: Sequence[Any]) -> Sequence[Any]:
    return frame.run_block(op.body, operands)


@handles("dlp.scan")
def _scan(frame: Frame, op: ScanOp, operands: Sequence[Any]) -> Sequence[Any]:
    sequences, states = operands[: len(op.ins)], list(operands[len(op.ins) :])
    symbols = frame.interpreter.symbols
    outputs = [
        np.empty(known_shape(o.type, symbols), dtype_of(cast(Any, o.type).element_type)) for o in op.outputs
    ]
    steps = range(len(sequences[0]))
    for step in reversed(steps) if op.reverse else steps:
        yielded = list(frame.run_block(op.body, [*(s[step] for s in sequences), *states]))
        states = yielded[: len(states)]
        for output, value in zip(outputs, yielded[len(states) :], strict=True):
            output[step] = value
    return [*states, *outputs]


@handles("func.call")
def _call(frame: Frame, op: CallOp, operands: Sequence[Any]) -> Sequence[Any]:
    name = op.callee.string_value()
    function = frame.interpreter.functions.get(name)
    if function is None:
        raise InterpreterError(f"func.call: there is no function @{name}")
    return frame.interpreter.run_function(function, operands)
