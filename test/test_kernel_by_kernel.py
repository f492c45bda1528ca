"""Kernel by kernel and pass by pass, the C is the same."""

from __future__ import annotations

import re

import pytest
from xdsl.dialects import func
from xdsl.ir import Operation

from dlp.codegen import print_c
from dlp.codegen.units import CUnit
from dlp.context import make_context
from dlp.kernel_by_kernel import Lowering
from dlp.pass_pipeline import parse_passes
from dlp.targets import Target, load
from dlp.testing import parse_module
from dlp.walking import walk, walk_blocks, walk_of

# Kernels that own memory, call a function of vectors and check indices, and one that packs the weights.
MODULE = """
func.func @forward(%x: tensor<64x96xf32>, %i: tensor<4xi64>) -> tensor<4x256xf32> {
  %w = dlp.weight "w" : tensor<96x256xf32>
  %0 = dlp.matmul ins(%x, %w : tensor<64x96xf32>, tensor<96x256xf32>) -> tensor<64x256xf32>
  %1 = dlp.softmax ins(%0 : tensor<64x256xf32>) -> tensor<64x256xf32> {dimension = 1 : i64}
  %2 = dlp.check_index ins(%i : tensor<4xi64>) -> tensor<4xi64> {message = "too large", size = 64 : i64}
  %3 = dlp.gather ins(%1, %2 : tensor<64x256xf32>, tensor<4xi64>) -> tensor<4x256xf32> {dimension = 0 : i64}
  func.return %3 : tensor<4x256xf32>
}
"""


def lowered(target: Target, pipeline: str = "default", *, whole: bool) -> tuple[Lowering, list[CUnit], str]:
    """The lowering, its files, and the whole module as one file."""
    module = parse_module(MODULE)
    lowering = Lowering(parse_passes(pipeline, target=target.name), target, whole=whole)
    units = list(lowering.units(make_context(), module))
    return lowering, units, print_c(module, target)


def functions(text: str) -> set[str]:
    """The definitions in a file of C."""
    return set(re.findall(r"^(?:static )?(void \w+\([^;{]*\{\n.*?^\}\n)", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("target", ["avx2", "scalar"])
def test_every_function_is_the_same(target: str) -> None:
    _, units, one_by_one = lowered(load(target), whole=False)
    _, _, pass_by_pass = lowered(load(target), whole=True)
    printed = set[str]().union(*(functions(unit.text) for unit in units))
    assert len(printed) >= 4
    assert printed == functions(pass_by_pass) == functions(one_by_one)


def test_the_text_of_prepare_is_that_of_all_it_calls() -> None:
    lowering, units, _ = lowered(load("avx2"), whole=False)
    printed = set[str]().union(*(functions(unit.text) for unit in units))
    of_prepare, of_forward = (functions(lowering.printer.text_of(name)) for name in ("prepare", "forward"))
    assert len(of_prepare) > 1
    assert of_prepare | of_forward == printed
    assert not of_prepare & of_forward


def test_messages_are_numbered() -> None:
    lowering, units, _ = lowered(load("avx2"), whole=False)
    assert list(lowering.printer.messages.items()) == [("too large", 1)]
    assert any("__atomic_store_n(status, 1," in unit.text for unit in units)


def test_passes_behind_one_on_the_module_see_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def count_functions(self: object, ctx: object, module: Operation) -> None:
        seen.append(len(walk_of(module, func.FuncOp)))

    monkeypatch.setattr("dlp.transforms.dce.DeadCodeElimination.apply", count_functions)
    _, units, _ = lowered(load("avx2"), "default,dce", whole=False)
    assert seen[-1] > 2
    assert units


def test_walk() -> None:
    module = parse_module(MODULE)
    assert walk(module) == list(module.walk())
    assert walk_blocks(module) == [b for o in module.walk() for r in o.regions for b in r.blocks]
    assert [f.sym_name.data for f in walk_of(module, func.FuncOp)] == ["forward"]
