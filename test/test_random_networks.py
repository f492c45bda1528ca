"""Random networks of fixed seeds: eager, interpreter and C agree, with all passes and without some.

`python scripts/fuzz.py --seed N --count 1` explains a failure; without `--seed` it tries more.
"""

from __future__ import annotations

import pytest

from dlp.pass_pipeline import parse_passes
from dlp.testing.random_networks import OMISSIBLE, Road, find_failure, random_network
from dlp.testing.random_networks.checking import ON_TENSORS

SEEDS = range(200)

EARLY = [s.instance.name for s in parse_passes(",".join(ON_TENSORS))]
OMITTED = [name for name in OMISSIBLE if name.partition(":")[0] in EARLY]
"""Left out in turn, and interpreted: compiling each network a second time would take too long here."""

SANITIZED = range(1000, 1004)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.requires_tool("gcc")
def test_random_network(seed: int) -> None:
    roads = Road(), Road(without=(OMITTED[seed % len(OMITTED)],), compiled=False)
    failure = find_failure(random_network(seed), *roads)
    assert failure is None, f"seed {seed}: {failure}"


@pytest.mark.parametrize("seed", SANITIZED)
@pytest.mark.requires_tool("gcc")
def test_sanitized(seed: int) -> None:
    failure = find_failure(random_network(seed), Road(sanitized=True))
    assert failure is None, f"seed {seed}: {failure}"
