"""The loops of an algorithm as `scf`, `memref` and `arith` operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeVar

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, MemRefType
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from dlp.dialects import arith
from dlp.dialects.dlp.algorithm import AlgorithmOp
from dlp.dialects.dlp.dim import Dim, DimsAttr, Size, hints, is_static
from dlp.tiling.arith_builder import ArithBuilder
from dlp.tiling.emitter import Emitter, close

_Result = TypeVar("_Result")


class ScfLoopBuilder:
    """A `LoopBuilder` that emits in front of an op.

    Args:
        parallel_points: from so many elements of the largest operand on, the outermost loop of a nest runs on threads.
    """

    def __init__(self, op: AlgorithmOp, function: func.FuncOp, parallel_points: int) -> None:
        self._op = op
        self._emitter = Emitter.before(op, function)
        self._entry = function.body.block
        self._constants: dict[object, SSAValue] = {}
        shapes = [op.shape, *(op.in_shape(k) for k in range(len(op.ins)))]
        work = max(prod(hints(shape)) for shape in shapes)
        self._on_threads = op.parent is self._entry and work >= parallel_points
        self.compute = ArithBuilder(self._add, constants=self._constants, add_constant=self._add_constant)

    def _add(self, op: Operation) -> Operation:
        return self._emitter.add(op)

    def _add_constant(self, op: Operation) -> Operation:
        first = self._entry.first_op
        assert first is not None
        self._entry.insert_op_before(op, first)
        return op

    def index(self, n: Size) -> SSAValue:
        return self._emitter.value(self._emitter.size(n))

    def _value(self, a: SSAValue | Size) -> SSAValue:
        return self.index(a) if isinstance(a, int | Dim) else a

    def to_index(self, a: SSAValue) -> SSAValue:
        return self._add(arith.IndexCastOp(a, IndexType())).results[0]

    def to_integer(self, a: SSAValue, element_type: Attribute) -> SSAValue:
        return self._add(arith.IndexCastOp(a, element_type)).results[0]

    def load(self, buffer: SSAValue, at: Sequence[SSAValue | Size]) -> SSAValue:
        return self._emitter.add(memref.LoadOp.get(buffer, [self._value(i) for i in at])).res

    def store(self, value: SSAValue, buffer: SSAValue, at: Sequence[SSAValue | Size]) -> None:
        self._add(memref.StoreOp.get(value, buffer, [self._value(i) for i in at]))

    def copy(self, source: SSAValue, destination: SSAValue) -> None:
        self._add(memref.CopyOp(source, destination))

    def scratch(self, shape: Sequence[int], element_type: Attribute) -> SSAValue:
        if is_static(shape):
            allocation = memref.AllocOp.get(element_type, 64, list(shape))
        else:
            sizes = [DYNAMIC_INDEX if isinstance(n, Dim) else n for n in shape]
            given = [self.index(n) for n in shape if isinstance(n, Dim)]
            type_ = MemRefType(element_type, sizes, memory_space=DimsAttr.of(shape))
            allocation = memref.AllocOp(given, [], type_)
        allocation.memref.name_hint = "scratch"
        self._add(allocation)
        return allocation.memref

    def loop(
        self,
        low: SSAValue | Size,
        high: SSAValue | Size,
        carried: Sequence[SSAValue],
        step: Callable[..., Sequence[SSAValue]],
        name: str = "i",
    ) -> Sequence[SSAValue]:
        body = Block(arg_types=[IndexType(), *(v.type for v in carried)])
        body.args[0].name_hint = name
        loop = scf.ForOp(self._value(low), self._value(high), self.index(1), carried, Region(body))
        self._add(loop)
        values = self._inside(body, lambda: step(body.args[0], *body.args[1:]))
        body.add_op(scf.YieldOp(*values))
        return list(loop.results)

    def nest(self, sizes: Sequence[Size], body: Callable[[Sequence[SSAValue]], None]) -> None:
        self._nest(list(sizes), [], body)

    def _nest(
        self, sizes: list[Size], indices: list[SSAValue], body: Callable[[Sequence[SSAValue]], None]
    ) -> None:
        if not sizes:
            body(indices)
        elif sizes[0] == 1:
            self._nest(sizes[1:], [*indices, self.index(0)], body)
        else:
            parallel, self._on_threads = self._on_threads, False
            _, block, iv = self._emitter.loop(self.index(sizes[0]), f"i{len(indices)}", parallel)
            self._inside(block, lambda: self._nest(sizes[1:], [*indices, iv], body))
            close(block, parallel)
            self._on_threads = parallel

    def when(self, condition: SSAValue, body: Callable[[], object]) -> None:
        block = Block()
        self._add(scf.IfOp(condition, [], Region(block)))
        self._inside(block, body)
        block.add_op(scf.YieldOp())

    def _inside(self, block: Block, emit: Callable[[], _Result]) -> _Result:
        around, self._emitter = self._emitter, self._emitter.inside(block)
        try:
            return emit()
        finally:
            self._emitter = around
