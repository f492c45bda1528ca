"""Ask for what the next task reads while the present one is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref, scf, vector
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.lowering._kernels import kernels
from dlp.lowering._prefetch import FIRST_LEVEL, ask, flat, place_of, trips_of
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import Target, load
from dlp.tiling.emitter import Emitter
from dlp.tiling.linear import Linear
from dlp.tiling.schedule import element_bytes

_FUNCTION_OPERATIONS = 12
"""Operations that an exponential or the like stands for."""


@dataclass(frozen=True)
class PrefetchTasksPass(ModulePass):
    """Ask for what the next task reads while the present one is computed.

    before: a loop over tasks, in each several loops, such as those of a softmax over some rows of `%x`;
    after: in the loop with the most arithmetic also `memref.prefetch %next[%i]`, the rows of the next task.

    Hardware foresees what is read in a row, but such a task reads its rows in its first loop and leaves memory alone
    in the others: only who knows the next task can keep both busy.

    Left alone: operands that the second-level cache may hold since they were written, rows of the next task that do
    not lie behind those of the present one or are too many for the first-level cache, tasks of one loop, operands whose
    size only a run knows, and everything on targets that have no use for prefetches.
    """

    name = "prefetch-tasks"
    scope = Scope.KERNEL

    target: str = "avx2"
    """Target description: whether code asks for data, the sizes of the caches and of their lines."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        if target.prefetch_locality is None:
            return
        for function in kernels(op):
            tasks = [o.body.block for o in function.walk() if isinstance(o, scf.ParallelOp | scf.ForOp)]
            for task in tasks:
                for rows in _streamed(task, target):
                    host = _host(task, rows)
                    if host is not None:
                        _prefetch(function, host, rows, target)


@dataclass
class _Rows:
    """The contiguous part of an argument that a task reads; that of the next task lies behind it."""

    view: memref.SubviewOp
    argument: BlockArgument
    start: Linear
    size: int

    @property
    def of(self) -> int:
        """Elements of the whole argument."""
        return prod(cast("MemRefType[Attribute]", self.argument.type).get_shape())

    @property
    def bytes_of_element(self) -> int:
        return element_bytes(cast("MemRefType[Attribute]", self.argument.type).element_type)


def _streamed(task: Block, target: Target) -> Iterator[_Rows]:
    """The rows that a task takes from behind the second-level cache."""
    for view in task.ops:
        if not isinstance(view, memref.SubviewOp) or not isinstance(view.source, BlockArgument):
            continue
        place = place_of(view.result)
        if place is None or not task.args:
            continue
        argument, start = place
        sizes = view.static_sizes.get_values()
        if any(n < 1 for n in sizes) or not _is_contiguous(sizes, argument):
            continue
        rows = _Rows(view, argument, start, prod(sizes))
        if (task.args[-1], rows.size) not in start.terms:
            continue
        streamed = rows.of * rows.bytes_of_element > target.l2_bytes
        if streamed and 2 * rows.size * rows.bytes_of_element <= target.l1_bytes:
            yield rows


def _is_contiguous(sizes: tuple[int, ...], argument: BlockArgument) -> bool:
    """Whether a box of an argument that is contiguous is so as well: whole behind its first dimension that is not 1."""
    shape = cast("MemRefType[Attribute]", argument.type).get_shape()
    first = next((d for d, n in enumerate(sizes) if n > 1), len(sizes))
    return tuple(sizes[first + 1 :]) == tuple(shape[first + 1 :])


def _host(task: Block, rows: _Rows) -> list[scf.ForOp] | None:
    """The nest of loops with the most arithmetic behind the one that reads the rows first; of equals the last.

    A loop that writes results waits for memory itself: it is the host only where there is no other.
    """
    loops = [op for op in task.ops if isinstance(op, scf.ForOp)]
    reads = [n for n, loop in enumerate(loops) if _touches(loop, rows.view.result, vector.LoadOp)]
    if not reads or any(_touches(loop, rows.view.result, vector.StoreOp) for loop in loops):
        return None
    best: tuple[tuple[bool, int], list[scf.ForOp]] | None = None
    for loop in loops[reads[0] + 1 :]:
        nest = _nest(loop)
        if nest is None:
            continue
        work = sum(_work(op) for op in nest[-1].body.block.ops) * prod(cast(int, trips_of(o)) for o in nest)
        rank = (not _writes_results(loop), work)
        if best is None or rank >= best[0]:
            best = (rank, nest)
    return None if best is None else best[1]


def _touches(loop: scf.ForOp, buffer: SSAValue, access: type[vector.LoadOp | vector.StoreOp]) -> bool:
    return any(isinstance(op, access) and _is_part(op.base, buffer) for op in loop.walk())


def _writes_results(loop: scf.ForOp) -> bool:
    return any(isinstance(op, vector.StoreOp) and place_of(op.base) is not None for op in loop.walk())


def _is_part(view: SSAValue, of: SSAValue) -> bool:
    while view is not of:
        if not isinstance(view.owner, memref.SubviewOp):
            return False
        view = view.owner.source
    return True


def _nest(loop: scf.ForOp) -> list[scf.ForOp] | None:
    """A loop and those in it, one in the other; None where there are two side by side, or only a run knows a size."""
    nest = [loop]
    while inner := [op for op in nest[-1].body.block.ops if isinstance(op, scf.ForOp)]:
        if len(inner) > 1:
            return None
        nest += inner
    return None if any(trips_of(o) is None for o in nest) else nest


def _work(op: Operation) -> int:
    if op.name.startswith("math."):
        return _FUNCTION_OPERATIONS
    return 1 if op.name.startswith("arith.") and op.name != "arith.constant" else 0


def _prefetch(function: func.FuncOp, nest: list[scf.ForOp], rows: _Rows, target: Target) -> None:
    """Prefetch the next rows, a part of them in each step of a nest."""
    steps = prod(cast(int, trips_of(loop)) for loop in nest)
    share = ceil(rows.size / steps)
    if steps * share > rows.of:
        return
    outside = Emitter.before(nest[0], function)
    first = nest[-1].body.block.first_op
    assert first is not None
    # Behind the last task there is nothing: it asks for the end again.
    places = [rows.start + rows.size, Linear(rows.of - steps * share)]
    line = max(1, target.cache_line_bytes // rows.bytes_of_element)
    buffer = flat(outside, rows.argument)
    ask(outside, Emitter.before(first, function), nest, buffer, places, share, line, FIRST_LEVEL, "next")
    count("operands prefetched")
