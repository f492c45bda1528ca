"""Order: sorting, the largest elements, and looking up in what is sorted. All of them give places, not elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import Float32Type, Float64Type, IntegerAttr, UnitAttr, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .algorithm import AlgorithmOp, Index, LoopBuilder, bit_length, in_order
from .body import Value
from .dim import Size
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


@dataclass(frozen=True)
class _Rows:
    """Places in order, and the elements there."""

    places: SSAValue
    keys: SSAValue


class _OrderOp(AlgorithmOp):
    """Rows of places along `dimension`, in the order of the elements there."""

    dimension = prop_def(IntegerAttr)
    """The dimension that is sorted along."""
    descending = opt_prop_def(UnitAttr)
    """The largest first."""

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

    def insert(
        self, b: LoopBuilder, at: At, low: Index, high: Index, place: Value, key: Value, keys: SSAValue
    ) -> tuple[Value, Value]:
        """Insert a place into the sorted places low .. high - 1, behind its equals; `keys` are the elements there.

        Returns:
            What no longer fits: the place that belongs at `high`, and the element there.
        """
        out, c = self.outs[0], b.compute

        def step(i: Index, held: Value, held_key: Value, shifting: Value) -> Sequence[Value]:
            other, other_key = b.load(out, at(i)), b.load(keys, at(i))
            # From the first element that must follow on, all move by one.
            shift = c.or_(shifting, self.before(b, held_key, other_key))
            b.store(c.select(shift, held, other), out, at(i))
            b.store(c.select(shift, held_key, other_key), keys, at(i))
            return c.select(shift, other, held), c.select(shift, other_key, held_key), shift

        shifting = c.constant(False, i1)
        held, held_key, _ = b.loop(low, high, (place, key, shifting), step, "p")
        return held, held_key


@irdl_op_definition
class ArgsortOp(_OrderOp):
    """The places of the elements along `dimension` in ascending order, or `descending`, as i64.

    Stable: equal elements keep their order. NaN is larger than every number. Runs sorted by insertion are merged from
    one buffer to another and back (bottom-up merge sort); the elements move with their places.
    """

    name = "dlp.argsort"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        _check_dimension(cls.name, ins, properties)
        return shape_of(ins[0]), i64

    def loops(self, b: LoopBuilder) -> None:
        n, element = self.shape[self.dimension.value.data], self.in_type(0).element_type
        # Runs become four times as long in each.
        bits = bit_length(b, (n - 1) // _RUN)
        rounds = (
            (bits + 1) // 2
            if isinstance(bits, int)
            else b.compute.div(b.compute.add(bits, b.index(1)), b.index(2))
        )
        here = _Rows(self.outs[0], b.scratch(self.shape, element))
        there = None
        if not isinstance(rounds, int) or rounds:
            there = _Rows(b.scratch(self.shape, i64), b.scratch(self.shape, element))
        b.copy(self.ins[0], here.keys)

        def row(at: At) -> None:
            self._sort_runs(b, at, n, here.keys)
            if there is not None:
                self._merge_runs(b, at, n, rounds, here, there)

        self.rows(b, row)

    def _sort_runs(self, b: LoopBuilder, at: At, n: Size, keys: SSAValue) -> None:
        c, out = b.compute, self.outs[0]

        def run(number: Index) -> Sequence[Value]:
            low = c.mul(number, b.index(_RUN))
            high = c.minimum(c.add(low, b.index(_RUN)), b.index(n))

            def add(i: Index) -> Sequence[Value]:
                key = b.load(keys, at(i))
                place, key = self.insert(b, at, low, i, b.to_integer(i, i64), key, keys)
                b.store(place, out, at(i))
                b.store(key, keys, at(i))
                return ()

            b.loop(low, high, (), add)
            return ()

        b.loop(0, -(-n // _RUN), (), run, "run")

    def _merge_runs(
        self, b: LoopBuilder, at: At, n: Size, rounds: Index | int, here: _Rows, there: _Rows
    ) -> None:
        """Every round merges twice: into the spare buffers and back, runs four times as long as before."""
        c = b.compute

        def twice(_: Index, width: Value) -> Sequence[Value]:
            double = c.add(width, width)
            self._merge(b, at, n, width, here, there)
            self._merge(b, at, n, double, there, here)
            return (c.add(double, double),)

        b.loop(0, rounds, (b.index(_RUN),), twice, "round")

    def _merge(self, b: LoopBuilder, at: At, n: Size, width: Index, source: _Rows, target: _Rows) -> None:
        """Merge neighbouring runs of `width` elements."""
        c, end, last = b.compute, b.index(n), b.index(n - 1)
        double = c.add(width, width)

        def pair(number: Index) -> Sequence[Value]:
            low = c.mul(number, double)
            middle = c.minimum(c.add(low, width), end)
            high = c.minimum(c.add(low, double), end)

            def step(k: Index, left: Value, right: Value) -> Sequence[Value]:
                # Where a run is used up any element is read, and not looked at.
                a, z = (b.load(source.keys, at(c.minimum(i, last))) for i in (left, right))
                left_empty, right_left = c.compare("ge", left, middle), c.compare("lt", right, high)
                take_right = c.and_(right_left, c.or_(left_empty, self.before(b, z, a)))
                place = b.load(source.places, at(c.select(take_right, right, left)))
                b.store(place, target.places, at(k))
                b.store(c.select(take_right, z, a), target.keys, at(k))
                one, zero = b.index(1), b.index(0)
                left = c.add(left, c.select(take_right, zero, one))
                return left, c.add(right, c.select(take_right, one, zero))

            b.loop(low, high, (low, middle), step, "k")
            return ()

        pairs = c.div(c.add(double, b.index(n - 1)), double)
        b.loop(0, pairs, (), pair, "pair")


@irdl_op_definition
class TopKOp(_OrderOp):
    """The places of the first `k` elements along `dimension` in ascending order, or `descending`, as i64.

    What `dlp.argsort` gives, cut off. The k best so far are kept sorted, and an element that is better than the last
    of them is inserted: n comparisons and few insertions where k is small beside n.
    """

    name = "dlp.top_k"
    k = prop_def(IntegerAttr)
    """How many places."""

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
        x, out, n, k = (
            self.ins[0],
            self.outs[0],
            self.in_shape(0)[self.dimension.value.data],
            self.k.value.data,
        )
        keys = b.scratch(self.shape, self.in_type(0).element_type)

        def row(at: At) -> None:
            def put(i: Index, high: Index) -> tuple[Value, Value]:
                return self.insert(b, at, b.index(0), high, b.to_integer(i, i64), b.load(x, at(i)), keys)

            def fill(i: Index) -> Sequence[Value]:
                place, key = put(i, i)
                b.store(place, out, at(i))
                b.store(key, keys, at(i))
                return ()

            def compare(i: Index) -> Sequence[Value]:
                better = self.before(b, b.load(x, at(i)), b.load(keys, at(b.index(k - 1))))
                b.when(better, lambda: put(i, b.index(k)))
                return ()

            first = b.index(0)
            b.store(b.to_integer(first, i64), out, at(first))
            b.store(b.load(x, at(first)), keys, at(first))
            b.loop(1, k, (), fill)
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
    """Count equal elements as well."""

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
        c, halvings = b.compute, bit_length(b, n)

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

            found = b.loop(0, halvings, (b.index(0), b.index(n)), step, "halving")[0]
            b.store(b.to_integer(found, i64), self.outs[0], at)

        b.nest(self.shape, search)


OPS = (ArgsortOp, TopKOp, SearchSortedOp)
