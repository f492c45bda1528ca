"""Memory on pages of 2 MiB: one page fault where 4 KiB pages have 512, which take longer than to write them."""

from __future__ import annotations

import ctypes
import functools
import mmap
from collections.abc import Callable

WORTH_HUGE_PAGES = 4 << 20
"""Bytes. Where there are fewer than two pages, a whole one may not be in them."""


@functools.cache
def _madvise() -> Callable[[int, int, int], int] | None:
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    # Not `CDLL`: to let other threads run meanwhile would take longer than the call.
    function = ctypes.PyDLL(None)["madvise"]
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    function.restype = ctypes.c_int
    return function


def use_huge_pages(address: int, nbytes: int) -> None:
    """Have the system take huge pages for memory that nothing was written to yet; contents never change.

    Nothing happens where the system has none, or the memory is too small for them.
    """
    madvise = _madvise()
    if madvise is None or nbytes < WORTH_HUGE_PAGES:
        return
    first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (address + nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    madvise(first, last - first, mmap.MADV_HUGEPAGE)
