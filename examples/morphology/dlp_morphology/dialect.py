"""Greyscale dilation: a window, a reduction, and nothing that any pass of dlp has heard of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase
from xdsl.ir import Attribute, Dialect
from xdsl.ir.affine import AffineExpr
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from dlp.dialects.dlp.body import BodyBuilder, Value
from dlp.dialects.dlp.structured import (
    IterationSpace,
    Shape,
    ShapedValueType,
    StructuredOp,
    dims,
    int_list,
    shape_of,
)


@irdl_op_definition
class DilateOp(StructuredOp):
    """y[n, h, w, c] = max over i, j of x[n, h * s + i, w * t + j, c] + b[i, j] (Serra, 1982).

    x is [n, h, w, c]; b, the structuring function, is [i, j]; `strides` are s and t.
    """

    name = "morphology.dilate"
    strides = prop_def(DenseArrayBase)

    COMBINER: ClassVar[str | None] = "maximum"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 2 or len(shape_of(ins[0])) != 4 or len(shape_of(ins[1])) != 2:
            raise VerifyException(
                "morphology.dilate: takes an image [n, h, w, c] and a structuring function [i, j]"
            )
        (n, h, w, c), (i, j) = shape_of(ins[0]), shape_of(ins[1])
        s, t = int_list(properties["strides"])
        out = tuple(
            -1 if size < 0 else (size - window) // step + 1 for size, window, step in ((h, i, s), (w, j, t))
        )
        return (n, *out, c), ins[0].element_type

    def iteration_space(self) -> IterationSpace:
        n, h, w, c, i, j = dims(6)
        s, t = int_list(self.strides)
        image: tuple[AffineExpr, ...] = (n, h * s + i, w * t + j, c)
        return IterationSpace(self.shape, self.in_shape(1), (image, (i, j)))

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.maximum(acc, b.add(args[0], args[1]))

    def dimension_names(self) -> tuple[str, ...]:
        return ("n", "h", "w", "c", "kh", "kw")


Morphology = Dialect("morphology", [DilateOp])
