"""Calling compiled functions: arguments arrive, threads do not disturb each other, wrong files are refused."""

from __future__ import annotations

import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dlp.errors import ToolchainError
from dlp.runtime import Library, address_of, aligned_empty, pack_pointers
from dlp.targets import host
from dlp.toolchain import build_shared

SOURCE = """\
#include <threads.h>

void add(void *const *args, int threads) {
  const float *a = args[0], *b = args[1];
  float *sum = args[2];
  for (int i = 0; i < 256; i++) sum[i] = a[i] + b[i] + (float)threads;
}

/* Returns when two calls are here at the same time, or after ten seconds. */
void meet(void *const *args, int threads) {
  int *here = args[0], *met = args[1];
  (void)threads;
  __atomic_add_fetch(here, 1, __ATOMIC_SEQ_CST);
  for (int tries = 0; tries < 10000 && !*met; tries++) {
    *met = __atomic_load_n(here, __ATOMIC_SEQ_CST) == 2;
    thrd_sleep(&(struct timespec){.tv_nsec = 1000000}, 0);
  }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    if not (shutil.which("gcc") or shutil.which("clang")):
        pytest.skip("neither gcc nor clang is installed")
    return Library(build_shared({"module.c": SOURCE}, host()))


def test_arguments_and_threads_arrive(library: Library) -> None:
    a, b = np.arange(256, dtype=np.float32), np.ones(256, np.float32)
    total = np.zeros(256, np.float32)
    library.call("add", [address_of(a), address_of(b), address_of(total)], 3)
    np.testing.assert_array_equal(total, a + b + 3)


def test_packed_parts_can_be_joined(library: Library) -> None:
    a, b = np.arange(256, dtype=np.float32), np.ones(256, np.float32)
    total = np.zeros(256, np.float32)
    inputs = pack_pointers([address_of(a), address_of(b)])
    library.entry("add")(inputs + pack_pointers([address_of(total)]), 0)
    np.testing.assert_array_equal(total, a + b)


def test_calls_from_several_threads_keep_their_arguments(library: Library) -> None:
    def work(number: int) -> bool:
        a, total = np.full(256, number, np.float32), np.zeros(256, np.float32)
        for step in range(200):
            library.call("add", [address_of(a), address_of(a), address_of(total)], step)
            if not (total == 2 * number + step).all():
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_a_call_leaves_python_to_other_threads(library: Library) -> None:
    here, met = np.zeros(1, np.int32), np.zeros((2, 1), np.int32)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda mine: library.call("meet", [address_of(here), address_of(mine)], 1), met))
    assert met.all()


def test_a_function_that_is_not_there(library: Library) -> None:
    with pytest.raises(ToolchainError, match="has no function subtract"):
        library.entry("subtract")


@pytest.mark.parametrize("content", [None, b"", b"not a library" * 100])
def test_a_file_that_is_no_library(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "library.so"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ToolchainError, match="cannot load the compiled library"):
        Library(path)


def test_pack_pointers_is_an_array_of_pointers() -> None:
    for pointers in ([], [0], [2**47 + 5, 3, 4]):
        assert pack_pointers(pointers) == struct.pack(f"{len(pointers)}P", *pointers)


@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (7, 1, 9)])
def test_aligned_arrays(shape: tuple[int, ...]) -> None:
    for alignment in (64, 4096):
        array = aligned_empty(shape, np.float32, alignment)
        assert array.shape == shape
        assert array.flags.c_contiguous
        assert array.size == 0 or address_of(array) % alignment == 0
        array[...] = 1  # writable
