"""Vector code for one structured op on a register tile: reads, the reduction, writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import TypeAlias, cast

from xdsl.dialects import func, memref, scf, vector
from xdsl.dialects.builtin import DenseArrayBase, IndexType, MemRefType, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir import Region as IRRegion
from xdsl.ir.affine import AffineSymExpr

from dlp.dialects import arith
from dlp.dialects.dlp.contraction import ContractionOp
from dlp.dialects.dlp.reduction import MaxOp
from dlp.dialects.dlp.structured import StructuredOp, TransformOp
from dlp.targets import Target
from dlp.tiling.arith_builder import FAST_MATH, ArithBuilder
from dlp.tiling.emitter import Emitter
from dlp.tiling.extents import extents
from dlp.tiling.linear import Interval, Linear, Region, evaluate
from dlp.tiling.transposition import is_square, swapped_dimension, transposed
from dlp.tiling.vector_access import REDUCTION_KINDS, is_open, runs_along_reduction

_MANY_STEPS = 4
"""Accumulators for a reduction along the vector, enough to hide the latency of an addition."""

_NARROWEST = 4
"""Lanes of the shortest vector that registers have."""

Point: TypeAlias = tuple[int, ...]


@dataclass
class TileContext:
    """What the ops of one block share."""

    function: func.FuncOp
    target: Target
    unroll: int
    """Reductions of at most so many steps are unrolled."""
    constants: dict[object, SSAValue] = field(default_factory=dict)
    carried: dict[SSAValue, dict[tuple[int, ...], SSAValue]] = field(default_factory=dict)
    """Buffers that carry a tile from one op of the block to the next: their elements are SSA values."""


class VectorizeOp:
    """One op on a tile: reads, the reduction, writes."""

    def __init__(self, tile: TileContext, op: StructuredOp, cuts: list[int]) -> None:
        self.tile = tile
        self.op = op
        self.space = op.iteration_space()
        self.emitter = Emitter.before(op, tile.function)
        self.along_reduction = runs_along_reduction(op, tile.target, tile.carried)
        shape = self.space.parallel
        dimensions = range(len(shape), len(self.space.sizes))
        self.reduction = [i.size for i in extents(op, self.emitter, dimensions)]
        """How many steps each reduced dimension has."""
        self.places: list[tuple[Point, int, int]] = []
        if self.along_reduction or not shape:
            self.places = [(point, 0, 1) for point in product(*(range(n) for n in shape))]
        else:
            for point in product(*(range(n) for n in shape[:-1])):
                column = 0
                for width in cuts:
                    self.places.append((point, column, width))
                    column += width

    def builder(self, emitter: Emitter, lanes: int) -> ArithBuilder:
        entry = self.emitter.entry

        def add_constant(op: Operation) -> Operation:
            first = entry.first_op
            assert first is not None
            entry.insert_op_before(op, first)
            return op

        return ArithBuilder(emitter.add, lanes, constants=self.tile.constants, add_constant=add_constant)

    def run(self) -> None:
        if isinstance(self.op, TransformOp):
            values = self._transform(self.op)
        elif is_square(self.op, self.tile.target):
            values = self._transpose()
        elif self.along_reduction:
            values = self._reduce_along()
        else:
            values = self._reduce([self._start(w, p, c) for p, c, w in self.places])
        for (point, column, width), value in zip(self.places, values, strict=True):
            self._write(point, column, width, value)

    def _transform(self, op: TransformOp) -> list[SSAValue]:
        """All results of one run from one reading of its operand."""
        done: dict[tuple[Point, int], Mapping[Point, SSAValue]] = {}
        runs = op.tile_runs()
        values = []
        for point, column, width in self.places:
            within = tuple(point[d] % run for d, run in runs.items())
            start = tuple(p - p % runs.get(d, 1) for d, p in enumerate(point))
            if (start, column) not in done:
                reader = _Reader(self, self.emitter)
                box: Region = [*(Interval.of(p, 1) for p in start), Interval.of(column, width)]

                def read(
                    place: Point, reader: _Reader = reader, box: Region = box, width: int = width
                ) -> SSAValue:
                    return reader.read(0, [*box, *(Interval.of(k, 1) for k in place)], width)

                done[start, column] = op.transform(reader.builder(width), read)
            values.append(done[start, column][within])
        return values

    def _transpose(self) -> list[SSAValue]:
        """Squares of a transposing copy, in the order of the places."""
        lanes = self.tile.target.vector_lanes
        d = swapped_dimension(self.op, self.tile.target)
        assert d is not None
        reader = _Reader(self, self.emitter)
        squares: dict[int, list[SSAValue]] = {}
        for column in range(0, self.op.shape[-1], lanes):
            box: Region = [Interval.of(0, 1) for _ in self.op.shape]
            box[d] = Interval.of(0, lanes)
            rows = [reader.read(0, [*box[:-1], Interval.of(column + i, 1)], lanes) for i in range(lanes)]
            squares[column] = transposed(self.emitter.add, rows)
        return [squares[column][point[d]] for point, column, _ in self.places]

    def _start(self, width: int, point: Point, column: int) -> SSAValue | None:
        """The accumulator before the first step: what the destination holds, or the neutral element."""
        if not self.space.reduction:
            return None
        if self.op.accumulate is not None:
            return self._load_out(point, column, width)
        return self.builder(self.emitter, width).constant(self.op.neutral_value(), self.op.element_type)

    def _load_out(self, point: Point, column: int, width: int) -> SSAValue:
        indices = [self.emitter.index(x) for x in (*point, *([] if self._point_is_full() else [column]))]
        return _load(self.emitter, self.op.destination, indices, width)

    def _point_is_full(self) -> bool:
        return self.along_reduction or not self.space.parallel

    def _reduce(self, accumulators: list[SSAValue | None]) -> list[SSAValue]:
        """The loops of the reduction, the inner ones unrolled while they are short."""
        reduction = self.space.reduction
        unrolled, steps = len(reduction), 1
        # Of a contraction the innermost loop alone: pixels that two places of a window share would stay in registers
        # from the one to the other, of which the accumulators leave none.
        outermost = len(reduction) - 1 if _is_broadcast_contraction(self.op) else 0
        while (
            unrolled > outermost
            and not is_open(reduction[unrolled - 1])
            and steps * reduction[unrolled - 1] <= self.tile.unroll
        ):
            unrolled -= 1
            steps *= reduction[unrolled]
        names = self.op.dimension_names()[len(self.space.parallel) :]

        def nest(
            emitter: Emitter, depth: int, fixed: Region, values: list[SSAValue | None]
        ) -> list[SSAValue]:
            if depth == unrolled:
                rest = [[Interval.of(i, 1) for i in range(n)] for n in reduction[depth:]]
                reader = _Reader(self, emitter)
                for tail in product(*rest):
                    values = [
                        self._body(reader, emitter, point, column, width, [*fixed, *tail], value)
                        for (point, column, width), value in zip(self.places, values, strict=True)
                    ]
                return cast(list[SSAValue], values)
            if not is_open(reduction[depth]) and reduction[depth] == 1:
                return nest(emitter, depth + 1, [*fixed, Interval.of(0, 1)], values)
            carried = cast(list[SSAValue], values)
            body = Block(arg_types=[IndexType(), *(v.type for v in carried)])
            body.args[0].name_hint = names[depth]
            for argument in body.args[1:]:
                argument.name_hint = "acc"
            count = self.emitter.value(self.reduction[depth])
            loop = scf.ForOp(emitter.index(0), count, emitter.index(1), carried, IRRegion(body))
            emitter.add(loop)
            inner = emitter.inside(body)
            step = Interval.of(Linear(0, [(body.args[0], 1)]), 1)
            body.add_op(scf.YieldOp(*nest(inner, depth + 1, [*fixed, step], list(body.args[1:]))))
            return list(loop.results)

        return nest(self.emitter, 0, [], accumulators)

    def _body(
        self,
        reader: _Reader,
        emitter: Emitter,
        point: Point,
        column: int,
        width: int,
        reduction: Region,
        accumulator: SSAValue | None,
    ) -> SSAValue:
        box: Region = [Interval.of(x, 1) for x in point]
        if not self._point_is_full():
            box.append(Interval.of(column, width))
        box += reduction
        args = [reader.read(k, box, width) for k in range(len(self.op.inputs))]
        builder = reader.builder(width)
        return builder.vector(self.op.body(builder, args, accumulator))

    def _reduce_along(self) -> list[SSAValue]:
        """Vectors along the last reduced dimension: some accumulators side by side, then one value of their lanes."""
        *outer, extent = self.reduction
        lanes = self.tile.target.vector_lanes
        vectors = self.emitter.quotient(extent, lanes)
        many = vectors.constant if vectors.is_constant else _MANY_STEPS
        side = max(1, min(_MANY_STEPS, many, 16 // max(1, len(self.places))))
        results = []
        for place in self.places:
            emitter = self.emitter
            builder = self.builder(emitter, lanes)
            values: list[SSAValue] = []
            if many:
                neutral = builder.constant(self.op.neutral_value(), self.op.element_type)
                values = self._along_loops(place, outer, vectors, side, [neutral] * side)
            total = self._lanes_to_one(values)
            total = self._tails(place, outer, vectors * lanes, extent - vectors * lanes, total)
            results.append(total)
        return results

    def _along_loops(
        self,
        place: tuple[Point, int, int],
        outer: Sequence[Linear],
        vectors: Linear,
        side: int,
        start: list[SSAValue],
    ) -> list[SSAValue]:
        lanes = self.tile.target.vector_lanes
        point, _, _ = place
        trips = self.emitter.quotient(vectors, side)
        left = vectors - trips * side

        def at(emitter: Emitter, fixed: Region, first: Linear, value: SSAValue) -> SSAValue:
            reader = _Reader(self, emitter)
            reduction = [*fixed, Interval.of(first, lanes)]
            box: Region = [Interval.of(x, 1) for x in point] + reduction
            args = [reader.read(k, box, lanes) for k in range(len(self.op.inputs))]
            builder = reader.builder(lanes)
            return builder.vector(self.op.body(builder, args, value))

        def innermost(emitter: Emitter, fixed: Region, values: list[SSAValue]) -> list[SSAValue]:
            def step(inner: Emitter, iv: SSAValue, carried: list[SSAValue]) -> list[SSAValue]:
                return [
                    at(inner, fixed, Linear(u * lanes, [(iv, side * lanes)]), v)
                    for u, v in enumerate(carried)
                ]

            if not trips.is_constant or trips.constant > 1:
                values = _carrying_loop(emitter, emitter.value(trips), "k", values, step)
            elif trips.constant:
                values = [at(emitter, fixed, Linear(u * lanes), v) for u, v in enumerate(values)]
            done = trips * (side * lanes)
            if left.is_constant:
                for u in range(left.constant):
                    values[u] = at(emitter, fixed, done + u * lanes, values[u])
                return values

            def one(inner: Emitter, iv: SSAValue, carried: list[SSAValue]) -> list[SSAValue]:
                return [at(inner, fixed, done + Linear(0, [(iv, lanes)]), carried[0])]

            values[:1] = _carrying_loop(emitter, emitter.value(left), "k", values[:1], one)
            return values

        return self._outer_loops(self.emitter, outer, [], start, innermost)

    def _outer_loops(
        self,
        emitter: Emitter,
        outer: Sequence[Linear],
        fixed: Region,
        values: list[SSAValue],
        innermost: Callable[[Emitter, Region, list[SSAValue]], list[SSAValue]],
    ) -> list[SSAValue]:
        if not outer:
            return innermost(emitter, fixed, values)

        def step(inner: Emitter, iv: SSAValue, carried: list[SSAValue]) -> list[SSAValue]:
            here = Interval.of(Linear(0, [(iv, 1)]), 1)
            return self._outer_loops(inner, outer[1:], [*fixed, here], carried, innermost)

        return _carrying_loop(emitter, self.emitter.value(outer[0]), "k", values, step)

    def _lanes_to_one(self, values: list[SSAValue]) -> SSAValue | None:
        if not values:
            return None
        builder = self.builder(self.emitter, self.tile.target.vector_lanes)
        total = values[0]
        for value in values[1:]:
            total = self._combine(builder, total, value)
        if self._is_loose() and self.tile.target.tail == "narrow":
            return self._loose_lanes_to_one(total)
        assert self.op.COMBINER is not None
        kind = vector.CombiningKindAttr(vector.CombiningKindFlag(REDUCTION_KINDS[self.op.COMBINER]))
        op = vector.ReductionOp.create(
            operands=[total],
            result_types=[self.op.element_type],
            properties={"kind": kind, "fastmath": FAST_MATH},
        )
        return self.emitter.add(op).results[0]

    def _is_loose(self) -> bool:
        return isinstance(self.op, MaxOp) and self.op.loose is not None

    def _loose_lanes_to_one(self, value: SSAValue) -> SSAValue:
        """By comparisons, each an instruction: `vector.reduction` keeps NaN and the sign of zeros, which takes eight.

        Halves are combined down to the narrowest vector, and there lanes with those at half the distance.
        """
        lanes = self.tile.target.vector_lanes
        while lanes > _NARROWEST:
            lanes //= 2
            low, high = (self._shuffled(value, range(first, first + lanes)) for first in (0, lanes))
            value = self._combine(self.builder(self.emitter, lanes), low, high)
        distance = lanes // 2
        while distance:
            other = self._shuffled(value, [(lane + distance) % lanes for lane in range(lanes)])
            value = self._combine(self.builder(self.emitter, lanes), value, other)
            distance //= 2
        return self.emitter.add(vector.ExtractOp(value, [0], self.op.element_type)).result

    def _shuffled(self, value: SSAValue, mask: Sequence[int]) -> SSAValue:
        type_ = arith.vector_of(self.op.element_type, (len(mask),))
        lanes = DenseArrayBase.from_list(i64, list(mask))
        return self.emitter.add(vector.ShuffleOp(value, value, lanes, result_type=type_)).results[0]

    def _combine(self, builder: ArithBuilder, a: SSAValue, b: SSAValue) -> SSAValue:
        if self._is_loose():
            return self.op.body(builder, [b], a)
        assert self.op.COMBINER is not None
        combine = {
            "add": builder.add,
            "mul": builder.mul,
            "maximum": builder.maximum,
            "minimum": builder.minimum,
        }
        return combine[self.op.COMBINER](a, b)

    def _tails(
        self,
        place: tuple[Point, int, int],
        outer: Sequence[Linear],
        first: Linear,
        rest: Linear,
        total: SSAValue | None,
    ) -> SSAValue:
        """What fills no vector, element by element, and what the destination held before."""
        builder = self.builder(self.emitter, 1)
        if self.op.accumulate is not None:
            before = self._load_out(place[0], 0, 1)
            total = before if total is None else self._combine(builder, before, total)
        if total is None:
            total = builder.constant(self.op.neutral_value(), self.op.element_type)
        if rest.is_constant and not rest.constant:
            return total

        def innermost(emitter: Emitter, fixed: Region, values: list[SSAValue]) -> list[SSAValue]:
            value = values[0]
            if not rest.is_constant:
                return _carrying_loop(emitter, emitter.value(rest), "k", [value], partial(one, fixed))
            reader = _Reader(self, emitter)
            for i in range(rest.constant):
                step = Interval.of(first + i, 1)
                value = self._body(reader, emitter, place[0], 0, 1, [*fixed, step], value)
            return [value]

        def one(fixed: Region, emitter: Emitter, iv: SSAValue, carried: list[SSAValue]) -> list[SSAValue]:
            step = Interval.of(first + Linear(0, [(iv, 1)]), 1)
            reader = _Reader(self, emitter)
            return [self._body(reader, emitter, place[0], 0, 1, [*fixed, step], carried[0])]

        return self._outer_loops(self.emitter, outer, [], [total], innermost)[0]

    def _write(self, point: Point, column: int, width: int, value: SSAValue) -> None:
        out = self.op.destination
        place = point if self._point_is_full() else (*point, column)
        carried = self.tile.carried.get(out)
        if carried is not None:
            carried[place] = value
            return
        value = self.builder(self.emitter, width).vector(value)
        indices = [self.emitter.index(x) for x in place]
        if width == 1:
            self.emitter.add(memref.StoreOp.create(operands=[value, out, *indices], properties={}))
        else:
            self.emitter.add(vector.StoreOp.create(operands=[value, out, *indices], properties={}))


def _is_broadcast_contraction(op: StructuredOp) -> bool:
    """Whether elements of the first operand are broadcast to the lanes."""
    return isinstance(op, ContractionOp) and not op.iteration_space().depends(0, len(op.shape) - 1)


class _Reader:
    """Loads of one emission point, each address once."""

    def __init__(self, owner: VectorizeOp, emitter: Emitter) -> None:
        self.owner = owner
        self.emitter = emitter
        self.loaded: dict[object, SSAValue] = {}
        self.builders: dict[int, ArithBuilder] = {}

    def builder(self, width: int) -> ArithBuilder:
        if width not in self.builders:
            self.builders[width] = self.owner.builder(self.emitter, width)
        return self.builders[width]

    def read(self, operand: int, box: Region, width: int) -> SSAValue:
        """The value of an operand at a point: a vector, or a scalar that is the same for every lane."""
        op = self.owner.op
        buffer = op.operands[operand]
        symbols: dict[int, Interval] = {}
        expressions = self.owner.space.maps[operand]
        for e in expressions:
            if isinstance(e, AffineSymExpr):
                index = self.read(e.position, [Interval.of(i.offset, 1) for i in box], 1)
                cast_op = self.emitter.add(arith.IndexCastOp(index, IndexType()))
                symbols[e.position] = Interval.of(Linear(0, [(cast_op.result, 1)]), 1)
        region = [evaluate(e, box, symbols) for e in expressions]
        carried = self.owner.tile.carried.get(buffer)
        if carried is not None:
            return carried[tuple(i.offset.constant for i in region)]
        lanes = region[-1].static_size if region else 1
        key = (buffer, tuple(i.offset.key for i in region), lanes)
        value = self.loaded.get(key)
        if value is None:
            indices = [self.emitter.value(i.offset) for i in region]
            value = self.loaded[key] = _load(self.emitter, buffer, indices, lanes)
            value.name_hint = buffer.name_hint
        return value


def _load(emitter: Emitter, buffer: SSAValue, indices: Sequence[SSAValue], lanes: int) -> SSAValue:
    element = cast(MemRefType[Attribute], buffer.type).element_type
    if lanes == 1:
        op: Operation = memref.LoadOp.create(
            operands=[buffer, *indices], result_types=[element], properties={}
        )
    else:
        result = arith.vector_of(element, (lanes,))
        op = vector.LoadOp.create(operands=[buffer, *indices], result_types=[result], properties={})
    return emitter.add(op).results[0]


def _carrying_loop(
    emitter: Emitter,
    count: SSAValue,
    name: str,
    values: list[SSAValue],
    step: Callable[[Emitter, SSAValue, list[SSAValue]], list[SSAValue]],
) -> list[SSAValue]:
    """A loop 0 .. count that carries values; `step` emits its body and gives the values of the next turn."""
    body = Block(arg_types=[IndexType(), *(v.type for v in values)])
    body.args[0].name_hint = name
    loop = scf.ForOp(emitter.index(0), count, emitter.index(1), values, IRRegion(body))
    emitter.add(loop)
    body.add_op(scf.YieldOp(*step(emitter.inside(body), body.args[0], list(body.args[1:]))))
    return list(loop.results)
