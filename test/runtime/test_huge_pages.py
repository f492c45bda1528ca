"""Large memory is on huge pages; small memory is left alone."""

from __future__ import annotations

import ctypes
import mmap
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import dlp
from dlp.runtime import Arena
from dlp.runtime.huge_pages import use_huge_pages

pytestmark = pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="the system has no huge pages"
)


def advised(address: int) -> bool:
    """Whether huge pages were asked for where this address is."""
    mapping = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ")
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if found := mapping.match(line):
            inside = int(found[1], 16) <= address < int(found[2], 16)
        elif inside and line.startswith("VmFlags:"):
            return "hg" in line.split()
    raise AssertionError(f"nothing is at {address:x}")


@pytest.mark.parametrize("nbytes", [64, 1 << 20, 5 << 20])
def test_arenas(nbytes: int) -> None:
    arena = Arena(nbytes)
    assert advised(arena.address + nbytes // 2) == (nbytes >= 4 << 20)


@pytest.mark.parametrize("dynamic", [False, None])
def test_results(dynamic: bool | None) -> None:
    model = nn.ReLU().eval()
    fast = dlp.optimize(model, dynamic=dynamic)
    for rows in (3 << 20, 5 << 20):  # 12 and 20 MiB
        x = torch.randn(rows)
        with torch.inference_mode():
            result = fast(x)
        assert advised(result.data_ptr() + result.nbytes // 2)
        assert torch.equal(result, model(x))
    assert dlp.report(fast).calls_eager == 0


def test_what_is_beside_the_memory_is_left_alone() -> None:
    around = mmap.mmap(-1, 12 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = ctypes.addressof(ctypes.c_char.from_buffer(around)) + (4 << 20) + 100
    use_huge_pages(start, 4 << 20)
    assert advised(start + (2 << 20))
    for beside in (start, start + (4 << 20)):  # on pages that are in part the memory's
        assert not advised(beside)
