"""What makes figures of a shared machine worth something: who else used it, priority, one benchmark at a time."""

from __future__ import annotations

import fcntl
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STAT_ERROR = 0.015
"""Seconds: /proc/stat counts in ticks of 10 ms."""


def _used_by_all() -> float:
    """CPU seconds since boot that were not idle: user, nice, system, interrupts, and what the host took."""
    try:
        fields = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    except OSError:
        return 0.0
    return sum(fields[i] for i in (0, 1, 2, 5, 6, 7)) / _TICKS


def _used_by_us() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@dataclass
class Watch:
    """Measures how much of the machine other processes used."""

    _all: float = field(default_factory=_used_by_all)
    _us: float = field(default_factory=_used_by_us)
    _start: float = field(default_factory=time.perf_counter)

    def others(self) -> float:
        """Cores that others kept busy since this object was made, on average."""
        seconds = time.perf_counter() - self._start
        used = (_used_by_all() - self._all) - (_used_by_us() - self._us)
        return max(0.0, used - _STAT_ERROR) / seconds


def set_priority(nice: int) -> None:
    """Of this session, against all other sessions; needs a session of its own, and the right to raise it."""
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice))


@contextmanager
def alone() -> Iterator[None]:
    """No other benchmark of this kind is being timed meanwhile, on this machine."""
    with (Path(tempfile.gettempdir()) / "dlp-bench.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
