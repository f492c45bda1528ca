"""Running totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import IntegerAttr, StringAttr, f32, f64, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .algorithm import AlgorithmOp, Index, LoopBuilder
from .body import BodyBuilder, Value
from .structured import Shape, ShapedValueType, int_of, shape_of


def _log_add_exp(b: BodyBuilder, old: Value, new: Value) -> Value:
    """log(exp(old) + exp(new)): the larger one, and the logarithm of what the smaller one adds."""
    high, low = b.maximum(old, new), b.minimum(old, new)
    more = b.function("log1p", b.exp(b.sub(low, high)))
    # Equal infinities have no difference.
    return b.select(b.compare("eq", b.abs(high), b.constant(float("inf"), f64)), high, b.add(high, more))


KINDS: Mapping[str, Callable[[BodyBuilder, Value, Value], Value]] = {
    "add": lambda b, old, new: b.add(old, new),
    "mul": lambda b, old, new: b.mul(old, new),
    "maximum": lambda b, old, new: b.maximum(old, new),
    "minimum": lambda b, old, new: b.minimum(old, new),
    "logaddexp": _log_add_exp,
}
"""What is done to the total so far and the next element."""


@irdl_op_definition
class CumulateOp(AlgorithmOp):
    """result[..., i, ...] = x[..., 0, ...] o ... o x[..., i, ...] along `dimension`, o being `kind`.

    The kinds are "add", "mul", "maximum", "minimum" and "logaddexp" (of floats). Totals of f32 are kept in f64, as the
    framework keeps them.
    """

    name = "dlp.cumulate"
    dimension = prop_def(IntegerAttr)
    """The dimension that is run along."""
    kind = prop_def(StringAttr)
    """"add", "mul", "maximum", "minimum" or "logaddexp"."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 1:
            raise VerifyException(f"dlp.cumulate: takes 1 operand, has {len(ins)}")
        d, kind = int_of(properties["dimension"]), cast(StringAttr, properties["kind"]).data
        if not 0 <= d < len(shape_of(ins[0])):
            raise VerifyException(f"dlp.cumulate: {d} is no dimension of operand 0 ({ins[0]})")
        if kind not in KINDS:
            raise VerifyException(f'dlp.cumulate: kind is "{kind}", not one of {", ".join(KINDS)}')
        element = ins[0].element_type
        if element == i1 or (kind == "logaddexp" and element not in (f32, f64)):
            raise VerifyException(
                f'dlp.cumulate: kind "{kind}" is not for the elements of operand 0 ({ins[0]})'
            )
        return shape_of(ins[0]), element

    def loops(self, b: LoopBuilder) -> None:
        x, out, d = self.ins[0], self.outs[0], self.dimension.value.data
        element = self.element_type
        wide = f64 if element == f32 else element
        combine = KINDS[self.kind.data]

        def row(others: Sequence[Index]) -> None:
            def at(i: Index) -> list[Index]:
                return [*others[:d], i, *others[d:]]

            def put(i: Index, total: Value) -> Sequence[Value]:
                b.store(b.compute.cast(total, element), out, at(i))
                return (total,)

            def step(i: Index, total: Value) -> Sequence[Value]:
                return put(i, combine(b.compute, total, b.compute.cast(b.load(x, at(i)), wide)))

            first = b.compute.cast(b.load(x, at(b.index(0))), wide)
            b.loop(1, self.shape[d], put(b.index(0), first), step)

        b.nest([n for k, n in enumerate(self.shape) if k != d], row)


OPS = (CumulateOp,)
