"""dlp ops on buffers, memref views, and what the interpreter says about memory that is used wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import FloatAttr, TensorType, f32

from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import AddOp
from dlp.dialects.dlp.reduction import MaxOp
from dlp.dialects.dlp.view import ConcatOp, PadOp
from dlp.interpreter import Interpreter, InterpreterError
from dlp.interpreter.dtypes import Array
from dlp.testing import op_module, parse_module, random_inputs, run_op, tensor_type

SHAPES: list[tuple[Any, list[tuple[int, ...]], dict[str, Any]]] = [
    (AddOp, [(3, 1), (4,)], {}),
    (MatmulOp, [(3, 4), (4, 5)], {}),
    (MaxOp, [(3, 4)], {"dims": (1,)}),
    (PadOp, [(2, 3)], {"low": (1, 0), "high": (0, 2), "value": FloatAttr(7.0, f32)}),
    (ConcatOp, [(2, 3), (2, 1)], {"dimension": 1}),
    (
        ConvOp,
        [(1, 2, 5, 5), (3, 2, 3, 3)],
        {"layout": "channels_first", "strides": (1, 1), "dilations": (1, 1), "groups": 1},
    ),
]


def call(text: str, *arguments: Any, check_reads: bool = True, function: str = "f") -> list[Array]:
    return Interpreter(parse_module(text), check_reads=check_reads).call(function, *arguments)


@pytest.mark.parametrize(("op", "shapes", "arguments"), SHAPES, ids=lambda x: getattr(x, "name", ""))
def test_an_op_on_buffers_fills_its_destination(op: Any, shapes: Any, arguments: Any) -> None:
    inputs = random_inputs([TensorType(f32, s) for s in shapes])
    expected = run_op(op, *inputs, **arguments)
    module = op_module(op, *map(tensor_type, inputs), buffers=True, **arguments)
    out = np.full_like(expected, np.nan)
    assert Interpreter(module).call("forward", *inputs, out) == []
    assert np.array_equal(out, expected)


def test_accumulate_starts_from_the_destination() -> None:
    text = """
    func.func @f(%a: memref<2x3xf32>, %w: memref<3x4xf32>, %out: memref<2x4xf32>) {
      dlp.matmul ins(%a, %w : memref<2x3xf32>, memref<3x4xf32>) outs(%out : memref<2x4xf32>) {accumulate}
      func.return
    }
    """
    a, w, out = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32), np.full((2, 4), 10, np.float32)
    call(text, a, w, out)
    assert np.array_equal(out, np.full((2, 4), 13))


TILE = """
func.func @f(%x: memref<4x6xf32>, %row: index, %rows: index) {
  %tile = memref.subview %x[%row, 1] [%rows, 4] [1, 1]
    : memref<4x6xf32> to memref<?x4xf32, strided<[6, 1], offset: ?>>
  dlp.neg ins(%tile : memref<?x4xf32, strided<[6, 1], offset: ?>>)
    outs(%tile : memref<?x4xf32, strided<[6, 1], offset: ?>>)
  func.return
}
"""


def test_a_tile_of_dynamic_size() -> None:
    x = np.ones((4, 6), np.float32)
    call(TILE, x, 1, 2)
    expected = np.ones((4, 6))
    expected[1:3, 1:5] = -1
    assert np.array_equal(x, expected)


def test_a_reduction_of_dynamic_size() -> None:
    text = """
    func.func @f(%x: memref<?x5xf32>, %out: memref<1x5xf32>) {
      dlp.sum ins(%x : memref<?x5xf32>) outs(%out : memref<1x5xf32>) {dims = array<i64: 0>}
      func.return
    }
    """
    x, out = np.arange(15, dtype=np.float32).reshape(3, 5), np.empty((1, 5), np.float32)
    call(text, x, out)
    assert np.array_equal(out, x.sum(axis=0, keepdims=True))


def test_a_tile_outside_of_its_buffer_is_an_error() -> None:
    with pytest.raises(
        InterpreterError, match=r"memref\.subview: dimension 0 covers 3 to 4, the source has 4"
    ):
        call(TILE, np.ones((4, 6), np.float32), 3, 2)


@pytest.mark.parametrize("check_reads", [False, True])
def test_memory_that_nobody_wrote(check_reads: bool) -> None:
    text = """
    func.func @f(%out: memref<2x3xf32>) {
      %scratch = memref.alloc() : memref<2x3xf32>
      %part = memref.subview %scratch[0, 0] [2, 2] [1, 1] : memref<2x3xf32> to memref<2x2xf32, strided<[3, 1]>>
      dlp.constant ins() outs(%part : memref<2x2xf32, strided<[3, 1]>>) {value = 1.0 : f32}
      dlp.copy ins(%scratch : memref<2x3xf32>) outs(%out : memref<2x3xf32>)
      func.return
    }
    """
    out = np.zeros((2, 3), np.float32)
    if check_reads:
        with pytest.raises(InterpreterError, match="reads memory that nobody has written"):
            call(text, out, check_reads=True)
    else:
        call(text, out, check_reads=False)
        assert np.array_equal(out, [[1, 1, np.nan]] * 2, equal_nan=True)


@pytest.mark.parametrize("type", ["i64", "i1"])
def test_integers_that_nobody_wrote(type: str) -> None:
    text = f"""
    func.func @f() -> {type} {{
      %scratch = memref.alloca() : memref<2x{type}>
      %at = arith.constant 1 : index
      %0 = memref.load %scratch[%at] : memref<2x{type}>
      func.return %0 : {type}
    }}
    """
    with pytest.raises(InterpreterError, match="reads memory that nobody has written"):
        call(text)


ARENA = """
func.func @f(%x: memref<2x3xf32>, %out: memref<6xf32>, %arena: memref<88xi8>) {
  %at = arith.constant 64 : index
  %buffer = memref.view %arena[%at][] : memref<88xi8> to memref<2x3xf32>
  dlp.neg ins(%x : memref<2x3xf32>) outs(%buffer : memref<2x3xf32>)
  %flat = memref.reinterpret_cast %buffer to offset: [0], sizes: [6], strides: [1]
    : memref<2x3xf32> to memref<6xf32, strided<[1]>>
  dlp.copy ins(%flat : memref<6xf32, strided<[1]>>) outs(%out : memref<6xf32>)
  func.return
}
"""


def test_views_of_an_arena() -> None:
    x, out, arena = (
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.zeros(6, np.float32),
        np.zeros(88, np.int8),
    )
    call(ARENA, x, out, arena)
    assert np.array_equal(out, -x.reshape(-1))
    assert np.array_equal(arena[64:].view(np.float32), out)
    assert not arena[:64].any()


def test_an_arena_too_small_is_an_error() -> None:
    x, out, arena = np.ones((2, 3), np.float32), np.zeros(6, np.float32), np.zeros(80, np.int8)
    with pytest.raises(InterpreterError, match=r"memref\.view: bytes 64 to 88 leave 80 bytes"):
        call(ARENA.replace("88", "80"), x, out, arena)


def test_reinterpret_cast_out_of_the_allocation_is_an_error() -> None:
    text = """
    func.func @f(%x: memref<6xf32>) {
      %0 = memref.reinterpret_cast %x to offset: [2], sizes: [2, 3], strides: [3, 1]
        : memref<6xf32> to memref<2x3xf32, strided<[3, 1], offset: 2>>
      func.return
    }
    """
    with pytest.raises(InterpreterError, match="elements 2 to 7 leaves its allocation of 6 elements"):
        call(text, np.ones(6, np.float32))


def test_a_type_that_lies_about_strides_is_an_error() -> None:
    text = """
    func.func @f(%x: memref<2x3xf32>) {
      func.call @g(%x) : (memref<2x3xf32>) -> ()
      func.return
    }
    func.func @g(%x: memref<2x3xf32>) {
      func.return
    }
    """
    with pytest.raises(InterpreterError, match=r"argument 0 of @f has type .* strides \(1, 2\)"):
        call(text, np.ones((3, 2), np.float32).T)


def test_a_strided_argument() -> None:
    text = """
    func.func @f(%x: memref<2x3xf32, strided<[1, 2], offset: ?>>) {
      dlp.neg ins(%x : memref<2x3xf32, strided<[1, 2], offset: ?>>)
        outs(%x : memref<2x3xf32, strided<[1, 2], offset: ?>>)
      func.return
    }
    """
    x = np.ones((3, 2), np.float32)
    call(text, x.T)
    assert np.array_equal(x, -np.ones((3, 2)))


def test_scalar_load_and_store() -> None:
    text = """
    func.func @f(%x: memref<2x3xf32>, %i: index, %j: index) -> f32 {
      %0 = memref.load %x[%i, %j] : memref<2x3xf32>
      %1 = arith.negf %0 : f32
      memref.store %1, %x[%i, %j] : memref<2x3xf32>
      func.return %0 : f32
    }
    """
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    (loaded,) = call(text, x, 1, 2)
    assert (loaded, x[1, 2]) == (5, -5)
    with pytest.raises(InterpreterError, match=r"memref.load: index \(1, 3\) lies outside of shape \(2, 3\)"):
        call(text, x, 1, 3)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.ones((2, 3)), "must be memref<2x3xf32>, is float64"),
        (np.ones((3, 2), np.float32), r"is float32 of shape \(3, 2\)"),
    ],
)
def test_arguments_that_do_not_fit(array: Array, text: str) -> None:
    with pytest.raises(InterpreterError, match=text):
        call("func.func @f(%x: memref<2x3xf32>) { func.return }", array)


def test_unknown_operations_are_named() -> None:
    text = (
        "func.func @f(%x: tensor<2xf32>) { %0 = tensor.cast %x : tensor<2xf32> to tensor<?xf32> func.return }"
    )
    with pytest.raises(InterpreterError, match=r"does not know the operation 'tensor.cast'"):
        call(text, np.ones(2, np.float32))


def test_weights_without_data_are_named() -> None:
    text = 'func.func @f() { %0 = dlp.weight "layer.bias" : tensor<2xf32> func.return }'
    with pytest.raises(InterpreterError, match=r'no data was given for dlp.weight "layer.bias"'):
        call(text)
