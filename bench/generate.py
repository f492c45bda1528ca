"""`python -m bench.generate`: text that grows word by word, compiled beside eager.

`generate` of transformers, greedy, with its growing cache: every prompt has another length, and every step of it too.
The first texts compile, one graph for all lengths; what is timed comes after them, both sides in turn, and has to
compile nothing and give the same words. The ratio of a round is of the seconds for a text; above 1 dlp is faster.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import dlp
from bench.candidates import ROOT
from bench.quiet import alone, set_priority

sys.path.insert(0, str(ROOT / "test"))

WORDS = 1000


def _gpt2() -> nn.Module:
    import transformers

    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=WORDS, bos_token_id=0, eos_token_id=None)
    )


def _llama() -> nn.Module:
    """Grouped queries, rotary positions and RMS norm: 8 layers of 512."""
    import transformers

    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=WORDS,
            hidden_size=512,
            intermediate_size=1408,
            num_hidden_layers=8,
            num_attention_heads=8,
            num_key_value_heads=4,
            bos_token_id=0,
            eos_token_id=None,
        )
    )


MODELS: dict[str, Callable[[], nn.Module]] = {"gpt2": _gpt2, "llama": _llama}


def measure(name: str, rounds: int, new: int) -> tuple[list[float], list[float], Any]:
    """Seconds of a text of each round, eager's and dlp's, and the report.

    Raises:
        AssertionError: other words than eager's, or something was compiled or left to the framework after the warm-up.
    """
    texts: list[nn.Module] = []
    for _ in range(2):
        torch.manual_seed(0)
        texts.append(MODELS[name]().eval())
    eager: Any = texts[0]
    fast: Any = dlp.optimize(texts[1])
    settings = {"max_new_tokens": new, "do_sample": False, "pad_token_id": 0}

    def timed(model: Any, prompt: torch.Tensor) -> tuple[float, torch.Tensor]:
        started = time.perf_counter()
        words = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
        return time.perf_counter() - started, words

    for length in (9, 14, 21):
        timed(fast, torch.randint(1, WORDS, (1, length)))
    report = dlp.report(fast)
    graphs, left = report.graphs_captured, _left(report)
    seconds: tuple[list[float], list[float]] = ([], [])
    for i in range(rounds):
        prompt = torch.randint(1, WORDS, (1, 16 + 3 * i % 29))
        with alone():
            set_priority(-19)
            results = [timed(model, prompt) for model in (eager, fast)]
            set_priority(0)
        assert torch.equal(results[0][1], results[1][1]), f"{name}: other words than eager's"
        for own, (elapsed, _) in zip(seconds, results, strict=True):
            own.append(elapsed)
    report = dlp.report(fast)
    assert report.graphs_captured == graphs, f"{name}: compiled after the warm-up"
    assert _left(report) == left, f"{name}: calls in the framework after the warm-up"
    return *seconds, report


def _left(report: Any) -> int:
    return report.calls_mixed + report.calls_eager


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}; default all")
    parser.add_argument("--rounds", type=int, default=15, help="texts; default %(default)s")
    parser.add_argument("--new", type=int, default=32, help="words of a text; default %(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    if unknown := [name for name in options.models if name not in MODELS]:
        parser.error(f"no such model: {', '.join(unknown)}")
    torch.set_num_threads(options.threads)
    from networks.definition import define_torchvision_operations

    define_torchvision_operations()
    print(f"{'':8} {'eager':>12} {'dlp':>12} {'ratio':>6}")
    for name in options.models or MODELS:
        eager, fast, report = measure(name, options.rounds, options.new)
        ratio = statistics.median(a / b for a, b in zip(eager, fast, strict=True))
        per_word = [statistics.median(times) / options.new * 1e3 for times in (eager, fast)]
        print(
            f"{name:8} {per_word[0]:9.2f} ms {per_word[1]:9.2f} ms {ratio:6.2f}  a word; "
            f"{report.graphs_captured} graphs, {report.calls_compiled} calls compiled, {_left(report)} not",
            flush=True,
        )


if __name__ == "__main__":
    main()
