"""Where buffers lie in one arena: a packing problem in time and space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(eq=False)
class Block:
    """A buffer to be placed.

    Attributes:
        size: bytes, a multiple of the alignment.
        first, last: the times of its first and its last use, inclusive.
        offset: its place, in bytes.
    """

    size: int
    first: int
    last: int
    offset: int = -1

    def meets(self, other: Block) -> bool:
        """Whether both are alive at one time."""
        return self.first <= other.last and other.first <= self.last


_ORDERS: tuple[Callable[[Block], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.first),
    lambda b: (-b.size * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.size),
    lambda b: (-(b.last - b.first), -b.size),
    lambda b: (-b.last, -b.size),
)
"""Orders in which blocks are placed; the first is the usual best, the others win on some networks."""

_ATTEMPTS = 20
"""Corrections of each order."""


def place(blocks: Sequence[Block]) -> int:
    """Give every block an offset such that none that live at one time overlap.

    Each block goes into the smallest gap that takes it between those already placed, largest blocks first (Pisarchyk
    and Lee, "Efficient memory management for deep neural net inference", arXiv:2001.03288). While the result is
    above the bound, a few other orders are tried, and in each the block that ends highest is placed earlier and
    earlier; the best result is kept.

    Returns:
        Bytes of the arena.
    """
    bound = largest_live_set(blocks)
    best: tuple[int, list[int]] | None = None
    for order in _ORDERS:
        queue = sorted(blocks, key=order)
        for _ in range(_ATTEMPTS):
            total = _place_in_order(queue)
            if best is None or total < best[0]:
                best = total, [b.offset for b in blocks]
            if best[0] == bound:
                break
            highest = max(range(len(queue)), key=lambda i: queue[i].offset + queue[i].size)
            queue.insert(highest // 2, queue.pop(highest))
        if best is not None and best[0] == bound:
            break
    assert best is not None
    for block, offset in zip(blocks, best[1], strict=True):
        block.offset = offset
    return best[0]


def largest_live_set(blocks: Sequence[Block]) -> int:
    """Bytes alive at the worst time: no arena can be smaller."""
    changes: dict[int, int] = {}
    for b in blocks:
        changes[b.first] = changes.get(b.first, 0) + b.size
        changes[b.last + 1] = changes.get(b.last + 1, 0) - b.size
    live = worst = 0
    for time in sorted(changes):
        live += changes[time]
        worst = max(worst, live)
    return worst


def _place_in_order(blocks: Sequence[Block]) -> int:
    placed: list[Block] = []
    total = 0
    for block in blocks:
        block.offset = _best_gap(block, sorted((p for p in placed if p.meets(block)), key=lambda p: p.offset))
        placed.append(block)
        total = max(total, block.offset + block.size)
    return total


def _best_gap(block: Block, neighbours: Sequence[Block]) -> int:
    """The smallest gap that takes the block; behind all neighbours where there is none."""
    best: tuple[int, int] | None = None
    end = 0
    for other in neighbours:
        gap = other.offset - end
        if gap >= block.size and (best is None or gap < best[0]):
            best = gap, end
        end = max(end, other.offset + other.size)
    return end if best is None else best[1]
