"""Where the largest elements of windows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import DenseArrayBase, Float32Type, Float64Type, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .algorithm import AlgorithmOp, Index, LoopBuilder
from .body import Value
from .contraction import window_output
from .structured import Shape, ShapedValueType, int_list, shape_of


@irdl_op_definition
class MaxPoolPlacesOp(AlgorithmOp):
    """For each window of x [n, c, s...] the place of its largest element in the plane s..., counted row by row, as i64.

    `low` and `high` are what lies around the plane, which is never the largest. Of equal elements the first one counts;
    a NaN is larger than all others, and the last one counts.
    """

    name = "dlp.max_pool_places"
    kernel = prop_def(DenseArrayBase)
    """Size of the window along each spatial dimension."""
    strides = prop_def(DenseArrayBase)
    """Step of the window along each spatial dimension."""
    dilations = prop_def(DenseArrayBase)
    """Distance of the window's elements along each spatial dimension."""
    low = prop_def(DenseArrayBase)
    """Rows around the plane, before it."""
    high = prop_def(DenseArrayBase)
    """Rows around the plane, behind it."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 1:
            raise VerifyException(f"dlp.max_pool_places: takes 1 operand, has {len(ins)}")
        x = shape_of(ins[0])
        names = ("kernel", "strides", "dilations", "low", "high")
        lists = [int_list(properties[name]) for name in names]
        for name, values in zip(names, lists, strict=True):
            if len(values) != len(x) - 2:
                raise VerifyException(
                    f"dlp.max_pool_places: {name} {values} does not fit operand 0 ({ins[0]})"
                )
        kernel, strides, dilations, low, high = lists
        padded = tuple(n if n < 0 else n + a + z for n, a, z in zip(x[2:], low, high, strict=True))
        out = window_output(padded, kernel, strides, dilations)
        if any(o < 1 and o != -1 for o in out):
            raise VerifyException(
                f"dlp.max_pool_places: operand 0 ({ins[0]}) is smaller than the window {kernel}"
            )
        return (*x[:2], *out), i64

    def loops(self, b: LoopBuilder) -> None:
        x, plane, c = self.ins[0], self.in_shape(0)[2:], b.compute
        element = self.in_type(0).element_type
        is_float = isinstance(element, Float32Type | Float64Type)
        kernel, strides, dilations, low, high = (
            int_list(p) for p in (self.kernel, self.strides, self.dilations, self.low, self.high)
        )

        def window(at: Sequence[Index]) -> None:
            def along(
                d: int, taken: list[Index], valid: Value | None, state: Sequence[Value]
            ) -> Sequence[Value]:
                if d == len(plane):
                    return look(taken, valid, *state)

                def step(k: Index, *carried: Value) -> Sequence[Value]:
                    place = c.add(
                        c.add(c.mul(at[2 + d], b.index(strides[d])), c.mul(k, b.index(dilations[d]))),
                        b.index(-low[d]),
                    )
                    inside = valid
                    if low[d] or high[d]:
                        here = c.and_(
                            c.compare("ge", place, b.index(0)), c.compare("lt", place, b.index(plane[d]))
                        )
                        inside = here if valid is None else c.and_(valid, here)
                        place = c.minimum(c.maximum(place, b.index(0)), b.index(plane[d] - 1))
                    return along(d + 1, [*taken, place], inside, carried)

                return b.loop(0, kernel[d], state, step, f"k{d}")

            def look(taken: list[Index], valid: Value | None, best: Value, found: Value) -> Sequence[Value]:
                value = b.load(x, [*at[:2], *taken])
                better = c.or_(c.compare("gt", value, best), c.compare("lt", found, b.index(0)))
                if is_float:
                    better = c.or_(better, c.compare("ne", value, value))
                if valid is not None:
                    better = c.and_(better, valid)
                place: Value = b.index(0)
                for i, n in zip(taken, plane, strict=True):
                    place = c.add(c.mul(place, b.index(n)), i)
                return c.select(better, value, best), c.select(better, place, found)

            start = c.constant(float("-inf") if is_float else 0, element)
            found = along(0, [], None, (start, b.index(-1)))[1]
            b.store(b.to_integer(found, i64), self.outs[0], at)

        b.nest(self.shape, window)


OPS = (MaxPoolPlacesOp,)
