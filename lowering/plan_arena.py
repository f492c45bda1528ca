"""One arena for all intermediates: each gets a place, and places are used again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, func, memref, scf
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    i8,
    i64,
)
from xdsl.ir import Block as IRBlock
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.dim import Size, hint
from dlp.lowering._arena import Block, largest_live_set, place
from dlp.lowering._arena_sizes import places_for_all_sizes
from dlp.lowering._buffers import bytes_of
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.tiling.sizes import symbols_of

BUFFERS = "dlp.buffers"
"""Attribute of an entry function: bytes of each of its last arguments, the memory that the caller lends it; at the
sizes that were seen, where only a run knows them."""

INTERMEDIATES = "dlp.intermediate_bytes"
"""Attribute of an entry function: bytes of all intermediates, as if none shared memory."""

LARGEST_LIVE = "dlp.largest_live_bytes"
"""Attribute of an entry function: bytes of the largest set of intermediates alive at once."""

_VIEWS = (memref.ReinterpretCastOp, memref.SubviewOp, memref.CastOp)


@dataclass(frozen=True)
class PlanArena(ModulePass):
    """Replace the allocations of entry functions by places in an arena that the caller lends.

    A buffer lives from its first to its last use in the list of calls; buffers that do not live at one time may share
    bytes. Every place keeps the plan as attributes: `dlp.bytes`, `dlp.first` and `dlp.last` (the numbers of the calls).

    Before:
    ```mlir
    func.func @forward(%x: memref<8xf32>, %out: memref<8xf32>) {
      %t = memref.alloc() : memref<8xf32>
      func.call @k(%x, %t) ...
    ```
    After:
    ```mlir
    func.func @forward(%x: memref<8xf32>, %out: memref<8xf32>, %arena: memref<64xi8>)
        attributes {dlp.buffers = array<i64: 64>} {
      %0 = arith.constant 0 : index
      %t = memref.view %arena[%0][] {dlp.bytes = 32, dlp.first = 0, dlp.last = 1} : memref<64xi8> to memref<8xf32>
      func.call @k(%x, %t) ...
    ```
    """

    name = "plan-arena"
    scope = Scope.ENTRY

    alignment: int = 64
    """Of every buffer, in bytes."""
    separate: bool = False
    """One argument a buffer instead of an arena: a sanitizer sees every overrun."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in list(op.body.block.ops):
            if isinstance(function, func.FuncOp) and not function.is_declaration and _is_public(function):
                self.plan(function)

    def plan(self, function: func.FuncOp) -> None:
        allocations, blocks, sizes = _lifetimes(function, self.alignment)
        live = largest_live_set(blocks)
        total = sum(b.size for b in blocks)
        if self.separate:
            buffers = [hint(bytes_of(a.memref.type)) for a in allocations]  # type: ignore[arg-type]
            for allocation in allocations:
                argument = _add_argument(function, allocation.memref.type, allocation.memref.name_hint)  # type: ignore[arg-type]
                _replace(allocation, argument)
        else:
            arena_bytes = place(blocks) if blocks else 0
            buffers = [arena_bytes]
            static = not symbols_of(function)
            arena = _add_argument(
                function, MemRefType(i8, (arena_bytes if static else DYNAMIC_INDEX,)), "arena"
            )
            places = {} if static else places_for_all_sizes(function, blocks, sizes)
            for allocation, block in zip(allocations, blocks, strict=True):
                _replace(allocation, _place_in(arena, allocation, block, places.get(block)))
            count("arena bytes", arena_bytes)
        count("bytes of all intermediates", total)
        count("bytes of the largest live set", live)
        count("buffers placed", len(blocks))
        function.attributes[BUFFERS] = DenseArrayBase.from_list(i64, buffers)
        function.attributes[INTERMEDIATES] = IntegerAttr(total, 64)
        function.attributes[LARGEST_LIVE] = IntegerAttr(live, 64)


def _is_public(function: func.FuncOp) -> bool:
    return function.sym_visibility is None or function.sym_visibility.data == "public"


def _lifetimes(function: func.FuncOp, alignment: int) -> tuple[list[memref.AllocOp], list[Block], list[Size]]:
    """The allocations, for each the numbers of the first and last call that use it, and its bytes."""
    allocations: list[memref.AllocOp] = []
    blocks: list[Block] = []
    sizes: list[Size] = []
    block_of: dict[SSAValue, Block] = {}
    time = 0

    def visit(code: IRBlock) -> None:
        nonlocal time
        for op in code.ops:
            if isinstance(op, memref.AllocOp):
                size = (bytes_of(op.memref.type) + alignment - 1) // alignment * alignment  # type: ignore[arg-type]
                allocations.append(op)
                sizes.append(size)
                blocks.append(Block(hint(size), -1, -1))
                block_of[op.memref] = blocks[-1]
            elif isinstance(op, _VIEWS):
                if op.operands[0] in block_of:
                    block_of[op.results[0]] = block_of[op.operands[0]]
            elif isinstance(op, scf.ForOp):
                first, outer = time, len(blocks)
                visit(op.body.block)
                # What is from around the loop is needed by every turn; what a turn allocates, by that turn alone.
                for block in blocks[:outer]:
                    if block.last >= first:
                        block.first, block.last = min(block.first, first), time - 1
            elif not isinstance(op, arith.ConstantOp | arith.MuliOp | affine.ApplyOp):
                for operand in op.operands:
                    if (block := block_of.get(operand)) is not None:
                        block.first = time if block.first < 0 else block.first
                        block.last = time
                time += 1

    visit(function.body.block)
    return allocations, blocks, sizes


def _add_argument(function: func.FuncOp, type_: MemRefType, hint: str | None) -> SSAValue:
    block = function.body.block
    argument = block.insert_arg(type_, len(block.args))
    argument.name_hint = hint
    outputs = list(function.function_type.outputs)
    function.function_type = FunctionType.from_lists([a.type for a in block.args], outputs)
    return argument


def _place_in(arena: SSAValue, allocation: memref.AllocOp, block: Block, offset: SSAValue | None) -> SSAValue:
    parent = allocation.parent
    assert parent is not None
    if offset is None:
        constant = arith.ConstantOp(IntegerAttr(block.offset, IndexType()))
        parent.insert_op_before(constant, allocation)
        offset = constant.result
    type_ = cast(MemRefType, allocation.memref.type)
    plain = MemRefType(type_.element_type, type_.shape, type_.layout)
    view = memref.ViewOp(arena, offset, list(allocation.dynamic_sizes), plain)
    view.result.name_hint = allocation.memref.name_hint
    for name, value in (("bytes", block.size), ("first", block.first), ("last", block.last)):
        view.attributes[f"dlp.{name}"] = IntegerAttr(value, 64)
    parent.insert_op_before(view, allocation)
    if plain == type_:
        return view.result
    sized = memref.MemorySpaceCastOp(view, type_)
    sized.dest.name_hint = allocation.memref.name_hint
    parent.insert_op_before(sized, allocation)
    return sized.dest


def _replace(allocation: memref.AllocOp, value: SSAValue) -> None:
    allocation.memref.replace_all_uses_with(value)
    allocation.detach()
    allocation.erase()
