"""Element-wise ops of the interpreter against PyTorch, with NaN, Inf, signed zeros and integer corner cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, f32, f64, i1, i8, i32, i64

from dlp.dialects.dlp import elementwise as e
from dlp.dialects.dlp.dim import DimsAttr
from dlp.interpreter.dtypes import Array
from dlp.testing import relative_error, run_op

SPECIAL = [
    np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3.0,
    -3.0,
    100.0,
    -100.0,
    1e-40,
]

UNARY: dict[type[e.UnaryOp], Callable[..., torch.Tensor]] = {
    e.NegOp: torch.neg,
    e.AbsOp: torch.abs,
    e.ExpOp: torch.exp,
    e.LogOp: torch.log,
    e.SqrtOp: torch.sqrt,
    e.RsqrtOp: torch.rsqrt,
    e.ReciprocalOp: torch.reciprocal,
    e.TanhOp: torch.tanh,
    e.ErfOp: torch.erf,
    e.SinOp: torch.sin,
    e.CosOp: torch.cos,
    e.FloorOp: torch.floor,
    e.CeilOp: torch.ceil,
    e.TruncOp: torch.trunc,
    e.RoundOp: torch.round,
    e.ReluOp: torch.relu,
    e.SigmoidOp: torch.sigmoid,
    e.SiluOp: torch.nn.functional.silu,
    e.HardsigmoidOp: torch.nn.functional.hardsigmoid,
    e.HardswishOp: torch.nn.functional.hardswish,
}

BINARY: dict[type[e.BinaryOp], Callable[..., torch.Tensor]] = {
    e.AddOp: torch.add,
    e.SubOp: torch.sub,
    e.MulOp: torch.mul,
    e.DivOp: torch.div,
    e.RemOp: torch.fmod,
    e.PowOp: torch.pow,
    e.MaximumOp: torch.maximum,
    e.MinimumOp: torch.minimum,
}

BITWISE: dict[type[e.BinaryOp], Callable[..., torch.Tensor]] = {
    e.AndOp: torch.bitwise_and,
    e.OrOp: torch.bitwise_or,
    e.XorOp: torch.bitwise_xor,
}

TESTED_BELOW = {e.GeluOp, e.ClampOp, e.CompareOp, e.SelectOp, e.CastOp, e.ConstantOp, e.IotaOp, e.SizeOp}


def floats(dtype: Any = np.float32, count: int = 40) -> Array:
    values = np.random.default_rng(0).standard_normal(count) * 3
    return np.concatenate([np.array(SPECIAL), values]).astype(dtype)


def pairs(dtype: Any) -> tuple[Array, Array]:
    """Every pair of values, as operands that broadcast."""
    x = floats(dtype, 5) if np.dtype(dtype).kind == "f" else np.array([-7, -2, -1, 0, 1, 2, 3, 7, 100], dtype)
    return x[:, None], x[None, :]


def assert_equal(actual: Array, expected: torch.Tensor, rtol: float = 2e-6) -> None:
    wanted = expected.numpy()
    assert actual.dtype == wanted.dtype
    np.testing.assert_allclose(actual, wanted, rtol=rtol, atol=1e-7 if wanted.dtype.kind == "f" else 0)


def test_every_elementwise_op_is_tested() -> None:
    assert {*UNARY, *BINARY, *BITWISE, *TESTED_BELOW} == set(e.OPS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_unary(op: type[e.UnaryOp], dtype: Any) -> None:
    x = floats(dtype)
    assert_equal(run_op(op, x), UNARY[op](torch.from_numpy(x)))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
@pytest.mark.parametrize("op", [e.NegOp, e.AbsOp, e.ReluOp, e.FloorOp, e.TruncOp], ids=lambda op: op.name)
def test_unary_on_integers(op: type[e.UnaryOp], dtype: Any) -> None:
    x = np.array([-100, -3, -1, 0, 1, 3, 100], dtype)
    assert_equal(run_op(op, x), UNARY[op](torch.from_numpy(x)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_binary(op: type[e.BinaryOp], dtype: Any) -> None:
    a, b = pairs(dtype)
    assert_equal(run_op(op, a, b), BINARY[op](torch.from_numpy(a), torch.from_numpy(b)))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
@pytest.mark.parametrize("op", [*BINARY, *BITWISE], ids=lambda op: op.name)
def test_binary_on_integers(op: type[e.BinaryOp], dtype: Any) -> None:
    a, b = pairs(dtype)
    if op in (e.DivOp, e.RemOp):
        b = b[:, b[0] != 0]
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    if op is e.DivOp:
        expected = torch.div(x, y, rounding_mode="trunc")
    elif op is e.PowOp:
        y = y.clamp(max=3)
        b = y.numpy()
        expected = torch.pow(x, y)
        # 0 ** -1 is whatever the machine divides to: it is not defined.
        defined = torch.from_numpy((a != 0) | (b >= 0))
        assert_equal(
            np.where(defined, run_op(op, a, b), 0), torch.where(defined, expected, 0).to(expected.dtype)
        )
        return
    else:
        expected = {**BINARY, **BITWISE}[op](x, y)
    assert_equal(run_op(op, a, b), expected)


@pytest.mark.parametrize("op", BITWISE, ids=lambda op: op.name)
def test_logic(op: type[e.BinaryOp]) -> None:
    a, b = np.array([[False], [True]]), np.array([False, True])
    assert_equal(run_op(op, a, b), BITWISE[op](torch.from_numpy(a), torch.from_numpy(b)))


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(approximate: str) -> None:
    x = floats()
    x = x[np.isfinite(x)]
    expected = torch.nn.functional.gelu(torch.from_numpy(x), approximate=approximate)
    # 1 + erf(x) cancels for negative x: the error is relative to the largest result, not to each.
    assert relative_error(run_op(e.GeluOp, x, approximate=approximate), expected.numpy()) < 1e-8


@pytest.mark.parametrize(("low", "high"), [(-1.0, 2.0), (None, 0.5), (0.5, None), (3.0, 1.0)])
def test_clamp(low: float | None, high: float | None) -> None:
    x = floats()
    assert_equal(run_op(e.ClampOp, x, low=low, high=high), torch.clamp(torch.from_numpy(x), low, high))


def test_clamp_of_integers() -> None:
    x = np.array([-5, 0, 3, 9], np.int64)
    assert_equal(run_op(e.ClampOp, x, low=-1.0, high=6.0), torch.clamp(torch.from_numpy(x), -1, 6))


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize("predicate", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_compare(predicate: str, dtype: Any) -> None:
    a, b = pairs(dtype)
    expected = getattr(torch, predicate)(torch.from_numpy(a), torch.from_numpy(b))
    assert_equal(run_op(e.CompareOp, a, b, predicate=predicate), expected)


def test_select_broadcasts_and_does_not_look_at_what_it_drops() -> None:
    condition = np.array([[True], [False]])
    a, b = np.array([1.0, np.nan], np.float32), np.array(2.0, np.float32)
    expected = torch.where(*(torch.from_numpy(x) for x in (condition, a, b)))
    assert_equal(run_op(e.SelectOp, condition, a, b), expected)


TYPES = [
    (f32, torch.float32),
    (f64, torch.float64),
    (i64, torch.int64),
    (i32, torch.int32),
    (i8, torch.int8),
    (i1, torch.bool),
]


@pytest.mark.parametrize(("target", "dtype"), TYPES, ids=str)
@pytest.mark.parametrize("source", [dtype for _, dtype in TYPES], ids=str)
def test_cast(source: torch.dtype, target: Any, dtype: torch.dtype) -> None:
    x = torch.tensor([0.0, 1.0, -1.0, 0.4, 1.7, -1.7, 100.0]).to(source)
    assert_equal(run_op(e.CastOp, x.numpy(), element_type=target), x.to(dtype))


def test_cast_of_nan_to_bool_is_true() -> None:
    assert run_op(e.CastOp, np.array([np.nan, 0.0], np.float32), element_type=i1).tolist() == [True, False]


@pytest.mark.parametrize(
    ("value", "element", "expected"),
    [
        (FloatAttr(0.1, f64), f32, np.float32(0.1)),
        (FloatAttr(float("-inf"), f64), f32, np.float32(-np.inf)),
        (IntegerAttr(-3, i64), i32, np.int32(-3)),
        (IntegerAttr(-1, i1), i1, np.bool_(True)),
    ],
)
def test_constant(value: Any, element: Any, expected: Any) -> None:
    result = run_op(e.ConstantOp, shape=(2, 1), element_type=element, value=value)
    assert result.dtype == expected.dtype
    assert np.array_equal(result, np.full((2, 1), expected))


@pytest.mark.parametrize("dimension", [0, 1])
def test_iota(dimension: int) -> None:
    result = run_op(e.IotaOp, shape=(3, 4), dimension=dimension)
    assert result.dtype == np.int64
    assert np.array_equal(result, np.indices((3, 4))[dimension])


def test_size() -> None:
    result = run_op(e.SizeOp, size=DimsAttr.of([7]))
    assert result.dtype == np.int64 and result == 7


@pytest.mark.parametrize("shapes", [((3, 1, 4), (5, 1)), ((), (2,)), ((1,), ()), ((0, 3), (3,))], ids=str)
def test_broadcasting(shapes: Sequence[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal(s).astype(np.float32) for s in shapes)
    assert np.array_equal(run_op(e.SubOp, a, b), a - b)
