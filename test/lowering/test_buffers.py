"""From groups to an arena: what the interpreter computes stays the same after each pass, and what C computes too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlp.cache import Cache
from dlp.compiler import compile_module
from dlp.lowering._arena import Block, largest_live_set, place
from dlp.targets import host
from dlp.testing import Network, assert_pass_preserves, parse_module, random_inputs, random_weights

STEPS = (
    "outline-kernels",
    "bufferize",
    "lower-pad",
    "convert-dlp-to-loops",
    "hoist-allocations",
    "plan-arena",
)


RESIDUAL = """
func.func @forward(%x: tensor<6x10xf32>) -> (tensor<6x4xf32>, tensor<24xf32>) {
  %w = dlp.weight "fc.weight" : tensor<10x4xf32>
  %b = dlp.weight "fc.bias" : tensor<4xf32>
  %h = dlp.fused ins(%x, %w, %b : tensor<6x10xf32>, tensor<10x4xf32>, tensor<4xf32>) -> tensor<6x4xf32> {
  ^bb0(%a: tensor<6x10xf32>, %c: tensor<10x4xf32>, %d: tensor<4xf32>):
    %0 = dlp.matmul ins(%a, %c : tensor<6x10xf32>, tensor<10x4xf32>) -> tensor<6x4xf32>
    %1 = dlp.add ins(%0, %d : tensor<6x4xf32>, tensor<4xf32>) -> tensor<6x4xf32>
    %2 = dlp.relu ins(%1 : tensor<6x4xf32>) -> tensor<6x4xf32>
    dlp.yield %2 : tensor<6x4xf32>
  }
  %t = dlp.transpose ins(%h : tensor<6x4xf32>) -> tensor<4x6xf32> {permutation = array<i64: 1, 0>}
  %e = dlp.fused ins(%t : tensor<4x6xf32>) -> tensor<4x6xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %0 = dlp.exp ins(%a : tensor<4x6xf32>) -> tensor<4x6xf32>
    dlp.yield %0 : tensor<4x6xf32>
  }
  %f = dlp.reshape ins(%e : tensor<4x6xf32>) -> tensor<24xf32>
  func.return %h, %f : tensor<6x4xf32>, tensor<24xf32>
}
"""

PADDED = """
func.func @forward(%x: tensor<1x6x6x3xf32>) -> tensor<1x6x6x4xf32> {
  %w = dlp.weight "conv.weight" : tensor<3x3x3x4xf32>
  %y = dlp.fused ins(%x, %w : tensor<1x6x6x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x6x6x4xf32> {
  ^bb0(%a: tensor<1x6x6x3xf32>, %k: tensor<3x3x3x4xf32>):
    %0 = dlp.relu ins(%a : tensor<1x6x6x3xf32>) -> tensor<1x6x6x3xf32>
    %1 = dlp.pad ins(%0 : tensor<1x6x6x3xf32>) -> tensor<1x8x8x3xf32>
      {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
    %2 = dlp.conv ins(%1, %k : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x6x6x4xf32>
      {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    dlp.yield %2 : tensor<1x6x6x4xf32>
  }
  func.return %y : tensor<1x6x6x4xf32>
}
"""

VIEWS = """
func.func @forward(%x: tensor<4x6xf32>) -> (tensor<4x2x3xf32>, tensor<8x3xf32>, tensor<6x4xf32>, tensor<4x6xf32>) {
  %s = dlp.slice ins(%x : tensor<4x6xf32>) -> tensor<4x3xf32> {offsets = array<i64: 0, 3>, steps = array<i64: 1, 1>}
  %y = dlp.fused ins(%s, %x : tensor<4x3xf32>, tensor<4x6xf32>) -> tensor<4x2x3xf32> {
  ^bb0(%a: tensor<4x3xf32>, %c: tensor<4x6xf32>):
    %0 = dlp.reshape ins(%a : tensor<4x3xf32>) -> tensor<4x1x3xf32>
    %1 = dlp.broadcast ins(%0 : tensor<4x1x3xf32>) -> tensor<4x2x3xf32>
    %2 = dlp.reshape ins(%c : tensor<4x6xf32>) -> tensor<4x2x3xf32>
    %3 = dlp.sub ins(%1, %2 : tensor<4x2x3xf32>, tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
    dlp.yield %3 : tensor<4x2x3xf32>
  }
  %z = dlp.fused ins(%s, %s : tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<8x3xf32> {
  ^bb0(%a: tensor<4x3xf32>, %c: tensor<4x3xf32>):
    %0 = dlp.exp ins(%a : tensor<4x3xf32>) -> tensor<4x3xf32>
    %1 = dlp.concat ins(%0, %c : tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<8x3xf32> {dimension = 0}
    dlp.yield %1 : tensor<8x3xf32>
  }
  %t = dlp.fused ins(%x : tensor<4x6xf32>) -> tensor<6x4xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %0 = dlp.neg ins(%a : tensor<4x6xf32>) -> tensor<4x6xf32>
    %1 = dlp.transpose ins(%0 : tensor<4x6xf32>) -> tensor<6x4xf32> {permutation = array<i64: 1, 0>}
    dlp.yield %1 : tensor<6x4xf32>
  }
  %back = dlp.transpose ins(%t : tensor<6x4xf32>) -> tensor<4x6xf32> {permutation = array<i64: 1, 0>}
  func.return %y, %z, %t, %back : tensor<4x2x3xf32>, tensor<8x3xf32>, tensor<6x4xf32>, tensor<4x6xf32>
}
"""

PREPARED = """
func.func @prepare() -> (tensor<10x4xf32>, tensor<4xf32>, tensor<2x2xf32>) {
  %w = dlp.weight "fc.weight" : tensor<4x10xf32>
  %b = dlp.weight "fc.bias" : tensor<2x2xf32>
  %p = dlp.fused ins(%w : tensor<4x10xf32>) -> tensor<10x4xf32> {
  ^bb0(%a: tensor<4x10xf32>):
    %0 = dlp.transpose ins(%a : tensor<4x10xf32>) -> tensor<10x4xf32> {permutation = array<i64: 1, 0>}
    dlp.yield %0 : tensor<10x4xf32>
  }
  %r = dlp.reshape ins(%b : tensor<2x2xf32>) -> tensor<4xf32>
  %e = dlp.fused ins(%b : tensor<2x2xf32>) -> tensor<2x2xf32> {
  ^bb0(%a: tensor<2x2xf32>):
    %0 = dlp.exp ins(%a : tensor<2x2xf32>) -> tensor<2x2xf32>
    dlp.yield %0 : tensor<2x2xf32>
  }
  func.return %p, %r, %e : tensor<10x4xf32>, tensor<4xf32>, tensor<2x2xf32>
}
func.func @forward(%x: tensor<6x10xf32>, %w: tensor<10x4xf32>, %b: tensor<4xf32>, %e: tensor<2x2xf32>)
    -> (tensor<6x4xf32>, tensor<2x2xf32>) attributes {dlp.num_inputs = 1 : i64} {
  %y = dlp.fused ins(%x, %w, %b : tensor<6x10xf32>, tensor<10x4xf32>, tensor<4xf32>) -> tensor<6x4xf32> {
  ^bb0(%a: tensor<6x10xf32>, %c: tensor<10x4xf32>, %d: tensor<4xf32>):
    %0 = dlp.matmul ins(%a, %c : tensor<6x10xf32>, tensor<10x4xf32>) -> tensor<6x4xf32>
    %1 = dlp.add ins(%0, %d : tensor<6x4xf32>, tensor<4xf32>) -> tensor<6x4xf32>
    dlp.yield %1 : tensor<6x4xf32>
  }
  func.return %y, %e : tensor<6x4xf32>, tensor<2x2xf32>
}
"""

CONCATENATED = """
func.func @forward(%x: tensor<4x6xf32>) -> (tensor<12x6xf32>, tensor<4x18xf32>, tensor<8x6xf32>) {
  %a = func.call @exp_(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %b = func.call @exp_(%a) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %c = func.call @join(%a, %x, %b) : (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<12x6xf32>
  %d = func.call @exp_(%b) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %e = dlp.concat ins(%d, %a, %d : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x18xf32>
    {dimension = 1}
  %f = func.call @exp_(%d) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %g = func.call @flat(%f) : (tensor<4x6xf32>) -> tensor<2x12xf32>
  %h = dlp.reshape ins(%g : tensor<2x12xf32>) -> tensor<4x6xf32>
  %i = dlp.concat ins(%f, %h : tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<8x6xf32> {dimension = 0}
  func.return %c, %e, %i : tensor<12x6xf32>, tensor<4x18xf32>, tensor<8x6xf32>
}
func.func private @exp_(%a: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = dlp.sigmoid ins(%a : tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %0 : tensor<4x6xf32>
}
func.func private @flat(%a: tensor<4x6xf32>) -> tensor<2x12xf32> {
  %0 = dlp.neg ins(%a : tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = dlp.reshape ins(%0 : tensor<4x6xf32>) -> tensor<2x12xf32>
  func.return %1 : tensor<2x12xf32>
}
func.func private @join(%a: tensor<4x6xf32>, %b: tensor<4x6xf32>, %c: tensor<4x6xf32>) -> tensor<12x6xf32> {
  %0 = dlp.concat ins(%a, %b, %c : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<12x6xf32>
    {dimension = 0}
  func.return %0 : tensor<12x6xf32>
}
"""

MODULES = {
    "concatenated": CONCATENATED,
    "residual": RESIDUAL,
    "padded": PADDED,
    "views": VIEWS,
    "prepared": PREPARED,
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("steps", [STEPS[:n] for n in range(1, len(STEPS) + 1)], ids=lambda steps: steps[-1])
def test_each_pass_preserves(name: str, steps: tuple[str, ...]) -> None:
    assert_pass_preserves(MODULES[name], ",".join(steps), check_reads=True)


@pytest.mark.parametrize("separate", [False, True], ids=["arena", "separate"])
@pytest.mark.parametrize("name", MODULES)
def test_c_computes_the_same(name: str, separate: bool, tmp_path: Path) -> None:
    module = parse_module(MODULES[name])
    weights = random_weights(module)
    expected = Network(module.clone(), weights)
    inputs = random_inputs(expected.input_types)
    plan = "plan-arena{separate=true}" if separate else "plan-arena"
    compiled = compile_module(
        module, target=host(), pipeline=",".join((*STEPS[:-1], plan)), cache=Cache(tmp_path), verify=True
    )
    compiled.poison = True
    packed = compiled.pack_arrays([weights[spec.name] for spec in compiled.signature.weights])
    for _ in range(2):
        for found, wanted in zip(compiled.run_arrays(inputs, packed), expected(*inputs), strict=True):
            assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_weight_is_packed_only_where_it_changes(tmp_path: Path) -> None:
    compiled = compile_module(
        parse_module(PREPARED), target=host(), pipeline=",".join(STEPS), cache=Cache(tmp_path)
    )
    assert compiled.signature.aliases == (-1, 1, -1)
    weights = [np.ones((4, 10), np.float32), np.ones((2, 2), np.float32)]
    packed = compiled.pack_arrays(weights)
    assert np.shares_memory(packed[1], weights[1])
    assert not np.shares_memory(packed[0], weights[0])


@pytest.mark.parametrize("seed", range(20))
def test_places_do_not_overlap_and_waste_little(seed: int) -> None:
    """Chains with branches, as networks are: at most a tenth above the largest live set."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(5, 80))
    blocks = [
        Block(64 * int(rng.integers(1, 200)), i, min(count, i + 1 + int(rng.choice([0, 0, 0, 1, 2, 7]))))
        for i in range(count)
    ]
    total = place(blocks)
    for i, a in enumerate(blocks):
        assert 0 <= a.offset <= total - a.size
        for b in blocks[:i]:
            assert not a.meets(b) or a.offset + a.size <= b.offset or b.offset + b.size <= a.offset
    assert largest_live_set(blocks) <= total <= 1.1 * largest_live_set(blocks)


def test_largest_live_set() -> None:
    assert largest_live_set([Block(10, 0, 1), Block(20, 1, 2), Block(5, 2, 2)]) == 30
    assert largest_live_set([]) == 0
