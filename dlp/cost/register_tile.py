"""Which block of a contraction's result to keep in registers.

The inner loop of a contraction holds `rows` x `vectors` accumulators. Each step of the reduction loads `vectors`
vectors of weights, broadcasts `rows` numbers of data, and multiplies every pair of them. The block must fit the
registers, feed the multipliers from few loads, and hold enough independent accumulators to hide their latency
(Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
"""

from __future__ import annotations

from functools import cache

from dlp.dialects.dlp.contraction import ContractionOp, ConvOp
from dlp.dialects.dlp.dim import hint
from dlp.targets import RegisterTile, Target


@cache
def choose_register_tile(target: Target, m: int, n: int, element: str = "f32") -> RegisterTile:
    """The block with the fewest cycles for one step of the reduction over `m` rows and `n` columns.

    Rows are cut into segments of sizes that differ by one at most; columns are padded to whole panels, as in packed
    weights. Among equals the target's own block wins, then the one with fewer loads.
    """
    lanes = target.lanes(element)
    width = -(-n // lanes)
    best: tuple[tuple[float, bool, float], RegisterTile] | None = None
    for vectors in range(1, min(width, target.vector_registers) + 1):
        for rows in range(1, min(m, target.vector_registers) + 1):
            tile = RegisterTile(rows, vectors)
            if not target.tile_fits(tile):
                break
            price = (
                step_cycles(target, tile, m, width),
                tile != target.register_tile,
                1 / rows + 1 / vectors,
            )
            if best is None or price < best[0]:
                best = price, tile
    return RegisterTile(1, 1) if best is None else best[1]


def step_cycles(target: Target, tile: RegisterTile, m: int, width: int) -> float:
    """Cycles for one step of the reduction over `m` rows and `width` vectors of columns, cut into tiles."""
    segments = -(-m // tile.rows)
    short, long_segments = divmod(m, segments)
    panels = -(-width // tile.vectors)
    return panels * (
        long_segments * _tile_cycles(target, short + 1, tile.vectors)
        + (segments - long_segments) * _tile_cycles(target, short, tile.vectors)
    )


def _tile_cycles(target: Target, rows: int, vectors: int) -> float:
    return max(
        rows * vectors / target.fma_per_cycle,
        (rows + vectors) / target.loads_per_cycle,
        float(target.fma_latency),
    )


def register_tile(target: Target, op: ContractionOp) -> RegisterTile:
    """The block for a matrix product, or for a convolution with channels last: its rows are the pixels of a line."""
    shape = op.shape
    columns = shape[-1]
    if isinstance(op, ConvOp):
        columns //= op.group_count
    return choose_register_tile(target, max(1, hint(shape[-2])), max(1, hint(columns)), str(op.element_type))


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
