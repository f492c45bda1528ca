"""Plain loops over scalars: the road for what no vector pass has taken."""

from __future__ import annotations

from math import prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, func, memref, scf
from xdsl.dialects.builtin import AffineMapAttr, IndexType, ModuleOp, i64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr, AffineExpr, AffineMap, AffineSymExpr
from xdsl.passes import ModulePass

from dlp.dialects.dlp.algorithm import AlgorithmOp
from dlp.dialects.dlp.dim import hints
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.arith_builder import ArithBuilder
from dlp.tiling.emitter import Emitter, close
from dlp.tiling.extents import extents
from dlp.tiling.loop_builder import ScfLoopBuilder
from dlp.walking import walk_of

_PARALLEL_POINTS = 1 << 14
"""Points of an iteration space from which threads pay."""


class ConvertDlpToLoops(ModulePass):
    """Turn every structured op on buffers into loops around its body, on scalars.

    Parallel dimensions are outermost, the reduction's accumulator is carried by the inner loops; the outermost loop
    of a large op that stands at the top of a kernel runs on all threads. An index into a buffer is one `affine.apply`
    of the op's index map. Algorithms (a sort, a scatter) bring their loops with them.

    Before:
    ```mlir
    dlp.sum ins(%x : memref<8x16xf32>) outs(%y : memref<8x1xf32>) {dims = array<i64: 1>}
    ```
    After:
    ```mlir
    scf.for %i0 = %c0 to %c8 step %c1 {
      %acc = scf.for %r0 = %c0 to %c16 step %c1 iter_args(%a = %zero) -> (f32) {
        %v = memref.load %x[%i0, %r0] : memref<8x16xf32>
        %s = arith.addf %a, %v : f32
        scf.yield %s : f32
      }
      memref.store %acc, %y[%i0, %c0] : memref<8x1xf32>
    }
    ```
    """

    name = "convert-dlp-to-loops"
    scope = Scope.FUNCTION

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp):
                for inner in walk_of(function, DestinationOp):
                    if isinstance(inner, StructuredOp) and inner.outs:
                        _Loops(inner, function).emit()
                        count("ops turned into scalar loops")
                    elif isinstance(inner, AlgorithmOp) and inner.outs:
                        inner.loops(ScfLoopBuilder(inner, function, _PARALLEL_POINTS))
                        inner.detach()
                        inner.erase()
                        count("algorithms turned into loops")


class _Loops:
    """The loop nest of one op."""

    def __init__(self, op: StructuredOp, function: func.FuncOp) -> None:
        self.op = op
        self.space = op.iteration_space()
        self.names = op.dimension_names()
        self.emitter = Emitter.before(op, function)
        self.on_threads = (
            op.parent is function.body.block and prod(hints(self.space.sizes)) >= _PARALLEL_POINTS
        )
        self.indices: list[SSAValue] = []

    def emit(self) -> None:
        self.parallel_loops(self.emitter)
        self.op.detach()
        self.op.erase()

    def parallel_loops(self, emitter: Emitter) -> None:
        """Loops over the result's dimensions; those of size 1 need none."""
        depth = len(self.indices)
        if depth == len(self.space.parallel):
            self.point(emitter)
            return
        size = self.space.parallel[depth]
        if size == 1:
            self.indices.append(emitter.index(0))
            self.parallel_loops(emitter)
        else:
            parallel, self.on_threads = self.on_threads, False
            _, body, iv = emitter.loop(self.count(depth), self.names[depth], parallel)
            self.indices.append(iv)
            self.parallel_loops(emitter.inside(body))
            close(body, parallel)
        self.indices.pop()

    def count(self, dimension: int) -> SSAValue:
        """How often the loop over a dimension runs."""
        (extent,) = extents(self.op, self.emitter, [dimension])
        return self.emitter.value(extent.size)

    def point(self, emitter: Emitter) -> None:
        """One point of the result: reduce, then store."""
        out = self.op.outs[0]
        place = list(self.indices)
        start: SSAValue = out  # element-wise bodies do not look at the accumulator
        if self.op.COMBINER is not None:
            if self.op.accumulate is not None:
                start = emitter.add(memref.LoadOp.get(out, place)).res
            else:
                start = ArithBuilder(emitter.add).constant(self.op.neutral_value(), self.op.element_type)
        emitter.add(memref.StoreOp.get(self.reduce(emitter, start), out, place))

    def reduce(self, emitter: Emitter, acc: SSAValue) -> SSAValue:
        """Loops over the reduced dimensions, which carry the accumulator."""
        depth = len(self.indices)
        if depth == len(self.space.sizes):
            body = ArithBuilder(
                emitter.add,
                index=lambda d: self.position(emitter, d),
                size=lambda n: emitter.add(arith.IndexCastOp(emitter.value(emitter.size(n)), i64)).result,
            )
            return self.op.body(body, self.operands(emitter), acc)
        size = self.space.sizes[depth]
        if size == 1:
            self.indices.append(emitter.index(0))
            result = self.reduce(emitter, acc)
        else:
            block = Block(arg_types=[IndexType(), acc.type])
            block.args[0].name_hint = self.names[depth]
            block.args[1].name_hint = "acc"
            self.indices.append(block.args[0])
            inner = emitter.inside(block)
            block.add_op(scf.YieldOp(self.reduce(inner, block.args[1])))
            loop = scf.ForOp(emitter.index(0), self.count(depth), emitter.index(1), [acc], Region(block))
            result = emitter.add(loop).res[0]
        self.indices.pop()
        return result

    def position(self, emitter: Emitter, dimension: int) -> SSAValue:
        """The index along a dimension, as the number that bodies compute with."""
        return emitter.add(arith.IndexCastOp(self.indices[dimension], i64)).result

    def operands(self, emitter: Emitter) -> list[SSAValue]:
        """One element of each operand; those that index others come first."""
        loaded: dict[int, SSAValue] = {}
        for indirect in (False, True):
            for k, expressions in enumerate(self.space.maps):
                if self.space.is_indirect(k) is indirect:
                    place = [self.index(emitter, e, loaded) for e in expressions]
                    loaded[k] = emitter.add(memref.LoadOp.get(self.op.ins[k], place)).res
        return [loaded[k] for k in range(len(self.space.maps))]

    def index(self, emitter: Emitter, expression: AffineExpr, loaded: dict[int, SSAValue]) -> SSAValue:
        """The value of an index expression: a loop variable, a constant, or one `affine.apply`."""
        values: dict[SSAValue, AffineExpr] = {}

        def dimension(value: SSAValue) -> AffineExpr:
            return values.setdefault(value, AffineExpr.dimension(len(values)))

        dims: dict[int, AffineExpr] = {}
        symbols: dict[int, AffineExpr] = {}
        for e in expression.dfs():
            if isinstance(e, AffineDimExpr) and e.position not in dims:
                value = self.indices[e.position]
                size = self.space.sizes[e.position]
                dims[e.position] = AffineExpr.constant(0) if size == 1 else dimension(value)
            elif isinstance(e, AffineSymExpr) and e.position not in symbols:
                cast_op = arith.IndexCastOp(loaded[e.position], IndexType())
                symbols[e.position] = dimension(emitter.add(cast_op).result)
        zero = AffineExpr.constant(0)
        result = expression.replace_dims_and_symbols(
            [dims.get(d, zero) for d in range(max(dims, default=-1) + 1)],
            [symbols.get(s, zero) for s in range(max(symbols, default=-1) + 1)],
        )
        if isinstance(result, AffineConstantExpr):
            return emitter.index(result.value)
        if isinstance(result, AffineDimExpr):
            return list(values)[result.position]
        op = affine.ApplyOp(list(values), AffineMapAttr(AffineMap(len(values), 0, (result,))))
        return cast(Operation, emitter.add(op)).results[0]
