"""Ops that the framework knows as one, defined by structured ops (`decompose` replaces them)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .contraction import MatmulOp
from .dim import Dim, Size
from .elementwise import (
    AddOp,
    CastOp,
    CompareOp,
    ConstantOp,
    DivOp,
    ExpOp,
    IotaOp,
    LogOp,
    MulOp,
    RsqrtOp,
    SelectOp,
    SizeOp,
    SubOp,
)
from .reduction import MaxOp, SumOp
from .structured import DecomposableOp, GraphBuilder, Shape, ShapedValueType, int_of, shape_of
from .view import BroadcastOp, ReshapeOp, TransposeOp


def constant(b: GraphBuilder, value: float | int, like: SSAValue) -> SSAValue:
    """A 0-d constant with the element type of `like`; it broadcasts."""
    element = like.type.element_type  # pyright: ignore[reportAttributeAccessIssue]
    attribute = FloatAttr(float(value), f64) if isinstance(value, float) else IntegerAttr(value, i64)
    return b(ConstantOp, shape=(), element_type=element, value=attribute)


def reciprocal(b: Callable[..., SSAValue], number: Size, like: SSAValue) -> SSAValue:
    """1 / number, 0-d with the element type of `like`; of a size that only a run knows, the run computes it."""
    element = like.type.element_type  # pyright: ignore[reportAttributeAccessIssue]
    if not isinstance(number, Dim):
        return b(ConstantOp, shape=(), element_type=element, value=1.0 / number)
    one = b(ConstantOp, shape=(), element_type=element, value=1.0)
    return b(DivOp, one, b(CastOp, b(SizeOp, size=number), element_type=element))


@irdl_op_definition
class SoftmaxOp(DecomposableOp):
    """exp(x - max) / sum(exp(x - max)) along `dimension`; its logarithm with `log`."""

    name = "dlp.softmax"
    dimension = prop_def(IntegerAttr)
    """The dimension whose elements sum up to one."""
    log = opt_prop_def(UnitAttr)
    """The logarithm of the result instead."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 1:
            raise VerifyException(f"dlp.softmax: takes 1 operand, has {len(ins)}")
        dimension = int_of(properties["dimension"])
        if not 0 <= dimension < len(shape_of(ins[0])):
            raise VerifyException(f"dlp.softmax: {dimension} is no dimension of operand 0 ({ins[0]})")
        return shape_of(ins[0]), ins[0].element_type

    def decompose(self, b: GraphBuilder) -> SSAValue:
        x, dimension = self.ins[0], [self.dimension.value.data]
        shifted = b(SubOp, x, b(MaxOp, x, dims=dimension, loose=True))
        exponential = b(ExpOp, shifted)
        total = b(SumOp, exponential, dims=dimension)
        if self.log is not None:
            return b(SubOp, shifted, b(LogOp, total))
        return b(DivOp, exponential, total)


@irdl_op_definition
class LayerNormOp(DecomposableOp):
    """(x - mean) / sqrt(var + eps) * weight + bias over the last `rank` dimensions (Ba et al., arXiv:1607.06450).

    Operands: x, then weight and bias where there are any (`has_weight`, `has_bias`).
    """

    name = "dlp.layer_norm"
    rank = prop_def(IntegerAttr)
    """How many dimensions, from the last one, are normalised together."""
    eps = prop_def(FloatAttr)
    """Added to the variance."""
    has_weight = opt_prop_def(UnitAttr)
    """There is a weight, after x."""
    has_bias = opt_prop_def(UnitAttr)
    """There is a bias, last."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        expected = 1 + ("has_weight" in properties) + ("has_bias" in properties)
        if len(ins) != expected:
            raise VerifyException(f"dlp.layer_norm: takes {expected} operands, has {len(ins)}")
        rank, shape = int_of(properties["rank"]), shape_of(ins[0])
        if not 0 < rank <= len(shape):
            raise VerifyException(f"dlp.layer_norm: operand 0 ({ins[0]}) has no last {rank} dimensions")
        for k, t in enumerate(ins[1:], 1):
            if shape_of(t) != shape[-rank:] and -1 not in shape:
                raise VerifyException(
                    f"dlp.layer_norm: operand {k} ({t}) must have the last {rank} dimensions of operand 0 ({ins[0]})"
                )
        return shape, ins[0].element_type

    def decompose(self, b: GraphBuilder) -> SSAValue:
        x, shape = self.ins[0], self.shape
        over = list(range(len(shape) - self.rank.value.data, len(shape)))
        scale = reciprocal(b, prod(shape[d] for d in over), x)
        centred = b(SubOp, x, b(MulOp, b(SumOp, x, dims=over), scale))
        variance = b(MulOp, b(SumOp, b(MulOp, centred, centred), dims=over), scale)
        y = b(MulOp, centred, b(RsqrtOp, b(AddOp, variance, constant(b, self.eps.value.data, x))))
        rest = list(self.ins[1:])
        if self.has_weight is not None:
            y = b(MulOp, y, rest.pop(0))
        if self.has_bias is not None:
            y = b(AddOp, y, rest.pop(0))
        return y


@irdl_op_definition
class BatchNormOp(DecomposableOp):
    """(x - mean) / sqrt(var + eps) * weight + bias with given statistics, channels in dimension 1.

    Operands: x, mean, variance, weight, bias (Ioffe and Szegedy, arXiv:1502.03167).
    """

    name = "dlp.batch_norm"
    eps = prop_def(FloatAttr)
    """Added to the variance."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        if len(ins) != 5:
            raise VerifyException(f"dlp.batch_norm: takes 5 operands, has {len(ins)}")
        channels = shape_of(ins[0])[1]
        for k, t in enumerate(ins[1:], 1):
            if shape_of(t) != (channels,) and channels != -1:
                raise VerifyException(
                    f"dlp.batch_norm: operand {k} ({t}) must have the {channels} channels of operand 0 ({ins[0]})"
                )
        return shape_of(ins[0]), ins[0].element_type

    def scale_and_shift(self, b: GraphBuilder) -> tuple[SSAValue, SSAValue]:
        """The op as x * scale + shift, both of shape [channels]."""
        _, mean, variance, weight, bias = self.ins
        scale = b(MulOp, weight, b(RsqrtOp, b(AddOp, variance, constant(b, self.eps.value.data, variance))))
        return scale, b(SubOp, bias, b(MulOp, mean, scale))

    def decompose(self, b: GraphBuilder) -> SSAValue:
        scale, shift = self.scale_and_shift(b)
        shape = (self.in_shape(1)[0],) + (1,) * (len(self.shape) - 2)
        y = b(MulOp, self.ins[0], b(ReshapeOp, scale, shape=shape))
        return b(AddOp, y, b(ReshapeOp, shift, shape=shape))


@irdl_op_definition
class AttentionOp(DecomposableOp):
    """softmax(q k^T * scale + mask) v over the last two dimensions (Vaswani et al., arXiv:1706.03762).

    Operands: q [b..., h, m, d], k [b..., g, n, d], v [b..., g, n, e] with g dividing h (grouped queries), and with
    `has_mask` an additive mask that broadcasts to [b..., h, m, n]. `causal` lets query i see keys 0 .. i. A query
    to which the mask shows no key gives zeros.
    """

    name = "dlp.attention"
    scale = prop_def(FloatAttr)
    """Factor of the products of queries and keys."""
    causal = opt_prop_def(UnitAttr)
    """No query sees what comes after it."""
    has_mask = opt_prop_def(UnitAttr)
    """There is a mask, last."""

    @classmethod
    def infer(
        cls, ins: Sequence[ShapedValueType], properties: Mapping[str, Attribute]
    ) -> tuple[Shape | None, Attribute | None]:
        expected = 3 + ("has_mask" in properties)
        if len(ins) != expected:
            raise VerifyException(f"dlp.attention: takes {expected} operands, has {len(ins)}")
        q, k, v = (shape_of(t) for t in ins[:3])
        if not len(q) == len(k) == len(v) >= 2:
            raise VerifyException(
                f"dlp.attention: the ranks of {ins[0]}, {ins[1]} and {ins[2]} differ or are below 2"
            )
        if -1 not in (q[-1], k[-1]) and q[-1] != k[-1]:
            raise VerifyException(
                f"dlp.attention: operand 1 ({ins[1]}) must have the {q[-1]} columns of operand 0 ({ins[0]})"
            )
        if -1 not in (k[-2], v[-2]) and k[-2] != v[-2]:
            raise VerifyException(
                f"dlp.attention: operand 2 ({ins[2]}) must have the {k[-2]} rows of operand 1 ({ins[1]})"
            )
        if len(q) > 2 and -1 not in (q[-3], k[-3]) and (q[-3] % k[-3] or k[-3] != v[-3]):
            raise VerifyException(
                f"dlp.attention: the heads of operand 1 ({ins[1]}) and operand 2 ({ins[2]}) must be as many, "
                f"and divide those of operand 0 ({ins[0]})"
            )
        return (*q[:-1], v[-1]), ins[0].element_type

    def decompose(self, b: GraphBuilder) -> SSAValue:
        q, k, v = self.ins[:3]
        q_shape, k_shape = self.in_shape(0), self.in_shape(1)
        rank = len(q_shape)
        if rank > 2 and q_shape[-3] != k_shape[-3]:
            k, v = (self._repeat_heads(b, x, q_shape[-3]) for x in (k, v))
        order = (*range(rank - 2), rank - 1, rank - 2)
        scores = b(
            MatmulOp, b(MulOp, q, constant(b, self.scale.value.data, q)), b(TransposeOp, k, permutation=order)
        )
        if self.causal is not None:
            shape = (q_shape[-2], k_shape[-2])
            rows, columns = (b(IotaOp, shape=shape, dimension=d) for d in (0, 1))
            visible = b(CompareOp, columns, rows, predicate="le")
            scores = b(SelectOp, visible, scores, constant(b, float("-inf"), scores))
        if self.has_mask is not None:
            scores = b(AddOp, scores, self.ins[3])
        y = b(MatmulOp, b(SoftmaxOp, scores, dimension=rank - 1), v)
        if self.has_mask is None:
            return y
        # A query to which the mask shows no key attends to nothing: zeros, where softmax has NaN.
        hidden = constant(b, float("-inf"), scores)
        blind = b(CompareOp, b(MaxOp, scores, dims=[rank - 1]), hidden, predicate="eq")
        return b(SelectOp, blind, constant(b, 0.0, y), y)

    @staticmethod
    def _repeat_heads(b: GraphBuilder, x: SSAValue, heads: int) -> SSAValue:
        shape = shape_of(x.type)  # pyright: ignore[reportAttributeAccessIssue]
        split = (*shape[:-2], 1, *shape[-2:])
        repeated = (*shape[:-2], heads // shape[-3], *shape[-2:])
        wide = b(BroadcastOp, b(ReshapeOp, x, shape=split), shape=repeated)
        return b(ReshapeOp, wide, shape=(*shape[:-3], heads, *shape[-2:]))


OPS = (SoftmaxOp, LayerNormOp, BatchNormOp, AttentionOp)
