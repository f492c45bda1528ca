"""What each kernel of a network computes and moves, read off its operations."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.ir import Attribute

from dlp.dialects.dlp.contraction import ContractionOp
from dlp.dialects.dlp.dim import hint, hints
from dlp.dialects.dlp.structured import StructuredOp
from dlp.dialects.dlp.view import ViewOp
from dlp.lowering._buffers import bytes_of
from dlp.lowering._kernels import kernels
from dlp.lowering.outline_kernels import COMMENT


@dataclass(frozen=True)
class KernelCost:
    """One kernel.

    Attributes:
        flops: arithmetic operations of a call: two for each product of a contraction, one for each element that any
            other operation computes or reduces.
        bytes: of the tensors that a call reads and writes, each once.
        operations: what it consists of.
        sources: lines of the user's model that it serves.
    """

    flops: int
    bytes: int
    operations: str = ""
    sources: str = ""


def kernel_costs(module: ModuleOp) -> dict[str, KernelCost]:
    """Kernel -> its cost, from a module after the stage `buffers`: dlp ops on memrefs."""
    return {kernel.sym_name.data: _cost(kernel) for kernel in kernels(module)}


def _cost(kernel: func.FuncOp) -> KernelCost:
    flops = sum(_flops(op) for op in kernel.walk() if isinstance(op, StructuredOp))
    buffers = [a.type for a in kernel.body.block.args if isinstance(a.type, MemRefType)]
    moved = sum(hint(bytes_of(cast("MemRefType[Attribute]", type_))) for type_ in buffers)
    comment = kernel.attributes.get(COMMENT)
    operations, _, sources = (comment.data if isinstance(comment, StringAttr) else "").partition("\n")
    return KernelCost(flops, moved, operations, sources)


def _flops(op: StructuredOp) -> int:
    if isinstance(op, ViewOp):
        return 0
    points = prod(hints(op.iteration_space().sizes))
    return 2 * points if isinstance(op, ContractionOp) else points
