"""Whether to compute a stack of window ops depth-first: tile by tile, the intermediate never whole.

Layer by layer, the intermediate is written and read again as a whole. That is cheap while it stays in the cache of
the core and costs memory traffic where it does not. Depth-first, a tile of the last op is computed with just the part
of the intermediate that it needs, in scratch that stays in the cache; where windows overlap, neighbouring tiles
compute the rows between them twice. Fewer, larger tiles recompute less, but their scratch must stay small (Weber et
al., "BrainSlug", arXiv:1804.08378).

Tiles may be cut along channels as well, as long as no window op mixes them: that makes room for more rows in the same
scratch, at the price of reading the stack's input once for each block of channels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import ceil, prod

from dlp.dialects.dlp.contraction import ContractionOp
from dlp.dialects.dlp.dim import hints
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp
from dlp.targets import Target
from dlp.tiling.linear import Interval, NotAlignedError, Region, evaluate, whole
from dlp.tiling.schedule import (
    L2_BYTES_PER_CYCLE,
    L3_BYTES_PER_CYCLE,
    MEMORY_BYTES_PER_CYCLE,
    TILE_OVERHEAD,
    element_bytes,
    op_cycles,
)

SCRATCH_LIMIT = 200 * 1024
"""Bytes of a tile's intermediates. Less than a task may have: larger tiles were slower than the estimate."""

LEAST_GAIN = 0.1
"""Part of the time that must be won: the estimate is rough, and tiles at the border of an image are slower."""


@dataclass(frozen=True)
class Estimate:
    """Cycles of one core for a stack, both ways.

    Attributes:
        apart: layer by layer.
        together: depth-first, with the best tile.
        tile: that tile of the last op's result; 0 leaves a dimension whole.
    """

    apart: float
    together: float
    tile: tuple[int, ...]

    @property
    def pays(self) -> bool:
        return self.together < (1 - LEAST_GAIN) * self.apart


@dataclass
class _Cost:
    cycles: float = 0.0
    scratch: int = 0
    read: int = 0


def estimate(
    last: StructuredOp, before: Collection[DestinationOp], frame: Collection[int], target: Target
) -> Estimate | None:
    """Compare a stack layer by layer and depth-first.

    Args:
        last: the op that would join.
        before: the ops that compute its window operand.
        frame: dimensions of the result that windows do not slide along; they can be cut without recomputation.

    Returns:
        None where no tile keeps its scratch within the limit.
    """
    shape = hints(last.shape)
    stack = _Stack(last, before, target)
    everything = stack.tile_cost(whole(shape))
    moved = sum(
        prod(hints(op.shape)) * element_bytes(op.element_type)
        for op in before
        if any(use.operation is last for use in op.res[0].uses)
    )
    if moved <= target.l2_bytes:
        rate = L2_BYTES_PER_CYCLE
    else:
        rate = L3_BYTES_PER_CYCLE if moved <= target.l3_bytes else MEMORY_BYTES_PER_CYCLE
    apart = everything.cycles + everything.read / L2_BYTES_PER_CYCLE + 2 * moved / rate

    best: Estimate | None = None
    for tile in _tiles(last, before, frame, target):
        box = [Interval.of(0, t or n) for t, n in zip(tile, shape, strict=True)]
        try:
            cost = stack.tile_cost(box)
        except NotAlignedError:
            continue
        if cost.scratch > SCRATCH_LIMIT:
            continue
        tiles = prod(n / t for t, n in zip(tile, shape, strict=True) if t)
        through_cache = (cost.read + 2 * cost.scratch) / L2_BYTES_PER_CYCLE
        together = tiles * (cost.cycles + through_cache + TILE_OVERHEAD)
        if best is None or together < best.together:
            best = Estimate(apart, together, tile)
    return best


class _Stack:
    """The ops that are computed for a tile of the last of them."""

    def __init__(self, last: StructuredOp, before: Collection[DestinationOp], target: Target) -> None:
        self.last = last
        self.before = set(before)
        self.target = target
        self.spaces = {op: op.iteration_space() for op in (last, *before) if isinstance(op, StructuredOp)}

    def tile_cost(self, box: Region) -> _Cost:
        """What a tile of the last op computes, holds and reads, with all that is before it."""
        cost = _Cost()
        self._compute(self.last, box, cost)
        return cost

    def _compute(self, op: DestinationOp, region: Region, cost: _Cost) -> None:
        if not isinstance(op, StructuredOp):
            self._compute_padded(op, region, cost)
            return
        space = self.spaces[op]
        reduction = hints(space.reduction)
        points = prod(i.bound for i in region) * prod(reduction)
        cost.cycles += op_cycles(op, points, self.target)
        full = [*region, *whole(reduction)]
        for value, index in zip(op.ins, space.maps, strict=True):
            needed = [evaluate(e, full) for e in index]
            producer = value.owner
            if not (isinstance(producer, DestinationOp) and producer in self.before):
                cost.read += prod(i.bound for i in needed) * element_bytes(op.element_type)
                continue
            # The element-wise chain behind an op is computed in registers, all else in scratch.
            if not (op.is_elementwise and isinstance(producer, StructuredOp) and producer.shape == op.shape):
                cost.scratch += prod(i.bound for i in needed) * element_bytes(producer.element_type)
            self._compute(producer, needed, cost)

    def _compute_padded(self, pad: DestinationOp, region: Region, cost: _Cost) -> None:
        """The inside of a pad's frame is written by what it pads: the pad holds the only copy."""
        inner = [
            Interval(i.offset, i.size, min(i.bound, n))
            for i, n in zip(region, hints(pad.in_shape(0)), strict=True)
        ]
        source = pad.ins[0].owner
        if isinstance(source, DestinationOp) and source in self.before:
            self._compute(source, inner, cost)


def _tiles(
    last: StructuredOp, before: Collection[DestinationOp], frame: Collection[int], target: Target
) -> Iterator[tuple[int, ...]]:
    """Pieces of the first dimension that windows slide along, times blocks of the innermost if no window does there."""
    shape = hints(last.shape)
    innermost = len(shape) - 1
    rows = next((d for d, n in enumerate(shape) if d not in frame and n > 1), None)
    if rows is None:
        return
    panels = [p for op in before if isinstance(op, ContractionOp) and (p := op.panel_width)]
    unit = max(panels, default=4 * target.vector_lanes)
    columns = [0]
    if innermost in frame:
        columns += [unit * k for k in (1, 2, 4) if unit * k < shape[innermost]]
    counts = {ceil(shape[rows] / n) for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64) if n <= shape[rows]}
    for width in columns:
        for size in counts:
            tile = [1 if d in frame and n > 1 else 0 for d, n in enumerate(shape)]
            tile[innermost] = width if innermost in frame else 0
            tile[rows] = size if size < shape[rows] else 0
            yield tuple(tile)
