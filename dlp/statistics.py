"""What a pass did, in numbers: `count("batch norms folded")` inside a pass, `--pass-statistics` outside.

The running pass is found through a context variable, so helpers several calls deep can count without a
handle being passed down, and passes that run at once in several threads do not mix their numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[Counter[str] | None] = ContextVar("dlp_statistics", default=None)


def count(what: str, n: int = 1) -> None:
    """Add `n` to the statistic `what` of the running pass. Does nothing when nobody collects.

    Args:
        what: a plural noun with its participle, as it reads after a number: "batch norms folded".
        n: how many more there were.
    """
    statistics = _current.get()
    if statistics is not None:
        statistics[what] += n


@contextmanager
def collecting() -> Iterator[Counter[str]]:
    """Collect what is counted inside the `with` block; nested blocks collect for themselves alone."""
    statistics: Counter[str] = Counter()
    token = _current.set(statistics)
    try:
        yield statistics
    finally:
        _current.reset(token)
