"""Convolution and matrix product of the interpreter against PyTorch, in every layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.interpreter.dtypes import Array
from dlp.testing import relative_error, run_op

CONVOLUTIONS = {
    "plain": {"x": (2, 3, 7, 6), "w": (4, 3, 3, 2)},
    "strided": {"x": (1, 3, 9, 8), "w": (4, 3, 3, 3), "stride": (2, 3)},
    "dilated": {"x": (1, 3, 9, 8), "w": (4, 3, 3, 2), "dilation": (2, 4)},
    "grouped": {"x": (2, 6, 5, 5), "w": (4, 3, 3, 3), "groups": 2},
    "depthwise": {"x": (1, 4, 6, 6), "w": (4, 1, 3, 3), "stride": (2, 2), "groups": 4},
    "multiplier": {"x": (1, 2, 6, 6), "w": (6, 1, 3, 3), "groups": 2},
    "pointwise": {"x": (1, 5, 3, 4), "w": (7, 5, 1, 1)},
    "one channel": {"x": (1, 1, 4, 4), "w": (3, 1, 2, 2)},
    "whole image": {"x": (1, 2, 4, 4), "w": (3, 2, 4, 4)},
    "1d": {"x": (2, 3, 9), "w": (4, 3, 3), "stride": (2,), "dilation": (2,)},
    "3d": {"x": (1, 2, 4, 5, 6), "w": (3, 2, 2, 3, 2), "stride": (1, 2, 1)},
}


def normal(shape: tuple[int, ...], seed: int = 0) -> Array:
    return np.random.default_rng([seed, len(shape)]).standard_normal(shape).astype(np.float32)


def panels(w: Array, width: int) -> Array:
    """The last dimension cut into panels, padded with zeros, the panel outermost and the column innermost."""
    count = -(-w.shape[-1] // width)
    padded = np.zeros((*w.shape[:-1], count * width), w.dtype)
    padded[..., : w.shape[-1]] = w
    return np.moveaxis(padded.reshape(*w.shape[:-1], count, width), -2, 0).copy()


@pytest.mark.parametrize("layout", ["channels_first", "channels_last", "panels"])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_conv(case: str, layout: str) -> None:
    what: dict[str, Any] = CONVOLUTIONS[case]
    x, w = normal(what["x"]), normal(what["w"], 1)
    rank = x.ndim - 2
    stride, dilation = what.get("stride", (1,) * rank), what.get("dilation", (1,) * rank)
    groups = what.get("groups", 1)
    convolve = (torch.conv1d, torch.conv2d, torch.conv3d)[rank - 1]
    expected = convolve(
        torch.from_numpy(x), torch.from_numpy(w), stride=stride, dilation=dilation, groups=groups
    ).numpy()
    arguments: dict[str, Any] = {"strides": stride, "dilations": dilation, "groups": groups}
    if layout == "channels_first":
        result = run_op(ConvOp, x, w, layout=layout, **arguments)
    else:
        x, w, expected = (
            np.moveaxis(x, 1, -1),
            np.moveaxis(w, (0, 1), (-1, -2)),
            np.moveaxis(expected, 1, -1),
        )
        if layout == "panels":
            arguments |= {"panel": 4, "shape": expected.shape}
            w = panels(w, 4)
        result = run_op(ConvOp, x, w, layout="channels_last", **arguments)
    assert relative_error(result, expected) < 1e-6


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4), (4, 5)),
        ((1, 4), (4, 1)),
        ((2, 3, 4), (4, 5)),
        ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (6, 4, 5)),
        ((1, 3, 4), (7, 4, 2)),
        ((2, 1000), (1000, 3)),
    ],
    ids=str,
)
def test_matmul(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, w = normal(shapes[0]), normal(shapes[1], 1)
    assert relative_error(run_op(MatmulOp, a, w), a @ w) < 1e-5


@pytest.mark.parametrize("columns", [4, 6, 8])
@pytest.mark.parametrize("lead", [(), (2,)], ids=str)
def test_matmul_with_packed_weights(columns: int, lead: tuple[int, ...]) -> None:
    a, w = normal((*lead, 3, 5)), normal((5, columns), 1)
    result = run_op(MatmulOp, a, panels(w, 4), panel=4, shape=(*lead, 3, columns))
    assert relative_error(result, a @ w) < 1e-6


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_matmul_keeps_the_dtype(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, w = rng.integers(-9, 9, (3, 4)).astype(dtype), rng.integers(-9, 9, (4, 5)).astype(dtype)
    result = run_op(MatmulOp, a, w)
    assert result.dtype == dtype
    assert np.array_equal(result, a @ w)


def test_matmul_propagates_nan_and_inf() -> None:
    a, w = np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)
    a[0, 1], w[2, 1] = np.nan, np.inf
    assert np.array_equal(run_op(MatmulOp, a, w), [[np.nan, np.nan], [3, np.inf]], equal_nan=True)
