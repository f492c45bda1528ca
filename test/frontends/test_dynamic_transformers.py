"""transformers' networks with lengths that change: one graph for all, and text generated with a growing cache."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from comparison import close
from networks.definition import define_torchvision_operations
from torch import nn

import dlp

_ENCODER = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}


def _network(kind: str) -> nn.Module:
    define_torchvision_operations()
    import transformers as library

    torch.manual_seed(0)
    if kind == "bert":
        return library.BertModel(library.BertConfig(vocab_size=30, **_ENCODER)).eval()
    if kind == "llama":
        sizes = {"vocab_size": 30, "num_key_value_heads": 1, "eos_token_id": None}
        return library.LlamaForCausalLM(library.LlamaConfig(**sizes, **_ENCODER)).eval()
    sizes = {
        "vocab_size": 30,
        "n_embd": 16,
        "n_layer": 1,
        "n_head": 2,
        "bos_token_id": 0,
        "eos_token_id": None,
    }
    return library.GPT2LMHeadModel(library.GPT2Config(**sizes)).eval()


def _graphs(model: nn.Module) -> tuple[int, int]:
    """How many graphs were captured, and how many of them serve all sizes."""
    report = dlp.report(model)
    assert report.calls_eager == report.calls_mixed == 0, str(report)
    return report.graphs_captured, report.graphs_for_all_sizes


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_batches_and_lengths_under_a_mask(kind: str):
    model = _network(kind)
    fast = dlp.optimize(model)
    keywords: dict[str, Any] = {} if kind == "bert" else {"use_cache": False}
    for number, (batch, length) in enumerate(((2, 7), (3, 9), (5, 12), (4, 5), (2, 31))):
        words = torch.randint(0, 30, (batch, length))
        mask = torch.ones_like(words)
        mask[0, -2:] = 0
        with torch.inference_mode():
            got = fast(input_ids=words, attention_mask=mask, **keywords)[0]
            assert close(got, model(input_ids=words, attention_mask=mask, **keywords)[0])
        assert _graphs(fast) == ((2, 1) if number else (1, 0)), str(dlp.report(fast))


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_generation_with_a_growing_cache(kind: str):
    model, reference = _network(kind), _network(kind)
    fast = dlp.optimize(model)

    def generate(length: int, new: int) -> None:
        words = torch.randint(1, 30, (2, length))
        settings: dict[str, Any] = {"max_new_tokens": new, "do_sample": False, "pad_token_id": 0}
        assert torch.equal(fast.generate(words, **settings), reference.generate(words, **settings))

    generate(5, 4)
    generate(8, 4)
    warm = _graphs(fast)
    # The first text and the first step have code of their own; what serves all lengths is for each of both.
    assert warm == (4, 2), str(dlp.report(fast))
    calls = dlp.report(fast).calls_compiled
    for length, new in ((3, 10), (11, 6), (6, 3)):
        generate(length, new)
    assert _graphs(fast) == warm
    assert dlp.report(fast).calls_compiled == calls + 10 + 6 + 3
