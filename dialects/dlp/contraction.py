"""Contractions: convolution and matrix product, the ops whose cost is arithmetic.

Both take their weights either plain or packed in *panels*: the columns (output channels) cut into panels of `panel`
columns, the panel the outermost dimension and the column within it the innermost, so that a register tile streams
through memory. The last panel is padded with zeros; the result's shape says how many columns are real.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, StringAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineExpr
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .body import BodyBuilder, Value
from .structured import (
    IterationSpace,
    Shape,
    ShapedValueType,
    StructuredOp,
    broadcast_map,
    dims,
    int_list,
    shape_of,
    shapes_fit,
)


class ContractionOp(StructuredOp, ABC):
    """Sum of products of operand 0 (data) and operand 1 (weights)."""

    COMBINER: ClassVar[str | None] = "add"

    panel = opt_prop_def(IntegerAttr)
    """Width of the panels of packed weights; plain weights if absent."""

    @property
    def panel_width(self) -> int | None:
        return None if self.panel is None else self.panel.value.data

    @property
    def panel_count(self) -> int:
        """How many panels packed weights have."""
        return self.in_shape(1)[0]

    def body(self, b: BodyBuilder, args: Sequence[Value], acc: Value) -> Value:
        return b.fma(args[0], args[1], acc)

    def verify_panels(self, expected: Shape) -> None:
        """Check the result of packed weights, whose number of columns only the result says (-1 in `expected`)."""
        if self.panel_width is None:
            return
        columns, room = self.shape[-1], self.panel_count * self.panel_width
        if not shapes_fit(expected, self.shape) or (room >= 0 and columns > room):
            raise VerifyException(
                f"{self.name}: the operands {self.ins[0].type} and {self.ins[1].type}, packed in panels of "
                f"{self.panel_width}, do not give {self.destination_type}"
            )


@irdl_op_definition
class MatmulOp(ContractionOp):
    """y[b..., m, n] = sum_k a[b..., m, k] * w[b..., k, n]; leading dimensions broadcast.

    Packed: w is [b..., ceil(n / panel), k, panel].
    """

    name = "dlp.matmul"

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 2:
            raise VerifyException(f"dlp.matmul: takes 2 operands, has {len(ins)}")
        a, w = shape_of(ins[0]), shape_of(ins[1])
        if len(a) < 2 or len(w) < 2:
            raise VerifyException(
                f"dlp.matmul: operands must have at least 2 dimensions, are {ins[0]} and {ins[1]}"
            )
        if -1 not in (a[-1], w[-2]) and a[-1] != w[-2]:
            raise VerifyException(
                f"dlp.matmul: operand 0 ({ins[0]}) has {a[-1]} columns, operand 1 ({ins[1]}) has {w[-2]} rows"
            )
        if ins[0].element_type != ins[1].element_type:
            raise VerifyException(
                f"dlp.matmul: elements differ: operand 0 is {ins[0]}, operand 1 is {ins[1]}"
            )
        if "panel" in properties:
            lead = 0 if len(w) < 3 else len(w) - 3
            broadcast = all(
                x == y or y == 1 or -1 in (x, y) for x, y in zip(a[-2 - lead : -2], w[:lead], strict=False)
            )
            width = cast(IntegerAttr, properties["panel"]).value.data
            if len(w) < 3 or w[-1] > width or lead > len(a) - 2 or not broadcast:
                raise VerifyException(
                    f"dlp.matmul: operand 1 ({ins[1]}) is not packed in panels of {properties['panel']}"
                )
            return None, ins[0].element_type
        lead_a, lead_w = a[:-2], w[:-2]
        rank = max(len(lead_a), len(lead_w))
        full_a, full_w = (1,) * (rank - len(lead_a)) + lead_a, (1,) * (rank - len(lead_w)) + lead_w
        for x, y in zip(full_a, full_w, strict=True):
            if x != y and 1 not in (x, y) and -1 not in (x, y):
                raise VerifyException(
                    f"dlp.matmul: leading dimensions of operand 1 ({ins[1]}) do not broadcast with {ins[0]}"
                )
        lead = tuple(y if x == 1 else x for x, y in zip(full_a, full_w, strict=True))
        return (*lead, a[-2], w[-1]), ins[0].element_type

    def iteration_space(self) -> IterationSpace:
        shape, a, w = self.shape, self.in_shape(0), self.in_shape(1)
        rank = len(shape)
        m, n, k = dims(3, rank - 2)
        lead = shape[:-2]
        a_map = (*broadcast_map(a[:-2], lead), m, k)
        if (panel := self.panel_width) is not None:
            w_map = (*broadcast_map(w[:-3], lead), n // panel, k, n % panel)
        else:
            w_map = (*broadcast_map(w[:-2], lead), k, n)
        return IterationSpace(shape, (a[-1],), (a_map, w_map))

    @property
    def panel_count(self) -> int:
        return self.in_shape(1)[-3]

    def verify_(self) -> None:
        super().verify_()
        self.verify_panels((*self.in_shape(0)[:-1], -1))

    def dimension_names(self) -> tuple[str, ...]:
        lead = len(self.shape) - 2
        return (
            *(("b", "h", "g", "f")[:lead] if lead <= 4 else tuple(f"b{i}" for i in range(lead))),
            "m",
            "n",
            "k",
        )


@irdl_op_definition
class ConvOp(ContractionOp):
    """Convolution (cross-correlation) over any number of spatial dimensions, without padding (`dlp.pad` does that).

    `layout` "channels_first": x [n, c, s...], w [oc, c / groups, k...], y [n, oc, o...].
    `layout` "channels_last": x [n, s..., c], w [k..., c / groups, oc], y [n, o..., oc];
    packed: w is [ceil(oc / panel), k..., c / groups, panel].
    """

    name = "dlp.conv"
    layout = prop_def(StringAttr)
    """"channels_first" or "channels_last": where the operands have their channels."""
    strides = prop_def(DenseArrayBase)
    """Step of the window along each spatial dimension."""
    dilations = prop_def(DenseArrayBase)
    """Distance of the window's elements along each spatial dimension."""
    groups = prop_def(IntegerAttr)
    """Into so many groups the channels are cut; each sees its own channels only."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 2:
            raise VerifyException(f"dlp.conv: takes 2 operands, has {len(ins)}")
        strides, dilations = int_list(properties["strides"]), int_list(properties["dilations"])
        groups = cast(IntegerAttr, properties["groups"]).value.data
        layout = cast(StringAttr, properties["layout"]).data
        x, w = shape_of(ins[0]), shape_of(ins[1])
        spatial = len(strides)
        if layout not in ("channels_first", "channels_last"):
            raise VerifyException(f'dlp.conv: layout "{layout}" is not "channels_first" or "channels_last"')
        packed = "panel" in properties
        if packed and layout == "channels_first":
            raise VerifyException('dlp.conv: packed weights need layout "channels_last"')
        if len(x) != spatial + 2 or len(w) != spatial + 2 + packed or len(dilations) != spatial:
            raise VerifyException(
                f"dlp.conv: {spatial} strides do not fit operand 0 ({ins[0]}) and operand 1 ({ins[1]})"
            )
        if layout == "channels_first":
            channels, size, oc, icg, kernel = x[1], x[2:], w[0], w[1], w[2:]
        else:
            channels, size = x[-1], x[1:-1]
            kernel, icg, oc = w[packed : packed + spatial], w[packed + spatial], (None if packed else w[-1])
        if channels != -1 and channels != icg * groups:
            raise VerifyException(
                f"dlp.conv: operand 0 ({ins[0]}) has {channels} channels, "
                f"operand 1 ({ins[1]}) with {groups} groups needs {icg * groups}"
            )
        if ins[0].element_type != ins[1].element_type:
            raise VerifyException(f"dlp.conv: elements differ: operand 0 is {ins[0]}, operand 1 is {ins[1]}")
        out = window_output(size, kernel, strides, dilations)
        if any(o < 1 for o, s in zip(out, size, strict=True) if s != -1):
            raise VerifyException(f"dlp.conv: operand 0 ({ins[0]}) is smaller than the window {kernel}")
        if oc is None:
            return None, ins[0].element_type
        return (x[0], oc, *out) if layout == "channels_first" else (x[0], *out, oc), ins[0].element_type

    def verify_(self) -> None:
        super().verify_()
        x, channels = self.in_shape(0), self.out_channels
        if channels != -1 and channels % self.group_count:
            raise VerifyException(
                f"dlp.conv: operand 1 ({self.ins[1].type}) has {channels} output channels, "
                f"which {self.group_count} groups do not divide"
            )
        if self.panel is None:
            return
        window = window_output(x[1:-1], self.kernel, int_list(self.strides), int_list(self.dilations))
        self.verify_panels((x[0], *window, -1))

    def on_tile(self, ins: Sequence[SSAValue], out: SSAValue) -> Self:
        tile = self.on(ins, out)
        if self.group_count != 1:
            # The tile's groups are those whose input channels it reads.
            channels = tile.in_shape(0)[-1 if self.channels_last else 1]
            tile.properties["groups"] = IntegerAttr(channels // self.group_channels, 64)
        return tile

    def tile_runs(self) -> Mapping[int, int]:
        if self.group_count == 1:
            return {}
        return {len(self.shape) - 1 if self.channels_last else 1: self.out_channels // self.group_count}

    @property
    def channels_last(self) -> bool:
        return self.layout.data == "channels_last"

    @property
    def spatial_rank(self) -> int:
        return len(self.shape) - 2

    @property
    def kernel(self) -> Shape:
        """Spatial extent of the window."""
        w, spatial = self.in_shape(1), self.spatial_rank
        start = 2 if not self.channels_last else 0 if self.panel is None else 1
        return w[start : start + spatial]

    @property
    def group_count(self) -> int:
        return self.groups.value.data

    @property
    def out_channels(self) -> int:
        return self.shape[-1] if self.channels_last else self.shape[1]

    @property
    def group_channels(self) -> int:
        """Input channels of one group."""
        w = self.in_shape(1)
        return w[1] if not self.channels_last else w[self.spatial_rank + (self.panel is not None)]

    def iteration_space(self) -> IterationSpace:
        shape, spatial = self.shape, self.spatial_rank
        strides, dilations = int_list(self.strides), int_list(self.dilations)
        rank = spatial + 2
        d = dims(2 * rank)
        n, c = d[0], d[rank - 1] if self.channels_last else d[1]
        place = d[1 : 1 + spatial] if self.channels_last else d[2:rank]
        window = d[rank : rank + spatial]
        icg, groups = self.group_channels, self.group_count
        # A single channel a group needs no loop over channels: a depthwise convolution reduces over its window alone.
        reduction = self.kernel if icg == 1 else (*self.kernel, icg)
        r: AffineExpr = AffineExpr.constant(0) if icg == 1 else d[rank + spatial]
        if groups == 1:
            channel = r
        else:
            width = self.out_channels // groups
            group = c if width == 1 else c // width
            channel = group if icg == 1 else group * icg + r
        at = tuple(
            window_index(p, k, s, e) for p, k, s, e in zip(place, window, strides, dilations, strict=True)
        )
        if not self.channels_last:
            maps = ((n, channel, *at), (c, r, *window))
        elif (panel := self.panel_width) is None:
            maps = ((n, *at, channel), (*window, r, c))
        else:
            maps = ((n, *at, channel), (c // panel, *window, r, c % panel))
        return IterationSpace(shape, reduction, maps)

    def dimension_names(self) -> tuple[str, ...]:
        names = SPATIAL_NAMES[self.spatial_rank]
        parallel = ("n", *names, "c") if self.channels_last else ("n", "c", *names)
        return parallel + tuple(f"k{s}" for s in names) + (() if self.group_channels == 1 else ("k",))


SPATIAL_NAMES = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}


def window_index(place: AffineExpr, offset: AffineExpr, stride: int, dilation: int) -> AffineExpr:
    """Input coordinate of a window's element."""
    return (place * stride if stride != 1 else place) + (offset * dilation if dilation != 1 else offset)


def window_output(
    size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Shape:
    """Spatial extent of the result of sliding a window without padding; -1 stays -1."""
    return tuple(
        -1 if s == -1 else (s - (k - 1) * e - 1) // t + 1
        for s, k, t, e in zip(size, kernel, strides, dilations, strict=True)
    )


OPS = (MatmulOp, ConvOp)
