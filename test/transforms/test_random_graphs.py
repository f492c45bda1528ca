"""Graph passes on random networks, each by itself: what they compute stays the same, interpreted."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from dlp.testing import assert_pass_preserves
from dlp.testing.random_networks import random_network
from dlp.testing.random_networks.checking import Imported, import_network

PIPELINES = ("canonicalize", "simplify-views", "channels-last", "graph")

ONCE_WRONG = sorted((Path(__file__).parent / "Inputs").glob("once_wrong_*.mlir"))
"""Programs that failed while the passes were written."""


@cache
def imported(seed: int) -> Imported:
    return import_network(random_network(seed))


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("seed", range(500, 520))
def test_random_graph(seed: int, pipeline: str) -> None:
    given = imported(seed)
    assert_pass_preserves(
        given.graph.module, pipeline, given.inputs, weights=given.weights, target="avx2", rtol=1e-4
    )


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("program", ONCE_WRONG, ids=lambda path: path.stem)
def test_once_wrong(program: Path, pipeline: str) -> None:
    assert_pass_preserves(program.read_text(), pipeline, target="avx2", rtol=1e-4)
