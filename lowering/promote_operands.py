"""Copy operands that a contraction would read in strides into scratch of their own."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass

from dlp.dialects.dlp.contraction import ContractionOp
from dlp.dialects.dlp.dim import is_static
from dlp.dialects.dlp.view import CopyOp
from dlp.lowering._kernels import kernels
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.linear import Interval, NotAlignedError, evaluate
from dlp.tiling.schedule import element_bytes
from dlp.walking import walk_of


@dataclass(frozen=True)
class PromoteOperandsPass(ModulePass):
    """Copy operands that a contraction would read in strides into scratch of their own.

    before: `dlp.matmul ins(%q, %kt) outs(%s)` where %kt is a transposed view: columns lie far apart;
    after: `dlp.copy ins(%kt) outs(%scratch)`, `dlp.matmul ins(%q, %scratch) outs(%s)`.

    A contraction reads its second operand once for every row of the result, so that one copy pays as soon as there are
    a few rows. The term is MLIR's (promotion in linalg).
    """

    name = "promote-operands"
    scope = Scope.KERNEL

    limit: int = 131072
    """Bytes of scratch that one operand may take."""
    rows: int = 4
    """Rows of the result from which on the copy pays."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in kernels(op):
            for inner in walk_of(function, ContractionOp):
                if self._pays(inner):
                    _promote(inner)
                    count("operands promoted")

    def _pays(self, op: ContractionOp) -> bool:
        shape = op.in_shape(1)
        if (
            not is_static((*shape, *op.shape))
            or any(n < 0 for n in (*shape, *op.shape))
            or not _strided_along_columns(op)
        ):
            return False
        repeats = prod(op.shape) * prod(op.iteration_space().reduction) // max(1, prod(shape))
        return repeats >= self.rows and prod(shape) * element_bytes(op.element_type) <= self.limit


def _strided_along_columns(op: ContractionOp) -> bool:
    """Whether the second operand varies along the result's innermost dimension with a stride."""
    space = op.iteration_space()
    last = len(space.parallel) - 1
    if not space.depends(1, last):
        return False
    box = [Interval.of(0, 1) for _ in space.sizes]
    box[last] = Interval.of(0, min(2, space.parallel[last]))
    try:
        sizes = [evaluate(e, box).static_size for e in space.maps[1]]
    except NotAlignedError:
        return False
    strides = cast(MemRefType[Attribute], op.ins[1].type).get_strides()
    assert strides is not None
    return any(n != 1 and stride != 1 for n, stride in zip(sizes, strides, strict=True))


def _promote(op: ContractionOp) -> None:
    block = op.parent
    assert block is not None
    scratch = memref.AllocaOp.get(op.in_type(1).element_type, 64, list(op.in_shape(1)))
    scratch.memref.name_hint = op.ins[1].name_hint
    copy = CopyOp.of(op.ins[1], out=scratch.memref)
    block.insert_ops_before([scratch, copy], op)
    op.operands[1] = scratch.memref
