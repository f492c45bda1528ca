"""The promise to researchers: an op and a pass from another package work like dlp's own, no pass touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "morphology"

NETWORK = """
func.func @forward(%x: tensor<1x112x112x64xf32>, %b: tensor<3x3xf32>) -> tensor<1x56x56x64xf32> {
  %r = dlp.relu ins(%x : tensor<1x112x112x64xf32>) -> tensor<1x112x112x64xf32>
  %p = dlp.pad ins(%r : tensor<1x112x112x64xf32>) -> tensor<1x114x114x64xf32>
    {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0xff800000 : f32}
  %d = morphology.dilate ins(%p, %b : tensor<1x114x114x64xf32>, tensor<3x3xf32>) -> tensor<1x56x56x64xf32>
    {strides = array<i64: 2, 2>}
  %y = dlp.sigmoid ins(%d : tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32>
  func.return %y : tensor<1x56x56x64xf32>
}
"""

NUMERICS = """
import sys
import numpy as np
from dlp.testing import assert_pass_preserves
small = sys.stdin.read().replace("112", "16").replace("114", "18").replace("56", "8").replace("x64x", "x21x")
for target in ("avx2", "avx512", "ve"):
    assert_pass_preserves(small, "default", target=target)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds the example installed."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    copy = tmp_path_factory.mktemp("source") / "morphology"
    subprocess.run(["cp", "-r", EXAMPLE, copy], check=True)
    subprocess.run([*command, "--target", folder, copy], check=True, capture_output=True, text=True)
    return {**os.environ, "PYTHONPATH": str(folder)}


def dlp_opt(environment: dict[str, str], pipeline: str, text: str, *options: str) -> str:
    command = [sys.executable, "-m", "dlp.opt", "-p", pipeline, *options]
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("target", "lanes"), [("avx512", 16), ("ve", 64)])
def test_fused_depth_first_and_tiled(installed: dict[str, str], target: str, lanes: int) -> None:
    """One kernel; in its tasks a dilated tile and the rows of the relu that it reads; vectors of the target."""
    tiles = dlp_opt(installed, "graph,kernels,buffers,tiles", NETWORK, f"--target={target}")
    kernels = [line for line in tiles.splitlines() if "func.func private" in line]
    assert len(kernels) == 1 and "@relu_dilate_sigmoid" in kernels[0]
    body = tiles[tiles.index("func.func private") :]
    assert "memref.alloc()" not in body, "the relu's result must not exist as a whole"
    task = body[body.index("scf.parallel") :]
    assert task.index("dlp.relu") < task.index("morphology.dilate") < task.index("dlp.sigmoid")
    vectors = dlp_opt(installed, "graph,kernels,buffers,tiles,vectors", NETWORK, f"--target={target}")
    assert "morphology.dilate ins" not in vectors
    assert f"vector<{lanes}xf32>" in vectors and "arith.maximumf" in vectors


def test_changes_no_result(installed: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NUMERICS], input=NETWORK, env=installed, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_pass_is_found(installed: dict[str, str]) -> None:
    """It fires on a window of one element, and leaves a real window alone."""
    assert "fold-flat-dilation" in dlp_opt(installed, "", "", "--list-passes")
    flat = (
        NETWORK.replace("3x3xf32", "1x1xf32")
        .replace("114", "112")
        .replace("2, 2", "1, 1")
        .replace("56", "112")
    )
    flat = flat.replace("0, 1, 1, 0", "0, 0, 0, 0")
    folded = dlp_opt(installed, "fold-flat-dilation", flat)
    assert "morphology.dilate ins" not in folded and "dlp.add" in folded
    assert "morphology.dilate ins" in dlp_opt(installed, "fold-flat-dilation", NETWORK)
