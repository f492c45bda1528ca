"""Places in an arena that hold for all sizes: above one another as at the sizes seen, however large each is."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import DictionaryAttr, IndexType, IntegerAttr, MemRefType, i64
from xdsl.ir import Block as IRBlock
from xdsl.ir import Operation, Region, SSAValue

from dlp.dialects.dlp.dim import Size
from dlp.lowering._arena import Block
from dlp.tiling.sizes import SYMBOLS, Sizes, symbols_of

ARENA = "arena"
"""Name of the function that computes the bytes of @forward's arena: it takes the symbols, and where to write."""


def places_for_all_sizes(
    function: func.FuncOp, blocks: Sequence[Block], sizes: Sequence[Size]
) -> dict[Block, SSAValue]:
    """The offset of every block, computed at the top of the function; and beside it, the function `@arena`.

    Of two blocks that live at one time, the one that lies below the other at the sizes that were seen always does.
    """
    size_of = dict(zip(blocks, sizes, strict=True))
    ops: list[Operation] = []
    offsets, _ = _stack(blocks, size_of, _Arithmetic(symbols_of(function), ops))
    first = function.body.block.first_op
    assert first is not None
    function.body.block.insert_ops_before(ops, first)
    module = function.parent_op()
    assert module is not None
    module.regions[0].block.add_op(_bytes_function(function, blocks, size_of))
    return offsets


def _bytes_function(
    function: func.FuncOp, blocks: Sequence[Block], size_of: dict[Block, Size]
) -> func.FuncOp:
    names = list(symbols_of(function))
    types = [*(IndexType() for _ in names), MemRefType(i64, (1,))]
    block = IRBlock(arg_types=types)
    for argument, hint in zip(block.args, [*names, "out"], strict=True):
        argument.name_hint = hint
    ops: list[Operation] = []
    computed = _Arithmetic(dict(zip(names, block.args[:-1], strict=True)), ops)
    _, total = _stack(blocks, size_of, computed)
    number = arith.IndexCastOp(total, i64)
    store = memref.StoreOp.get(number, block.args[-1], [computed.constant(0)])
    block.add_ops([*ops, number, store, func.ReturnOp()])
    result = func.FuncOp(ARENA, (types, []), Region(block))
    result.attributes[SYMBOLS] = DictionaryAttr({name: IntegerAttr(i, 64) for i, name in enumerate(names)})
    return result


class _Arithmetic:
    """Sums and maxima, of which the ops are appended to a list."""

    def __init__(self, symbols: dict[str, SSAValue], ops: list[Operation]) -> None:
        self._ops = ops
        self._sizes = Sizes(symbols, ops.append)

    def constant(self, number: int) -> SSAValue:
        return self._added(arith.ConstantOp(IntegerAttr(number, IndexType())))

    def size(self, size: Size) -> SSAValue:
        value = self._sizes.value(size)
        return value if isinstance(value, SSAValue) else self.constant(value)

    def sum(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self._added(arith.AddiOp(a, b))

    def largest(self, values: Sequence[SSAValue]) -> SSAValue:
        result = values[0] if values else self.constant(0)
        for value in values[1:]:
            result = self._added(arith.MaxSIOp(result, value))
        return result

    def _added(self, op: Operation) -> SSAValue:
        self._ops.append(op)
        return op.results[0]


def _stack(
    blocks: Sequence[Block], size_of: dict[Block, Size], computed: _Arithmetic
) -> tuple[dict[Block, SSAValue], SSAValue]:
    """The offset of every block, and the end of the highest."""
    offsets: dict[Block, SSAValue] = {}
    ends: dict[Block, SSAValue] = {}
    below: dict[Block, set[Block]] = {}
    covered: set[Block] = set()
    order = sorted(blocks, key=lambda b: b.offset)
    for number, block in enumerate(order):
        under = [b for b in order[:number] if b.meets(block)]
        # What lies under one of those is under the block anyway.
        direct = [b for b in under if not any(b in below[other] for other in under)]
        below[block] = {*under, *(b for other in under for b in below[other])}
        covered.update(under)
        offsets[block] = computed.largest([ends[b] for b in direct])
        ends[block] = computed.sum(offsets[block], computed.size(size_of[block]))
    return offsets, computed.largest([end for block, end in ends.items() if block not in covered])
