"""How much memory compiled networks need for intermediates."""

from __future__ import annotations

import networks
import pytest

from dlp.cache import key_of
from dlp.compiler import lower_module
from dlp.frontends.torch.capture import capture
from dlp.ir_text import ir_text
from dlp.targets import load


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_arena_is_hardly_larger_than_what_lives_at_once(name: str) -> None:
    """At most a tenth above the largest set of buffers alive at once, and lowering is deterministic."""
    network = networks.network(name, "small")
    module = capture(network.model, network.args).imported.module
    again = module.clone()
    metadata = lower_module(module, target=load("avx2"), threads=2)
    assert 0 < metadata.largest_live_bytes <= metadata.arena_bytes <= 1.1 * metadata.largest_live_bytes
    assert metadata.arena_bytes < metadata.intermediate_bytes or name == "mlp"
    if name == "digits_cnn":
        lower_module(again, target=load("avx2"), threads=2)
        assert key_of(ir_text(again)) == key_of(ir_text(module))
