"""Kernels on buffers for the tests of tiling and vectorisation: sizes straddle the vector length."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr, f32, i64
from xdsl.ir import Attribute, SSAValue

from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import (
    AddOp,
    ClampOp,
    DivOp,
    ExpOp,
    GeluOp,
    MulOp,
    ReluOp,
    RsqrtOp,
    SigmoidOp,
    SubOp,
)
from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.reduction import MaxOp, MaxPoolOp, SumOp, SumPoolOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.dialects.dlp.view import BroadcastOp, PadOp, ReshapeOp, SliceOp, TransposeOp


@dataclass
class Kernel:
    """A destination-passing function built op by op."""

    arguments: list[tuple[tuple[int, ...], Attribute]]
    function: func.FuncOp = field(init=False)

    def __post_init__(self) -> None:
        types = [MemRefType(element, shape) for shape, element in self.arguments]
        self.function = func.FuncOp("kernel", (types, []), visibility=StringAttr("private"))

    @property
    def args(self) -> tuple[SSAValue, ...]:
        return tuple(self.function.body.block.args)

    def local(self, shape: tuple[int, ...], element: Attribute = f32) -> SSAValue:
        op = memref.AllocOp.get(element, 64, list(shape))
        self.function.body.block.add_op(op)
        return op.memref

    def op(
        self,
        op_class: type[DestinationOp],
        *ins: SSAValue,
        out: SSAValue | tuple[int, ...],
        **properties: object,
    ) -> SSAValue:
        buffer = self.local(out) if isinstance(out, tuple) else out
        self.function.body.block.add_op(op_class.of(*ins, out=buffer, **properties))
        return buffer

    def module(self) -> ModuleOp:
        self.function.body.block.add_op(func.ReturnOp())
        module = ModuleOp([self.function])
        module.verify()
        return module


def conv_bias_relu(h: int, w: int, c: int, oc: int, k: int, stride: int, panel: int | None) -> ModuleOp:
    """Channels-last convolution with its epilogue; odd channel counts leave a rest in the last panel."""
    oh, ow = (h - k) // stride + 1, (w - k) // stride + 1
    weights = (k, k, c, oc) if panel is None else (-(-oc // panel), k, k, c, panel)
    y = (1, oh, ow, oc)
    kernel = Kernel([((1, h, w, c), f32), (weights, f32), ((oc,), f32), (y, f32)])
    x, wt, b, out = kernel.args
    t = kernel.op(
        ConvOp,
        x,
        wt,
        out=y,
        layout="channels_last",
        strides=[stride] * 2,
        dilations=[1, 1],
        groups=1,
        panel=panel,
    )
    t = kernel.op(AddOp, t, b, out=y)
    kernel.op(ReluOp, t, out=out)
    return kernel.module()


def grouped_conv(c: int, groups: int, oc: int) -> ModuleOp:
    y = (2, 7, 6, oc)
    kernel = Kernel([((2, 9, 8, c), f32), ((3, 3, c // groups, oc), f32), (y, f32)])
    x, w, out = kernel.args
    kernel.op(ConvOp, x, w, out=out, layout="channels_last", strides=[1, 1], dilations=[1, 1], groups=groups)
    return kernel.module()


def matmul_gelu(m: int, n: int, k: int, panel: int | None) -> ModuleOp:
    weights = (k, n) if panel is None else (-(-n // panel), k, panel)
    kernel = Kernel([((m, k), f32), (weights, f32), ((n,), f32), ((m, n), f32)])
    a, w, b, out = kernel.args
    t = kernel.op(MatmulOp, a, w, out=(m, n), panel=panel)
    t = kernel.op(AddOp, t, b, out=(m, n))
    kernel.op(GeluOp, t, out=out, approximate="none")
    return kernel.module()


def softmax(rows: int, columns: int) -> ModuleOp:
    full, one = (3, rows, columns), (3, rows, 1)
    kernel = Kernel([(full, f32), (full, f32)])
    x, out = kernel.args
    m = kernel.op(MaxOp, x, out=one, dims=[2])
    e = kernel.op(ExpOp, kernel.op(SubOp, x, m, out=full), out=full)
    kernel.op(DivOp, e, kernel.op(SumOp, e, out=one, dims=[2]), out=out)
    return kernel.module()


def residual_layer_norm(rows: int, columns: int) -> ModuleOp:
    """Two results: the sum and its normalisation."""
    full, one = (rows, columns), (rows, 1)
    kernel = Kernel([(full, f32), (full, f32), ((columns,), f32), (full, f32), (full, f32)])
    x, r, weight, total, out = kernel.args
    t = kernel.op(AddOp, x, r, out=total)
    centred = kernel.op(SubOp, t, kernel.op(SumOp, t, out=one, dims=[1]), out=full)
    variance = kernel.op(SumOp, kernel.op(MulOp, centred, centred, out=full), out=one, dims=[1])
    normal = kernel.op(MulOp, centred, kernel.op(RsqrtOp, variance, out=one), out=full)
    kernel.op(MulOp, normal, weight, out=out)
    return kernel.module()


def inverted_residual(size: int, narrow: int, wide: int, stride: int) -> ModuleOp:
    """1x1 expansion, padding, depthwise 3x3, 1x1 projection: a depth-first stack."""
    mid = (1, size, size, wide)
    padded = (1, size + 2, size + 2, wide)
    small = (size - 1) // stride + 1
    down, y = (1, small, small, wide), (1, small, small, narrow)
    kernel = Kernel(
        [
            ((1, size, size, narrow), f32),
            ((1, 1, narrow, wide), f32),
            ((3, 3, 1, wide), f32),
            ((1, 1, wide, narrow), f32),
            (y, f32),
        ]
    )
    x, expand, depthwise, project, out = kernel.args
    last = {"layout": "channels_last", "dilations": [1, 1]}
    t = kernel.op(ConvOp, x, expand, out=mid, strides=[1, 1], groups=1, **last)
    t = kernel.op(ClampOp, t, out=mid, low=0.0, high=6.0)
    t = kernel.op(PadOp, t, out=padded, low=[0, 1, 1, 0], high=[0, 1, 1, 0], value=_zero())
    t = kernel.op(ConvOp, t, depthwise, out=down, strides=[stride] * 2, groups=wide, **last)
    t = kernel.op(ClampOp, t, out=down, low=0.0, high=6.0)
    kernel.op(ConvOp, t, project, out=out, strides=[1, 1], groups=1, **last)
    return kernel.module()


def conv_pool(size: int, channels: int) -> ModuleOp:
    """Convolution, ReLU, padding with -inf, overlapping max pool."""
    mid = (1, size - 2, size - 2, channels)
    padded = (1, size, size, channels)
    small = (size - 3) // 2 + 1
    kernel = Kernel(
        [((1, size, size, 3), f32), ((3, 3, 3, channels), f32), ((1, small, small, channels), f32)]
    )
    x, w, out = kernel.args
    t = kernel.op(ConvOp, x, w, out=mid, layout="channels_last", strides=[1, 1], dilations=[1, 1], groups=1)
    t = kernel.op(ReluOp, t, out=mid)
    t = kernel.op(PadOp, t, out=padded, low=[0, 1, 1, 0], high=[0, 1, 1, 0], value=_zero(float("-inf")))
    kernel.op(MaxPoolOp, t, out=out, layout="channels_last", kernel=[3, 3], strides=[2, 2], dilations=[1, 1])
    return kernel.module()


def attention(rows: int, columns: int, depth: int) -> ModuleOp:
    heads = 3
    q, k, scores, one = (
        (heads, rows, depth),
        (heads, depth, columns),
        (heads, rows, columns),
        (heads, rows, 1),
    )
    kernel = Kernel([(q, f32), (k, f32), ((heads, columns, depth), f32), (q, f32)])
    query, key, value, out = kernel.args
    s = kernel.op(MatmulOp, query, key, out=scores)
    e = kernel.op(ExpOp, kernel.op(SubOp, s, kernel.op(MaxOp, s, out=one, dims=[2]), out=scores), out=scores)
    p = kernel.op(DivOp, e, kernel.op(SumOp, e, out=one, dims=[2]), out=scores)
    kernel.op(MatmulOp, p, value, out=out)
    return kernel.module()


def spatial_mean(channels: int) -> ModuleOp:
    kernel = Kernel([((2, 7, 7, channels), f32), ((2, 1, 1, channels), f32)])
    x, out = kernel.args
    kernel.op(SigmoidOp, kernel.op(SumOp, x, out=(2, 1, 1, channels), dims=[1, 2]), out=out)
    return kernel.module()


def average_pool(channels: int) -> ModuleOp:
    kernel = Kernel([((1, 9, 9, channels), f32), ((1, 4, 4, channels), f32)])
    x, out = kernel.args
    kernel.op(SumPoolOp, x, out=out, layout="channels_last", kernel=[2, 2], strides=[2, 2], dilations=[1, 1])
    return kernel.module()


def views() -> ModuleOp:
    """Transpose, strided slice backwards, broadcast and reshape in front of an addition."""
    kernel = Kernel(
        [((6, 4, 9), f32), ((9, 1), f32), ((12, 8), f32), ((4, 9, 6), f32), ((9, 8), f32), ((4, 9, 8), f32)]
    )
    x, column, rows, out, _, wide = kernel.args
    kernel.op(TransposeOp, x, out=out, permutation=[1, 2, 0])
    backwards = kernel.op(SliceOp, rows, out=(9, 8), offsets=[10, 0], steps=[-1, 1])
    total = kernel.op(AddOp, backwards, column, out=(9, 8))
    shaped = kernel.op(ReshapeOp, total, out=(1, 9, 8))
    kernel.op(BroadcastOp, shaped, out=wide)
    return kernel.module()


def embedding(width: int) -> ModuleOp:
    kernel = Kernel([((3, width), f32), ((2, 5), i64), ((2, 5, width), f32), ((2, 5, width), f32)])
    table, index, other, out = kernel.args
    kernel.op(AddOp, kernel.op(GatherOp, table, index, out=(2, 5, width), dimension=0), other, out=out)
    return kernel.module()


def _zero(value: float = 0.0) -> Attribute:
    from xdsl.dialects.builtin import FloatAttr

    return FloatAttr(value, f32)


KERNELS = {
    "conv-3x3-packed": lambda: conv_bias_relu(9, 15, 5, 35, 3, 1, 16),
    "conv-3x3-stride-2": lambda: conv_bias_relu(11, 11, 3, 24, 3, 2, 16),
    "conv-plain-weights": lambda: conv_bias_relu(6, 9, 4, 19, 3, 1, None),
    "conv-5x5-one-channel": lambda: conv_bias_relu(8, 8, 2, 1, 5, 1, None),
    "depthwise": lambda: grouped_conv(19, 19, 19),
    "depthwise-multiplier": lambda: grouped_conv(4, 4, 8),
    "grouped": lambda: grouped_conv(12, 3, 24),
    "grouped-narrow": lambda: grouped_conv(8, 4, 12),
    "matmul-packed": lambda: matmul_gelu(13, 37, 21, 16),
    "matmul-row": lambda: matmul_gelu(1, 40, 33, 16),
    "matmul-plain": lambda: matmul_gelu(7, 9, 5, None),
    "softmax-wide": lambda: softmax(5, 83),
    "softmax-narrow": lambda: softmax(4, 7),
    "layer-norm": lambda: residual_layer_norm(9, 70),
    "inverted-residual": lambda: inverted_residual(9, 5, 20, 1),
    "inverted-residual-stride-2": lambda: inverted_residual(8, 8, 17, 2),
    "conv-pool": lambda: conv_pool(14, 11),
    "attention": lambda: attention(10, 18, 9),
    "spatial-mean": lambda: spatial_mean(21),
    "average-pool": lambda: average_pool(13),
    "views": views,
    "embedding": lambda: embedding(11),
}
