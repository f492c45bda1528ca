"""Transposed convolution: every pixel adds a multiple of the window to the result.

It is defined by ordinary convolutions, one for each set of *phases* (Shi et al., arXiv:1609.05158, 1609.07009): the
results at places `stride * q + phase` see the taps of the window that fall on that phase, and no others. Nothing is
multiplied by zeros that stand between pixels, and no infinity meets a zero that eager does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import cast

from xdsl.dialects.builtin import AnyFloat, DenseArrayBase, FloatAttr, IntegerAttr, f64, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.utils.exceptions import VerifyException

from .contraction import ConvOp
from .elementwise import ConstantOp
from .structured import DecomposableOp, GraphBuilder, Shape, ShapedValueType, int_list, int_of, shape_of
from .view import ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp


@irdl_op_definition
class ConvTransposeOp(DecomposableOp):
    """y[n, o, stride * p + dilation * k - padding] += x[n, c, p] * w[c, o, k] over all p, c and k, in each group.

    x [n, c, s...], w [c, oc / groups, k...], y [n, oc, (s - 1) * stride - 2 * padding + dilation * (k - 1) + 1 + more].
    """

    name = "dlp.conv_transpose"
    strides = prop_def(DenseArrayBase)
    """Distance in the result of what two neighbouring pixels add to, along each spatial dimension."""
    padding = prop_def(DenseArrayBase)
    """So many elements of the result are cut off at both ends of each spatial dimension."""
    output_padding = prop_def(DenseArrayBase)
    """So many fewer of them at the far end."""
    dilations = prop_def(DenseArrayBase)
    """Distance of the window's elements along each spatial dimension."""
    groups = prop_def(IntegerAttr)
    """Into so many groups the channels are cut; each sees its own channels only."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 2:
            raise VerifyException(f"dlp.conv_transpose: takes 2 operands, has {len(ins)}")
        x, w = shape_of(ins[0]), shape_of(ins[1])
        lists = [int_list(properties[n]) for n in ("strides", "padding", "output_padding", "dilations")]
        spatial, groups = len(lists[0]), int_of(properties["groups"])
        if len(x) != spatial + 2 or len(w) != spatial + 2 or any(len(v) != spatial for v in lists):
            raise VerifyException(
                f"dlp.conv_transpose: {spatial} strides do not fit operand 0 ({ins[0]}) and operand 1 ({ins[1]})"
            )
        if -1 not in (x[1], w[0]) and (x[1] != w[0] or x[1] % groups):
            raise VerifyException(
                f"dlp.conv_transpose: operand 0 ({ins[0]}) must have the channels of operand 1 ({ins[1]}), "
                f"a multiple of {groups} groups"
            )
        if ins[0].element_type != ins[1].element_type:
            raise VerifyException(
                f"dlp.conv_transpose: elements differ: operand 0 is {ins[0]}, operand 1 is {ins[1]}"
            )
        out = tuple(
            -1 if n == -1 else (n - 1) * s - 2 * p + e * (k - 1) + 1 + more
            for n, k, s, p, more, e in zip(x[2:], w[2:], *lists, strict=True)
        )
        if any(o < 1 for o, n in zip(out, x[2:], strict=True) if n != -1):
            raise VerifyException(
                f"dlp.conv_transpose: nothing of operand 0 ({ins[0]}) is left by the padding"
            )
        return (x[0], w[1] * groups, *out), ins[0].element_type

    @property
    def group_count(self) -> int:
        return self.groups.value.data

    def axes(self) -> list[_Axis]:
        """What happens along each spatial dimension."""
        found: list[_Axis] = []
        sizes = zip(self.in_shape(0)[2:], self.shape[2:], self.in_shape(1)[2:], strict=True)
        ways = zip(*map(int_list, (self.strides, self.padding, self.dilations)), strict=True)
        for (n, out, k), (stride, padding, dilation) in zip(sizes, ways, strict=True):
            if n == 1 and dilation == 1:
                stride = max(stride, k, out + padding)  # where the next pixel would add to does not matter
            found.append(_Axis(n, out, k, stride, padding, dilation))
        return found

    def decompose(self, b: GraphBuilder) -> SSAValue:
        axes, groups = self.axes(), self.group_count
        batch, channels = self.in_shape(0)[:2]
        columns = self.in_shape(1)[1]
        rank = len(axes)
        low = [max(0, *(part.low(axis) for part in axis.parts())) for axis in axes]
        high = [max(0, *(part.high(axis) for part in axis.parts())) for axis in axes]
        x = _framed(b, self.ins[0], (0, 0, *low), (0, 0, *high))

        def phases(parts: tuple[_Part, ...]) -> SSAValue:
            """[n, groups, phases..., oc / groups, q...]: the results on the phases of these parts."""
            sizes = [axis.quotients for axis in axes]
            shape = (batch, groups, *(p.phases for p in parts), columns, *sizes)
            if any(p.taps == 0 for p in parts):
                value = _zero(self.destination_type)
                return b(ConstantOp, shape=shape, element_type=self.element_type, value=value)
            starts = [m - p.low(axis) for m, p, axis in zip(low, parts, axes, strict=True)]
            lengths = [n + (p.taps - 1) * p.step for n, p in zip(sizes, parts, strict=True)]
            y = b(
                ConvOp,
                _part_of(b, x, (0, 0, *starts), (batch, channels, *lengths)),
                self._taps(b, axes, parts),
                layout="channels_first",
                strides=[1] * rank,
                dilations=[p.step for p in parts],
                groups=groups,
            )
            return _reshaped(b, y, shape)

        y = _combined(b, [axis.parts() for axis in axes], phases)
        order = [0, 1, 2 + rank]
        for i in range(rank):
            order += [3 + rank + i, 2 + i]
        y = b(TransposeOp, y, permutation=order)
        y = _reshaped(b, y, (batch, groups * columns, *(axis.quotients * axis.stride for axis in axes)))
        starts = [axis.padding - axis.first * axis.stride for axis in axes]
        return _part_of(b, y, (0, 0, *starts), self.shape)

    def _taps(self, b: GraphBuilder, axes: Sequence[_Axis], parts: Sequence[_Part]) -> SSAValue:
        """The window's elements on some phases, as weights of a convolution: [groups * phases * oc/g, c/g, taps...]."""
        rank, groups = len(axes), self.group_count
        channels, columns = self.in_shape(1)[:2]
        w = self.ins[1]
        shape: list[int] = [groups, channels // groups, columns]
        for d, (axis, part) in enumerate(zip(axes, parts, strict=True), 2):
            every = part.distance if part.taps > 1 else part.phases
            wanted = part.taps * every
            there = min(wanted, axis.kernel - part.tap)
            at = [part.tap if i == d else 0 for i in range(rank + 2)]
            sizes = list(shape_of(w.type))
            sizes[d] = there
            w = _part_of(b, w, at, sizes)
            # The missing elements are of phases that are not asked for, and go with them below.
            w = _framed(b, w, [0] * (rank + 2), [wanted - there if i == d else 0 for i in range(rank + 2)])
            shape += [part.taps, every]
        w = _reshaped(b, w, shape)
        sizes = [*shape]
        offsets, steps = [0] * len(shape), [1] * len(shape)
        for i, part in enumerate(parts):
            sizes[4 + 2 * i] = part.phases
            if part.taps > 1:  # mirrored
                offsets[3 + 2 * i], steps[3 + 2 * i] = part.taps - 1, -1
        if sizes != shape or any(offsets):
            w = b(SliceOp, w, offsets=offsets, steps=steps, shape=sizes)
        order = [0, *(4 + 2 * i for i in range(rank)), 2, 1, *(3 + 2 * i for i in range(rank))]
        w = b(TransposeOp, w, permutation=order)
        rows = groups * columns * prod(part.phases for part in parts)
        return _reshaped(b, w, (rows, channels // groups, *(part.taps for part in parts)))


@dataclass(frozen=True)
class _Part:
    """Neighbouring phases, the taps on which lie alike.

    Phase `phase + i` sees the elements `tap + i + t * distance` of the window, t = 0 .. taps - 1, each multiplied by
    the pixel at `q - first - t * step`.
    """

    phase: int
    phases: int
    tap: int
    taps: int
    distance: int
    first: int
    step: int

    def low(self, axis: _Axis) -> int:
        """How far before the first pixel the convolution begins; negative behind it."""
        return (self.taps - 1) * self.step + self.first - axis.first if self.taps else 0

    def high(self, axis: _Axis) -> int:
        """How far behind the last pixel it ends."""
        return axis.behind - self.first if self.taps else 0


@dataclass(frozen=True)
class _Axis:
    """One spatial dimension."""

    size: int
    out: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def first(self) -> int:
        """Results before `stride * first` are all cut off."""
        return self.padding // self.stride

    @property
    def behind(self) -> int:
        """How many groups of `stride` results begin behind the last pixel; a number even where the size is none."""
        return -(-(self.out + self.padding - self.size * self.stride) // self.stride)

    @property
    def quotients(self) -> int:
        """How many groups of `stride` results there are."""
        return self.size + self.behind - self.first

    def parts(self) -> list[_Part]:
        """All phases, in order."""
        common = gcd(self.stride, self.dilation)
        distance, step = self.stride // common, self.dilation // common
        found: list[_Part] = []
        for phase in range(self.stride):
            on_phase = [
                k for k in range(min(self.kernel, distance)) if self.dilation * k % self.stride == phase
            ]
            tap = on_phase[0] if on_phase else 0
            taps = len(range(tap, self.kernel, distance)) if on_phase else 0
            first = (self.dilation * tap - phase) // self.stride if on_phase else 0
            last = found[-1] if found else None
            if (
                last is not None
                and (last.taps, last.first) == (taps, first)
                and (not taps or last.tap + last.phases == tap)
            ):
                found[-1] = _Part(last.phase, last.phases + 1, last.tap, taps, distance, first, step)
            else:
                found.append(_Part(phase, 1, tap, taps, distance, first, step))
        return found


def _combined(
    b: GraphBuilder,
    choices: Sequence[Sequence[_Part]],
    make: Callable[[tuple[_Part, ...]], SSAValue],
    chosen: tuple[_Part, ...] = (),
) -> SSAValue:
    """The phases of all dimensions, each dimension's from those of its parts."""
    d = len(chosen)
    if d == len(choices):
        return make(chosen)
    values = [_combined(b, choices, make, (*chosen, part)) for part in choices[d]]
    return values[0] if len(values) == 1 else b(ConcatOp, *values, dimension=2 + d)


def _reshaped(b: GraphBuilder, x: SSAValue, shape: Sequence[int]) -> SSAValue:
    return x if shape_of(x.type) == tuple(shape) else b(ReshapeOp, x, shape=tuple(shape))


def _part_of(b: GraphBuilder, x: SSAValue, offsets: Sequence[int], shape: Sequence[int]) -> SSAValue:
    if shape_of(x.type) == tuple(shape):
        return x
    return b(SliceOp, x, offsets=offsets, steps=[1] * len(shape), shape=tuple(shape))


def _framed(b: GraphBuilder, x: SSAValue, low: Sequence[int], high: Sequence[int]) -> SSAValue:
    return b(PadOp, x, low=low, high=high, value=_zero(x.type)) if any((*low, *high)) else x


def _zero(shaped: Attribute) -> Attribute:
    floating = isinstance(cast(ShapedValueType, shaped).element_type, AnyFloat)
    return FloatAttr(0.0, f64) if floating else IntegerAttr(0, i64)


OPS = (ConvTransposeOp,)
