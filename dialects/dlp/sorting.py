"""Order: sorting, the largest elements, and looking up in what is sorted. All of them give places, not elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import Float32Type, Float64Type, IntegerAttr, UnitAttr, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .algorithm import AlgorithmOp, Index, LoopBuilder, in_order
from .body import Value
from .structured import Shape, ShapedValueType, int_of, shape_of

_RUN = 16
"""Elements that are sorted by insertion, before runs are merged."""

At = Callable[[Index], list[Index]]
"""The place of element i of the row at hand."""


def _check_dimension(name: str, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]) -> int:
    if len(ins) != 1:
        raise VerifyException(f"{name}: takes 1 operand, has {len(ins)}")
    d = int_of(properties["dimension"])
    if not 0 <= d < len(shape_of(ins[0])):
        raise VerifyException(f"{name}: {d} is no dimension of operand 0 ({ins[0]})")
    return d


class _OrderOp(AlgorithmOp):
    """Rows of places along `dimension`, in the order of the elements there."""

    dimension = prop_def(IntegerAttr)
    descending = opt_prop_def(UnitAttr)

    def rows(self, b: LoopBuilder, row: Callable[[At], None]) -> None:
        """Do something to every row."""
        d = self.dimension.value.data

        def one(others: Sequence[Index]) -> None:
            row(lambda i: [*others[:d], i, *others[d:]])

        b.nest([n for k, n in enumerate(self.shape) if k != d], one)

    def before(self, b: LoopBuilder, first: Value, second: Value) -> Value:
        """Whether an element comes before another one whatever their places; NaN is the largest of all."""
        is_float = isinstance(self.in_type(0).element_type, Float32Type | Float64Type)
        return in_order(b.compute, first, second, descending=self.descending is not None, is_float=is_float)

    def key(self, b: LoopBuilder, at: At, place: Value) -> Value:
        """The element at a place that was stored."""
        return b.load(self.ins[0], at(b.to_index(place)))

    def insert(self, b: LoopBuilder, at: At, low: Index, high: Index, place: Value) -> Value:
        """Insert a place into the sorted places low .. high - 1, behind its equals.

        Returns:
            What no longer fits: the place that belongs at `high`.
        """
        out, c = self.outs[0], b.compute
        key = self.key(b, at, place)

        def step(i: Index, held: Value, held_key: Value, shifting: Value) -> Sequence[Value]:
            other = b.load(out, at(i))
            other_key = self.key(b, at, other)
            # From the first element that must follow on, all move by one.
            shift = c.or_(shifting, self.before(b, held_key, other_key))
            b.store(c.select(shift, held, other), out, at(i))
            return c.select(shift, other, held), c.select(shift, other_key, held_key), shift

        shifting = c.compare("ne", b.index(0), b.index(0))
        return b.loop(low, high, (place, key, shifting), step, "p")[0]


@irdl_op_definition
class ArgsortOp(_OrderOp):
    """The places of the elements along `dimension` in ascending order, or `descending`, as i64.

    Stable: equal elements keep their order. NaN is larger than every number. Runs sorted by insertion are merged from
    one buffer to another and back (bottom-up merge sort).
    """

    name = "dlp.argsort"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        _check_dimension(cls.name, ins, properties)
        return shape_of(ins[0]), i64

    def loops(self, b: LoopBuilder) -> None:
        n = self.shape[self.dimension.value.data]
        rounds, width = 0, _RUN
        while width < n:
            rounds, width = rounds + 1, width * 4
        spare = b.scratch(self.shape, i64) if rounds else None

        def row(at: At) -> None:
            self._sort_runs(b, at, n)
            if spare is not None:
                self._merge_runs(b, at, n, rounds, spare)

        self.rows(b, row)

    def _sort_runs(self, b: LoopBuilder, at: At, n: int) -> None:
        c, out = b.compute, self.outs[0]

        def run(number: Index) -> Sequence[Value]:
            low = c.mul(number, b.index(_RUN))
            high = c.minimum(c.add(low, b.index(_RUN)), b.index(n))

            def add(i: Index) -> Sequence[Value]:
                b.store(self.insert(b, at, low, i, b.to_integer(i, i64)), out, at(i))
                return ()

            b.loop(low, high, (), add)
            return ()

        b.loop(0, -(-n // _RUN), (), run, "run")

    def _merge_runs(self, b: LoopBuilder, at: At, n: int, rounds: int, spare: SSAValue) -> None:
        """Every round merges twice: into the spare buffer and back, runs four times as long as before."""
        c, out = b.compute, self.outs[0]

        def twice(_: Index, width: Value) -> Sequence[Value]:
            double = c.add(width, width)
            self._merge(b, at, n, width, out, spare)
            self._merge(b, at, n, double, spare, out)
            return (c.add(double, double),)

        b.loop(0, rounds, (b.index(_RUN),), twice, "round")

    def _merge(
        self, b: LoopBuilder, at: At, n: int, width: Index, source: SSAValue, destination: SSAValue
    ) -> None:
        """Merge neighbouring runs of `width` places."""
        c, end, last = b.compute, b.index(n), b.index(n - 1)

        def place(i: Index) -> Value:
            """The place at i; any other where a run is used up, which is not looked at."""
            return b.load(source, at(c.minimum(i, last)))

        def step(k: Index, left: Value, right: Value, middle: Value, high: Value) -> Sequence[Value]:
            # A pair of runs is done: on to the next.
            done = c.compare("eq", k, high)
            left, right = c.select(done, k, left), c.select(done, c.minimum(c.add(k, width), end), right)
            middle = c.select(done, right, middle)
            high = c.select(done, c.minimum(c.add(middle, width), end), high)
            a, z = place(left), place(right)
            behind = self.before(b, self.key(b, at, z), self.key(b, at, a))
            left_empty, right_left = c.compare("ge", left, middle), c.compare("lt", right, high)
            take_right = c.and_(right_left, c.or_(left_empty, behind))
            b.store(c.select(take_right, z, a), destination, at(k))
            one, zero = b.index(1), b.index(0)
            left = c.add(left, c.select(take_right, zero, one))
            return left, c.add(right, c.select(take_right, one, zero)), middle, high

        zero = b.index(0)
        b.loop(0, n, (zero, zero, zero, zero), step, "k")


@irdl_op_definition
class TopKOp(_OrderOp):
    """The places of the first `k` elements along `dimension` in ascending order, or `descending`, as i64.

    What `dlp.argsort` gives, cut off. The k best so far are kept sorted, and an element that is better than the last
    of them is inserted: n comparisons and few insertions where k is small beside n.
    """

    name = "dlp.top_k"
    k = prop_def(IntegerAttr)

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        d, k = _check_dimension(cls.name, ins, properties), int_of(properties["k"])
        shape = shape_of(ins[0])
        if k < 1 or 0 <= shape[d] < k:
            raise VerifyException(
                f"dlp.top_k: k is {k}, and dimension {d} of operand 0 ({ins[0]}) has {shape[d]}"
            )
        return (*shape[:d], k, *shape[d + 1 :]), i64

    def loops(self, b: LoopBuilder) -> None:
        out, n, k = self.outs[0], self.in_shape(0)[self.dimension.value.data], self.k.value.data

        def row(at: At) -> None:
            def fill(i: Index) -> Sequence[Value]:
                b.store(self.insert(b, at, b.index(0), i, b.to_integer(i, i64)), out, at(i))
                return ()

            def compare(i: Index) -> Sequence[Value]:
                worst = self.key(b, at, b.load(out, at(b.index(k - 1))))
                better = self.before(b, b.load(self.ins[0], at(i)), worst)
                b.when(better, lambda: put(i))
                return ()

            def put(i: Index) -> None:
                self.insert(b, at, b.index(0), b.index(k), b.to_integer(i, i64))

            b.loop(0, k, (), fill)
            b.loop(k, n, (), compare)

        self.rows(b, row)


@irdl_op_definition
class SearchSortedOp(AlgorithmOp):
    """How many elements of a sorted row are smaller than a value (`right`: not larger), as i64.

    Operand 0 holds rows in ascending order along the last dimension, operand 1 the values: rows as many as there, or
    anything at all where operand 0 is one row. A binary search a value.
    """

    name = "dlp.search_sorted"
    right = opt_prop_def(UnitAttr)

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 2:
            raise VerifyException(f"dlp.search_sorted: takes 2 operands, has {len(ins)}")
        rows, values = shape_of(ins[0]), shape_of(ins[1])
        if not rows or (len(rows) > 1 and (len(values) != len(rows) or rows[:-1] != values[:-1])):
            raise VerifyException(
                f"dlp.search_sorted: operand 0 ({ins[0]}) has no row for operand 1 ({ins[1]})"
            )
        if ins[0].element_type != ins[1].element_type:
            raise VerifyException(f"dlp.search_sorted: operand 1 ({ins[1]}) has other elements than {ins[0]}")
        return values, i64

    def loops(self, b: LoopBuilder) -> None:
        rows, values = self.ins
        outer, n = self.in_shape(0)[:-1], self.in_shape(0)[-1]
        c = b.compute

        def search(at: Sequence[Index]) -> None:
            value = b.load(values, at)
            lead = at[: len(outer)]

            def step(_: Index, low: Value, high: Value) -> Sequence[Value]:
                open_ = c.compare("lt", low, high)
                middle = c.div(c.add(low, high), b.index(2))
                found = b.load(rows, [*lead, c.minimum(middle, b.index(n - 1))])
                stops = c.compare("gt" if self.right is not None else "ge", found, value)
                go_on = c.and_(open_, c.compare("eq", stops, c.constant(False, i1)))
                up = c.select(go_on, c.add(middle, b.index(1)), low)
                return up, c.select(c.and_(open_, stops), middle, high)

            found = b.loop(0, n.bit_length(), (b.index(0), b.index(n)), step, "halving")[0]
            b.store(b.to_integer(found, i64), self.outs[0], at)

        b.nest(self.shape, search)


OPS = (ArgsortOp, TopKOp, SearchSortedOp)
