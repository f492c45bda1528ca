"""Loops over a sequence compute the same after every pass, whatever their bodies use and hand on."""

from __future__ import annotations

import numpy as np
import pytest

from dlp.cache import Cache
from dlp.compiler import compile_module
from dlp.targets import host
from dlp.testing import (
    Network,
    assert_pass_preserves,
    assert_same,
    parse_module,
    random_inputs,
    random_weights,
)

STATES = """
func.func @forward(%xs: tensor<5x3xf32>, %a0: tensor<3xf32>, %b0: tensor<3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<5x3xf32>, tensor<5x3xf32>) {
  %k = dlp.constant ins() -> tensor<f32> {value = 0.5 : f64}
  %a, %b, %c, %ys, %zs = dlp.scan ins(%xs : tensor<5x3xf32>)
      init(%a0, %b0, %a0 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
      -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) outputs (tensor<5x3xf32>, tensor<5x3xf32>) {
  ^bb0(%x: tensor<3xf32>, %p: tensor<3xf32>, %q: tensor<3xf32>, %r: tensor<3xf32>):
    %h = dlp.mul ins(%q, %k : tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
    %n = dlp.add ins(%h, %x : tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    dlp.yield %q, %n, %r, %p, %x : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
  }
  %s = dlp.add ins(%b, %c : tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %a, %s, %ys, %zs : tensor<3xf32>, tensor<3xf32>, tensor<5x3xf32>, tensor<5x3xf32>
}
"""
"""States that change places, one that never changes, a constant from around, outputs that are a state and an input."""

SWAP = """
func.func @forward(%xs: tensor<5x3xf32>, %a0: tensor<3xf32>, %b0: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %a, %b = dlp.scan ins(%xs : tensor<5x3xf32>) init(%a0, %b0 : tensor<3xf32>, tensor<3xf32>)
      -> (tensor<3xf32>, tensor<3xf32>) outputs () {
  ^bb0(%x: tensor<3xf32>, %p: tensor<3xf32>, %q: tensor<3xf32>):
    dlp.yield %q, %p : tensor<3xf32>, tensor<3xf32>
  }
  func.return %a, %b : tensor<3xf32>, tensor<3xf32>
}
"""

NESTED = """
func.func @forward(%xs: tensor<4x6x2x3xf32>, %s0: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<4x6x2x5xf32>) {
  %w = dlp.weight "w" : tensor<5x3xf32>
  %u = dlp.weight "u" : tensor<3x3xf32>
  %last, %ys = dlp.scan ins(%xs : tensor<4x6x2x3xf32>) init(%s0 : tensor<2x3xf32>)
      -> (tensor<2x3xf32>) outputs (tensor<4x6x2x5xf32>) {
  ^bb0(%x: tensor<6x2x3xf32>, %s: tensor<2x3xf32>):
    %one = dlp.constant ins() -> tensor<f32> {value = 1.0 : f64}
    %f = dlp.add ins(%s, %one : tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    %inner, %ts = dlp.scan reverse ins(%x : tensor<6x2x3xf32>) init(%f : tensor<2x3xf32>)
        -> (tensor<2x3xf32>) outputs (tensor<6x2x5xf32>) {
    ^bb1(%y: tensor<2x3xf32>, %q: tensor<2x3xf32>):
      %m = dlp.matmul ins(%q, %u : tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
      %a = dlp.add ins(%m, %y : tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
      %n = dlp.tanh ins(%a : tensor<2x3xf32>) -> tensor<2x3xf32>
      %wt = dlp.transpose ins(%w : tensor<5x3xf32>) -> tensor<3x5xf32> {permutation = array<i64: 1, 0>}
      %t = dlp.matmul ins(%n, %wt : tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
      dlp.yield %n, %t : tensor<2x3xf32>, tensor<2x5xf32>
    }
    dlp.yield %inner, %ts : tensor<2x3xf32>, tensor<6x2x5xf32>
  }
  func.return %last, %ys : tensor<2x3xf32>, tensor<4x6x2x5xf32>
}
"""
"""A loop in a loop, the inner one backwards, with weights that are packed for both."""

VIEWS = """
func.func @forward(%x: tensor<3x5x4xf32>, %s0: tensor<4xf32>) -> (tensor<5x12xf32>, tensor<12xf32>) {
  %w = dlp.weight "w" : tensor<4xf32>
  %xs = dlp.transpose ins(%x : tensor<3x5x4xf32>) -> tensor<5x3x4xf32> {permutation = array<i64: 1, 0, 2>}
  %g = dlp.broadcast ins(%w : tensor<4xf32>) -> tensor<3x4xf32>
  %t0 = dlp.broadcast ins(%s0 : tensor<4xf32>) -> tensor<3x4xf32>
  %f0 = dlp.reshape ins(%t0 : tensor<3x4xf32>) -> tensor<12xf32>
  %last, %ys = dlp.scan ins(%xs : tensor<5x3x4xf32>) init(%f0 : tensor<12xf32>)
      -> (tensor<12xf32>) outputs (tensor<5x12xf32>) {
  ^bb0(%v: tensor<3x4xf32>, %s: tensor<12xf32>):
    %m = dlp.mul ins(%v, %g : tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
    %r = dlp.reshape ins(%m : tensor<3x4xf32>) -> tensor<12xf32>
    %n = dlp.add ins(%s, %r : tensor<12xf32>, tensor<12xf32>) -> tensor<12xf32>
    %flat = dlp.reshape ins(%v : tensor<3x4xf32>) -> tensor<12xf32>
    dlp.yield %n, %flat : tensor<12xf32>, tensor<12xf32>
  }
  func.return %ys, %last : tensor<5x12xf32>, tensor<12xf32>
}
"""
"""Views on every way into the loop and out of it."""

MODULES = {"states": STATES, "swap": SWAP, "nested": NESTED, "views": VIEWS}


@pytest.mark.parametrize("name", MODULES)
def test_every_stage_computes_the_same(name: str) -> None:
    for stage in (
        "graph",
        "graph,kernels",
        "graph,kernels,buffers",
        "graph,kernels,buffers,tiles,vectors,arena",
    ):
        after = assert_pass_preserves(MODULES[name], stage, target="avx2")
        assert ("scf.for" if "buffers" in stage else "dlp.scan") in str(after)


@pytest.mark.parametrize("name", MODULES)
def test_c_computes_the_same(name: str, tmp_path) -> None:
    module = parse_module(MODULES[name])
    network = Network(module.clone(), random_weights(module))
    inputs = random_inputs(network.input_types)
    compiled = compile_module(module, target=host(), cache=Cache(tmp_path), verify=True)
    compiled.poison = True
    packed = compiled.pack_arrays([network.weights[spec.name] for spec in compiled.signature.weights])
    for _ in range(2):
        for found, wanted in zip(compiled.run_arrays(inputs, packed), network(*inputs), strict=True):
            assert_same(np.asarray(found), wanted)


def test_code_does_not_grow_with_the_steps() -> None:
    few, many = (
        assert_pass_preserves(STATES.replace("5x3xf32", f"{n}x3xf32"), "graph,kernels,buffers")
        for n in (5, 50)
    )
    assert len(list(few.walk())) == len(list(many.walk()))
