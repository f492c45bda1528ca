"""Attention in blocks is what its formula says, at every stage on its way to loops."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import f32

from dlp.dialects.dlp.composite import AttentionOp
from dlp.testing import assert_pass_preserves
from dlp.tiling import attention
from test.lowering.kernels import Kernel

STAGES = {
    "blocks": "tile-attention{{target={0}}}",
    "vectors": "tile-attention{{target={0}}},tile-registers{{target={0}}},vectorize{{target={0}}}",
    "loops": "tile-attention{{target={0}}},tile-registers{{target={0}}},vectorize{{target={0}}},convert-dlp-to-loops",
}
SHAPES = {
    "heads": ((2, 3, 7, 8), (2, 3, 9, 8), (2, 3, 9, 5), None, False),
    "many keys": ((1, 2, 7, 8), (1, 2, 37, 8), (1, 2, 37, 5), None, False),
    "shared keys and a mask": ((2, 4, 9, 8), (2, 2, 9, 8), (2, 2, 9, 8), (9, 9), False),
    "causal": ((1, 1, 14, 8), (1, 1, 20, 8), (1, 1, 20, 8), None, True),
    "one query": ((1, 2, 1, 8), (1, 1, 19, 8), (1, 1, 19, 8), (1, 1, 1, 19), False),
    "without heads": ((5, 4), (7, 4), (7, 3), None, True),
}


@pytest.mark.parametrize(("stage", "target"), [("blocks", "avx2"), ("vectors", "avx512"), ("loops", "avx2")])
@pytest.mark.parametrize("form", SHAPES)
@pytest.mark.parametrize("most_keys", [1, attention.MOST_KEYS])
def test_blocks(form: str, stage: str, target: str, most_keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with blocks of one panel of keys, so that there are several."""
    monkeypatch.setattr(attention, "MOST_KEYS", most_keys)
    q, k, v, mask, causal = SHAPES[form]
    shapes = [q, k, v, *([mask] if mask else [])]
    kernel = Kernel([(shape, f32) for shape in (*shapes, (*q[:-1], v[-1]))])
    *ins, out = kernel.args
    kernel.op(AttentionOp, *ins, out=out, scale=0.3, causal=causal, has_mask=mask is not None)
    assert_pass_preserves(kernel.module(), STAGES[stage].format(target), function="kernel", check_reads=True)
