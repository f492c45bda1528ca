"""Whole modules: files that compile apart, what the library shows, and what the compiler makes of a multiply-add."""

from __future__ import annotations

import ctypes
import dataclasses
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlp.codegen import UnitPrinter, print_c
from dlp.targets import load
from dlp.testing import parse_module

MODULE = """
func.func private @double_f32x8(%x: vector<8xf32>) -> vector<8xf32> {
  %y = arith.addf %x, %x : vector<8xf32>
  func.return %y : vector<8xf32>
}
func.func private @exp(%x: memref<4x8xf32>, %out: memref<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  "scf.parallel"(%c0, %c0, %c4, %c1, %c1, %c1) <{operandSegmentSizes = array<i32: 2, 2, 2, 0>}> ({
  ^bb0(%int: index, %j: index):
    %v = vector.load %x[%int, %j] : memref<4x8xf32>, vector<8xf32>
    %w = func.call @double_f32x8(%v) : (vector<8xf32>) -> vector<8xf32>
    vector.store %w, %out[%int, %j] : memref<4x8xf32>, vector<8xf32>
    "scf.reduce"() : () -> ()
  }) : (index, index, index, index, index, index) -> ()
  func.return
}
func.func @forward(%x: memref<4x8xf32>, %arena: memref<?xi8>, %out: memref<4x8xf32>) {
  %c64 = arith.constant 64 : index
  %t = memref.view %arena[%c64][] : memref<?xi8> to memref<4x8xf32>
  func.call @exp(%x, %t) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  func.call @exp(%t, %out) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  func.return
}
"""


def compile_units(folder: Path, *flags: str) -> Path:
    target = load("avx2")
    units = list(UnitPrinter(parse_module(MODULE), target, size=(1, 1)).finish())
    for unit in units:
        (folder / unit.name).write_text(unit.text)
    sources = [str(folder / unit.name) for unit in units]
    assert len(sources) == 2
    library = folder / "module.so"
    command = [
        "gcc",
        *target.flags("gcc"),
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fopenmp",
        "-fPIC",
        "-shared",
        *flags,
    ]
    subprocess.run([*command, *sources, "-o", str(library), "-lm"], check=True)
    return library


@pytest.mark.requires_tool("gcc")
def test_files_compile_apart_and_work_together(tmp_path: Path, call: Callable[..., None]) -> None:
    library = ctypes.CDLL(str(compile_units(tmp_path)))
    x, arena, out = np.arange(32, dtype=np.float32), np.zeros(256, np.int8), np.zeros(32, np.float32)
    call(library, "forward", x, arena, out)
    np.testing.assert_array_equal(out, 4 * x)


@pytest.mark.requires_tool("gcc", "nm")
def test_only_entries_are_visible(tmp_path: Path) -> None:
    shown = subprocess.run(
        ["nm", "-D", "--defined-only", str(compile_units(tmp_path))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r" T (\w+)", shown.stdout) == ["dlp_forward"]


def test_names_that_c_has_taken() -> None:
    text = print_c(parse_module(MODULE), load("avx2"))
    assert "static void exp_kernel(" in text
    assert "for (long int_ = 0;" in text


def test_parallel_loops_of_two_dimensions_are_one() -> None:
    text = print_c(parse_module(MODULE), load("avx2"))
    assert "num_threads(threads) schedule(static) collapse(2)" in text
    alone = dataclasses.replace(load("avx2"), threads="none")
    assert "#pragma omp" not in print_c(parse_module(MODULE), alone)


def test_same_module_same_text() -> None:
    target = load("avx2")
    first, second = (list(UnitPrinter(parse_module(MODULE), target).finish()) for _ in range(2))
    assert first == second


@pytest.mark.requires_tool("gcc", "clang-22")
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_multiply_adds_are_fused(compiler: str, tmp_path: Path) -> None:
    """The inner loop of a product has no separate multiplication, and keeps its sums in registers."""
    ir = """
func.func @product(%a: memref<2x64xf32>, %b: memref<64x8xf32>, %c: memref<2x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %x:2 = scf.for %k = %c0 to %c64 step %c1 iter_args(%p = %zero, %q = %zero) -> (vector<8xf32>, vector<8xf32>) {
    %s = memref.load %a[%c0, %k] : memref<2x64xf32>
    %t = memref.load %a[%c1, %k] : memref<2x64xf32>
    %w = vector.load %b[%k, %c0] : memref<64x8xf32>, vector<8xf32>
    %v = vector.broadcast %s : f32 to vector<8xf32>
    %u = vector.broadcast %t : f32 to vector<8xf32>
    %p1 = vector.fma %v, %w, %p : vector<8xf32>
    %q1 = vector.fma %u, %w, %q : vector<8xf32>
    scf.yield %p1, %q1 : vector<8xf32>, vector<8xf32>
  }
  vector.store %x#0, %c[%c0, %c0] : memref<2x8xf32>, vector<8xf32>
  vector.store %x#1, %c[%c1, %c0] : memref<2x8xf32>, vector<8xf32>
  func.return
}
"""
    target = load("avx2")
    source = tmp_path / "product.c"
    source.write_text(print_c(parse_module(ir), target))
    command = [
        {"gcc": "gcc", "clang": "clang-22"}[compiler],
        *target.flags(compiler),
        "-S",
        "-o",
        "-",
        str(source),
    ]
    assembly = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "vfmadd" in assembly
    assert "vmulps" not in assembly
    assert "(%rsp)" not in assembly
