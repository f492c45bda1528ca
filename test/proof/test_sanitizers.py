"""More networks under address and undefined-behaviour sanitizers (see `test/test_sanitizers.py`): every kind of layer.

Every buffer is an allocation of its own, and memory is NaN before each run. By default each network meets one
compiler and one level, so that all of them are met; `DLP_PROOF=all` runs every combination, and every network of
`test/networks` besides.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from networks import ALL as EVERY_NETWORK
from proof_networks import ALL, OPEN, open_roads, road

from dlp.targets import emulated, host, load
from dlp.testing import assert_same
from dlp.testing.sanitized import run_sanitized

NETWORKS = ("mlp", "inverted_residual", "transformer_layer", "windows", "rows", "lstm", "digits_cnn")
WAYS = tuple(product(("gcc", "clang-22"), ("-O0", "-O3")))
OTHER_TARGETS = ("avx512", "scalar")
CASES = [
    (name, *way, "host")
    for i, name in enumerate(NETWORKS)
    for way in (WAYS if ALL else [WAYS[i % len(WAYS)]])
] + [
    (name, "gcc", "-O1", target)
    for i, name in enumerate(NETWORKS)
    for target in (OTHER_TARGETS if ALL else OTHER_TARGETS[i % 4 : i % 4 + 1])
]
if ALL:
    CASES += [(name, "gcc", "-O1", "host") for name in EVERY_NETWORK if name not in NETWORKS]


@pytest.mark.parametrize(("name", "compiler", "level", "target"), CASES)
@pytest.mark.requires_tool("gcc", "clang-22")
def test_clean(
    name: str, compiler: str, level: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLP_CC", compiler)
    machine = host() if target == "host" else emulated(load(target))
    given = road(name)
    found = run_sanitized(
        given.module.clone(), given.inputs, given.weights, machine, tmp_path, flags=(level,)
    )
    assert_same(found, given.expected, rtol=1e-4, what="output")


@pytest.mark.parametrize("name", OPEN if ALL else ("open_rows", "open_lstm"))
@pytest.mark.requires_tool("gcc")
def test_clean_at_two_of_all_sizes(name: str, tmp_path: Path) -> None:
    for number, given in enumerate(open_roads(name)):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = run_sanitized(
            given.module.clone(), given.inputs, given.weights, host(), folder, flags=("-O1",)
        )
        assert_same(found, given.expected, rtol=1e-4, what="output")
