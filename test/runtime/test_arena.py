"""Arenas: never shared by calls at the same time, never more than the cap, gone with their pool."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dlp.runtime import ArenaPool


def test_an_arena_is_aligned_memory_that_can_be_written() -> None:
    for nbytes in (0, 1, 5000, 9 << 20):
        with ArenaPool(nbytes).lease() as arena:
            assert arena.address % 4096 == 0
            assert arena.view().shape == (nbytes,)
            arena.view()[:] = 7
            assert (arena.view() == 7).all()


def test_one_call_after_the_other_uses_one_arena() -> None:
    pool = ArenaPool(4096)
    addresses = set()
    for _ in range(5):
        with pool.lease() as arena:
            addresses.add(arena.address)
    assert len(addresses) == 1
    assert pool.made == 1


def test_calls_at_the_same_time_never_share() -> None:
    pool = ArenaPool(4096, cap=3)
    at_work: set[int] = set()
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(100):
            with pool.lease() as arena:
                if arena.address in at_work:
                    wrong.append(number)
                at_work.add(arena.address)
                arena.view()[:] = number
                if not (arena.view() == number).all():
                    wrong.append(number)
                at_work.remove(arena.address)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert wrong == []
    assert pool.made <= 3


def test_beyond_the_cap_a_call_waits() -> None:
    pool = ArenaPool(4096, cap=1)
    got = threading.Event()

    def work() -> None:
        with pool.lease():
            got.set()

    arena = pool.acquire()
    thread = threading.Thread(target=work)
    thread.start()
    assert not got.wait(0.05)
    pool.release(arena)
    assert got.wait(30)
    thread.join()
    assert pool.made == 1


def test_a_call_that_fails_returns_its_arena() -> None:
    pool = ArenaPool(4096, cap=1)
    with pytest.raises(ZeroDivisionError), pool.lease():
        raise ZeroDivisionError
    with pool.lease():
        pass


def test_memory_that_cannot_be_had_does_not_use_up_the_cap() -> None:
    pool = ArenaPool(1 << 62, cap=1)
    for _ in range(2):
        with pytest.raises((OSError, OverflowError, ValueError)):
            pool.acquire()
    assert pool.made == 0


def test_poison_is_there_before_every_use() -> None:
    pool = ArenaPool(4096, poison=True)
    for _ in range(2):
        with pool.lease() as arena:
            assert np.isnan(arena.view().view(np.float32)).all()
            assert np.isnan(arena.view().view(np.float64)).all()
            arena.view()[:] = 0


def test_without_poison_the_memory_is_left_alone() -> None:
    pool = ArenaPool(4096)
    with pool.lease() as arena:
        arena.view()[:] = 5
    with pool.lease() as arena:
        assert (arena.view() == 5).all()


def test_the_memory_goes_with_the_pool() -> None:
    pool = ArenaPool(64 << 20)
    with pool.lease() as arena:
        gone = weakref.ref(arena._memory)
        start = f"{arena.address:x}-"
    del arena

    def mapped() -> bool:
        with open("/proc/self/maps") as lines:
            return any(line.startswith(start) for line in lines)

    assert gone() is not None
    del pool
    gc.collect()
    assert gone() is None
    assert not mapped()


def test_a_forked_process_has_memory_of_its_own() -> None:
    pool = ArenaPool(4096)
    with pool.lease() as arena:
        arena.view()[:] = 1
        child = os.fork()
        if child == 0:
            arena.view()[:] = 2
            os._exit(0)
        os.waitpid(child, 0)
        assert (arena.view() == 1).all()
