"""Whether Winograd's filtering is faster than the sum of products, and with which tiles.

Against the multiplications that it saves stand the transforms, the traffic of transformed tiles and products through
the cache or memory, and the transformed weights, which are larger than the filter: (tile + 2)^2 / 9 of it for a window
of 3 x 3, so that a convolution of few pixels waits for its weights.
"""

from __future__ import annotations

from functools import cache
from math import ceil, prod
from typing import Any

from xdsl.dialects.builtin import f32

from dlp.cost.register_tile import choose_register_tile, step_cycles
from dlp.dialects.dlp import toom_cook
from dlp.dialects.dlp.contraction import ConvOp
from dlp.dialects.dlp.dim import hint, hints
from dlp.targets import Target
from dlp.tiling.schedule import L2_BYTES_PER_CYCLE, L3_BYTES_PER_CYCLE, MEMORY_BYTES_PER_CYCLE

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
_KERNEL_CYCLES = 3000.0
"""Cycles to start a kernel's threads and wait for them."""


def best_tile(op: ConvOp, target: Target, all_weights: int) -> int | None:
    """Pixels a side of the tiles that are fastest; None where the plain convolution is.

    Args:
        all_weights: bytes of the weights of the whole network.
    """
    rate = L3_BYTES_PER_CYCLE if all_weights <= target.l3_bytes // 4 else _WEIGHT_BYTES_PER_CYCLE
    window = op.kernel[0]
    plain = plain_cycles(op, target, rate) * (1 - LEAST_GAIN)
    possible = [t for t in TILES if t + window - 1 <= toom_cook.LARGEST and max(hints(op.shape[1:-1])) >= t]
    costs = {tile: winograd_cycles(op, tile, target, rate) for tile in possible}
    tile = min(costs, key=lambda t: costs[t], default=None)
    return tile if tile is not None and costs[tile] < plain else None


def plain_cycles(op: ConvOp, target: Target, rate: float) -> float:
    """Cycles of one core for the sum of products; it draws `rate` bytes of weights in one of them."""
    *lines, pixels, columns = hints(op.shape)
    depth = prod(op.iteration_space().reduction)
    weights = 4 * depth * columns
    return max(prod(lines) * depth * _row_cycles(target, pixels, columns), weights / rate)


def winograd_cycles(op: ConvOp, tile: int, target: Target, rate: float) -> float:
    """Cycles of one core for the transforms and the products, weights already transformed."""
    window, spatial = op.kernel[0], op.spatial_rank
    side = tile + window - 1
    factors = side**spatial
    tiles = hint(op.shape[0]) * prod(ceil(n / tile) for n in hints(op.shape[1:-1]))
    depth, columns = op.in_shape(0)[-1], op.shape[-1]
    weights = 4 * factors * depth * columns
    products = max(factors * depth * _row_cycles(target, tiles, columns), weights / rate)
    data, result = 4 * factors * tiles * depth, 4 * factors * tiles * columns
    moved = 2 * _traffic(data, target, data + result) + 2 * _traffic(result, target, data + result)
    lines_in = spatial * side ** (spatial - 1)
    lines_out = sum(side ** (spatial - 1 - k) * tile**k for k in range(spatial))
    given = toom_cook.matrices(tile, window)
    work = lines_in * _operations(given.data) * depth + lines_out * _operations(given.output) * columns
    accesses = factors * (2 * depth + columns)
    passes = tiles * (work / target.fma_per_cycle + accesses / target.stores_per_cycle) / target.vector_lanes
    transforms = _TRANSFORM_STALLS * passes
    return products + moved + transforms + 2 * _KERNEL_CYCLES


def _row_cycles(target: Target, rows: int, columns: int) -> float:
    """Cycles for one step of a reduction over a block of so many rows and columns."""
    block = choose_register_tile(target, rows, columns)
    return step_cycles(target, block, rows, ceil(columns / target.vector_lanes))


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
