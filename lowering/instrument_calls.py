"""A clock around every call of a kernel."""

from __future__ import annotations

from typing import cast

from xdsl.context import Context
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    f64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.lowering.bufferize import OUTPUTS
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.sizes import SYMBOLS, symbols_of
from dlp.walking import walk_of

CLOCK = "omp_get_wtime"
"""Seconds since some moment, of OpenMP's library, which the code of kernels is linked with in any case."""

TIMED = "dlp.timed"
"""Attribute of an instrumented function: the names of the kernels, in the order of the rows of its last output."""


class InstrumentCalls(ModulePass):
    """Measure how long every kernel of `@forward` takes, into an output of its own.

    Row k of the new last output [kernels, 2] holds the seconds that all calls of the kernel k took in this run, and
    their number; the attribute `dlp.timed` names the kernels. Calls in loops are timed one by one.

    Before:
    ```mlir
    func.func @forward(%x: memref<8xf32>, %out: memref<8xf32>) attributes {dlp.num_outputs = 1 : i64} {
      func.call @relu(%x, %out) : (memref<8xf32>, memref<8xf32>) -> ()
      func.return
    }
    ```
    After:
    ```mlir
    func.func @forward(%x: memref<8xf32>, %out: memref<8xf32>, %times: memref<1x2xf64>)
        attributes {dlp.num_outputs = 2 : i64, dlp.timed = ["relu"]} {
      (zeros into %times)
      %start = func.call @omp_get_wtime() : () -> f64
      func.call @relu(%x, %out) : (memref<8xf32>, memref<8xf32>) -> ()
      %stop = func.call @omp_get_wtime() : () -> f64
      (%stop - %start is added to %times[0, 0], 1 to %times[0, 1])
      func.return
    }
    ```
    It stands in front of `plan-arena`, whose arena is the last argument.
    """

    name = "instrument-calls"
    scope = Scope.ENTRY

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and function.sym_name.data == "forward":
                _instrument(function)
        op.body.block.add_op(func.FuncOp.external(CLOCK, [], [f64]))


def _instrument(forward: func.FuncOp) -> None:
    calls = walk_of(forward, func.CallOp)
    kernels = list(dict.fromkeys(call.callee.string_value() for call in calls))
    block = forward.body.block
    symbols = symbols_of(forward)
    times = block.insert_arg(MemRefType(f64, (len(kernels), 2)), len(block.args) - len(symbols))
    if symbols:
        places = {name: IntegerAttr(block.args.index(argument), 64) for name, argument in symbols.items()}
        forward.attributes[SYMBOLS] = DictionaryAttr(places)
    times.name_hint = "times"
    forward.function_type = FunctionType.from_lists([a.type for a in block.args], [])
    outputs = cast(IntegerAttr, forward.attributes[OUTPUTS]).value.data
    forward.attributes[OUTPUTS] = IntegerAttr(outputs + 1, 64)
    forward.attributes[TIMED] = ArrayAttr([StringAttr(name) for name in kernels])

    first = block.first_op
    assert first is not None
    rows = [arith.ConstantOp(IntegerAttr(k, IndexType())) for k in range(max(2, len(kernels)))]
    zero, one = (arith.ConstantOp(FloatAttr(value, f64)) for value in (0.0, 1.0))
    block.insert_ops_before([*rows, zero, one], first)
    for row in rows[: len(kernels)]:
        for column in rows[:2]:
            block.insert_op_before(_store(zero.result, times, row, column), first)
    for call in calls:
        row = rows[kernels.index(call.callee.string_value())]
        start, stop = (func.CallOp(CLOCK, [], [f64]) for _ in range(2))
        start.res[0].name_hint, stop.res[0].name_hint = "start", "stop"
        spent = arith.SubfOp(stop.res[0], start.res[0])
        code = call.parent
        assert code is not None
        code.insert_op_before(start, call)
        adding = [
            stop,
            spent,
            *_add(spent.result, times, row, rows[0]),
            *_add(one.result, times, row, rows[1]),
        ]
        code.insert_ops_after(adding, call)
        count("calls timed")


def _add(
    value: SSAValue, times: SSAValue, row: arith.ConstantOp, column: arith.ConstantOp
) -> list[Operation]:
    before = memref.LoadOp.get(times, [row.result, column.result])
    total = arith.AddfOp(before.res, value)
    return [before, total, _store(total.result, times, row, column)]


def _store(value: SSAValue, times: SSAValue, row: arith.ConstantOp, column: arith.ConstantOp) -> Operation:
    return memref.StoreOp.get(value, times, [row.result, column.result])
