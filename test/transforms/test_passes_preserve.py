"""Every function of the lit files of the graph passes computes the same before and after the pass, on random data."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.func import FuncOp

from dlp.testing import Network, assert_pass_preserves, parse_module

_HERE = Path(__file__).parent
_RUN = re.compile(r"// RUN: dlp-opt %s .*?-p (?:'([^']+)'|(\S+))")

# What it makes is run by the upstream tools (`test_convert_dlp_to_linalg.py`); the interpreter does not know it.
_CHECKED_ELSEWHERE = {"convert-dlp-to-linalg"}


def _functions() -> list[tuple[str, str, str]]:
    """(pipeline, text of the module, function) for every RUN line and function of the passes on dlp ops."""
    found: list[tuple[str, str, str]] = []
    for file in sorted(_HERE.glob("*.mlir")):
        text = file.read_text()
        if "ins(" not in text or file.stem in _CHECKED_ELSEWHERE:
            continue
        pipelines = [quoted or bare for quoted, bare in _RUN.findall(text)]
        assert pipelines, f"{file.name} has no RUN line that names its passes"
        for part in text.split("// -----"):
            for name in re.findall(r"^func\.func @(\w+)", part, re.MULTILINE):
                found += [(pipeline, part, name) for pipeline in pipelines]
    return found


@pytest.mark.parametrize(
    ("pipeline", "text", "function"),
    [pytest.param(*case, id=f"{case[0]}-{case[2]}-{number}") for number, case in enumerate(_functions())],
)
def test_pass_preserves(pipeline: str, text: str, function: str) -> None:
    assert_pass_preserves(text, pipeline, function=function)


# Values at which an identity that holds for ordinary numbers fails.
_EXTREMES = """
func.func @forward(%x: tensor<7xf32>) -> (tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>) {
  %zero = dlp.constant ins() -> tensor<f32> {value = 0.0 : f64}
  %minus_zero = dlp.constant ins() -> tensor<f32> {value = -0.0 : f64}
  %one = dlp.constant ins() -> tensor<f32> {value = 1.0 : f64}
  %four = dlp.constant ins() -> tensor<f32> {value = 4.0 : f64}
  %0 = dlp.mul ins(%x, %zero : tensor<7xf32>, tensor<f32>) -> tensor<7xf32>
  %1 = dlp.add ins(%x, %zero : tensor<7xf32>, tensor<f32>) -> tensor<7xf32>
  %2 = dlp.reciprocal ins(%1 : tensor<7xf32>) -> tensor<7xf32>
  %3 = dlp.add ins(%x, %minus_zero : tensor<7xf32>, tensor<f32>) -> tensor<7xf32>
  %4 = dlp.sub ins(%3, %zero : tensor<7xf32>, tensor<f32>) -> tensor<7xf32>
  %5 = dlp.reciprocal ins(%4 : tensor<7xf32>) -> tensor<7xf32>
  %6 = dlp.div ins(%x, %four : tensor<7xf32>, tensor<f32>) -> tensor<7xf32>
  %7 = dlp.mul ins(%6, %one : tensor<7xf32>, tensor<f32>) -> tensor<7xf32>
  func.return %0, %2, %5, %7 : tensor<7xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xf32>
}
"""


def test_canonicalize_respects_nan_infinity_and_signed_zero() -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, 1e-45], np.float32)
    assert_pass_preserves(_EXTREMES, "canonicalize,dce", [x], rtol=0.0)


def test_zero_added_is_not_dropped_by_mistake() -> None:
    """The check above sees the sign of a zero: a wrong identity fails it."""
    module = parse_module(_EXTREMES)
    function = next(op for op in module.ops if isinstance(op, FuncOp))
    add = next(op for op in function.body.block.ops if op.name == "dlp.add")
    x = np.array([-0.0] * 7, np.float32)
    right = Network(module)(x)[1]
    add.results[0].replace_all_uses_with(function.body.block.args[0])
    wrong = Network(module)(x)[1]
    assert (right > 0).all() and (wrong < 0).all()
