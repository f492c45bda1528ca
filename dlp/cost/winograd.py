"""Whether Winograd's filtering is faster than the sum of products, and with which tiles.

Against the multiplications that it saves stand the transforms, the traffic of transformed tiles and products through
the cache or memory, and the transformed weights, which are larger than the filter: (tile + 2)^2 / 9 of it for a window
of 3 x 3, so that a convolution of few pixels waits for its weights.

There are two schedules. Step by step, each of transform, products and transform back is done for the whole image; the
products have many rows, and the weights are drawn once. Strip by strip, a part of a line of tiles goes through all
three before the next: what is in between stays in the second-level cache, if the weights leave it room.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, prod
from typing import Any

from xdsl.dialects.builtin import f32

from dlp.cost.register_tile import choose_register_tile, step_cycles
from dlp.dialects.dlp import toom_cook
from dlp.dialects.dlp.contraction import ConvOp
from dlp.dialects.dlp.dim import hint, hints, is_static
from dlp.targets import Target
from dlp.tiling.schedule import (
    L2_BYTES_PER_CYCLE,
    L3_BYTES_PER_CYCLE,
    MEMORY_BYTES_PER_CYCLE,
    SCRATCH_LIMIT,
)

LEAST_GAIN = 0.1
"""Part of the time that must be won: the estimate is rough, and rounding differs."""

TILES = (2, 4)
"""Sides of tiles to choose from."""

_WEIGHT_BYTES_PER_CYCLE = 1.8
"""Of one core from memory, while the others draw as well. Measured. The weights of a network come from there if they
are many: the other layers pass through the caches between two calls."""
_TRANSFORM_STALLS = 2.5
"""How much longer a transform takes than its operations, one after the other: more values than registers, many lines
of the cache at once. Measured."""
_FEWEST_LINES = 8
"""Of tiles, for a schedule in strips."""
_KERNEL_CYCLES = 3000.0
"""Cycles to start a kernel's threads and wait for them."""


@dataclass(frozen=True)
class Schedule:
    """How to compute a convolution by Winograd's filtering.

    Attributes:
        tile: pixels a side of the tiles.
        in_strips: strip by strip, not step by step.
    """

    tile: int
    in_strips: bool


def best_schedule(op: ConvOp, target: Target, all_weights: int, tile: int | None = None) -> Schedule | None:
    """The fastest schedule; None where the plain convolution is faster.

    Args:
        all_weights: bytes of the weights of the whole network.
        tile: pixels a side of the tiles, whether they are faster or not.
    """
    rate = L3_BYTES_PER_CYCLE if all_weights <= target.l3_bytes // 4 else _WEIGHT_BYTES_PER_CYCLE
    window, side = op.kernel[0], max(hints(op.shape[1:-1]))
    tiles = [t for t in TILES if t <= side] if tile is None else [tile]
    possible = [
        Schedule(t, in_strips)
        for t in tiles
        if t + window - 1 <= toom_cook.LARGEST
        for in_strips in (False, True)
        if not in_strips or strip_length(op, t, target)
    ]
    costs = {schedule: winograd_cycles(op, schedule, target, rate) for schedule in possible}
    best = min(costs, key=lambda s: costs[s], default=None)
    if best is None or tile is not None:
        return best
    return best if costs[best] < plain_cycles(op, target, rate) * (1 - LEAST_GAIN) else None


def strip_length(op: ConvOp, tile: int, target: Target) -> int:
    """Tiles of a line that fit the scratch of a task, beside weights that fit the second-level cache; or 0.

    Also 0 for an image whose size only a run knows, and for one of few lines, which threads could not share evenly.
    """
    if not is_static(op.shape) or prod(ceil(n / tile) for n in op.shape[1:-2]) * op.shape[0] < _FEWEST_LINES:
        return 0
    factors = (tile + op.kernel[0] - 1) ** op.spatial_rank
    depth, columns = op.in_shape(0)[-1], op.shape[-1]
    weights, strip = 4 * factors * depth * columns, 4 * factors * (depth + columns)
    line = ceil(hint(op.shape[-2]) / tile)
    fitting = min(line, SCRATCH_LIMIT // strip)
    return fitting if weights + fitting * strip <= target.l2_bytes else 0


def plain_cycles(op: ConvOp, target: Target, rate: float) -> float:
    """Cycles of one core for the sum of products; it draws `rate` bytes of weights in one of them."""
    *images, pixels, columns = hints(op.shape)
    lines = images.pop() if op.spatial_rank > 1 else 1
    depth = prod(op.iteration_space().reduction)
    weights = 4 * depth * columns
    return max(prod(images) * depth * _row_cycles(target, pixels, columns, lines), weights / rate)


def winograd_cycles(op: ConvOp, schedule: Schedule, target: Target, rate: float) -> float:
    """Cycles of one core for the transforms and the products, weights already transformed."""
    tile, window, spatial = schedule.tile, op.kernel[0], op.spatial_rank
    side = tile + window - 1
    factors = side**spatial
    tiles = hint(op.shape[0]) * prod(ceil(n / tile) for n in hints(op.shape[1:-1]))
    depth, columns = op.in_shape(0)[-1], op.shape[-1]
    weights = 4 * factors * depth * columns
    rows = strip_length(op, tile, target) if schedule.in_strips else tiles
    multiplied = tiles / rows * factors * depth * _row_cycles(target, rows, columns)
    products = max(multiplied, weights / rate)
    data, result = 4 * factors * tiles * depth, 4 * factors * tiles * columns
    held = 0 if schedule.in_strips else data + result
    moved = 2 * _traffic(data, target, held) + 2 * _traffic(result, target, held)
    lines_in = spatial * side ** (spatial - 1)
    lines_out = sum(side ** (spatial - 1 - k) * tile**k for k in range(spatial))
    given = toom_cook.matrices(tile, window)
    work = lines_in * _operations(given.data) * depth + lines_out * _operations(given.output) * columns
    accesses = factors * (2 * depth + columns)
    passes = tiles * (work / target.fma_per_cycle + accesses / target.stores_per_cycle) / target.vector_lanes
    transforms = _TRANSFORM_STALLS * passes
    return products + moved + transforms + (0 if schedule.in_strips else 2 * _KERNEL_CYCLES)


def _row_cycles(target: Target, rows: int, columns: int, lines: int = 1) -> float:
    """Cycles for one step of a reduction over a block of so many lines, rows and columns."""
    block = choose_register_tile(target, rows, columns, lines=lines)
    return step_cycles(target, block, rows, ceil(columns / target.vector_lanes), lines)


def _traffic(moved: int, target: Target, held: int) -> float:
    """Cycles to draw bytes from where `held` bytes have room."""
    if held <= target.l2_bytes:
        return moved / L2_BYTES_PER_CYCLE
    return moved / (L3_BYTES_PER_CYCLE if held <= target.l3_bytes // 2 else MEMORY_BYTES_PER_CYCLE)


@cache
def _operations(matrix: toom_cook.Matrix) -> int:
    """Operations to apply a matrix to a line."""
    counter = _Counter()
    toom_cook.apply(counter, matrix, [None] * len(matrix[0]), f32)  # pyright: ignore[reportArgumentType]
    return counter.operations


class _Counter:
    """A builder that counts what it is asked for."""

    def __init__(self) -> None:
        self.operations = 0

    def constant(self, *args: Any) -> None:
        """Held in a register."""

    def _operation(self, *args: Any) -> None:
        self.operations += 1

    add = sub = mul = fma = _operation
