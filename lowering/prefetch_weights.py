"""Ask for the next panel of weights while the present one is multiplied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, func, scf, vector
from xdsl.dialects.builtin import (
    IntegerAttr,
    MemRefType,
    ModuleOp,
)
from xdsl.ir import Attribute, Block, BlockArgument, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.dim import Symbol
from dlp.dialects.dlp.structured import dims_of
from dlp.lowering._kernels import kernels
from dlp.lowering._prefetch import FIRST_LEVEL, ask, flat, linear_of, open_trips_of, place_of, trips_of
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import Target, load
from dlp.tiling.emitter import Emitter
from dlp.tiling.linear import Linear
from dlp.tiling.schedule import element_bytes
from dlp.tiling.sizes import symbols_of

_AHEAD = 8
"""Steps of a reduction from asking the second-level cache to reading: some 100 cycles."""


@dataclass(frozen=True)
class PrefetchWeightsPass(ModulePass):
    """Ask for the next panel of weights while the present one is multiplied.

    before: `scf.for %k` with accumulators, in it `vector.load %w[%panel, %k, %c0]`;
    after: in the same loop also `memref.prefetch %next[%k]`.

    Weights that do not fit the first-level cache come from behind it in every call, panel by panel, and the first tile
    of rows would wait for each of them: the second level is no better a bound, since what a whole network reads between
    two calls of a kernel is more than that holds. All tiles of rows that a panel is multiplied with share the work of
    asking for the next one: each asks for its part, spread evenly over the steps of its reduction. Where only a run
    knows how many tiles there are, they divide it as at the sizes that the code is made with in mind. A panel is the
    contiguous part of an operand that one reduction reads, each element once.

    Left alone: operands that fit the first-level cache, panels that a single tile of rows reads (hardware foresees
    reading in a row), operands that are read in another order, panels whose size only a run knows, and everything on
    targets that have no use for prefetches.
    """

    name = "prefetch-weights"
    scope = Scope.KERNEL

    target: str = "avx2"
    """Target description: where prefetched lines are to go, the size of the first-level cache."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        if target.prefetch_locality is None:
            return
        for function in kernels(op):
            hints = _hints(function)
            reductions: dict[object, list[_Reduction]] = {}
            for loop in [o for o in function.walk() if isinstance(o, scf.ForOp)]:
                reduction = _Reduction.of(loop, target)
                if reduction is not None:
                    key = (reduction.around, reduction.weights, reduction.panel.key)
                    reductions.setdefault(key, []).append(reduction)
            for alike in reductions.values():
                _share(function, alike, hints, target)


@dataclass
class _Reduction:
    """A nest of loops that carries accumulators and reads a panel of an argument from front to back."""

    nest: list[scf.ForOp]
    """From the outermost loop to the innermost."""
    around: Block
    """Body of the loop over panels."""
    weights: BlockArgument
    panel: Linear
    """Where the panel begins, in elements from the front of the weights."""
    width: int
    """Elements that a step reads."""

    @property
    def steps(self) -> int:
        return prod(cast(int, trips_of(loop)) for loop in self.nest)

    @staticmethod
    def of(innermost: scf.ForOp, target: Target) -> _Reduction | None:
        """The reduction that ends in a loop; None where it is not one, or has no next panel to ask for."""
        if not innermost.results or any(isinstance(op, scf.ForOp) for op in innermost.body.block.ops):
            return None
        nest = [innermost]
        while isinstance(parent := nest[0].parent_op(), scf.ForOp) and parent.results:
            nest.insert(0, parent)
        if any(trips_of(loop) is None for loop in nest):
            return None
        loads: dict[SSAValue, list[vector.LoadOp]] = {}
        for op in innermost.body.block.ops:
            if isinstance(op, vector.LoadOp):
                loads.setdefault(op.base, []).append(op)
        for buffer, reads in loads.items():
            found = _panel(nest, buffer, reads)
            if found is None:
                continue
            weights, panel, width = found
            type_ = cast("MemRefType[Attribute]", weights.type)
            size = prod(type_.get_shape())
            if size * element_bytes(type_.element_type) <= target.l1_bytes:
                continue
            around = _innermost_block(panel)
            steps = prod(cast(int, trips_of(loop)) for loop in nest)
            if around is None or (around.args[-1], steps * width) not in panel.terms:
                continue
            return _Reduction(nest, around, weights, panel, width)
        return None


def _panel(
    nest: list[scf.ForOp], buffer: SSAValue, reads: list[vector.LoadOp]
) -> tuple[BlockArgument, Linear, int] | None:
    """The argument behind a buffer, where the panel begins in it, and how many elements of it a step reads."""
    place = place_of(buffer)
    if place is None:
        return None
    weights, start = place
    strides = cast("MemRefType[Attribute]", buffer.type).get_strides()
    assert strides is not None
    columns: dict[int, int] = {}
    common: dict[SSAValue, int] | None = None
    for read in reads:
        at = Linear(0)
        for index, stride in zip(read.indices, strides, strict=True):
            if stride is None:
                return None
            at += linear_of(index) * stride
        terms = dict(at.terms)
        if common is not None and terms != common:
            return None
        common = terms
        columns[at.constant] = prod(read.result.type.get_shape())
    assert common is not None
    width = 0
    for column in sorted(columns):
        if column != width:
            return None
        width += columns[column]
    stride = width
    for loop in reversed(nest):
        if common.pop(loop.body.block.args[0], None) != stride:
            return None
        stride *= cast(int, trips_of(loop))
    return None if common else (weights, start, width)


def _innermost_block(place: Linear) -> Block | None:
    """The body of the innermost loop whose index a place depends on."""
    blocks = [v.owner for v, _ in place.terms if isinstance(v, BlockArgument)]
    return max(blocks, key=_depth, default=None)


def _depth(block: Block) -> int:
    depth, parent = 0, block.parent_op()
    while parent is not None:
        depth, parent = depth + 1, parent.parent_op()
    return depth


def _hints(function: func.FuncOp) -> dict[SSAValue, int]:
    """What the symbols that a function takes were when it was compiled."""
    known: dict[str, Symbol] = {}
    for argument in function.body.block.args:
        if isinstance(argument.type, MemRefType) and (dims := dims_of(argument.type)) is not None:
            known |= dims.get_symbols()
    return {value: known[name].hint for name, value in symbols_of(function).items() if name in known}


def _expected(value: SSAValue, hints: Mapping[SSAValue, int]) -> int | None:
    """A number that follows from sizes, for those that the code is made with in mind."""
    owner = value.owner
    if value in hints:
        return hints[value]
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    if isinstance(owner, affine.ApplyOp):
        operands = [_expected(operand, hints) for operand in owner.operands]
        dims = [n for n in operands if n is not None]
        if len(dims) == len(operands) == owner.map.data.num_dims:
            return owner.map.data.eval(dims, [])[0]
    return None


def _expected_of(count: Linear, hints: Mapping[SSAValue, int]) -> int | None:
    total = count.constant
    for value, factor in count.terms:
        if (n := _expected(value, hints)) is None:
            return None
        total += n * factor
    return total


def _share(
    function: func.FuncOp, alike: list[_Reduction], hints: Mapping[SSAValue, int], target: Target
) -> None:
    """Let the reductions over one panel ask for the next one, each for a part of it."""
    nests = {reduction.nest[0]: reduction for reduction in alike}
    places, tiles = _ordinals(alike[0].around, nests, Linear(0), hints)
    expected = _expected_of(tiles, hints)
    if len(places) < len(nests) or expected is None or expected < 2:
        return
    for nest, ordinal in places:
        _ask(function, nests[nest], ordinal, expected, not hints, target)
    count("panels prefetched")


def _ordinals(
    block: Block, nests: Mapping[scf.ForOp, _Reduction], start: Linear, hints: Mapping[SSAValue, int]
) -> tuple[list[tuple[scf.ForOp, Linear]], Linear]:
    """The nests in a block, each with the number of nests that ran before it; and how many ran after the block.

    Where a loop around others runs as often as only a run knows, the numbers are those for the expected sizes.
    """
    found: list[tuple[scf.ForOp, Linear]] = []
    for op in block.ops:
        if not isinstance(op, scf.ForOp):
            continue
        if op in nests:
            found.append((op, start))
            start += 1
            continue
        trips = open_trips_of(op)
        once = _expected_of(_ordinals(op.body.block, nests, Linear(0), hints)[1], hints)
        if trips is not None and once:
            index = Linear(0, [(op.body.block.args[0], once)])
            found += _ordinals(op.body.block, nests, start + index, hints)[0]
            start += trips * once
    return found, start


def _ask(
    function: func.FuncOp, reduction: _Reduction, ordinal: Linear, tiles: int, exact: bool, target: Target
) -> None:
    """Prefetch, in each step of a reduction, a part of the next panel; without `exact` there may be other tiles."""
    steps, width, weights = reduction.steps, reduction.width, reduction.weights
    type_ = cast("MemRefType[Attribute]", weights.type)
    size = prod(type_.get_shape())
    share = ceil(width / tiles)
    """Elements for each step."""
    emitter = Emitter.before(reduction.nest[0], function)
    whole = flat(emitter, weights)
    # More tiles than parts ask for the last part again; behind the last panel there is none.
    following = reduction.panel + steps * width
    part = following + ordinal * (steps * share)
    bounds = [Linear(size - steps * share)]
    if tiles * share > width or not exact:
        bounds.append(following + (width - share) * steps)
    assert target.prefetch_locality is not None
    first = reduction.nest[-1].body.block.first_op
    assert first is not None
    inner = Emitter.before(first, function)

    nest, locality = reduction.nest, target.prefetch_locality
    ask(emitter, inner, nest, whole, [part, *bounds], share, share, locality, "next")
    bytes_of_element = element_bytes(type_.element_type)
    if steps * width * bytes_of_element > target.l1_bytes:
        ahead = [reduction.panel + _AHEAD * width, Linear(size - steps * width)]
        line = max(1, target.cache_line_bytes // bytes_of_element)
        ask(emitter, inner, nest, whole, ahead, width, line, FIRST_LEVEL, "ahead")
