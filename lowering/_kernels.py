"""The kernels of a module, and those of them that are worth to be made fast.

Each layer of a network has its own sizes, and so its own kernels to fold and pack its weights: as many as those of the
network itself. What only moves elements, or computes each from few, is left to scalar loops, unless it is large.
"""

from __future__ import annotations

from math import prod

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, UnitAttr

from dlp.dialects.dlp.dim import is_static
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp
from dlp.dialects.dlp.view import ConcatOp, PadOp
from dlp.statistics import count
from dlp.tiling.schedule import element_bytes
from dlp.transforms.split_prepare import PREPARE

ONCE = "dlp.once"
"""Attribute of such a kernel."""

SHORT = 4 << 20
"""Bytes of a result, at most."""


def kernels(module: ModuleOp) -> list[func.FuncOp]:
    """The functions that compute: private ones with a body; public functions call them."""
    functions = [op for op in module.body.block.ops if isinstance(op, func.FuncOp) and not op.is_declaration]
    return [f for f in functions if f.sym_visibility is not None and f.sym_visibility.data == "private"]


def mark_kernels_that_run_once(module: ModuleOp) -> None:
    """Mark the short kernels that nobody but @prepare calls."""
    in_every_run = {
        call.callee.string_value()
        for function in module.body.block.ops
        if isinstance(function, func.FuncOp) and function.sym_name.data != PREPARE
        for call in function.walk()
        if isinstance(call, func.CallOp)
    }
    for kernel in kernels(module):
        if kernel.sym_name.data not in in_every_run and _is_short(kernel):
            kernel.attributes[ONCE] = UnitAttr()
            count("kernels that run once")


def kernels_worth_tuning(module: ModuleOp) -> list[func.FuncOp]:
    """All kernels but those that are marked."""
    return [kernel for kernel in kernels(module) if ONCE not in kernel.attributes]


def _is_short(kernel: func.FuncOp) -> bool:
    return all(
        is_static(op.shape)
        and prod(op.shape) * element_bytes(op.element_type) <= SHORT
        and (
            isinstance(op, PadOp | ConcatOp)
            or (isinstance(op, StructuredOp) and op.is_elementwise and not op.USES_INDEX)
        )
        for op in kernel.body.block.ops
        if isinstance(op, DestinationOp)
    )
