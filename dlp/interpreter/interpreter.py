"""Running functions of a module, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import MemRefType, ModuleOp, TensorType, UnregisteredOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.traits import IsTerminator

from dlp.dialects.dlp.structured import DestinationOp
from dlp.errors import RunError

from . import arithmetic, control_flow, graph, memory, vectors  # noqa: F401  (they fill the table of handlers)
from .dtypes import Array, dtype_of
from .errors import InterpreterError
from .handlers import HANDLERS
from .memory import Buffer, check_layout
from .open_sizes import known_shape, shape_of_value, symbols_in


class Interpreter:
    """Runs the functions of a module.

    Tensors are NumPy arrays, memrefs are views of flat memory (`memory.Buffer`), scalars are NumPy scalars, all of
    the exact dtype of their type. `scf.parallel` runs its iterations backwards, so that code which needs their order
    shows itself.

    Args:
        module: any stage of the road; it is not changed.
        weights: the data of the `dlp.weight` ops, by symbol.
        check_reads: raise when memory is read that nobody has written. Without it such memory holds NaN, or a large
            number.
    """

    def __init__(
        self, module: ModuleOp, weights: Mapping[str, Array] | None = None, *, check_reads: bool = False
    ) -> None:
        self.weights = weights or {}
        self.check_reads = check_reads
        self.symbols: dict[str, int] = {}
        """The sizes that only a run knows, in the present one."""
        self.functions = {op.sym_name.data: op for op in module.walk() if isinstance(op, FuncOp)}

    def call(self, function: str, *arguments: Any) -> list[Array]:
        """Call a function on arrays.

        An array passed for a memref is read and written in place and must have the strides that its type says.

        Returns:
            The results: tensors and scalars as arrays of their own, memrefs as views of the memory that they are.

        Raises:
            InterpreterError: there is no such function, an argument does not fit its type, or running fails.
        """
        target = self.functions.get(function)
        if target is None or not target.body.blocks:
            raise InterpreterError(f"the module has no function @{function} with a body")
        types = list(target.function_type.inputs)
        if len(types) != len(arguments):
            raise InterpreterError(f"@{function} takes {len(types)} arguments, got {len(arguments)}")
        self.symbols = symbols_in(types, [shape_of_value(a) for a in arguments])
        values = [
            _argument(f"argument {k} of @{function}", t, a, self.symbols)
            for k, (t, a) in enumerate(zip(types, arguments, strict=True))
        ]
        with np.errstate(all="ignore"):
            results = self.run_function(target, values)
        return [r.array if isinstance(r, Buffer) else np.array(r, order="C") for r in results]

    def run_function(self, function: FuncOp, values: Sequence[Any]) -> Sequence[Any]:
        """Call a function on values of the interpreter."""
        if not function.body.blocks:
            raise InterpreterError(f"@{function.sym_name.data} is declared only, it cannot be run")
        return Frame(self).run_block(function.body.block, values)


class Frame:
    """One call of a function: the values that its SSA values have at the moment."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.values: dict[SSAValue, Any] = {}

    def run_block(self, block: Block, arguments: Sequence[Any]) -> Sequence[Any]:
        """Run a block to its terminator and hand back the terminator's operands (none where there is none)."""
        for argument, value in zip(block.args, arguments, strict=True):
            self.values[argument] = value
        for op in block.ops:
            operands = [self.values[v] for v in op.operands]
            if op.has_trait(IsTerminator, value_if_unregistered=False) and op.name not in HANDLERS:
                return operands
            for result, value in zip(op.results, self.run_operation(op, operands), strict=True):
                self.values[result] = value
        return ()

    def run_operation(self, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
        """The results of one operation.

        Raises:
            InterpreterError: nothing is known about the operation, or it fails.
        """
        name = op.op_name.data if isinstance(op, UnregisteredOp) else op.name
        handler = HANDLERS.get(name)
        try:
            if handler is not None:
                return handler(self, op, operands)
            if isinstance(op, DestinationOp):
                return graph.run_destination_op(self, op, operands)
        except (InterpreterError, RunError):
            raise
        except Exception as error:  # whatever NumPy says, the operation must be named
            raise InterpreterError(f"'{name}' failed: {type(error).__name__}: {error}\n  {op}") from error
        raise InterpreterError(f"the interpreter does not know the operation '{name}'")


def _argument(what: str, expected: Attribute, given: Any, symbols: Mapping[str, int]) -> Any:
    """An argument from outside as a value of the interpreter.

    Raises:
        InterpreterError: dtype, shape or strides are not those of the type.
    """
    if not isinstance(expected, TensorType | MemRefType):
        return dtype_of(expected).type(given)
    array = np.asarray(given)
    dtype = dtype_of(expected.element_type)
    shape = known_shape(expected, symbols)
    fits = len(shape) == array.ndim and all(n in (-1, m) for n, m in zip(shape, array.shape, strict=True))
    if array.dtype != dtype or not fits:
        raise InterpreterError(f"{what} must be {expected}, is {array.dtype} of shape {array.shape}")
    if isinstance(expected, TensorType):
        return array
    buffer = Buffer.over(array)
    check_layout(what, expected, buffer, symbols)
    return buffer
