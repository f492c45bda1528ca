"""Convolutions and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.ir import SSAValue

from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import AddOp, MulOp
from dlp.dialects.dlp.reduction import SumOp
from dlp.dialects.dlp.transposed_convolution import ConvTransposeOp
from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.nodes.view import pad
from dlp.frontends.torch.registry import imports


@imports("aten.convolution.default")
def convolution(
    g: Emitter,
    x: SSAValue,
    weight: SSAValue,
    bias: SSAValue | None,
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> SSAValue:
    spatial = len(g.shape_of(weight)) - 2
    batched = len(g.shape_of(x)) == spatial + 2
    if not batched:
        x = g.reshape(x, (1, *g.shape_of(x)))
    strides, padding, dilations = (_spread(v, spatial) for v in (strides, padding, dilations))
    if transposed:
        y = g(
            ConvTransposeOp,
            x,
            weight,
            strides=strides,
            padding=padding,
            output_padding=_spread(output_padding, spatial),
            dilations=dilations,
            groups=groups,
        )
    else:
        y = g(
            ConvOp,
            pad(g, x, (0, 0, *padding), (0, 0, *padding), 0),
            weight,
            layout="channels_first",
            strides=strides,
            dilations=dilations,
            groups=groups,
        )
    if bias is not None:
        y = g(AddOp, y, g.reshape(bias, (g.shape_of(y)[1], *(1,) * spatial)))
    return y if batched else g.reshape(y, g.shape)


def _spread(values: Sequence[int], rank: int) -> list[int]:
    """One number stands for all dimensions."""
    return list(values) * rank if len(values) == 1 else list(values)


def matmul(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    left, right = g.shape_of(a), g.shape_of(b)
    if left[-1] == 0:
        return g.constant(0, g.dtype_of(a), (*left[:-1], right[-1]))
    return g(MatmulOp, a, b)


@imports("aten.mm.default", "aten.bmm.default")
def mm(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    return matmul(g, a, b)


@imports("aten.matmul.default")
def matmul_any(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    """A vector is a row on the left and a column on the right."""
    if len(g.shape_of(a)) == 1:
        a = g.reshape(a, (1, *g.shape_of(a)))
    if len(g.shape_of(b)) == 1:
        b = g.reshape(b, (*g.shape_of(b), 1))
    return g.reshape(matmul(g, a, b), g.shape)


@imports("aten.mv.default", "aten.dot.default")
def mv(g: Emitter, a: SSAValue, b: SSAValue) -> SSAValue:
    return matmul_any(g, a, b)


@imports("aten.addmm.default", "aten.baddbmm.default", empty=True)
def addmm(g: Emitter, bias: SSAValue, a: SSAValue, b: SSAValue, beta: float, alpha: float) -> SSAValue:
    return _add_bias(g, matmul(g, a, b), bias, beta, alpha)


def _add_bias(g: Emitter, y: SSAValue, bias: SSAValue, beta: float, alpha: float) -> SSAValue:
    if alpha != 1:
        y = g(MulOp, y, g.constant(alpha, g.dtype))
    # With beta = 0 the framework does not look at the bias: NaN in it does not count.
    if beta == 0:
        return y
    return g(AddOp, y, bias if beta == 1 else g(MulOp, bias, g.constant(beta, g.dtype)))


@imports("aten.addbmm.default", empty=True)
def addbmm(g: Emitter, bias: SSAValue, a: SSAValue, b: SSAValue, beta: float, alpha: float) -> SSAValue:
    """The products of all matrices of the batch, summed up."""
    y = g.reshape(g(SumOp, matmul(g, a, b), dims=[0]), g.shape)
    return _add_bias(g, y, bias, beta, alpha)


@imports("aten._trilinear.default")
def trilinear(
    g: Emitter,
    a: SSAValue,
    b: SSAValue,
    c: SSAValue,
    new_a: Sequence[int],
    new_b: Sequence[int],
    new_c: Sequence[int],
    over: Sequence[int],
    unroll: int,
) -> SSAValue:
    """Three tensors multiplied after each got dimensions of size 1 at the given places; then the sum over some."""
    product = g(MulOp, g(MulOp, _widened(g, a, new_a), _widened(g, b, new_b)), _widened(g, c, new_c))
    return g.reshape(g(SumOp, product, dims=sorted(over)), g.shape)


def _widened(g: Emitter, x: SSAValue, places: Sequence[int]) -> SSAValue:
    shape = list(g.shape_of(x))
    for place in sorted(places):
        shape.insert(place, 1)
    return g.reshape(x, shape)


@imports("aten.linear.default", empty=True)
def linear(g: Emitter, x: SSAValue, weight: SSAValue, bias: SSAValue | None) -> SSAValue:
    """x weight^T + bias; leading dimensions of x are rows of one matrix."""
    columns = g.shape_of(x)[-1]
    rows = g.reshape(x, (prod(g.shape_of(x)[:-1]), columns))
    if len(g.shape_of(weight)) == 1:
        weight = g.reshape(weight, (1, columns))
    y = matmul(g, rows, g.transpose(weight, (1, 0)))
    return g.reshape(y if bias is None else g(AddOp, y, bias), g.shape)
