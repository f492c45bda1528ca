"""Which tiles: an analytic model of what a level of loops costs on a target, and the search over a few candidates.

Everything follows from the index maps and the target's description: the volume that each fused op computes for a tile
(a halo or a repeated reduction shows as more work), the bytes that a tile reads, whether its scratch fits the cache,
and how evenly the tiles divide among the threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, prod

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType
from xdsl.ir import Attribute
from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind

from dlp.cost.register_tile import choose_register_tile, line_count
from dlp.dialects.dlp.contraction import ContractionOp, ConvOp
from dlp.dialects.dlp.dim import Dim, hint, hints, is_static
from dlp.dialects.dlp.structured import (
    DestinationOp,
    IterationSpace,
    Shape,
    ShapedValueType,
    StructuredOp,
    TransformOp,
)
from dlp.dialects.dlp.view import CopyOp, PadOp, ViewOp
from dlp.targets import Target
from dlp.tiling.fusion import Level, check_alignment, operand_region, writer_of
from dlp.tiling.linear import Interval, Linear, NotAlignedError, Region, whole
from dlp.tiling.transposition import swapped_dimension

# Cycles that handing one tile to a thread costs; keeps tiles from becoming tiny.
TILE_OVERHEAD = 50.0
# Cycles to start and join the threads of a parallel loop.
REGION_OVERHEAD = 4000.0
# Bytes of what one task computes for itself; it is on the thread's stack.
SCRATCH_LIMIT = 320 * 1024
# Bytes a cycle that one core draws from its second-level cache, from the last-level cache, and from memory.
L2_BYTES_PER_CYCLE = 24.0
L3_BYTES_PER_CYCLE = 12.0
MEMORY_BYTES_PER_CYCLE = 6.0
# Bytes a cycle that one core draws from what another one wrote last; measured on a server of 2023.
OTHER_CORE_BYTES_PER_CYCLE = 6.0
# Bytes.
CACHE_LINE = 64
# More rows than any block of accumulators has.
_MANY = 1 << 16


def element_bytes(element: Attribute) -> int:
    """Bytes of one element in memory; i1 takes a byte."""
    return element.size if isinstance(element, FixedBitwidthType) else 8


@dataclass
class Footprint:
    """What one tile of a root computes and touches, its producers included."""

    cycles: float = 0.0
    scratch_bytes: int = 0
    read_cycles: float = 0.0
    data: list[tuple[int, int]] = field(default_factory=list)
    """Bytes read of each operand that is not weights, and its bytes in all."""
    whole: list[DestinationOp] = field(default_factory=list)
    """The ops whose whole result is computed, or more of it."""

    def is_small(self, target: Target) -> bool:
        """Whether threads would cost more than they save, and tiles as well, as everything is in the nearest cache."""
        return (
            self.scratch_bytes <= target.l1_bytes // 2
            and self.cycles + self.read_cycles + TILE_OVERHEAD <= REGION_OVERHEAD
        )


def strides_of(buffer: ShapedValueType) -> tuple[int, ...] | None:
    """Distances in elements of a buffer whose layout is known before it runs."""
    strides = buffer.get_strides() if isinstance(buffer, MemRefType) else None
    if strides is None or any(n is None for n in strides):
        return None
    return tuple(n for n in strides if n is not None)


def bytes_fetched(buffer: ShapedValueType, sizes: Sequence[int]) -> int:
    """Bytes of the cache lines that a box of a buffer lies in, with what of them is not of the box."""
    element = element_bytes(buffer.element_type)
    count, strides = prod(sizes), strides_of(buffer)
    run = 1
    for stride, n in sorted(zip(strides or (), sizes, strict=bool(strides))):
        if n == 1:
            continue
        if stride > run:
            return count // run * min(max(run * element, CACHE_LINE), stride * element)
        run = max(run, stride * n)
    return count * element


def is_depthwise(op: DestinationOp) -> bool:
    """A convolution whose every output channel reads one input channel: nothing to contract over channels."""
    return isinstance(op, ConvOp) and op.group_count > 1 and op.group_channels == 1


def footprint(
    root: StructuredOp, box: Region, target: Target, spaces: dict[StructuredOp, IterationSpace] | None = None
) -> Footprint:
    """Cost of one tile of the root with all its producers in the block.

    Args:
        spaces: iteration spaces that are known already; those that are asked for are added.

    Raises:
        NotAlignedError: a producer cannot be computed for this tile.
    """
    total = Footprint()
    known = {} if spaces is None else spaces
    seen: set[tuple[int, object]] = set()

    def visit(op: DestinationOp, region: Region) -> None:
        key = (id(op), tuple(i.key for i in region))
        if key in seen:
            return
        seen.add(key)
        check_alignment(op, region)
        volume = prod(i.bound for i in region)
        if volume >= prod(hints(op.shape)):
            total.whole.append(op)
        if op is not root and not _carried_in_registers(op):
            total.scratch_bytes += volume * element_bytes(op.element_type)
        if isinstance(op, PadOp):
            source = [
                Interval(i.offset, i.size, min(i.bound, n))
                for i, n in zip(region, hints(op.in_shape(0)), strict=True)
            ]
            operand(op, 0, source)
            return
        assert isinstance(op, StructuredOp)
        space = known.get(op)
        if space is None:
            space = known[op] = op.iteration_space()
        reduction = hints(space.reduction)
        total.cycles += op_cycles(op, volume * prod(reduction), target)
        full = [*region, *whole(reduction)]
        for i in range(len(op.inputs)):
            read = operand_region(op, i, full, lambda n: Linear(hint(n)), space)
            operand(op, i, [Interval(part.offset, part.size, hint(part.bound)) for part in read])

    def operand(op: DestinationOp, i: int, region: Region) -> None:
        producer = writer_of(op.operands[i])
        if producer is not None and producer.parent is op.parent:
            visit(producer, region)
        else:
            key = (id(op.operands[i]), tuple(x.key for x in region))
            if key not in seen:
                seen.add(key)
                size = bytes_fetched(op.in_type(i), [x.bound for x in region])
                if not (isinstance(op, ContractionOp) and i == 1):
                    total.data.append(
                        (size, prod(hints(op.in_shape(i))) * element_bytes(op.in_type(i).element_type))
                    )
                # What does not stay in the second-level cache comes from behind it each time.
                fits = size <= target.l2_bytes
                total.read_cycles += size / (L2_BYTES_PER_CYCLE if fits else MEMORY_BYTES_PER_CYCLE)

    visit(root, box)
    return total


def op_cycles(op: StructuredOp, points: int, target: Target) -> float:
    """Cycles to evaluate the body at so many points of the iteration space, from registers."""
    if isinstance(op, ContractionOp) and not is_depthwise(op):
        return points / (target.vector_lanes * target.fma_per_cycle)
    if isinstance(op, ViewOp):
        return points / target.vector_lanes
    transcendental = op.name in _EXPENSIVE
    return points * (12.0 if transcendental else 1.0) / target.vector_lanes


_EXPENSIVE = frozenset(
    f"dlp.{name}" for name in ("exp", "log", "tanh", "erf", "gelu", "sigmoid", "silu", "pow", "sin", "cos")
)


def task_level(root: StructuredOp, single: Footprint, target: Target, threads: int) -> Level | None:
    """Tiles that become the tasks of the threads; None where the whole op, of footprint `single`, is one task."""
    shape = hints(root.shape)
    best_cost = _cost(single, 1, 1, target)
    best: Level | None = None
    unit = column_unit(root, target)
    spaces: dict[StructuredOp, IterationSpace] = {}
    candidates = [*_candidates(root, unit, threads), *(_blocks(root, unit, threads) if _slides(root) else ())]
    for tile in candidates:
        try:
            part = footprint(root, _any_tile(root, tile), target, spaces)
        except NotAlignedError:
            continue
        if part.scratch_bytes > SCRATCH_LIMIT:
            continue
        tasks = prod(n // t for t, n in zip(tile, shape, strict=True) if t)
        rests = sum(n % t / t for t, n in zip(tile, shape, strict=True) if t)
        cost = _cost(part, tasks, threads, target) + rests * _cost(part, 1, 1, target)
        cost += _cycles_to_other_cores(root, tile, part, tasks, threads)
        if cost < best_cost * 0.98:
            tiled = tuple(d for d, t in enumerate(tile) if t)
            best_cost, best = cost, Level(tile, tiled, tiled)
    return best if is_static(root.shape) else _for_all_sizes(root, best, target)


def _for_all_sizes(root: StructuredOp, best: Level | None, target: Target) -> Level:
    """The level with every dimension cut whose size only a run knows: what the tiles compute has known sizes.

    Dimensions that were left whole are cut inside of the others, into tiles that fit the registers.
    """
    shape, last = root.shape, len(root.shape) - 1
    tile = list((0,) * len(shape) if best is None else best.tile)
    rests: dict[int, tuple[int, ...]] = {}
    runs = _starting_runs(root)
    contraction = next((op for op in block_ops(root) if isinstance(op, ContractionOp)), None)
    for d, n in enumerate(shape):
        if not isinstance(n, Dim):
            continue
        if d in runs:
            tile[d], rests[d] = runs[d], tuple(range(runs[d] - 1, 0, -1))
            continue
        if d == last:
            steps = (4 * target.vector_lanes, target.vector_lanes, max(1, target.vector_lanes // 4))
        elif d == last - 1 and contraction is not None:
            columns = hint(shape[last])
            _, rows, _ = block_of_accumulators(contraction, (n, columns), target)
            _, most, _ = block_of_accumulators(contraction, (_MANY, columns), target)
            if most >= 12:
                # What is left of images is often a half of that: lines have 7, 14, 28, 56 pixels.
                steps = (rows, most // 2, ceil(most / 4), 2)
            else:
                # Of 6 rows and 2 vectors: 4 rows still hide the latency of multiply-adds, 2 do not.
                steps = (rows, max(1, 2 * rows // 3), max(1, rows // 3))
        else:
            tile[d], rests[d] = 1, ()
            continue
        if tile[d]:
            steps = (max(tile[d] // steps[0], 1) * steps[0], *steps)
        kept = sorted({*steps, 1}, reverse=True)
        whole_rows = not tile[d]
        tile[d], rests[d] = kept[0], tuple(kept[1:])
        if whole_rows and contraction is not None and d != last and not isinstance(shape[last], Dim):
            tile[last] = _narrow(contraction, tile[last] or shape[last], root, target)
            # All tiles of rows after each other read one panel, as those of known sizes do.
            if (panel := contraction.panel_width) and shape[last] > panel:
                tile[last] = panel
    parallel = () if best is None else best.parallel
    columns = tuple(d for d in (last,) if tile[d] and d not in parallel and d not in rests)
    order = (*parallel, *columns, *(d for d in rests if d not in parallel))
    return Level(tuple(tile), order, parallel, vector=last, rests=rests)


def _narrow(op: ContractionOp, columns: int, root: StructuredOp, target: Target) -> int:
    """So many columns that their weights stay in the second-level cache while the rows pass by."""
    unit = column_unit(root, target)
    depth = prod(hints(op.iteration_space().reduction)) * element_bytes(op.element_type)
    units = max(1, target.l2_bytes // 2 // max(1, depth * unit))
    return min(units, ceil(columns / unit)) * unit if units * unit < columns else columns


def _any_tile(root: StructuredOp, tile: tuple[int, ...]) -> Region:
    """The box of any of the tiles: what cannot be told of a tile from its place alone must not be told of the first."""
    place = root.destination  # stands for the loops' indices, which are not there yet
    return [
        Interval.of(Linear(0, [(place, t)]) if 0 < t <= n // 2 else 0, t or n)
        for t, n in zip(tile, hints(root.shape), strict=True)
    ]


def _cost(part: Footprint, tasks: int, threads: int, target: Target) -> float:
    """Cycles of the busiest thread."""
    memory = part.read_cycles
    if part.scratch_bytes > target.l2_bytes // 2:
        memory += 2 * part.scratch_bytes / MEMORY_BYTES_PER_CYCLE
    elif part.scratch_bytes > target.l1_bytes // 2:
        memory += 2 * part.scratch_bytes / L2_BYTES_PER_CYCLE
    return ceil(tasks / threads) * (part.cycles + memory + TILE_OVERHEAD) + (
        REGION_OVERHEAD if tasks > 1 else 0
    )


def _cycles_to_other_cores(
    root: StructuredOp, tile: tuple[int, ...], part: Footprint, tasks: int, threads: int
) -> float:
    """What it costs a thread that the kernels before and after are cut into rows, as most are, and this is not.

    Of the data that it reads, all but its own rows were written by others; and so is what it writes read by others.
    """
    shape = hints(root.shape)
    if not tile[-1] or any(tile[:-1]) or prod(shape[:-1]) < threads:
        return 0.0
    turns = ceil(tasks / threads)
    written = prod(shape[:-1]) * tile[-1] * element_bytes(root.element_type)
    moved = turns * written + sum(min(turns * read, in_all) for read, in_all in part.data)
    return moved * (threads - 1) / threads / OTHER_CORE_BYTES_PER_CYCLE


def column_unit(root: StructuredOp, target: Target) -> int:
    """What tiles of the innermost dimension must be multiples of: the panel of packed weights, or a few vectors."""
    panels = [p for op in block_ops(root) if isinstance(op, ContractionOp) and (p := op.panel_width)]
    return max(panels, default=4 * target.vector_lanes)


def block_ops(root: StructuredOp) -> Iterator[DestinationOp]:
    """The root and its producers in the block, transitively."""
    seen: set[int] = set()
    stack: list[DestinationOp] = [root]
    while stack:
        op = stack.pop()
        if id(op) in seen:
            continue
        seen.add(id(op))
        yield op
        for x in op.inputs:
            producer = writer_of(x)
            if producer is not None and producer.parent is op.parent:
                stack.append(producer)


def _candidates(root: StructuredOp, unit: int, threads: int) -> Iterator[tuple[int, ...]]:
    """Leading dimensions one by one, then a piece of the next; or a piece of the innermost alone."""
    shape = hints(root.shape)
    last = len(shape) - 1
    runs = _starting_runs(root)
    for d, extent in enumerate(shape):
        lead = tuple(runs.get(k, 1) if n > runs.get(k, 1) else 0 for k, n in enumerate(shape[:d]))
        rest = (0,) * (last - d)
        if d < last:
            yield from ((*lead, size, *rest) for size in _pieces(extent, runs.get(d, 1), threads))
        else:
            for size in _pieces(extent, unit, threads):
                yield (*lead, size)
                if any(lead):
                    yield (*(0 for _ in lead), size)


def _starting_runs(root: StructuredOp) -> dict[int, int]:
    """What tiles must be multiples of, by dimension, for ops that the root or its element-wise chain brings along."""
    runs: dict[int, int] = {}
    for op in block_ops(root):
        if isinstance(op, TransformOp) and op.shape == root.shape:
            runs.update(op.tile_runs())
    return runs


def _slides(root: StructuredOp) -> bool:
    """Whether windows slide over something that is computed in the tile: rows that two tiles see are computed twice."""
    return any(
        isinstance(e, AffineBinaryOpExpr) and e.kind is AffineBinaryOpKind.Add
        for op in block_ops(root)
        if isinstance(op, StructuredOp) and not op.is_elementwise
        for x, index in zip(op.ins, op.iteration_space().maps, strict=True)
        if (producer := writer_of(x)) is not None and producer.parent is root.parent
        for e in index
    )


def _blocks(root: StructuredOp, unit: int, threads: int) -> Iterator[tuple[int, ...]]:
    """Rows times columns: fewer columns leave room in the scratch for more rows, of which fewer are computed twice."""
    shape = hints(root.shape)
    last = len(shape) - 1
    rows = next((d for d, n in enumerate(shape) if d > 0 and n > 1), last)
    if rows == last:
        return
    for size in sorted(
        {ceil(shape[rows] / n) for n in (threads, 4, 6, 8, 12, 16, 24, 48) if n <= shape[rows]}
    ):
        for columns in (unit, 2 * unit, 4 * unit):
            if columns < shape[last]:
                tile = [1 if d < rows and n > 1 else 0 for d, n in enumerate(shape)]
                tile[rows], tile[last] = size, columns
                yield tuple(tile)


def _pieces(extent: int, unit: int, threads: int) -> list[int]:
    """Tile sizes of whole units: those that divide the extent evenly, and those that make threads, 2 x threads, ..."""
    units = ceil(extent / unit)
    counts = {n for n in range(1, units) if units % n == 0} if extent % unit == 0 else set[int]()
    pieces = max(threads, 1)
    while pieces < 2 * units:
        counts.add(ceil(units / pieces))
        pieces *= 2
    return sorted((n * unit for n in counts if n * unit < extent), reverse=True)


def register_level(root: StructuredOp, fused: list[DestinationOp], target: Target) -> Level:
    """Tiles whose accumulators stay in registers: rows x vectors for a contraction, a few vectors for the rest."""
    shape = hints(root.shape)
    rank = len(shape)
    if rank == 0:
        return Level(())
    chain = [root, *(op for op in fused if isinstance(op, StructuredOp))]
    contraction = next((op for op in chain if isinstance(op, ContractionOp) and not is_depthwise(op)), None)
    windowed = next((op for op in chain if not op.is_elementwise), None)
    transform = next((op for op in chain if isinstance(op, TransformOp)), None)
    swapped = swapped_dimension(root, target) if not fused else None
    lanes = target.vector_lanes
    last = rank - 1
    tile = [0 if n == 1 else 1 for n in shape]
    order = [d for d in range(rank) if tile[d]]
    if contraction is not None:
        lines, rows, columns = block_of_accumulators(contraction, shape, target)
        if rank > 1:
            tile[last - 1] = min(rows, shape[last - 1]) if shape[last - 1] > 0 else 1
        if lines > 1:
            tile[last - 2] = lines
        tile[last] = columns
        for d, run in contraction.tile_runs().items():
            if d != last:
                tile[d] = run if shape[d] > run else 0
        # The panel of weights outermost: it stays in the cache while the rows pass by.
        space = contraction.iteration_space()
        batch = [d for d in range(last) if space.depends(1, d)]
        order = [*batch, last, *(d for d in range(last) if d not in batch)]
    elif transform is not None:
        for d, run in transform.tile_runs().items():
            tile[d] = run if shape[d] > run else 0
        # Weights as the framework has them lie in no row of vectors: one by one, in code that is as much shorter.
        tile[last] = 1 if (strides := strides_of(transform.in_type(0))) and strides[-1] != 1 else lanes
    elif windowed is not None and _reduces_columns(windowed):
        tile[last] = 0
        order = [d for d in order if d != last]
    elif windowed is not None:
        vectors = max(1, min(ceil(shape[last] / lanes), 4))
        tile[last] = vectors * lanes
        if (run := windowed.tile_runs().get(last, 1)) > 1:
            tile[last] = run * max(1, tile[last] // run)
        if rank > 1 and shape[last - 1] > 1 and vectors < 4:
            tile[last - 1] = max(1, 4 // vectors)
    else:
        tile[last] = min(4 * lanes, ceil(shape[last] / lanes) * lanes)
        if swapped is not None and shape[swapped] != 1:
            tile[last], tile[swapped] = lanes, lanes
        elif isinstance(root, CopyOp):
            order = _along_operand(root, order)
    order = [d for d in order if tile[d] and shape[d] != 1]
    balanced = transform is None and swapped is None
    rests = {
        d: _narrower(tile[d], target) if d == last else (1,)
        for d, n in enumerate(root.shape)
        if isinstance(n, Dim) and tile[d] > 1
    }
    return Level(tuple(tile), tuple(order), balanced=balanced, vector=last, rests=rests)


def _along_operand(op: CopyOp, order: list[int]) -> list[int]:
    """Loops of a copy that has to fetch its elements one by one: a line of the operand is used up while it is there."""
    strides, last = strides_of(op.in_type(0)), len(op.shape) - 1
    if strides is None or strides[last] == 1:
        return order
    return [
        *sorted((d for d in order if d != last), key=lambda d: -strides[d]),
        *(d for d in order if d == last),
    ]


def _narrower(columns: int, target: Target) -> tuple[int, ...]:
    """Narrower tiles for what tiles of so many columns leave over, down to single ones: a vector, then parts of one."""
    steps = {target.vector_lanes, *target.vector_cuts(target.vector_lanes - 1), 1}
    return tuple(sorted((n for n in steps if n < columns), reverse=True))


def _reduces_columns(op: StructuredOp) -> bool:
    """Whether the innermost dimension of the first operand is reduced: the vector then runs along the reduction."""
    space = op.iteration_space()
    return not isinstance(op, ContractionOp) and not space.depends(0, len(space.parallel) - 1)


def block_of_accumulators(op: ContractionOp, shape: Shape, target: Target) -> tuple[int, int, int]:
    """Lines, rows and columns of the block of accumulators: as wide as a panel of packed weights, or as whole groups.

    Args:
        shape: of the result, or of what a task computes of it; of the same rank.
    """
    columns, lanes = hint(shape[-1]), target.vector_lanes
    rows = max(hint(shape[-2]), 1) if len(shape) > 1 else 1
    lines = line_count(op, shape)
    run = next(iter(op.tile_runs().values()), None) or op.panel_width
    if run is None:
        tile = choose_register_tile(target, rows, columns, lines=lines)
        return tile.lines, tile.rows, tile.vectors * lanes
    if op.panel_width is None:
        run *= max(1, 2 * lanes // run)
    tile = choose_register_tile(target, rows, columns, lines=lines, vectors=ceil(run / lanes))
    return tile.lines, tile.rows, run


def _carried_in_registers(op: DestinationOp) -> bool:
    """Whether register tiles hand the result on: its one reader is element-wise and reads it point by point."""
    readers = {u.operation for u in op.destination.uses if u.operation is not op}
    if len(readers) != 1 or not isinstance(op, StructuredOp):
        return False
    (reader,) = readers
    return isinstance(reader, StructuredOp) and reader.is_elementwise and reader.shape == op.shape
