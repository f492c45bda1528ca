"""The checks that other tests lean on: they must see what is wrong, at every stage of the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.dialects.dlp.elementwise import AddOp, ReluOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.pass_manager import PassFailure
from dlp.testing import Network, assert_pass_preserves, assert_same, parse_module, relative_error

NETWORK = """
func.func @forward(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %w = dlp.weight "w" : tensor<4x4xf32>
  %b = dlp.weight "b" : tensor<4xf32>
  %0 = dlp.matmul ins(%x, %w : tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32>
  %1 = dlp.add ins(%0, %b : tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %2 = dlp.relu ins(%1 : tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return %2 : tensor<3x4xf32>
}
"""

BUFFERS = """
func.func @kernel(%x: memref<3x4xf32>, %y: memref<3x4xf32>) {
  %0 = memref.alloc() : memref<3x4xf32>
  dlp.add ins(%x, %x : memref<3x4xf32>, memref<3x4xf32>) outs(%0 : memref<3x4xf32>)
  dlp.relu ins(%0 : memref<3x4xf32>) outs(%y : memref<3x4xf32>)
  func.return
}
"""


@dataclass(frozen=True)
class Drop(ModulePass):
    """A wrong pass: the op hands its first operand through, or leaves its buffer unwritten."""

    name = "drop"
    op: type[DestinationOp] = ReluOp

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for found in [o for o in op.walk() if isinstance(o, self.op)]:
            if found.res:
                found.result.replace_all_uses_with(found.ins[0])
            found.detach()
            found.erase()


@pytest.mark.parametrize("pipeline", ["split-prepare", "split-prepare,fuse,outline-kernels", "default"])
def test_right_passes_pass(pipeline: str) -> None:
    after = assert_pass_preserves(NETWORK, pipeline, target="avx2", check_reads=True)
    assert after.is_structurally_equivalent(parse_module(NETWORK)) is False


@pytest.mark.parametrize("before", ["cse", "split-prepare"])
@pytest.mark.parametrize("op", [AddOp, ReluOp])
def test_a_pass_that_drops_an_op_is_seen(op: type[DestinationOp], before: str) -> None:
    module = assert_pass_preserves(NETWORK, before)
    with pytest.raises(
        AssertionError, match=r"call 1, result 0: relative error .* of 12 elements .* differ, first at"
    ):
        assert_pass_preserves(module, Drop(op))


def test_a_pass_that_leaves_a_buffer_as_it_was_is_seen() -> None:
    with pytest.raises(AssertionError, match=r"call 1, result 1"):
        assert_pass_preserves(BUFFERS, Drop(ReluOp), function="kernel")


def test_a_pass_that_breaks_a_rule_is_seen() -> None:
    with pytest.raises(PassFailure, match="reads before anything is written"):
        assert_pass_preserves(BUFFERS, Drop(AddOp), function="kernel")


def test_a_pass_that_leaves_an_output_unwritten_is_seen() -> None:
    module = assert_pass_preserves(NETWORK, "split-prepare,fuse,outline-kernels,bufferize")
    with pytest.raises(AssertionError, match="call 1, result 0"):
        assert_pass_preserves(module, Drop(ReluOp))


STALE = """
func.func @forward(%x: memref<2xf32>, %out: memref<3xf32>, %arena: memref<64xi8>)
    attributes {dlp.num_outputs = 1 : i64} {
  %at = arith.constant 0 : index
  %ring = memref.view %arena[%at][] : memref<64xi8> to memref<3xf32>
  FILL
  %inside = memref.subview %ring[0] [2] [1] : memref<3xf32> to memref<2xf32, strided<[1]>>
  dlp.relu ins(%x : memref<2xf32>) outs(%inside : memref<2xf32, strided<[1]>>)
  dlp.copy ins(%ring : memref<3xf32>) outs(%out : memref<3xf32>)
  AFTER
  func.return
}
"""
ZEROS = "dlp.constant ins() outs(%ring : memref<3xf32>) {value = 0.0 : f32}"


def stale(fill: str, after: str) -> ModuleOp:
    return parse_module(STALE.replace("FILL", fill).replace("AFTER", after))


def test_the_arena_keeps_what_a_call_left_in_it() -> None:
    network = Network(stale("", ZEROS))
    x = np.ones(2, np.float32)
    assert np.isnan(network(x)[0][2])
    assert network(x)[0][2] == 0


def test_outputs_that_alias_arguments_are_those() -> None:
    text = """
    func.func @prepare(%w: memref<2xf32>, %out: memref<2xf32>)
        attributes {dlp.num_outputs = 1 : i64, dlp.weights = ["w"], dlp.aliases = array<i64: 0>} {
      func.return
    }
    func.func @forward(%x: memref<2xf32>, %w: memref<2xf32>, %out: memref<2xf32>)
        attributes {dlp.num_outputs = 1 : i64} {
      dlp.mul ins(%x, %w : memref<2xf32>, memref<2xf32>) outs(%out : memref<2xf32>)
      func.return
    }
    """
    network = Network(parse_module(text), {"w": np.array([2, 3], np.float32)})
    assert len(network.input_types) == 1
    assert np.array_equal(network(np.ones(2, np.float32))[0], [2, 3])


F = np.float32


@pytest.mark.parametrize(
    ("actual", "expected", "error"),
    [
        (np.array([1, 2], F), np.array([1, 2], F), 0),
        (np.array([1, 2.5], F), np.array([1, 2], F), 0.25),
        (np.array([1e-9, 0], F), np.array([0, 0], F), np.inf),
        (np.array([np.nan, 1], F), np.array([np.nan, 1], F), 0),
        (np.array([np.nan, 1], F), np.array([0, 1], F), np.inf),
        (np.array([0, 1], F), np.array([np.nan, 1], F), np.inf),
        (np.array([np.inf, 1], F), np.array([-np.inf, 1], F), np.inf),
        (np.array([np.inf, 1], F), np.array([np.inf, 2], F), 0.5),
        (np.array([1], F), np.array([1], np.float64), np.inf),
        (np.array([1], F), np.array([[1]], F), np.inf),
        (np.array([3]), np.array([3]), 0),
        (np.array([3]), np.array([4]), np.inf),
    ],
)
def test_relative_error(actual: np.ndarray, expected: np.ndarray, error: float) -> None:
    assert relative_error(actual, expected) == error


def test_a_missing_result_is_seen() -> None:
    with pytest.raises(AssertionError, match="results: 1 instead of 2"):
        assert_same([np.ones(1)], [np.ones(1), np.ones(1)])
