"""The functions that outline-math writes: their error in ulp over all of f32, and their special values."""

from __future__ import annotations

import ctypes
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from xdsl.parser import Parser

from dlp.context import make_context
from dlp.lowering.outline_math import OutlineMath
from dlp.targets import load

pytestmark = pytest.mark.requires_tool("gcc", "clang-22")

ROOT = Path(__file__).parents[2]
COUNT = 1 << 16
ULPS = 2.0

REFERENCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "erf": np.vectorize(math.erf),
}
INTERVALS = {"exp": (-104.0, 89.0), "log": (0.5, 2.0), "tanh": (-9.1, 9.1), "erf": (-4.1, 4.1)}
"""Where the function is neither constant nor easy."""

BOUNDARIES = [0.95, 0.625, 0.70710678, 1.4142135, 88.0, 88.8, 103.9, 2.0**-126, 1e-39, 1e-45, 3.4e38, np.inf]
SPECIAL = np.array([0.0, 1.0, *BOUNDARIES, -0.0, -1.0, *(-x for x in BOUNDARIES), np.nan], np.float32)


def kernel(name: str, width: int, target: str = "avx2") -> str:
    """IR that applies a function to `COUNT` elements, after the pass for a target."""
    type_ = f"vector<{width}xf32>" if width > 1 else "f32"
    access = "vector" if width > 1 else "memref"
    suffix = f", {type_}" if width > 1 else ""
    ir = f"""
func.func @apply(%x: memref<{COUNT}xf32>, %y: memref<{COUNT}xf32>) {{
  %from = arith.constant 0 : index
  %to = arith.constant {COUNT} : index
  %step = arith.constant {width} : index
  scf.for %i = %from to %to step %step {{
    %value = {access}.load %x[%i] : memref<{COUNT}xf32>{suffix}
    %result = math.{name} %value : {type_}
    {access}.store %result, %y[%i] : memref<{COUNT}xf32>{suffix}
    scf.yield
  }}
  func.return
}}
"""
    module = Parser(make_context(), ir).parse_module()
    OutlineMath(target).apply(make_context(), module)
    module.verify()
    assert f"math.{name}" not in str(module)
    return str(module)


def arguments(name: str) -> np.ndarray:
    """Special values, every magnitude and sign, and many numbers where the function changes."""
    random = np.random.default_rng(0)
    x = random.integers(0, 1 << 32, COUNT, dtype=np.uint32).view(np.float32)
    half = COUNT // 2
    x[:half] = np.linspace(*INTERVALS[name], half, dtype=np.float32)
    x[: SPECIAL.size] = SPECIAL
    return x


def ulps(result: np.ndarray, expected: np.ndarray) -> float:
    """Largest error in units of the last place of the expected number, denormals included."""
    finite = np.isfinite(expected) & (np.abs(expected) <= np.finfo(np.float32).max)
    spacing = np.spacing(np.abs(expected[finite]).astype(np.float32)).astype(np.float64)
    return float(np.max(np.abs(result[finite].astype(np.float64) - expected[finite]) / spacing))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("width", [1, 4, 8, 16])
@pytest.mark.parametrize("name", list(REFERENCES))
def test_error(
    name: str, width: int, compiler: str, compile_ir: Callable[..., ctypes.CDLL], call: Callable[..., None]
) -> None:
    target = "avx512" if width == 16 else "avx2"
    library = compile_ir(kernel(name, width, target), compiler, load(target))
    check(name, library, call)


@pytest.mark.parametrize("name", list(REFERENCES))
def test_error_without_fused_multiply_add(
    name: str, compile_ir: Callable[..., ctypes.CDLL], call: Callable[..., None]
) -> None:
    library = compile_ir(kernel(name, 4), "gcc", load("scalar"), ("-ffp-contract=off",))
    check(name, library, call)


def check(name: str, library: ctypes.CDLL, call: Callable[..., None]) -> None:
    x, y = arguments(name), np.empty(COUNT, np.float32)
    call(library, "apply", x, y)
    with np.errstate(all="ignore"):
        expected = REFERENCES[name](x.astype(np.float64))
        rounded = expected.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(rounded))
    np.testing.assert_array_equal(np.signbit(y[rounded == 0]), np.signbit(rounded[rounded == 0]))
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(y[infinite], rounded[infinite])
    assert ulps(y, expected) <= ULPS


def test_coefficients_are_those_that_the_script_derives() -> None:
    script = ROOT / "scripts" / "derive_math_coefficients.py"
    derived = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert derived.stdout == (ROOT / "lowering" / "_math_coefficients.py").read_text()
