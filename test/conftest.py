"""What all tests share: how they say which tools they need, and a cache of their own."""

from __future__ import annotations

import os
import random
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch


def seed_all(name: str) -> None:
    """Every random number follows from the name of what is run: a test that fails once fails each time."""
    seed = zlib.crc32(name.encode())
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, pytest.Module):
        seed_all(collector.nodeid)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    # Fixtures of a module or session are made for whichever test comes first: they have a name of their own.
    if fixturedef.scope != "function":
        seed_all(f"{fixturedef.baseid}::{fixturedef.argname}")
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    seed_all(item.nodeid)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "requires_tool(name, ...): commands the test runs; skipped where one is missing (DLP_REQUIRE_TOOLS=1: failed)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    seed_all(f"{item.nodeid}::setup")
    for mark in item.iter_markers("requires_tool"):
        for tool in mark.args:
            require_tool(tool)


def require_tool(tool: str) -> None:
    """Skip the running test where `tool` is not installed; fail it where nothing may be skipped."""
    if shutil.which(tool):
        return
    if os.environ.get("DLP_REQUIRE_TOOLS") == "1":
        pytest.fail(f"{tool} is not installed, and DLP_REQUIRE_TOOLS=1 forbids skipping", pytrace=False)
    pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compiled code of the tests is cached in a folder of this run, never in the user's cache."""
    folder = tmp_path_factory.mktemp("dlp-cache")
    before = os.environ.get("DLP_CACHE_DIR")
    os.environ["DLP_CACHE_DIR"] = str(folder)
    yield folder
    if before is None:
        del os.environ["DLP_CACHE_DIR"]
    else:
        os.environ["DLP_CACHE_DIR"] = before
