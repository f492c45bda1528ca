"""Composite ops against PyTorch: the interpreter's formulas, and the definitions that `decompose` writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from dlp.dialects.dlp.composite import AttentionOp, BatchNormOp, LayerNormOp, SoftmaxOp
from dlp.dialects.dlp.structured import DecomposableOp, GraphBuilder
from dlp.dialects.dlp.transposed_convolution import ConvTransposeOp
from dlp.interpreter import Interpreter
from dlp.interpreter.dtypes import Array
from dlp.testing import op_module, relative_error, run_op, tensor_type


def run_decomposed(op_class: type[DecomposableOp], *arrays: Array, **arguments: Any) -> Array:
    """The result of an op after its `decompose` has replaced it."""
    module = op_module(op_class, *(tensor_type(a) for a in arrays), **arguments)
    # Attention is defined by a softmax, which is defined in turn.
    while found := [op for op in module.walk() if isinstance(op, DecomposableOp)]:
        for op in found:
            op.result.replace_all_uses_with(op.decompose(GraphBuilder(op)))
            op.detach()
            op.erase()
    module.verify()
    (result,) = Interpreter(module).call("forward", *arrays)
    return result


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def _tensors(a: Array, b: Array, c: Array) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c)


both = pytest.mark.parametrize("run", [run_op, run_decomposed])


@both
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("dimension", [0, 1, 2])
def test_softmax(run: Any, dimension: int, log: bool) -> None:
    x = normal(3, 4, 5) * 50
    expected = (torch.log_softmax if log else torch.softmax)(torch.from_numpy(x), dimension)
    assert relative_error(run(SoftmaxOp, x, dimension=dimension, log=log), expected.numpy()) < 1e-6


@both
def test_softmax_of_a_masked_row_is_exact_and_of_a_fully_masked_row_nan(run: Any) -> None:
    x = np.array([[0, -np.inf, 0], [-np.inf] * 3], np.float32)
    result = run(SoftmaxOp, x, dimension=1)
    assert np.array_equal(result, torch.softmax(torch.from_numpy(x), 1).numpy(), equal_nan=True)


@both
@pytest.mark.parametrize("affine", [(), ("weight",), ("weight", "bias")], ids=str)
@pytest.mark.parametrize("rank", [1, 2])
def test_layer_norm(run: Any, rank: int, affine: tuple[str, ...]) -> None:
    x = normal(3, 4, 5) + 2
    shape = x.shape[-rank:]
    rest = [normal(*shape, seed=k + 1) for k in range(len(affine))]
    expected = functional.layer_norm(torch.from_numpy(x), shape, *map(torch.from_numpy, rest), eps=1e-3)
    flags = {f"has_{name}": True for name in affine}
    assert relative_error(run(LayerNormOp, x, *rest, rank=rank, eps=1e-3, **flags), expected.numpy()) < 1e-5


@both
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)], ids=str)
def test_batch_norm(run: Any, shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    mean, weight, bias = (normal(3, seed=k) for k in (1, 2, 3))
    variance = np.array([0.5, 1, 2], np.float32)
    expected = functional.batch_norm(
        *_tensors(x, mean, variance), weight=torch.from_numpy(weight), bias=torch.from_numpy(bias), eps=1e-3
    )
    result = run(BatchNormOp, x, mean, variance, weight, bias, eps=1e-3)
    assert relative_error(result, expected.numpy()) < 1e-5


@both
@pytest.mark.parametrize("key_heads", [4, 2, 1])
@pytest.mark.parametrize("form", ["plain", "causal", "mask", "mask of one row"])
def test_attention(run: Any, form: str, key_heads: int) -> None:
    q, k, v = normal(2, 4, 5, 8), normal(2, key_heads, 6, 8, seed=1), normal(2, key_heads, 6, 3, seed=2)
    masks = {"mask": normal(2, 1, 5, 6, seed=3), "mask of one row": normal(6, seed=3)}
    rest = [masks[form]] if form in masks else []
    wide_k, wide_v = (torch.from_numpy(x).repeat_interleave(4 // key_heads, 1) for x in (k, v))
    expected = functional.scaled_dot_product_attention(
        torch.from_numpy(q),
        wide_k,
        wide_v,
        attn_mask=torch.from_numpy(np.broadcast_to(rest[0], (2, 4, 5, 6)).copy()) if rest else None,
        is_causal=form == "causal",
        scale=0.3,
    )
    result = run(
        AttentionOp, q, k, v, *rest, scale=0.3, causal=form == "causal" or None, has_mask=bool(rest) or None
    )
    assert relative_error(result, expected.numpy()) < 1e-5


@both
def test_attention_to_nothing_gives_zeros(run: Any) -> None:
    q, k, v = normal(3, 8), normal(4, 8, seed=1), normal(4, 5, seed=2)
    mask = np.zeros((3, 4), np.float32)
    mask[1] = -np.inf
    expected = functional.scaled_dot_product_attention(
        *_tensors(q, k, v), attn_mask=torch.from_numpy(mask), scale=0.3
    )
    assert np.array_equal(expected[1].numpy(), np.zeros(5))
    result = run(AttentionOp, q, k, v, mask, scale=0.3, has_mask=True)
    assert relative_error(result, expected.numpy()) < 1e-5


TRANSPOSED = {
    # size, window, stride, padding, more at the end, dilation, groups
    "plain": ((4, 5), (3, 2), (1, 1), (0, 1), (0, 0), (1, 1), 1),
    "window as the stride": ((4, 3), (2, 3), (2, 3), (0, 0), (0, 0), (1, 1), 2),
    "window twice the stride": ((3, 4), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1),
    "uneven": ((4, 3), (3, 5), (2, 3), (1, 2), (1, 0), (1, 1), 3),
    "stride beyond the window": ((3, 2), (2, 1), (3, 4), (0, 0), (1, 3), (1, 1), 1),
    "dilated": ((4, 3), (3, 3), (1, 2), (1, 0), (0, 1), (3, 2), 1),
    "dilation against stride": ((4, 4), (3, 4), (3, 4), (2, 1), (0, 2), (2, 6), 2),
    "cut by more than a stride": ((5, 4), (7, 5), (2, 1), (4, 3), (1, 0), (1, 1), 1),
    "one pixel": ((1, 1), (4, 3), (1, 2), (0, 1), (0, 1), (1, 1), 1),
    "one pixel along one dimension": ((1, 3), (4, 2), (2, 2), (1, 0), (1, 1), (1, 1), 2),
    "line": ((6,), (5,), (3,), (1,), (2,), (1,), 2),
    "volume": ((2, 3, 2), (3, 2, 2), (2, 1, 3), (1, 0, 0), (1, 0, 2), (1, 2, 1), 1),
}


@both
@pytest.mark.parametrize("infinite", [False, True])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_conv_transpose(run: Any, name: str, infinite: bool) -> None:
    """An infinity among the pixels reaches the results that it reaches in eager, and no others."""
    size, window, *ways, groups = TRANSPOSED[name]
    x, w = normal(2, 2 * groups, *size), normal(2 * groups, 3, *window)
    if infinite:
        x.reshape(-1)[x.size // 3] = np.inf
    names = ("strides", "padding", "output_padding", "dilations")
    strides, padding, more, dilations = ways
    function = {
        1: functional.conv_transpose1d,
        2: functional.conv_transpose2d,
        3: functional.conv_transpose3d,
    }
    expected = function[len(size)](
        torch.from_numpy(x), torch.from_numpy(w), None, strides, padding, more, groups, dilations
    ).numpy()
    result = run(ConvTransposeOp, x, w, **dict(zip(names, ways, strict=True)), groups=groups)
    finite = np.isfinite(expected)
    assert np.array_equal(np.isfinite(result), finite)
    assert not infinite or not finite.all()
    assert relative_error(result[finite], expected[finite]) < 1e-5


def test_attention_without_heads() -> None:
    q, k, v = normal(5, 8), normal(6, 8, seed=1), normal(6, 3, seed=2)
    expected = functional.scaled_dot_product_attention(*_tensors(q, k, v))
    assert relative_error(run_op(AttentionOp, q, k, v, scale=8**-0.5), expected.numpy()) < 1e-5


def test_an_op_of_another_package_is_run_by_its_decomposition() -> None:
    from xdsl.irdl import irdl_op_definition

    from dlp.dialects.dlp.elementwise import AddOp, MulOp

    @irdl_op_definition
    class Polynomial(DecomposableOp):
        """x * x + x."""

        name = "test.polynomial"

        @classmethod
        def infer(cls, ins: Any, properties: Any) -> Any:
            return tuple(ins[0].get_shape()), ins[0].element_type

        def decompose(self, b: GraphBuilder) -> Any:
            return b(AddOp, b(MulOp, self.ins[0], self.ins[0]), self.ins[0])

    x = normal(3)
    assert relative_error(run_op(Polynomial, x), x * x + x) < 1e-6
