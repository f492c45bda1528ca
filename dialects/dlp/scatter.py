"""Writing through indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from xdsl.dialects.builtin import IntegerAttr, IntegerType, StringAttr, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .algorithm import AlgorithmOp, Index, LoopBuilder
from .body import BodyBuilder, Value
from .dim import Dim
from .structured import Shape, ShapedValueType, int_of, shape_of

_Combine = Callable[[BodyBuilder, Value, Value], Value]

COMBINE: Mapping[str, _Combine] = {
    "add": lambda b, old, new: b.add(old, new),
    "mul": lambda b, old, new: b.mul(old, new),
    "maximum": lambda b, old, new: b.maximum(old, new),
    "minimum": lambda b, old, new: b.minimum(old, new),
}
"""Ways to combine what is there with an update."""

_ON_BITS: Mapping[str, _Combine] = {
    "add": lambda b, old, new: b.or_(old, new),
    "mul": lambda b, old, new: b.and_(old, new),
    "maximum": lambda b, old, new: b.or_(old, new),
    "minimum": lambda b, old, new: b.and_(old, new),
}

_STRIPES = 8
"""So many parts are shared out at most."""

_CHUNK = 16
"""Neighbouring elements that one thread updates at least: no two threads write to one line of the cache."""


@irdl_op_definition
class ScatterOp(AlgorithmOp):
    """result = operand 0, then result[a..., index[a..., i, b...], b...] = update[a..., i, b...] in the order of i.

    Operand 0 is x, operand 1 the index (integers, 0 <= index < size of `dimension`), operand 2 the updates; all have
    the rank of x. The index has the sizes of the updates, or 1 where it is the same all along. Except along
    `dimension` the updates are at most as large as x. With `combine` ("add", "mul", "maximum", "minimum") an update
    is combined with what is there instead of taking its place.
    """

    name = "dlp.scatter"
    dimension = prop_def(IntegerAttr)
    """The dimension of x that is indexed."""
    combine = opt_prop_def(StringAttr)
    """"add", "mul", "maximum" or "minimum"; an update takes the place of what is there if absent."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 3:
            raise VerifyException(f"dlp.scatter: takes 3 operands, has {len(ins)}")
        x, index, updates = (shape_of(t) for t in ins)
        d = int_of(properties["dimension"])
        if not 0 <= d < len(x):
            raise VerifyException(f"dlp.scatter: {d} is no dimension of operand 0 ({ins[0]})")
        if not isinstance(ins[1].element_type, IntegerType) or ins[1].element_type == i1:
            raise VerifyException(f"dlp.scatter: operand 1 ({ins[1]}) must hold integers")
        if ins[2].element_type != ins[0].element_type:
            raise VerifyException(
                f"dlp.scatter: operand 2 ({ins[2]}) must have the elements of operand 0 ({ins[0]})"
            )
        if len(index) != len(x) or any(
            i not in (1, u, -1) and u != -1 for i, u in zip(index, updates, strict=False)
        ):
            raise VerifyException(
                f"dlp.scatter: operand 1 ({ins[1]}) must have the sizes of operand 2 ({ins[2]}), or 1"
            )
        if len(updates) != len(x) or any(
            k != d and -1 not in (n, u) and u > n for k, (n, u) in enumerate(zip(x, updates, strict=True))
        ):
            raise VerifyException(f"dlp.scatter: operand 2 ({ins[2]}) is larger than operand 0 ({ins[0]})")
        combine = properties.get("combine")
        if combine is not None and cast(StringAttr, combine).data not in COMBINE:
            raise VerifyException(f"dlp.scatter: combine is {combine}, not one of {', '.join(COMBINE)}")
        return x, ins[0].element_type

    def loops(self, b: LoopBuilder) -> None:
        x, _, updates = self.ins
        b.copy(x, self.outs[0])
        sizes, d = shape_of(updates.type), self.dimension.value.data
        before, behind = sizes[:d], sizes[d + 1 :]
        if any(n > 1 for n in before) or not any(n > 1 for n in behind):
            b.nest(before, lambda outer: self._along(b, outer, [(0, n) for n in behind]))
            return
        # Only dimensions behind the indexed one can be shared out: each thread has a stripe of the first of them.
        place = next(k for k, n in enumerate(behind) if n > 1)
        extent, compute = behind[place], b.compute
        least = _CHUNK if place == len(behind) - 1 else 1
        if isinstance(extent, Dim):  # stripes may remain without elements
            count, stripe = _STRIPES, compute.maximum(b.index(least), b.index(-(-extent // _STRIPES)))
        else:
            size = max(least, -(-extent // _STRIPES))
            count, stripe = -(-extent // size), b.index(size)

        def one(at: Sequence[Index]) -> None:
            low = compute.mul(at[0], stripe)
            high = compute.minimum(compute.add(low, b.index(stripe)), b.index(extent))
            ranges: list[tuple[Any, Any]] = [(0, n) for n in behind]
            ranges[place] = (low, high)
            self._along(b, [b.index(0)] * d, ranges)

        b.nest([count], one)

    def _along(self, b: LoopBuilder, outer: Sequence[Index], ranges: Sequence[tuple[Any, Any]]) -> None:
        """All updates at one place of the dimensions before the indexed one."""
        _, index, updates = self.ins
        d = self.dimension.value.data
        index_sizes = shape_of(index.type)
        varying = max((k for k, n in enumerate(index_sizes) if n != 1), default=-1)

        def deeper(at: list[Index], target: Index | None) -> None:
            k = len(at)
            if target is None and k > max(varying, d):
                place = [i if n != 1 else b.index(0) for i, n in zip(at, index_sizes, strict=False)]
                place += [b.index(0)] * (len(index_sizes) - k)
                target = b.to_index(b.load(index, place))
            if k == len(index_sizes):
                assert target is not None
                self._update(b, at, [*at[:d], target, *at[d + 1 :]])
                return
            low, high = (0, shape_of(updates.type)[d]) if k == d else ranges[k - d - 1]

            def step(i: Index) -> Sequence[Value]:
                deeper([*at, i], target)
                return ()

            b.loop(low, high, (), step, "i" if k == d else f"i{k}")

        deeper(list(outer), None)

    def _update(self, b: LoopBuilder, at: Sequence[Index], target: Sequence[Index]) -> None:
        value, out = b.load(self.ins[2], at), self.outs[0]
        if self.combine is not None:
            ways = _ON_BITS if self.element_type == i1 else COMBINE
            value = ways[self.combine.data](b.compute, b.load(out, target), value)
        b.store(value, out, target)


OPS = (ScatterOp,)
