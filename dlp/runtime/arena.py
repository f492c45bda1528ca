"""The memory of a module's intermediates: arenas, lent to one call at a time."""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from dlp.runtime.huge_pages import use_huge_pages


class Arena:
    """Bytes aligned to a page, on huge pages where the system has them and the size is worth it."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        # Private: a process made by fork must not write into the arenas of its parent.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._memory = mmap.mmap(-1, max(nbytes, 1), flags=flags)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        use_huge_pages(self.address, nbytes)

    def view(self) -> NDArray[np.uint8]:
        """The bytes as an array that shares the memory."""
        return np.frombuffer(self._memory, np.uint8, self.nbytes)

    def poison(self) -> None:
        """Fill with bytes 0xFF: NaN as f32 and f64, -1 as an integer."""
        ctypes.memset(self.address, 0xFF, self.nbytes)


class ArenaPool:
    """Arenas of one size, made when needed, at most `cap` of them; calls at the same time never share one.

    Beyond the cap a call waits until another one returns its arena. The memory goes back to the system with
    the pool, that is with the model that owns it.
    """

    def __init__(self, nbytes: int, *, cap: int | None = None, poison: bool = False) -> None:
        """Args:
        nbytes: of each arena.
        cap: the most arenas at a time; by default, as many as the machine has CPUs.
        poison: fill an arena with NaN before every use, so that a read before the first write shows.
        """
        self.nbytes = nbytes
        self.cap = max(1, cap if cap is not None else os.cpu_count() or 1)
        self.poison = poison
        self._free: SimpleQueue[Arena] = SimpleQueue()
        self._made = 0
        self._lock = threading.Lock()

    @property
    def made(self) -> int:
        """How many arenas there are, lent or free."""
        return self._made

    def acquire(self) -> Arena:
        """An arena for the caller alone, until `release`; waits where the cap is reached."""
        try:
            arena = self._free.get_nowait()
        except Empty:
            arena = self._grow() or self._free.get()
        if self.poison:
            arena.poison()
        return arena

    def release(self, arena: Arena) -> None:
        """Return an arena."""
        self._free.put(arena)

    @contextmanager
    def lease(self) -> Iterator[Arena]:
        """An arena for the body of a `with` statement."""
        arena = self.acquire()
        try:
            yield arena
        finally:
            self.release(arena)

    def _grow(self) -> Arena | None:
        with self._lock:
            if self._made >= self.cap:
                return None
            self._made += 1
        try:
            return Arena(self.nbytes)
        except BaseException:
            with self._lock:
                self._made -= 1
            raise
