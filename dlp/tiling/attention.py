"""Attention without the matrix of scores: loops over blocks of queries and of keys (online softmax).

For each block of queries the keys pass by in blocks. What has been summed so far is scaled down where a larger score
turns up (Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867), so that only the
scores of a few queries and one block of keys exist at a time (Dao et al., "FlashAttention", arXiv:2205.14135). Keys
are copied into panels, transposed, once for each block of queries; with `causal` no block is read that no query sees.

Numbers of queries and keys may be known to a run only: all tiles have known sizes, but for the last keys of a block.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import f32, i1
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.ir import Region as IRRegion

from dlp.dialects.dlp.composite import AttentionOp
from dlp.dialects.dlp.contraction import MatmulOp
from dlp.dialects.dlp.dim import Dim, hint
from dlp.dialects.dlp.elementwise import (
    AddOp,
    CompareOp,
    ConstantOp,
    DivOp,
    ExpOp,
    MaximumOp,
    MulOp,
    SelectOp,
    SubOp,
)
from dlp.dialects.dlp.reduction import MaxOp, SumOp
from dlp.dialects.dlp.structured import SOURCE, DestinationOp, shape_of
from dlp.dialects.dlp.view import CopyOp, TransposeOp
from dlp.targets import Target
from dlp.tiling.emitter import INDEX, Emitter, close
from dlp.tiling.linear import Interval, Linear, Region

LEAST_BLOCK_BYTES = 96 * 1024
"""Of the keys of a block, and of its queries with what is summed for them: both stay in the second-level cache."""
SHARE_OF_L2 = 8
"""Such a part of a large second-level cache may be the keys of a block."""
MOST_GROUPS = 24
"""Tiles of queries that share a copy of the keys."""
MOST_KEYS = 512
"""Keys of a block: what is summed for the queries is scaled once a block."""


@dataclass(frozen=True)
class Blocks:
    """Sizes of tiles: `rows` x `panel` scores in registers, `queries` x `keys` between two passes over the queries."""

    rows: int
    panel: int
    queries: int
    keys: int

    @staticmethod
    def of(op: AttentionOp, target: Target) -> Blocks:
        """For the sizes that were seen; those of the head must be numbers."""
        q, v = op.in_shape(0), op.in_shape(2)
        queries, keys, depth, width = hint(q[-2]), hint(op.in_shape(1)[-2]), q[-1], v[-1]
        tile = target.register_tile
        panel = tile.vectors * target.vector_lanes
        rows = max(1, min(tile.rows, queries))
        block_bytes = max(LEAST_BLOCK_BYTES, target.l2_bytes // SHARE_OF_L2)
        groups = max(1, min(MOST_GROUPS, block_bytes // (4 * (depth + width) * rows)))
        most = max(panel, min(MOST_KEYS, block_bytes // (4 * depth)))
        return Blocks(
            rows, panel, _evenly(queries, groups * rows, rows), _evenly(keys, most // panel * panel, panel)
        )


def _evenly(number: int, most: int, step: int) -> int:
    """The size, in whole steps, of blocks of at most `most`, all of one size or nearly."""
    number = max(1, number)
    block = math.ceil(number / math.ceil(number / most))
    return math.ceil(block / step) * step


def has_blocks(op: AttentionOp) -> bool:
    """Whether the op can be computed in blocks: the sizes of a head and the number of heads are known."""
    sizes = [op.in_shape(0)[-1], op.in_shape(2)[-1]]
    if len(op.in_shape(0)) > 2:
        sizes += [op.in_shape(0)[-3], op.in_shape(1)[-3]]
    return op.element_type == f32 and all(not isinstance(n, Dim) and n > 0 for n in sizes)


@dataclass(frozen=True)
class _Keys:
    """The keys of one block."""

    lead: Region
    """Batch and head that they are of."""
    first: Linear
    count: Linear
    columns: Linear
    """Scores that are computed for them: whole panels."""


_Body = Callable[[Emitter, Linear], None]


class TileAttention:
    """Rewrites one attention on buffers into loops around ops on tiles."""

    def __init__(self, function: func.FuncOp, op: AttentionOp, target: Target) -> None:
        self.op = op
        self.blocks = Blocks.of(op, target)
        self.emitter = Emitter.before(op, function)
        self.q, self.k, self.v = op.ins[:3]
        self.mask = op.ins[3] if op.has_mask is not None else None
        self.lead = len(op.shape) - 2
        self.depth, self.width = op.in_shape(0)[-1], op.in_shape(2)[-1]
        self.queries = self.emitter.size(op.in_shape(0)[-2])
        self.keys = self.emitter.size(op.in_shape(1)[-2])
        self.transposed = [*range(self.lead), self.lead + 1, self.lead]

    def run(self) -> None:
        """Emit the loops in front of the op; it is for the caller to erase."""
        e, step = self.emitter, self.blocks.queries
        counts = [e.size(n) for n in self.op.shape[: self.lead]]
        counts.append(_quotient_up(e, self.queries, step))
        body = Block(arg_types=[INDEX] * len(counts))
        names = ("b", "h")[-self.lead :] if 0 < self.lead <= 2 else [f"b{i}" for i in range(self.lead)]
        for iv, name in zip(body.args, (*names, "block"), strict=True):
            iv.name_hint = name
        low, high, by = (
            [e.value(n) for n in bound] for bound in ([_ZERO] * len(counts), counts, [_ONE] * len(counts))
        )
        e.add(scf.ParallelOp(low, high, by, IRRegion(body)))
        *lead, block = (Linear(0, [(iv, 1)]) for iv in body.args)
        self._task(e.inside(body), [Interval.of(i, 1) for i in lead], block * step)
        close(body, parallel=True)

    def _task(self, e: Emitter, lead: Region, first: Linear) -> None:
        """All keys for the queries of one block, which begins at `first`."""
        b = self.blocks
        rows = _at_most(e, self.queries, first, b.queries)
        groups = _quotient_up(e, rows, b.rows)
        query = self._scratch(e, b.queries, self.depth, "query")
        self._take_queries(e, query, lead, first, rows)
        state = _State(
            *(
                self._scratch(e, b.queries, n, name)
                for n, name in zip((self.width, 1, 1), ("total", "weight", "largest"), strict=True)
            )
        )
        self._each(e, groups, "g", lambda e, g: self._start(e, state.part(self, e, g)))
        panels = None
        if b.rows > 1:
            panels = e.scratch([*[1] * self.lead, b.keys // b.panel * self.depth, b.panel], f32, "keys")
        scores = self._scratch(e, b.rows, b.keys, "scores")
        softened = self._scratch(e, b.rows, b.keys, "softened")
        seen = self.keys if self.op.causal is None else _smaller(e, self.keys, first + rows)
        key_lead = self._key_lead(e, lead)

        def block(e: Emitter, j: Linear) -> None:
            start = j * b.keys
            count = _at_most(e, seen, start, b.keys)
            columns = count if panels is None else _quotient_up(e, count, b.panel) * b.panel
            keys = _Keys(key_lead, start, count, columns)
            if panels is not None:
                self._copy_keys(e, panels, keys)
            self._each(e, groups, "g", lambda e, g: group(e, g, keys))

        def group(e: Emitter, g: Linear, keys: _Keys) -> None:
            tile = e.subview(query, self._rows(g * b.rows, b.rows, self.depth))
            if panels is not None:
                self._products(e, tile, panels, scores, keys)
            else:
                self._product_of_one(e, tile, scores, keys)
            self._hide(e, scores, lead, first + g * b.rows, keys)
            before = state.part(self, e, g)
            e.views.clear()  # what is updated in place is read through one view and written through another
            part = state.part(self, e, g)
            self._soften(e, scores, softened, keys, before, part)
            weights = e.subview(
                softened, [*self._ones(), Interval.of(0, b.rows), _interval(_ZERO, keys.count)]
            )
            values = e.subview(
                self.v, [*key_lead, _interval(keys.first, keys.count), Interval.of(0, self.width)]
            )
            self._add(e, MatmulOp.of(weights, values, out=part.total, accumulate=True))

        self._each(e, _quotient_up(e, seen, b.keys), "j", block)
        self._finish(e, state, lead, first, rows)

    def _key_lead(self, e: Emitter, lead: Region) -> Region:
        """Which keys a head of the queries looks at: several may share theirs."""
        if not lead:
            return []
        sharing = self.op.in_shape(0)[-3] // self.op.in_shape(1)[-3]
        return [*lead[:-1], Interval.of(e.quotient(lead[-1].offset, sharing), 1)]

    def _take_queries(self, e: Emitter, query: SSAValue, lead: Region, first: Linear, rows: Linear) -> None:
        """The queries times the scale; the last tile is filled up with zeros."""
        step = self.blocks.rows

        def take(e: Emitter, row: Linear, count: int) -> None:
            source = [*lead, Interval.of(first + row, count), Interval.of(0, self.depth)]
            factor = self._number(e, self.op.scale.value.data)
            tile = e.subview(query, self._rows(row, count, self.depth))
            self._add(e, MulOp.of(e.subview(self.q, source), factor, out=tile))

        if not rows.is_constant or rows.constant % step:
            last = _quotient_up(e, rows, step) * step + -step
            self._fill(e, query, self._rows(last, step, self.depth), 0.0)
        self._in_steps(e, rows, step, "row", take)

    def _start(self, e: Emitter, part: _State) -> None:
        for buffer, value in ((part.total, 0.0), (part.weight, 0.0), (part.largest, -math.inf)):
            self._add(e, ConstantOp.of(out=buffer, value=value))

    def _panel(self, e: Emitter, panels: SSAValue, i: Linear, columns: Interval | None = None) -> SSAValue:
        columns = columns or Interval.of(0, self.blocks.panel)
        return e.subview(panels, [*self._ones(), Interval.of(i * self.depth, self.depth), columns])

    def _copy_keys(self, e: Emitter, panels: SSAValue, keys: _Keys) -> None:
        """Panels of columns, so that tiles of scores read on and on; the last one is filled up with zeros."""
        width = self.blocks.panel

        def copy(e: Emitter, first: Linear, count: int, out: SSAValue) -> None:
            source = e.subview(
                self.k, [*keys.lead, Interval.of(keys.first + first, count), Interval.of(0, self.depth)]
            )
            self._add(e, TransposeOp.of(source, out=out, permutation=self.transposed))

        full = e.quotient(keys.count, width)
        self._each(e, full, "panel", lambda e, i: copy(e, i * width, width, self._panel(e, panels, i)))
        rest = keys.count - full * width

        def column(e: Emitter, i: Linear) -> None:
            copy(e, full * width + i, 1, self._panel(e, panels, full, Interval.of(i, 1)))

        def last(e: Emitter, _: Linear) -> None:
            self._add(e, ConstantOp.of(out=self._panel(e, panels, full), value=0.0))
            self._each(e, rest, "key", column)

        self._each(e, _quotient_up(e, rest, width), "last", last)

    def _products(self, e: Emitter, query: SSAValue, panels: SSAValue, scores: SSAValue, keys: _Keys) -> None:
        b = self.blocks

        def panel(e: Emitter, i: Linear) -> None:
            columns = Interval.of(i * b.panel, b.panel)
            out = e.subview(scores, [*self._ones(), Interval.of(0, b.rows), columns])
            self._add(e, MatmulOp.of(query, self._panel(e, panels, i), out=out))

        self._each(e, e.quotient(keys.columns, b.panel), "panel", panel)

    def _product_of_one(self, e: Emitter, query: SSAValue, scores: SSAValue, keys: _Keys) -> None:
        """Scores of a single query: the keys are read once, as they lie."""

        def part(e: Emitter, first: Linear, count: int) -> None:
            product = self._scratch(e, count, self.depth, "product")
            region = [*keys.lead, Interval.of(keys.first + first, count), Interval.of(0, self.depth)]
            self._add(e, MulOp.of(e.subview(self.k, region), query, out=product))
            column = self._scratch(e, count, 1, "column")
            self._add(e, SumOp.of(product, out=column, dims=[self.lead + 1]))
            out = e.subview(scores, [*self._ones(), Interval.of(0, 1), Interval.of(first, count)])
            self._add(e, TransposeOp.of(column, out=out, permutation=self.transposed))

        self._in_steps(e, keys.count, self.blocks.panel, "key", part)

    def _hide(self, e: Emitter, scores: SSAValue, lead: Region, row: Linear, keys: _Keys) -> None:
        """Add the mask; keys that a query must not see, and columns behind the last key, get -inf."""
        rows = self.blocks.rows
        if self.mask is not None:
            self._add_mask(e, scores, lead, row, keys)

        def hide(e: Emitter, rows: Interval, first: Linear) -> None:
            def column(e: Emitter, i: Linear) -> None:
                self._fill(e, scores, [*self._ones(), rows, Interval.of(first + i, 1)], -math.inf)

            self._each(e, keys.columns - first, "hidden", column)

        def of_row(e: Emitter, i: Linear) -> None:
            visible = _smaller(e, row + i - keys.first + 1, keys.count)
            hide(
                e,
                Interval.of(i, 1),
                Linear(0, [(e.add(arith.MaxSIOp(e.value(visible), e.index(0))).result, 1)]),
            )

        if self.op.causal is None:
            hide(e, Interval.of(0, rows), keys.count)
        else:
            self._each(e, Linear(rows), "row", of_row)

    def _add_mask(self, e: Emitter, scores: SSAValue, lead: Region, row: Linear, keys: _Keys) -> None:
        mask, rows = self.op.ins[3], self.blocks.rows
        shape = shape_of(mask.type)

        def add(e: Emitter, within: Interval, first: Linear, count: int) -> None:
            place = [*self._ones(), within, Interval.of(first, count)]
            tile = e.subview(scores, place)
            e.views.clear()
            at = Interval.of(row + within.offset, within.static_size)
            wanted = [*lead, at, Interval.of(keys.first + first, count)][-len(shape) :]
            region = [Interval.of(0, 1) if n == 1 else i for n, i in zip(shape, wanted, strict=True)]
            self._add(e, AddOp.of(tile, e.subview(mask, region), out=e.subview(scores, place)))

        def along(e: Emitter, within: Interval) -> None:
            self._in_steps(e, keys.count, self.blocks.panel, "key", lambda e, i, n: add(e, within, i, n))

        if (
            len(shape) < 2
            or shape[-2] == 1
            or (self.queries.is_constant and self.queries.constant % rows == 0)
        ):
            along(e, Interval.of(0, rows))
            return
        # The last tile has rows of no query.
        real = _smaller(e, self.queries - row, Linear(rows))
        self._each(e, real, "row", lambda e, i: along(e, Interval.of(i, 1)))

    def _soften(
        self, e: Emitter, scores: SSAValue, softened: SSAValue, keys: _Keys, before: _State, part: _State
    ) -> None:
        """Scores become exponentials; what has been summed so far is scaled to the largest score up to here."""
        rows, last = self.blocks.rows, self.lead + 1
        names = ("here", "now", "shift", "change", "factor", "sum", "scaled")
        here, now, shift, change, factor, sum_, scaled = (self._scratch(e, rows, 1, n) for n in names)
        seen = [*self._ones(), Interval.of(0, rows), _interval(_ZERO, keys.columns)]
        self._add(e, MaxOp.of(e.subview(scores, seen), out=here, dims=[last], loose=True))
        self._add(e, MaximumOp.of(before.largest, here, out=now))
        # Where nothing is visible yet: exp(-inf - 0) is zero, exp(-inf - -inf) would be NaN.
        nothing = self._scratch(e, rows, 1, "nothing", i1)
        self._add(e, CompareOp.of(now, self._number(e, -math.inf), out=nothing, predicate="eq"))
        self._add(e, SelectOp.of(nothing, self._number(e, 0.0), now, out=shift))

        def soften(e: Emitter, first: Linear, count: int) -> None:
            tile = [*self._ones(), Interval.of(0, rows), Interval.of(first, count)]
            difference = self._scratch(e, rows, count, "difference")
            self._add(e, SubOp.of(e.subview(scores, tile), shift, out=difference))
            self._add(e, ExpOp.of(difference, out=e.subview(softened, tile)))

        self._in_steps(e, keys.columns, self.blocks.panel, "key", soften)
        self._add(e, SubOp.of(before.largest, shift, out=change))
        self._add(e, ExpOp.of(change, out=factor))
        self._add(e, SumOp.of(e.subview(softened, seen), out=sum_, dims=[last]))
        self._add(e, MulOp.of(before.weight, factor, out=scaled))
        self._add(e, AddOp.of(scaled, sum_, out=part.weight))
        self._add(e, CopyOp.of(now, out=part.largest))
        self._add(e, MulOp.of(before.total, factor, out=part.total))

    def _finish(self, e: Emitter, state: _State, lead: Region, first: Linear, rows: Linear) -> None:
        """Divide by the sum of the exponentials. With a mask, queries that see nothing give zeros."""

        def finish(e: Emitter, row: Linear, count: int) -> None:
            divisor = e.subview(state.weight, self._rows(row, count, 1))
            if self.mask is not None:
                blind, safe = self._scratch(e, count, 1, "blind", i1), self._scratch(e, count, 1, "safe")
                self._add(e, CompareOp.of(divisor, self._number(e, 0.0), out=blind, predicate="eq"))
                self._add(e, SelectOp.of(blind, self._number(e, 1.0), divisor, out=safe))
                divisor = safe
            place = [*lead, Interval.of(first + row, count), Interval.of(0, self.width)]
            total = e.subview(state.total, self._rows(row, count, self.width))
            self._add(e, DivOp.of(total, divisor, out=e.subview(self.op.outs[0], place)))

        self._in_steps(e, rows, self.blocks.rows, "row", finish)

    # Pieces of IR

    def _add(self, e: Emitter, op: DestinationOp) -> None:
        if SOURCE in self.op.attributes:
            op.attributes[SOURCE] = self.op.attributes[SOURCE]
        e.add(op)

    def _each(self, e: Emitter, count: Linear, name: str, body: _Body) -> None:
        """A loop; nothing where there is nothing to count."""
        if count.is_constant and count.constant <= 0:
            return
        _, block, iv = e.loop(e.value(count), name)
        body(e.inside(block), Linear(0, [(iv, 1)]))
        close(block, parallel=False)

    def _in_steps(
        self, e: Emitter, count: Linear, step: int, name: str, body: Callable[[Emitter, Linear, int], None]
    ) -> None:
        """Tiles of `step` as far as they go, then single ones."""
        full = e.quotient(count, step)
        done = full * step
        self._each(e, full, name, lambda e, i: body(e, i * step, step))
        self._each(e, count - done, name, lambda e, i: body(e, done + i, 1))

    def _fill(self, e: Emitter, buffer: SSAValue, region: Region, value: float) -> None:
        self._add(e, ConstantOp.of(out=e.subview(buffer, region), value=value))

    def _number(self, e: Emitter, value: float) -> SSAValue:
        buffer = e.scratch((), f32)
        self._add(e, ConstantOp.of(out=buffer, value=value))
        return buffer

    def _scratch(self, e: Emitter, rows: int, columns: int, name: str, element: Attribute = f32) -> SSAValue:
        return e.scratch([*[1] * self.lead, rows, columns], element, name)

    def _ones(self) -> Region:
        return [Interval.of(0, 1)] * self.lead

    def _rows(self, first: Linear, count: int, columns: int) -> Region:
        return [*self._ones(), Interval.of(first, count), Interval.of(0, columns)]


@dataclass(frozen=True)
class _State:
    """What has been summed for queries, values and exponentials, and the score that both are scaled to."""

    total: SSAValue
    weight: SSAValue
    largest: SSAValue

    def part(self, tiles: TileAttention, e: Emitter, group: Linear) -> _State:
        rows = tiles.blocks.rows
        return _State(
            *(
                e.subview(buffer, tiles._rows(group * rows, rows, shape_of(buffer.type)[-1]))
                for buffer in (self.total, self.weight, self.largest)
            )
        )


_ZERO, _ONE = Linear(0), Linear(1)


def _interval(first: Linear, count: Linear) -> Interval:
    """So many, a number that perhaps only a run knows."""
    return Interval(first, count, count.constant if count.is_constant else -1)


def _smaller(e: Emitter, a: Linear, b: Linear) -> Linear:
    if a.is_constant and b.is_constant:
        return a if a.constant < b.constant else b
    return Linear(0, [(e.add(arith.MinSIOp(e.value(a), e.value(b))).result, 1)])


def _at_most(e: Emitter, extent: Linear, start: Linear, step: int) -> Linear:
    """How many of `step` from a multiple of it on are within an extent."""
    if extent.is_constant and extent.constant <= step:
        return extent
    if extent.is_constant and extent.constant % step == 0:
        return Linear(step)
    return _smaller(e, extent - start, Linear(step))


def _quotient_up(e: Emitter, count: Linear, step: int) -> Linear:
    return e.quotient(count + (step - 1), step)
