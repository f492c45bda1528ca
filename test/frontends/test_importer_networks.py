"""The networks that dlp is measured by are imported wholly, and compute what torch computes."""

from __future__ import annotations

import pytest
from imported import check
from networks import NETWORKS, network


@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str) -> None:
    built = network(name, "small")
    check(built.model, *built.args, tolerance=1e-4)
