"""Views, pad, concat and gather of the interpreter against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import FloatAttr, f32

from dlp.dialects.dlp.indexing import GatherOp
from dlp.dialects.dlp.view import BroadcastOp, ConcatOp, CopyOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from dlp.interpreter import InterpreterError
from dlp.interpreter.dtypes import Array
from dlp.testing import run_op


def count(*shape: int) -> Array:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_copy() -> None:
    x = count(2, 3)
    assert np.array_equal(run_op(CopyOp, x), x)


@pytest.mark.parametrize("permutation", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)], ids=str)
def test_transpose(permutation: tuple[int, ...]) -> None:
    x = count(2, 3, 4)
    assert np.array_equal(run_op(TransposeOp, x, permutation=permutation), x.transpose(permutation))


RESHAPES = [
    ((2, 3, 4), (6, 4)),
    ((6, 4), (2, 3, 4)),
    ((6, 4), (4, 6)),
    ((2, 3, 4), (4, 3, 2)),
    ((4, 6, 5), (3, 8, 5)),
    ((2, 1, 3), (2, 3)),
    ((2, 3), (1, 2, 1, 3, 1)),
    ((1, 1), ()),
    ((), (1,)),
    ((1, 1, 5), (5, 1)),
    ((1, 5, 1), (1, 1, 5)),
    ((8,), (2, 2, 2)),
    ((2, 1, 6), (3, 1, 4)),
    ((1, 6), (2, 1, 3)),
]


@pytest.mark.parametrize(("source", "result"), RESHAPES, ids=str)
def test_reshape(source: tuple[int, ...], result: tuple[int, ...]) -> None:
    x = count(*source)
    assert np.array_equal(run_op(ReshapeOp, x, shape=result), x.reshape(result))


@pytest.mark.parametrize(("source", "result"), RESHAPES, ids=str)
def test_reshape_as_a_memref_view_of_a_contiguous_buffer(
    source: tuple[int, ...], result: tuple[int, ...]
) -> None:
    x = count(*source)
    layout = _op(ReshapeOp, x, shape=result).relayout((0, tuple(s // 4 for s in x.strides)))
    assert layout is not None
    assert np.array_equal(_strided(x, layout, result), x.reshape(result))


def test_reshape_of_a_transposed_buffer_needs_a_copy() -> None:
    op = _op(ReshapeOp, count(3, 4), shape=(12,))
    assert op.relayout((0, (1, 3))) is None
    assert op.relayout((0, (8, 1))) is None
    assert op.relayout((5, (4, 1))) == (5, (1,))


@pytest.mark.parametrize("offsets", [(0, 0), (1, 2)], ids=str)
@pytest.mark.parametrize("steps", [(1, 1), (2, 3)], ids=str)
def test_slice(offsets: tuple[int, int], steps: tuple[int, int]) -> None:
    x = count(5, 7)
    expected = x[offsets[0] :: steps[0], offsets[1] :: steps[1]]
    arguments: dict[str, Any] = {"offsets": offsets, "steps": steps, "shape": expected.shape}
    assert np.array_equal(run_op(SliceOp, x, **arguments), expected)
    layout = _op(SliceOp, x, **arguments).relayout((0, (7, 1)))
    assert layout is not None
    assert np.array_equal(_strided(x, layout, expected.shape), expected)


def test_slice_backwards() -> None:
    x = count(5)
    assert np.array_equal(run_op(SliceOp, x, offsets=(4,), steps=(-2,), shape=(3,)), [4, 2, 0])


@pytest.mark.parametrize("shape", [(2, 3, 4), (5, 2, 3, 4)], ids=str)
def test_broadcast(shape: tuple[int, ...]) -> None:
    x = count(3, 1)
    assert np.array_equal(run_op(BroadcastOp, x, shape=shape), np.broadcast_to(x, shape))
    layout = _op(BroadcastOp, x, shape=shape).relayout((0, (1, 1)))
    assert layout is not None
    assert np.array_equal(_strided(x, layout, shape), np.broadcast_to(x, shape))


@pytest.mark.parametrize("value", [0.0, float("-inf")])
def test_pad(value: float) -> None:
    x = count(2, 3)
    result = run_op(PadOp, x, low=(1, 0), high=(0, 2), value=FloatAttr(value, f32))
    assert np.array_equal(result, np.pad(x, ((1, 0), (0, 2)), constant_values=value))


@pytest.mark.parametrize("dimension", [0, 1])
def test_concat(dimension: int) -> None:
    shapes = ((2, 3), (1, 3), (4, 3)) if dimension == 0 else ((2, 3), (2, 1), (2, 5))
    parts = [count(*s) + 100 * i for i, s in enumerate(shapes)]
    assert np.array_equal(run_op(ConcatOp, *parts, dimension=dimension), np.concatenate(parts, dimension))


@pytest.mark.parametrize("dimension", [0, 1, 2])
@pytest.mark.parametrize("index_shape", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_gather(dimension: int, index_shape: tuple[int, ...], dtype: Any) -> None:
    table = count(4, 5, 6)
    index = np.random.default_rng(0).integers(0, 4, index_shape).astype(dtype)
    assert np.array_equal(
        run_op(GatherOp, table, index, dimension=dimension), np.take(table, index, dimension)
    )


@pytest.mark.parametrize("index", [-1, 4])
def test_gather_outside_of_the_table_is_an_error(index: int) -> None:
    with pytest.raises(InterpreterError, match=r"dlp.gather: reads operand 0 at .* of dimension 0"):
        run_op(GatherOp, count(4, 5), np.array([index]), dimension=0)


def _op(op_class: Any, x: Array, **arguments: Any) -> Any:
    from xdsl.ir import Block

    from dlp.testing import tensor_type

    return op_class.of(Block(arg_types=[tensor_type(x)]).args[0], **arguments)


def _strided(x: Array, layout: tuple[int, tuple[int, ...]], shape: tuple[int, ...]) -> Array:
    offset, strides = layout
    flat = x.reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(flat, shape, [s * x.itemsize for s in strides])
