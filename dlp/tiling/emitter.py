"""Appends index arithmetic, views and loops, sharing constants across a function and `affine.apply` in a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from xdsl.dialects import affine, arith, func, memref, scf
from xdsl.dialects.builtin import AffineMapAttr, IndexType, IntegerAttr, MemRefType, NoneAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir import Region as IRRegion
from xdsl.ir.affine import AffineExpr, AffineMap

from dlp.dialects.dlp.dim import DimsAttr, Size, is_static, static
from dlp.dialects.dlp.structured import dims_of, shape_of
from dlp.tiling.linear import Linear, Region
from dlp.tiling.sizes import Sizes

INDEX = IndexType()
_Op = TypeVar("_Op", bound=Operation)


class Emitter:
    """Inserts ops at one place: before `anchor`, or at the end of `block`."""

    def __init__(
        self,
        block: Block,
        entry: Block,
        constants: dict[int, SSAValue],
        sizes: Sizes,
        anchor: Operation | None = None,
    ) -> None:
        self.block = block
        self.entry = entry
        self.constants = constants
        self.sizes = sizes
        self.anchor = anchor
        self.applied: dict[object, SSAValue] = {}
        self.views: dict[object, SSAValue] = {}

    @staticmethod
    def before(anchor: Operation, function: func.FuncOp) -> Emitter:
        """An emitter in front of an op; finds the index constants that the function already has."""
        entry = function.body.block
        constants: dict[int, SSAValue] = {}
        for op in entry.ops:
            if not isinstance(op, arith.ConstantOp):
                break
            if op.result.type == INDEX:
                constants[cast(IntegerAttr, op.value).value.data] = op.result
        block = anchor.parent
        assert block is not None
        return Emitter(block, entry, constants, Sizes.of(function), anchor)

    def inside(self, block: Block) -> Emitter:
        """An emitter at the end of a nested block."""
        return Emitter(block, self.entry, self.constants, self.sizes)

    def add(self, op: _Op) -> _Op:
        if self.anchor is None:
            self.block.add_op(op)
        else:
            self.block.insert_op_before(op, self.anchor)
        return op

    def index(self, n: int) -> SSAValue:
        value = self.constants.get(n)
        if value is None:
            op = arith.ConstantOp(IntegerAttr(static(n, "a constant"), INDEX))
            first = self.entry.first_op
            if first is None:
                self.entry.add_op(op)
            else:
                self.entry.insert_op_before(op, first)
            value = self.constants[n] = op.result
        return value

    def value(self, linear: Linear) -> SSAValue:
        """The SSA value of a linear expression."""
        if linear.is_constant:
            return self.index(linear.constant)
        if linear.constant == 0 and len(linear.terms) == 1 and linear.terms[0][1] == 1:
            return linear.terms[0][0]
        value = self.applied.get(linear.key)
        if value is None:
            expression: AffineExpr = AffineExpr.constant(linear.constant)
            for i, (_, factor) in enumerate(linear.terms):
                term = AffineExpr.dimension(i) * factor if factor != 1 else AffineExpr.dimension(i)
                expression = term if i == 0 else expression + term
            if linear.constant:
                expression = expression + linear.constant
            affine_map = AffineMap(len(linear.terms), 0, (expression,))
            op = affine.ApplyOp([v for v, _ in linear.terms], AffineMapAttr(affine_map))
            value = self.applied[linear.key] = self.add(op).result
        return value

    def size(self, n: Size) -> Linear:
        """A size that may be known only at run time."""
        value = self.sizes.value(n)
        return Linear(value) if isinstance(value, int) else Linear(0, [(value, 1)])

    def quotient(self, linear: Linear, n: int) -> Linear:
        """The floor of a linear expression divided by a number."""
        if linear.is_constant:
            return Linear(linear.constant // n)
        if n == 1:
            return linear
        quotient = AffineMap(1, 0, (AffineExpr.dimension(0) // n,))
        op = self.add(affine.ApplyOp([self.value(linear)], AffineMapAttr(quotient)))
        return Linear(0, [(op.result, 1)])

    def clamped(self, value: SSAValue, lowest: int, highest: Size) -> SSAValue:
        """min(max(value, lowest), highest)."""
        at_least = self.add(arith.MaxSIOp(value, self.index(lowest))).result
        return self.add(arith.MinSIOp(at_least, self.value(self.size(highest)))).result

    def _static_or_value(self, linear: Linear) -> int | SSAValue:
        return linear.constant if linear.is_constant else self.value(linear)

    def subview(self, buffer: SSAValue, region: Region) -> SSAValue:
        """The part of a buffer that a region covers; the buffer itself where that is all of it."""
        source = cast(MemRefType[Attribute], buffer.type)
        if all(
            i.offset.key == _ZERO.key and (i.static_size if i.is_static else i.bound) == n
            for i, n in zip(region, shape_of(source), strict=True)
        ):
            return buffer
        key = (buffer, tuple(i.key for i in region))
        view = self.views.get(key)
        if view is None:
            offsets = [self._static_or_value(i.offset) for i in region]
            sizes = [self._static_or_value(i.size) for i in region]
            steps = [1] * len(region)
            result = memref.SubviewOp.infer_result_type(source, offsets, sizes, steps)
            if dims_of(source) is not None:
                result = _with_dims(result, source, region)
            view = self.views[key] = self.add(
                memref.SubviewOp.get(buffer, offsets, sizes, steps, result)
            ).result
            view.name_hint = buffer.name_hint
        return view

    def scratch(self, shape: Sequence[int], element_type: Attribute, name: str | None = None) -> SSAValue:
        """A buffer that lives for one iteration of the loop it stands in."""
        op = self.add(memref.AllocaOp.get(element_type, 64, list(shape)))
        op.memref.name_hint = name
        return op.memref

    def loop(
        self, count: int | SSAValue, name: str, parallel: bool = False
    ) -> tuple[Operation, Block, SSAValue]:
        """An empty loop 0 .. count; its body still needs a terminator (`close`)."""
        body = Block(arg_types=[INDEX])
        iv = body.args[0]
        iv.name_hint = name
        bound = self.index(count) if isinstance(count, int) else count
        op: Operation
        if parallel:
            op = scf.ParallelOp([self.index(0)], [bound], [self.index(1)], IRRegion(body))
        else:
            op = scf.ForOp(self.index(0), bound, self.index(1), [], IRRegion(body))
        self.add(op)
        return op, body, iv


_ZERO = Linear(0)


def _with_dims(
    type_: MemRefType[Attribute], source: MemRefType[Attribute], region: Region
) -> MemRefType[Attribute]:
    """The type of a part, with the sizes of the dimensions that are whole."""
    shape = [i.static_size if i.is_static else i.bound for i in region]
    dims = dims_of(source)
    assert dims is not None
    known = NoneAttr() if is_static(shape) else DimsAttr.of(shape, dims.get_strides())
    return MemRefType(type_.element_type, type_.shape, type_.layout, known)


def close(block: Block, parallel: bool) -> None:
    """Terminate the body of a loop without results."""
    block.add_op(scf.ReduceOp() if parallel else scf.YieldOp())
