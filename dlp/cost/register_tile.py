"""Which block of a contraction's result to keep in registers.

The inner loop of a contraction holds `rows` x `vectors` accumulators. Each step of the reduction loads `vectors`
vectors of weights, broadcasts `rows` numbers of data, and multiplies every pair of them. The block must fit the
registers, feed the multipliers from few loads, and hold enough independent accumulators to hide their latency
(Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). A panel of weights is larger than
the first-level cache and is drawn from the second once for each block of rows, which nothing hides: the more rows, the
better; where a line of an image is short, a block takes pixels of several.
"""

from __future__ import annotations

from functools import cache
from itertools import product

from dlp.dialects.dlp.contraction import ContractionOp, ConvOp
from dlp.dialects.dlp.dim import hint
from dlp.dialects.dlp.structured import Shape
from dlp.targets import RegisterTile, Target

# The share of its loads that a core keeps up while lines of the cache are on their way.
_SUSTAINED_LOADS = 0.8
# What each further shape of tile costs, by the cycles: compilers and the instruction cache see each.
_SHAPE_COST = 0.01


@cache
def choose_register_tile(
    target: Target, m: int, n: int, element: str = "f32", *, lines: int = 1, vectors: int | None = None
) -> RegisterTile:
    """The block with the fewest cycles for one step of the reduction over `lines` x `m` rows and `n` columns.

    Lines and rows are cut into segments of sizes that differ by one at most; columns are padded to whole panels, as in
    packed weights. Among equals the target's own block wins, then the one with fewer loads.

    Args:
        vectors: how many vectors wide the block has to be; it is as wide even where it does not fit the registers.
    """
    width = -(-n // target.lanes(element))
    widths = range(1, min(width, target.vector_registers) + 1) if vectors is None else (vectors,)
    best: tuple[tuple[float, bool, float], RegisterTile] | None = None
    for wide, high in product(widths, range(1, min(lines, target.vector_registers) + 1)):
        for rows in range(1, min(m, target.vector_registers) + 1):
            tile = RegisterTile(rows, wide, high)
            if not target.tile_fits(tile):
                break
            shapes = (1 + bool(lines % -(-lines // high))) * (1 + bool(m % -(-m // rows))) + (high > 1)
            price = (
                step_cycles(target, tile, m, width, lines) * (1 + _SHAPE_COST * (shapes - 1)),
                tile != target.register_tile,
                1 / tile.pixels + 1 / wide,
            )
            if best is None or price < best[0]:
                best = price, tile
    return RegisterTile(1, vectors or 1) if best is None else best[1]


def step_cycles(target: Target, tile: RegisterTile, m: int, width: int, lines: int = 1) -> float:
    """Cycles for one step of the reduction over `lines` x `m` rows and `width` vectors, cut into tiles."""
    panels = -(-width // tile.vectors)
    return panels * sum(
        high_count * row_count * _tile_cycles(target, high * rows, tile.vectors)
        for high, high_count in _segments(lines, tile.lines)
        for rows, row_count in _segments(m, tile.rows)
    )


def _segments(extent: int, tile: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two sizes of balanced segments, and how many there are of each."""
    count = -(-extent // tile)
    short, longer = divmod(extent, count)
    return (short + 1, longer), (short, count - longer)


def _tile_cycles(target: Target, rows: int, vectors: int) -> float:
    """Multiply-adds hide broadcasts, but not the weights on their way from the second-level cache."""
    weights = vectors * target.vector_lanes * 4 / target.l2_bytes_per_cycle
    return weights + max(
        rows * vectors / target.fma_per_cycle,
        (rows + vectors) / (_SUSTAINED_LOADS * target.loads_per_cycle),
        float(target.fma_latency),
    )


def register_tile(target: Target, op: ContractionOp) -> RegisterTile:
    """The block for a matrix product, or for a convolution with channels last: its rows are the pixels of a line."""
    shape = op.shape
    columns = shape[-1]
    if isinstance(op, ConvOp):
        columns //= op.group_count
    return choose_register_tile(
        target,
        max(1, hint(shape[-2])),
        max(1, hint(columns)),
        str(op.element_type),
        lines=line_count(op, shape),
    )


def line_count(op: ContractionOp, shape: Shape) -> int:
    """Of how many lines of pixels a tile of a result of that shape may have some; 1 where it has no lines."""
    if (
        not isinstance(op, ConvOp)
        or not op.channels_last
        or op.spatial_rank < 2
        or len(shape) != len(op.shape)
    ):
        return 1
    return max(1, hint(shape[-3]))


def panel_width(target: Target, op: ContractionOp) -> int | None:
    """How many columns a panel of packed weights has; None where packing has no use.

    A panel is as wide as the register tile. With groups it has to divide the channels of a group: the widest run of
    vectors that does is taken.
    """
    lanes = target.lanes(str(op.element_type))
    width = register_tile(target, op).vectors * lanes
    if not isinstance(op, ConvOp) or op.group_count == 1:
        return width
    group = op.out_channels // op.group_count
    while width and group % width:
        width -= lanes
    return width or None
