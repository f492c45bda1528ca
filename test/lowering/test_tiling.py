"""Tiling and vectorisation change no result, for every kernel and target."""

from __future__ import annotations

from pathlib import Path

import pytest

import dlp.targets
from dlp.dialects.memref import PrefetchOp
from dlp.testing import assert_pass_preserves
from test.lowering.kernels import KERNELS, softmax

STAGES = {
    "tasks": "tile-tasks{{target={0} threads=2}}",
    "registers": "tile-registers{{target={0}}}",
    "both": "tile-tasks{{target={0} threads=3}},tile-registers{{target={0}}}",
    "vectors": "tile-tasks{{target={0} threads=2}},tile-registers{{target={0}}},vectorize{{target={0}}}",
}


@pytest.mark.parametrize("target", ["avx2", "avx512", "scalar", "ve"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_results_stay(kernel: str, stage: str, target: str) -> None:
    assert_pass_preserves(
        KERNELS[kernel](), STAGES[stage].format(target), function="kernel", check_reads=True
    )


@pytest.mark.parametrize("kernel", ["matmul-packed", "conv-3x3-packed"])
def test_prefetches_stay_inside_the_weights(kernel: str, tmp_path: Path) -> None:
    """With a cache that holds no weights: the interpreter checks every address that is asked for."""
    text = Path(dlp.targets.__file__).with_name("avx2.toml").read_text()
    target = tmp_path / "small.toml"
    target.write_text(text.replace("l1_bytes = 32768", "l1_bytes = 64"))
    passes = (STAGES["vectors"] + ",prefetch-weights{{target={0}}}").format(f'"{target}"')
    module = assert_pass_preserves(KERNELS[kernel](), passes, function="kernel", check_reads=True)
    assert any(isinstance(op, PrefetchOp) for op in module.walk())


@pytest.mark.parametrize("rows", [9, 10, 12, 40])
def test_prefetches_stay_inside_the_rows(rows: int, tmp_path: Path) -> None:
    """With a second-level cache that holds no rows."""
    text = Path(dlp.targets.__file__).with_name("avx2.toml").read_text()
    target = tmp_path / "small.toml"
    target.write_text(text.replace("l2_bytes = 524288", "l2_bytes = 64"))
    passes = (STAGES["vectors"] + ",prefetch-tasks{{target={0}}}").format(f'"{target}"')
    module = assert_pass_preserves(softmax(rows, 80), passes, function="kernel", check_reads=True)
    assert any(isinstance(op, PrefetchOp) for op in module.walk())
