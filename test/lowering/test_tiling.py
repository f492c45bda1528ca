"""Tiling and vectorisation change no result, for every kernel and target."""

from __future__ import annotations

import pytest

from dlp.testing import assert_pass_preserves
from test.lowering.kernels import KERNELS

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
