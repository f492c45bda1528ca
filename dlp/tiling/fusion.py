"""Tile-and-fuse: loops over tiles of one op's result, its producers computed inside them.

Works on destination-passing ops over buffers. Where a tile of an operand comes from another op of the block, that op
is computed for the region that the tile reads (a halo included, recomputed where tiles overlap) into a scratch buffer
of the tile's size; everything follows from the index maps. The idea is MLIR's tile-and-fuse; over several window ops
it is depth-first execution (Weber et al., "BrainSlug", arXiv:1804.08378).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import cast

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineSymExpr

from dlp.dialects.dlp.dim import Dim, hint, is_static
from dlp.dialects.dlp.elementwise import ConstantOp
from dlp.dialects.dlp.structured import DestinationOp, IterationSpace, StructuredOp, TransformOp, int_list
from dlp.dialects.dlp.view import CopyOp, PadOp, ReshapeOp
from dlp.tiling.emitter import Emitter, close
from dlp.tiling.extents import extents
from dlp.tiling.linear import Interval, Linear, NotAlignedError, Region, ToLinear, evaluate, whole


@dataclass(frozen=True)
class Level:
    """One level of loops over tiles of a result."""

    tile: tuple[int, ...]
    """Tile size of each parallel dimension; 0 leaves the dimension whole."""
    order: tuple[int, ...] = ()
    """Dimensions with loops, outermost first; by default in their own order."""
    parallel: tuple[int, ...] = ()
    """Dimensions whose loops run in parallel; they come first in the order."""
    balanced: bool = True
    """Tiles of equal size (13, 13, 13) instead of full ones and a rest (14, 14, 11), but for `vector`."""
    vector: int | None = None
    """The dimension that becomes the vector, cut into full tiles and a rest."""
    rests: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Of dimensions whose size only a run knows: the sizes of further tiles, down to 1, for what full ones leave."""

    def loop_order(self) -> tuple[int, ...]:
        return self.order or tuple(d for d, t in enumerate(self.tile) if t)


FuseFilter = Callable[[DestinationOp, DestinationOp], bool]
"""(producer, consumer) -> whether the producer is computed inside the consumer's tile."""


def segments(extent: int, tile: int, balanced: bool) -> list[tuple[int, int, int]]:
    """Cut an extent into runs of equal tiles: [(offset, tile size, how many)]."""
    if balanced:
        count = -(-extent // tile)
        base, larger = divmod(extent, count)
        runs = [(0, base + 1, larger), (larger * (base + 1), base, count - larger)]
    else:
        full, rest = divmod(extent, tile)
        runs = [(0, tile, full), (full * tile, rest, 1 if rest else 0)]
    return [run for run in runs if run[2]]


def writer_of(buffer: SSAValue) -> DestinationOp | None:
    """The op that writes a local buffer, where exactly one does (one that is filled and accumulated into has none)."""
    writers = [u.operation for u in buffer.uses if _writes(u.operation, buffer)]
    return cast(DestinationOp, writers[0]) if len(writers) == 1 else None


def _writes(op: Operation, buffer: SSAValue) -> bool:
    return isinstance(op, DestinationOp) and not op.results and op.destination is buffer


def operand_region(
    op: StructuredOp,
    operand: int,
    box: Region,
    linear: ToLinear = Linear,
    space: IterationSpace | None = None,
) -> Region:
    """What a box of the iteration space reads of an operand; whole where the index is indirect.

    Args:
        space: of the op, where the caller has it.
    """
    shape = op.in_shape(operand)
    maps = (space or op.iteration_space()).maps[operand]
    return [
        whole([n], linear)[0] if _is_indirect(e) else evaluate(e, box)
        for e, n in zip(maps, shape, strict=True)
    ]


def _is_indirect(expression: AffineExpr) -> bool:
    return any(isinstance(e, AffineSymExpr) for e in expression.dfs())


def check_alignment(op: DestinationOp, box: Region) -> None:
    """Refuse a tile that the op's maps cannot carry over to its operands.

    Raises:
        NotAlignedError
    """
    if isinstance(op, StructuredOp):
        for d, run in op.tile_runs().items():
            interval = box[d]
            if not interval.is_static or not interval.offset.terms_divisible(run):
                raise NotAlignedError
            start, size = interval.offset.constant % run, interval.static_size
            if isinstance(op, TransformOp):
                extent = op.shape[d]
                at_end = interval.offset.constant + size == hint(extent) or (
                    isinstance(extent, Dim) and size < run
                )
                if start or (size % run and not at_end):
                    raise NotAlignedError
                continue
            if start + size > run and (start or size % run):
                raise NotAlignedError
    if isinstance(op, ReshapeOp):
        source = operand_region(op, 0, box)
        if not all(i.is_static for i in (*source, *box)):
            raise NotAlignedError
        if prod(i.static_size for i in source) != prod(i.static_size for i in box):
            raise NotAlignedError


class TileAndFuse:
    """Rewrites one root op of a block into loops over tiles with its producers inside.

    before: producers and root on whole buffers; after: loops, a tile of each inside. The originals stay: the caller
    erases those whose every reader is gone.
    """

    def __init__(self, function: func.FuncOp, root: StructuredOp, level: Level, fuse: FuseFilter) -> None:
        self.root = root
        self.level = level
        self.fuse = fuse
        self.emitter = Emitter.before(root, function)
        self.fused: list[DestinationOp] = []
        self.read: set[DestinationOp] = set()
        """Producers of which a tile reads more than can be computed for it: they must exist as wholes."""
        self.names = _loop_names(root)
        self._made: dict[object, SSAValue] = {}

    def run(self) -> list[DestinationOp]:
        """Emit the loops; the producers that were computed inside them."""
        box = extents(self.root, self.emitter, range(len(self.root.shape)))
        self._loops(self.emitter, list(self.level.loop_order()), box)
        return [op for op in self.fused if op not in self.read]

    def _loops(self, emitter: Emitter, order: Sequence[int], box: Region) -> None:
        if not order:
            self._inside(emitter, box)
            return
        d, rest = order[0], order[1:]
        parallel = d in self.level.parallel
        extent = self.root.shape[d]
        if isinstance(extent, Dim):
            self._unknown_loops(emitter, extent, d, rest, box, parallel)
            return
        if extent < 0:
            # A clipped tile at the border: its size is an operand of the view that made the destination.
            count = emitter.value(extents(self.root, emitter, [d])[0].size)
            self._loop(emitter, count, 0, 1, d, rest, box, parallel)
            return
        # Tiles of a parallel loop must be equal, or there would be several loops with a barrier after each.
        balanced = self.level.balanced and d != self.level.vector and not parallel
        for offset, size, count in segments(extent, self.level.tile[d], balanced):
            if count == 1:
                self._loops(emitter, rest, [*box[:d], Interval.of(offset, size), *box[d + 1 :]])
            else:
                self._loop(emitter, count, offset, size, d, rest, box, parallel)

    def _inside(self, emitter: Emitter, box: Region) -> None:
        """What stands in the innermost loop."""
        self._emit(emitter, self.root, box, emitter.subview(self.root.outs[0], box))

    def _unknown_loops(
        self, emitter: Emitter, extent: Dim, d: int, rest: Sequence[int], box: Region, parallel: bool
    ) -> None:
        """Full tiles as far as they go, then smaller ones: inside of each loop all sizes are known."""
        left, start = emitter.size(extent), Linear(0)
        full, rests = self.level.tile[d], self.level.rests.get(d, ())
        # With tiles for all rests one of them is what is left, and lies where full tiles end: on the bounds of a run.
        at_most_one = rests == tuple(range(full - 1, 0, -1))
        for size in (full, *rests):
            trips = emitter.quotient(left, size)
            left -= trips * size
            lone = at_most_one and size < full
            step = 0 if lone else size
            self._loop(emitter, emitter.value(trips), start, size, d, rest, box, parallel and not lone, step)
            start += trips * step

    def _loop(
        self,
        emitter: Emitter,
        count: int | SSAValue,
        offset: int | Linear,
        size: int,
        d: int,
        rest: Sequence[int],
        box: Region,
        parallel: bool,
        step: int | None = None,
    ) -> None:
        _, body, iv = emitter.loop(count, self.names[d], parallel)
        inner = emitter.inside(body)
        here = Linear(0, [(iv, size if step is None else step)]) + offset
        self._loops(inner, rest, [*box[:d], Interval.of(here, size), *box[d + 1 :]])
        close(body, parallel)

    def _emit(self, emitter: Emitter, op: StructuredOp, box: Region, out: SSAValue) -> None:
        """The op on one tile of its result, its producers before it."""
        check_alignment(op, box)
        space = op.iteration_space()
        full = [*box, *extents(op, emitter, range(len(space.parallel), len(space.sizes)))]
        ins = []
        for i, x in enumerate(op.ins):
            region = operand_region(op, i, full, emitter.size, space)
            producer = writer_of(x)
            inside = (
                producer is not None
                and self._can_be_inside(producer, op)
                and self.fuse(producer, op)
                and _fits_scratch(region)
            )
            if inside:
                assert producer is not None
                ins.append(self._materialise(emitter, producer, region))
            else:
                if producer is not None:
                    self.read.add(producer)
                ins.append(emitter.subview(x, region))
        tile = op.on_tile(ins, out)
        if "dlp.source" in op.attributes:
            tile.attributes["dlp.source"] = op.attributes["dlp.source"]
        emitter.add(tile)

    @staticmethod
    def _can_be_inside(producer: DestinationOp, reader: DestinationOp) -> bool:
        """A padded value that the caller wants as well is computed as a whole."""
        return producer.parent is reader.parent and (
            isinstance(producer, StructuredOp) or (isinstance(producer, PadOp) and is_local(producer.outs[0]))
        )

    def _materialise(self, emitter: Emitter, producer: DestinationOp, region: Region) -> SSAValue:
        """Compute a region of a producer's result; the buffer that holds it."""
        key = (emitter, producer, tuple(i.key for i in region))
        if key in self._made:
            return self._made[key]
        if producer not in self.fused:
            self.fused.append(producer)
        destination = producer.outs[0]
        if isinstance(producer, PadOp):
            tile = self._made[key] = self._emit_pad(emitter, producer, region)
            return tile
        assert isinstance(producer, StructuredOp)
        if is_local(destination):
            element = cast(MemRefType[Attribute], destination.type).element_type
            tile = emitter.scratch([i.bound for i in region], element, destination.name_hint)
        else:
            # The caller wants this result as well: the tile goes where it belongs.
            tile = emitter.subview(destination, region)
        self._made[key] = tile
        self._emit(emitter, producer, list(region), tile)
        return tile

    def _emit_pad(self, emitter: Emitter, pad: PadOp, region: Region) -> SSAValue:
        """A region of a padded value in scratch: the operand's producer writes what lies inside the frame.

        At the border of the operand less than the whole region lies inside. Still a whole region's worth of it is
        computed, shifted inwards, so that every tile has one size and one code; what falls outside of the region goes
        into a margin of the scratch that nobody reads.
        """
        element = cast(MemRefType[Attribute], pad.outs[0].type).element_type
        axes = [
            _PaddedAxis.of(emitter, interval, low, high, extent)
            for interval, low, high, extent in zip(
                region, int_list(pad.low), int_list(pad.high), pad.in_shape(0), strict=True
            )
        ]
        sizes = [
            axis.margin + interval.bound + axis.rest for axis, interval in zip(axes, region, strict=True)
        ]
        buffer = emitter.scratch(sizes, element, pad.outs[0].name_hint)
        tile = emitter.subview(
            buffer, [Interval.of(axis.margin, i.bound) for axis, i in zip(axes, region, strict=True)]
        )
        for d, axis in enumerate(axes):
            for start, size, bound in axis.frames:
                frame = [a.inside for a in axes[:d]]
                frame.append(Interval(start, size, bound))
                frame += [Interval.of(0, i.bound) for i in region[d + 1 :]]
                emitter.add(
                    ConstantOp.of(out=emitter.subview(tile, _resolved(emitter, frame)), value=pad.value)
                )
        operand = pad.ins[0]
        producer = writer_of(operand)
        target = emitter.subview(buffer, [axis.place for axis in axes])
        source = [axis.source for axis in axes]
        fused = (
            isinstance(producer, StructuredOp) and producer.parent is pad.parent and self.fuse(producer, pad)
        )
        if fused and _fits_scratch(source):
            assert isinstance(producer, StructuredOp)
            if producer not in self.fused:
                self.fused.append(producer)
            self._emit(emitter, producer, source, target)
        else:
            if producer is not None:
                self.read.add(producer)
            emitter.add(CopyOp.of(emitter.subview(operand, source), out=target))
        return tile


@dataclass(frozen=True)
class _PaddedAxis:
    """One dimension of a region of a padded value: where its inside comes from and where it goes."""

    source: Interval
    """What is computed of the operand."""
    place: Interval
    """Where that lies in the scratch, margins included."""
    inside: Interval
    """Which part of the region lies inside the frame."""
    frames: tuple[tuple[Linear, Linear, int], ...]
    """Parts of the region that lie in the frame: start, size, bound of the size."""
    margin: int = 0
    """Elements of the scratch before the region, and behind it (`rest`)."""
    rest: int = 0

    @staticmethod
    def of(emitter: Emitter, interval: Interval, low: int, high: int, extent: int) -> _PaddedAxis:
        bound = interval.bound
        if low == 0 and high == 0:
            return _PaddedAxis(interval, Interval.of(0, bound), Interval.of(0, bound), ())
        start = interval.offset + -low
        if start.is_constant:
            first = min(max(start.constant, 0), extent)
            behind = max(first, min(start.constant + bound, extent))
            at, size = first - start.constant, behind - first
            sides = ((0, at), (at + size, bound - at - size))
            frames = tuple((Linear(o), Linear(n), n) for o, n in sides if n > 0)
            inside = Interval.of(at, size)
            return _PaddedAxis(Interval.of(first, size), inside, inside, frames)
        size = min(bound, extent)
        first = Linear(0, [(emitter.clamped(emitter.value(start), 0, extent - size), 1)])
        at = first - start
        begin = Linear(0, [(emitter.clamped(emitter.value(at), 0, bound), 1)])
        end = Linear(0, [(emitter.clamped(emitter.value(at + size), 0, bound), 1)])
        return _PaddedAxis(
            source=Interval.of(first, size),
            place=Interval.of(at + high, size),
            inside=Interval(begin, end - begin, size),
            frames=((Linear(0), begin, low), (end, Linear(bound) - end, high)),
            margin=high,
            rest=low,
        )


def _fits_scratch(region: Region) -> bool:
    """Whether the size of a region has a bound now."""
    return is_static(i.bound for i in region) and all(i.bound >= 0 for i in region)


def is_local(buffer: SSAValue) -> bool:
    """Whether nobody but the ops that use this value sees the buffer: it is allocated here, or the only view of one."""
    owner = buffer.owner
    if isinstance(owner, memref.SubviewOp) and len(list(owner.source.uses)) == 1:
        owner = owner.source.owner
    return isinstance(owner, memref.AllocOp | memref.AllocaOp)


def _loop_names(root: StructuredOp) -> tuple[str, ...]:
    """Names for the loops: the root's, or those of the reduction that its chain of element-wise ops ends."""
    op: StructuredOp = root
    while op.is_elementwise and op.ins:
        producer = next(
            (p for x in op.ins if isinstance(p := writer_of(x), StructuredOp) and p.shape == root.shape), None
        )
        if producer is None or producer.parent is not root.parent:
            break
        op = producer
    return op.dimension_names()


def _resolved(emitter: Emitter, region: Region) -> Region:
    """Dynamic sizes as one SSA value each, so that equal ones are recognised as equal."""
    return [
        i if i.is_static else Interval(i.offset, Linear(0, [(emitter.value(i.size), 1)]), i.bound)
        for i in region
    ]


def erase_replaced(block: Block, replaced: set[Operation]) -> None:
    """Erase ops that were computed elsewhere, then the views and local buffers that nobody uses any more."""
    for op in replaced:
        op.detach()
        op.erase(safe_erase=False)
    for op in reversed(list(block.ops)):
        local = isinstance(op, memref.AllocaOp | memref.AllocOp | memref.SubviewOp | memref.ReinterpretCastOp)
        if local and not any(r.first_use for r in op.results):
            op.detach()
            op.erase()
