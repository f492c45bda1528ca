"""Memory of large results: used again as soon as nobody has it.

The C library takes what is large from the system for each call anew, and returns it after. What the system gives are
zeros, and to have it write those took as long as a chain of element-wise operations on the same memory. So of each
result of a graph the memory of the last two is kept (as many as eager has in `y = model(x)` over and over), and a call
gets one that has no other owner: no tensor, no view or array of it, no storage object.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import torch

from dlp.frontends.torch.allocation import empty_strided
from dlp.runtime.huge_pages import WORTH_HUGE_PAGES, use_huge_pages

KEPT = 2
"""Results whose memory is kept, of each result of a graph."""

MOST_IDLE = 128 << 20
"""Bytes without an owner that all graphs together keep when one of them needs memory that it does not have."""

_Entry = tuple[Any, int]
"""A storage and its address."""

_all: weakref.WeakSet[ResultMemory] = weakref.WeakSet()
_lock = threading.Lock()


class ResultMemory:
    """The memory of one result of a graph, freed with the graph. Any number of threads may take some at once."""

    def __init__(self) -> None:
        # The longest unused first. Who looks at an entry takes it out meanwhile, so that no other thread sees it.
        self._kept: deque[_Entry] = deque(maxlen=KEPT)
        with _lock:
            _all.add(self)

    def take(self, shape: tuple[int, ...], strides: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A tensor without contents, in memory that nobody else has."""
        nbytes = bytes_of(shape, strides, dtype)
        idle = _idle_references() if nbytes >= WORTH_HUGE_PAGES else None
        if idle is None:
            return empty_strided(shape, strides, dtype)
        storage = self._find(nbytes, idle)
        if storage is None:
            _let_go(idle)
            storage = torch.empty(nbytes, dtype=torch.uint8, device="cpu").untyped_storage()
            use_huge_pages(storage.data_ptr(), nbytes)
            self._kept.append((storage, storage.data_ptr()))
        # From here on the tensor owns it as well.
        return torch.empty(0, dtype=dtype, device="cpu").set_(storage, 0, shape, strides)

    def _find(self, nbytes: int, idle: int) -> Any | None:
        for entry in _taken_out(self._kept):
            if entry[0].data_ptr() != entry[1]:
                continue  # it was resized, or moved to where other processes see it
            fits = entry[0].nbytes() == nbytes and _references(entry) == idle
            self._kept.append(entry)
            if fits:
                return entry[0]
        return None


def bytes_of(shape: tuple[int, ...], strides: tuple[int, ...], dtype: torch.dtype) -> int:
    """From the first element of a tensor to behind the last; strides are in elements."""
    if 0 in shape:
        return 0
    return (1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))) * dtype.itemsize


def _taken_out(kept: deque[_Entry]) -> Iterator[_Entry]:
    """Each entry that there is now; what is to stay has to be appended again."""
    for _ in range(len(kept)):
        try:
            entry = kept.popleft()
        except IndexError:  # other threads look as well
            return
        yield entry


def _let_go(idle: int) -> None:
    """Free memory without an owner beyond what may be kept."""
    total = 0
    with _lock:
        for memory in list(_all):
            for entry in _taken_out(memory._kept):
                total += entry[0].nbytes() if _references(entry) == idle else 0
                if total <= MOST_IDLE:
                    memory._kept.append(entry)


def _references(entry: _Entry) -> int:
    """Of Python's objects to the storage; 0 if a tensor has it."""
    return sys.getrefcount(entry[0]) if torch._C._storage_Use_Count(entry[0]._cdata) == 1 else 0


@functools.cache
def _idle_references() -> int | None:
    """What `_references` says of memory that has no other owner; `None` if it does not see each kind of owner.

    It is tried, for neither number is an interface of the framework's or of Python's.
    """
    try:
        entry = (torch.empty(4, dtype=torch.uint8, device="cpu").untyped_storage(), 0)
        idle = _references(entry)
        owners = (
            lambda: torch.empty(0, dtype=torch.uint8, device="cpu").set_(entry[0]),
            lambda: torch.empty(0, dtype=torch.uint8, device="cpu").set_(entry[0])[1:],
            lambda: torch.empty(0, dtype=torch.uint8, device="cpu").set_(entry[0]).numpy(),
            lambda: torch.empty(0, dtype=torch.uint8, device="cpu").set_(entry[0]).untyped_storage(),
        )
        return idle if idle and all(_seen(entry, owner, idle) for owner in owners) else None
    except (AttributeError, RuntimeError):
        return None


def _seen(entry: _Entry, make: Callable[[], object], idle: int) -> bool:
    owner = make()
    with_owner = _references(entry)
    del owner
    return with_owner != idle and _references(entry) == idle
