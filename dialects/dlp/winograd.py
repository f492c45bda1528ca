"""Winograd's transforms: a convolution becomes one matrix product for each place of a transformed tile.

The ops transform as many dimensions as the convolution has spatial ones, one after the other. They are structured:
which part of the image a tile needs follows from index maps, as for every op. Because their coefficients depend on
places in the iteration space, they bring a better form than a sum over all products: `transform`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, i1, i64
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from . import toom_cook
from .body import BodyBuilder, Value
from .contraction import SPATIAL_NAMES
from .dim import Dim
from .structured import (
    IterationSpace,
    Shape,
    ShapedValueType,
    TransformOp,
    dims,
    int_of,
    shape_of,
    shapes_fit,
)

Place = tuple[int, ...]


class WinogradOp(TransformOp, ABC):
    """A linear map along each of several dimensions, with the coefficients of F(tile, window)."""

    COMBINER: ClassVar[str | None] = "add"

    tile = prop_def(IntegerAttr)
    """Outputs of a tile along each dimension."""
    window = prop_def(IntegerAttr)
    """Taps of the filter along each dimension."""

    @property
    def matrices(self) -> toom_cook.Matrices:
        return toom_cook.matrices(int_of(self.tile), int_of(self.window))

    @property
    @abstractmethod
    def matrix(self) -> toom_cook.Matrix:
        """What is applied along each transformed dimension."""

    @property
    @abstractmethod
    def transformed(self) -> tuple[int, ...]:
        """The dimension of the result along which the rows of each matrix lie; those of the reduction are in order."""

    def transform(self, b: BodyBuilder, read: Callable[[Place], Value]) -> Mapping[Place, Value]:
        sizes, matrix = self.iteration_space().reduction, self.matrix
        rows = len(matrix)
        # The last dimension first: its lines are read one after the other, and are done with.
        values: dict[Place, Value] = {}
        for lead in product(*(range(n) for n in sizes[:-1])):
            line = [read((*lead, k)) for k in range(sizes[-1])]
            for r, value in enumerate(toom_cook.apply(b, matrix, line, self.element_type)):
                values[*lead, r] = value
        for d in reversed(range(len(sizes) - 1)):
            done: dict[Place, Value] = {}
            for lead in product(*(range(n) for n in sizes[:d])):
                for tail in product(*(range(rows) for _ in sizes[d + 1 :])):
                    line = [values[*lead, k, *tail] for k in range(sizes[d])]
                    for r, value in enumerate(toom_cook.apply(b, matrix, line, self.element_type)):
                        done[*lead, r, *tail] = value
            values = done
        return values

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        """The definition: products with the coefficients, which depend on the place; those with zero do not count."""
        rank, matrix = len(self.iteration_space().parallel), self.matrix
        rows, columns = b.constant(len(matrix), i64), b.constant(len(matrix[0]), i64)
        factor, counts = b.constant(1.0, self.element_type), b.constant(True, i1)
        for k, d in enumerate(self.transformed):
            place = b.add(b.mul(b.rem(b.index(d), rows), columns), b.index(rank + k))
            coefficient = b.constant(0.0, self.element_type)
            for r, line in enumerate(matrix):
                for c, value in enumerate(line):
                    here = b.compare("eq", place, b.constant(r * len(line) + c, i64))
                    coefficient = b.select(here, b.constant(float(value), self.element_type), coefficient)
            factor = b.mul(factor, coefficient)
            counts = b.and_(counts, b.compare("ne", coefficient, b.constant(0.0, self.element_type)))
        return b.select(counts, b.fma(factor, args[0], acc), acc)

    def tile_runs(self) -> Mapping[int, int]:
        return dict.fromkeys(self.transformed, len(self.matrix))

    def verify_(self) -> None:
        try:
            _ = self.matrices
        except ValueError as error:
            raise VerifyException(f"{self.name}: {error}") from None
        super().verify_()


@irdl_op_definition
class WinogradInputTransformOp(WinogradOp):
    """The tiles of an image, transformed: x [n, s..., c] gives [f..., n, t..., c].

    Each of the t tiles a dimension reads f = tile + window - 1 pixels, `tile` pixels behind the one before it. Pixels
    that are left over behind the last one are not read.
    """

    name = "dlp.winograd_input_transform"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        x = _operand(cls.name, ins)
        spatial, tile, factors = len(x) - 2, int_of(properties["tile"]), _factors(properties)
        if spatial < 1 or any(not isinstance(s, Dim) and s < factors for s in x[1:-1]):
            raise VerifyException(
                f"{cls.name}: operand 0 ({ins[0]}) is not [n, s..., c] with a tile of {factors}"
            )
        tiles = tuple((s - factors) // tile + 1 for s in x[1:-1])
        return (*(factors,) * spatial, x[0], *tiles, x[-1]), ins[0].element_type

    @property
    def matrix(self) -> toom_cook.Matrix:
        return self.matrices.data

    @property
    def transformed(self) -> tuple[int, ...]:
        return tuple(range(len(self.in_shape(0)) - 2))

    def iteration_space(self) -> IterationSpace:
        shape, tile = self.shape, int_of(self.tile)
        spatial = len(self.in_shape(0)) - 2
        d = dims(len(shape) + spatial)
        tiles, places = d[spatial + 1 : 2 * spatial + 1], d[len(shape) :]
        at = (t * tile + a for t, a in zip(tiles, places, strict=True))
        return IterationSpace(shape, shape[:spatial], ((d[spatial], *at, d[len(shape) - 1]),))

    def dimension_names(self) -> tuple[str, ...]:
        names = SPATIAL_NAMES[len(self.in_shape(0)) - 2]
        return (*(f"f{s}" for s in names), "n", *names, "c", *(f"k{s}" for s in names))


@irdl_op_definition
class WinogradFilterTransformOp(WinogradOp):
    """Transformed weights: w [window..., c, oc] gives [f..., c, oc]."""

    name = "dlp.winograd_filter_transform"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        w = _operand(cls.name, ins)
        spatial, window = len(w) - 2, int_of(properties["window"])
        if spatial < 1 or any(n != window for n in w[:-2]):
            raise VerifyException(f"{cls.name}: operand 0 ({ins[0]}) is not a filter of {window} taps")
        return (*(_factors(properties),) * spatial, *w[-2:]), ins[0].element_type

    @property
    def matrix(self) -> toom_cook.Matrix:
        return self.matrices.filter

    @property
    def transformed(self) -> tuple[int, ...]:
        return tuple(range(len(self.shape) - 2))

    def iteration_space(self) -> IterationSpace:
        shape, rank = self.shape, len(self.shape)
        d = dims(2 * rank - 2)
        return IterationSpace(shape, self.in_shape(0)[:-2], ((*d[rank:], *d[rank - 2 : rank]),))

    def dimension_names(self) -> tuple[str, ...]:
        names = SPATIAL_NAMES[len(self.shape) - 2]
        return (*(f"f{s}" for s in names), "k", "c", *(f"k{s}" for s in names))


@irdl_op_definition
class WinogradOutputTransformOp(WinogradOp):
    """An image from the products of its tiles: m [f..., n, t..., c] gives [n, s..., c].

    The result's type says how much of the last tiles is part of the image.
    """

    name = "dlp.winograd_output_transform"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        m = _operand(cls.name, ins)
        spatial, factors = (len(m) - 2) // 2, _factors(properties)
        if spatial < 1 or len(m) % 2 or any(n != factors for n in m[:spatial]):
            raise VerifyException(f"{cls.name}: operand 0 ({ins[0]}) is not [{factors}..., n, t..., c]")
        return None, ins[0].element_type

    def verify_(self) -> None:
        super().verify_()
        m, tile = self.in_shape(0), int_of(self.tile)
        spatial = (len(m) - 2) // 2
        whole = (m[spatial], *(n * tile for n in m[spatial + 1 : -1]), m[-1])
        given = tuple((n + tile - 1) // tile * tile for n in self.shape[1:-1])
        if len(self.shape) != spatial + 2 or not shapes_fit((self.shape[0], *given, self.shape[-1]), whole):
            raise VerifyException(
                f"{self.name}: the tiles of operand 0 ({self.ins[0].type}) do not give {self.destination_type}"
            )

    @property
    def matrix(self) -> toom_cook.Matrix:
        return self.matrices.output

    @property
    def transformed(self) -> tuple[int, ...]:
        return tuple(range(1, len(self.shape) - 1))

    def iteration_space(self) -> IterationSpace:
        shape, rank, tile = self.shape, len(self.shape), int_of(self.tile)
        d = dims(2 * rank - 2)
        tiles = (s // tile for s in d[1 : rank - 1])
        index = (*d[rank:], d[0], *tiles, d[rank - 1])
        return IterationSpace(shape, self.in_shape(0)[: rank - 2], (index,))

    def dimension_names(self) -> tuple[str, ...]:
        names = SPATIAL_NAMES[len(self.shape) - 2]
        return ("n", *names, "c", *(f"k{s}" for s in names))


def _operand(name: str, ins: Sequence[ShapedValueType]) -> Shape:
    if len(ins) != 1:
        raise VerifyException(f"{name}: takes 1 operand, has {len(ins)}")
    return shape_of(ins[0])


def _factors(properties: Mapping[str, Attribute]) -> int:
    return int_of(properties["tile"]) + int_of(properties["window"]) - 1


OPS = (WinogradInputTransformOp, WinogradFilterTransformOp, WinogradOutputTransformOp)
