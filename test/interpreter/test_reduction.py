"""Reductions and pools of the interpreter against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from xdsl.dialects.builtin import TensorType, f32

from dlp.dialects.dlp.reduction import (
    AllOp,
    AnyOp,
    MaxOp,
    MaxPoolOp,
    MinOp,
    ProdOp,
    ReduceOp,
    SumOp,
    SumPoolOp,
)
from dlp.interpreter import structured
from dlp.testing import relative_error, run_op

NUMPY: dict[type[ReduceOp], Callable[..., Any]] = {
    SumOp: np.sum,
    ProdOp: np.prod,
    MaxOp: np.max,
    MinOp: np.min,
    AnyOp: np.any,
    AllOp: np.all,
}
ARITHMETIC = [SumOp, ProdOp, MaxOp, MinOp]


@pytest.mark.parametrize("dims", [(0,), (2,), (0, 1), (2, 0), (0, 1, 2), ()], ids=str)
@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.name)
def test_reduction_keeps_reduced_dimensions(op: type[ReduceOp], dims: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    result = run_op(op, x, dims=dims)
    assert relative_error(result, NUMPY[op](x, axis=dims, keepdims=True)) < 1e-5


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.name)
def test_reduction_of_integers_keeps_the_dtype(op: type[ReduceOp], dtype: Any) -> None:
    x = np.array([[-3, -2], [-1, -4]], dtype)
    result = run_op(op, x, dims=(1,))
    assert result.dtype == dtype
    assert np.array_equal(result, NUMPY[op](x, axis=1, keepdims=True))


@pytest.mark.parametrize("op", [AnyOp, AllOp], ids=lambda op: op.name)
def test_logical_reduction(op: type[ReduceOp]) -> None:
    x = np.array([[True, False], [False, False], [True, True]])
    assert np.array_equal(run_op(op, x, dims=(1,)), NUMPY[op](x, axis=1, keepdims=True))


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.name)
def test_reduction_propagates_nan(op: type[ReduceOp]) -> None:
    x = np.array([[1, np.nan, 3], [1, -np.inf, np.inf], [-1, -2, -3]], np.float32)
    with np.errstate(invalid="ignore"):
        expected = NUMPY[op](x, axis=1, keepdims=True)
    assert np.array_equal(run_op(op, x, dims=(1,)), expected, equal_nan=True)


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.name)
def test_long_reductions_in_blocks_agree_with_the_definition(
    op: type[ReduceOp], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).uniform(0.9, 1.1, (3, 20, 4)).astype(np.float32)
    by_definition = run_op(op, x, dims=(0, 1))
    monkeypatch.setattr(structured, "SEQUENTIAL_POINTS", 0)
    monkeypatch.setattr(structured, "BLOCK_POINTS", 28)  # 7 of 60 points at a time
    assert relative_error(run_op(op, x, dims=(0, 1)), by_definition) < 1e-5


def test_reduction_over_nothing_gives_the_neutral_element() -> None:
    x = np.empty((2, 0), np.float32)
    assert np.array_equal(run_op(SumOp, x, dims=(1,)), np.zeros((2, 1)))
    assert np.array_equal(run_op(MaxOp, x, dims=(1,)), np.full((2, 1), -np.inf))


WINDOWS = [
    ((2, 2), (2, 2), (1, 1)),
    ((3, 2), (2, 1), (1, 1)),
    ((3, 3), (1, 1), (2, 1)),
]


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("op", [MaxPoolOp, SumPoolOp], ids=lambda op: op.name)
def test_pool(op: type[MaxPoolOp | SumPoolOp], window: tuple[Any, Any, Any], layout: str) -> None:
    kernel, strides, dilations = window
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 7)).astype(np.float32)
    if op is MaxPoolOp:
        x[0, 0, 3, 3] = np.nan
        expected = torch.max_pool2d(torch.from_numpy(x), kernel, strides, dilation=dilations).numpy()
    elif dilations == (1, 1):
        expected = (
            torch.nn.functional.avg_pool2d(torch.from_numpy(x), kernel, strides) * np.prod(kernel)
        ).numpy()
    else:
        ones = torch.ones((3, 1, *kernel))
        expected = torch.conv2d(
            torch.from_numpy(x), ones, stride=strides, dilation=dilations, groups=3
        ).numpy()
    if layout == "channels_last":
        x, expected = np.moveaxis(x, 1, -1), np.moveaxis(expected, 1, -1)
    result = run_op(op, x, layout=layout, kernel=kernel, strides=strides, dilations=dilations)
    assert relative_error(result, expected) < 1e-6


@pytest.mark.parametrize("rank", [1, 3])
def test_max_pool_in_other_ranks(rank: int) -> None:
    x = np.random.default_rng(0).standard_normal((1, 2, *[5] * rank)).astype(np.float32)
    pool = torch.max_pool1d if rank == 1 else torch.max_pool3d
    result = run_op(
        MaxPoolOp, x, layout="channels_first", kernel=[2] * rank, strides=[2] * rank, dilations=[1] * rank
    )
    assert np.array_equal(result, pool(torch.from_numpy(x), 2, 2).numpy())


def test_types_say_that_reduced_dimensions_stay() -> None:
    assert SumOp.infer([TensorType(f32, [3, 4])], SumOp.of(_value(), dims=(1,)).properties) == ((3, 1), f32)


def _value() -> Any:
    from xdsl.utils.test_value import create_ssa_value

    return create_ssa_value(TensorType(f32, [3, 4]))
