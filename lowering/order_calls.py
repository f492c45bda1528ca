"""The order of the network's steps that needs less memory, or needs it for less time."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.dim import hint
from dlp.dialects.dlp.loop import ScanOp, values_used
from dlp.dialects.dlp.view import CopyOp, ViewOp
from dlp.lowering._arena import Block as Place
from dlp.lowering._arena import largest_live_set
from dlp.lowering._buffers import buffer_type, bytes_of, reshape_root
from dlp.statistics import count


class OrderCalls(ModulePass):
    """Reorder the ops of entry functions where that makes the largest set of live intermediates smaller.

    Of two orders with the same largest set the better one is that whose intermediates live for fewer calls, weighed
    by their bytes: what is made just before it is used is still in the cache.

    The order tried is depth-first from the results: all that leads to the first result, then what the second needs
    beyond, and so on. `@prepare`, which packs one weight like the next, then holds the intermediates of one weight
    at a time instead of those of all.

    Before:
    ```mlir
    %a = func.call @scale(%w0)
    %b = func.call @scale(%w1)
    %p = func.call @pack(%a)
    %q = func.call @pack(%b)
    func.return %p, %q
    ```
    After:
    ```mlir
    %a = func.call @scale(%w0)
    %p = func.call @pack(%a)
    %b = func.call @scale(%w1)
    %q = func.call @pack(%b)
    func.return %p, %q
    ```
    """

    name = "order-calls"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, func.FuncOp) and not function.is_declaration and _is_public(function):
                block = function.body.block
                before, after = list(block.ops), _depth_first(block)
                if _cost(block, after) < _cost(block, before):
                    for inner in after:
                        inner.detach()
                    block.add_ops(after)
                    count("functions reordered")


def _is_public(function: func.FuncOp) -> bool:
    return function.sym_visibility is None or function.sym_visibility.data == "public"


def _depth_first(block: Block) -> list[Operation]:
    """All ops, each behind its operands, those of the first results first; ops without users keep their place last."""
    ordered: dict[Operation, None] = {}
    used = {op: values_used(op) for op in block.ops}
    last = block.last_op
    assert last is not None
    for root in (last, *block.ops):
        stack: list[tuple[Operation, int]] = [(root, 0)]
        while stack:
            op, visited = stack.pop()
            if op in ordered:
                continue
            if visited < len(used[op]):
                stack.append((op, visited + 1))
                owner = used[op][visited].owner
                if isinstance(owner, Operation) and owner.parent is block:
                    stack.append((owner, 0))
            elif op is not last:
                ordered[op] = None
    return [*ordered, last]


def _cost(block: Block, order: Sequence[Operation]) -> tuple[int, int]:
    """Bytes of the largest set of intermediates that live at once, and the sum over the calls of what is alive.

    What is returned is not the function's own.
    """
    last = block.last_op
    assert last is not None
    places: dict[SSAValue, Place] = {}
    returned = {reshape_root(v) for v in last.operands}
    for time, op in enumerate(order):
        for operand in values_used(op):
            if (place := places.get(_root(operand))) is not None:
                place.last = time
        for result in op.results:
            if _root(result) is result and result not in returned and isinstance(op, func.CallOp | ScanOp):
                places[result] = Place(hint(bytes_of(buffer_type(result.type))), time, time)
    spans = list(places.values())
    return largest_live_set(spans), sum(span.size * (span.last - span.first) for span in spans)


def _root(value: SSAValue) -> SSAValue:
    """What a value is a view of."""
    while isinstance(value.owner, ViewOp) and not isinstance(value.owner, CopyOp):
        value = value.owner.ins[0]
    return value
