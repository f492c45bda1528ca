"""Make every group of fused ops a function of its own, and equal groups one function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.graph import FusedOp
from dlp.lowering._kernel_names import KernelNames
from dlp.statistics import count

COMMENT = "dlp.comment"
"""Attribute of a kernel: what it computes and for which lines of the user's model, for the reader of the C."""

SOURCE = "dlp.source"
"""Attribute of an op: the line of the user's model that it comes from."""

_SHOWN_SOURCES = 3


class OutlineKernels(ModulePass):
    """Turn each `dlp.fused` into a call of a private function.

    Groups with equal bodies (ops, properties, types and structure; names do not matter) share one function, so
    that the costly passes behind this one see each kernel once, however deep the network is. Functions are named
    after what they compute, in the order of their first use.

    Before:
    ```mlir
    %y = dlp.fused "matmul" ins(%x, %w : tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32> {
    ^bb0(%a: tensor<8x16xf32>, %b: tensor<16x4xf32>):
      %0 = dlp.matmul ins(%a, %b : ...) -> tensor<8x4xf32>
      %1 = dlp.relu ins(%0 : tensor<8x4xf32>) -> tensor<8x4xf32>
      dlp.yield %1 : tensor<8x4xf32>
    }
    ```
    After:
    ```mlir
    %y = func.call @matmul_relu(%x, %w) : (...) -> tensor<8x4xf32>

    func.func private @matmul_relu(%a: ..., %b: ...) -> tensor<8x4xf32> attributes {dlp.comment = "matmul, relu..."} {
      %0 = dlp.matmul ins(%a, %b : ...) -> tensor<8x4xf32>
      %1 = dlp.relu ins(%0 : tensor<8x4xf32>) -> tensor<8x4xf32>
      func.return %1 : tensor<8x4xf32>
    }
    ```
    """

    name = "outline-kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        names = KernelNames(f.sym_name.data for f in op.body.block.ops if isinstance(f, func.FuncOp))
        kernels: dict[Any, _Kernel] = {}
        for group in [inner for inner in op.walk() if isinstance(inner, FusedOp)]:
            key = structure(group.body, tuple(v.type for v in group.ins))
            kernel = kernels.get(key)
            if kernel is None:
                kernel = kernels[key] = _Kernel(_outlined(group, names))
                count("kernels outlined")
            else:
                count("groups that share a kernel")
            kernel.add(group)
            _replace_by_call(group, kernel.function)
        for kernel in kernels.values():
            kernel.function.attributes[COMMENT] = StringAttr(kernel.comment())
            op.body.block.add_op(kernel.function)


@dataclass
class _Kernel:
    """A function and the lines of the user's model that it serves."""

    function: func.FuncOp
    sources: dict[str, None] = field(default_factory=dict)

    def add(self, group: FusedOp) -> None:
        for inner in (group, *group.body.ops):
            source = inner.attributes.get(SOURCE)
            if isinstance(source, StringAttr):
                self.sources.setdefault(source.data)

    def comment(self) -> str:
        ops = [inner.name.removeprefix("dlp.") for inner in self.function.body.block.ops]
        text = ", ".join(ops[:-1])
        if self.sources:
            more = len(self.sources) - _SHOWN_SOURCES
            text += "\n" + ", ".join(list(self.sources)[:_SHOWN_SOURCES])
            text += f" and {more} more" if more > 0 else ""
        return text


def structure(block: Block, types: tuple[Any, ...]) -> tuple[Any, ...]:
    """A hashable form of a block: equal for two blocks that differ in names and discardable attributes only.

    Args:
        block: straight-line code that uses nothing but its arguments; ops may have regions of one block.
        types: of the arguments.
    """
    return types, _structure(block, {})


def _structure(block: Block, numbers: dict[SSAValue, int]) -> tuple[Any, ...]:
    for argument in block.args:
        numbers[argument] = len(numbers)
    parts: list[Any] = []
    for op in block.ops:
        operands = tuple(numbers[v] for v in op.operands)
        inner = tuple(
            (tuple(a.type for a in b.args), _structure(b, numbers)) for r in op.regions for b in r.blocks
        )
        properties = frozenset(op.properties.items())
        parts.append((op.name, operands, properties, tuple(r.type for r in op.results), inner))
        for result in op.results:
            numbers[result] = len(numbers)
    return tuple(parts)


def _outlined(group: FusedOp, names: KernelNames) -> func.FuncOp:
    """A private function with a copy of the group's body."""
    body = Region()
    group.region.clone_into(body)
    last = body.block.last_op
    assert last is not None
    results = list(last.operands)
    last.detach()
    last.erase()
    body.block.add_op(func.ReturnOp(*results))
    types = ([v.type for v in group.ins], [r.type for r in group.res])
    kind = None if group.kind is None else group.kind.data
    return func.FuncOp(names.name_of(list(group.body.ops), kind), types, body, "private")


def _replace_by_call(group: FusedOp, kernel: func.FuncOp) -> None:
    call: Operation = func.CallOp(kernel.sym_name.data, list(group.ins), [r.type for r in group.res])
    call.attributes.update(group.attributes)
    block = group.parent
    assert block is not None
    block.insert_op_before(call, group)
    for old, new in zip(group.res, call.results, strict=True):
        new.name_hint = old.name_hint
        old.replace_all_uses_with(new)
    group.detach()
    group.erase()
