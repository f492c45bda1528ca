"""Which samples of an operation are tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from conformance.samples import Sample, dtypes_of, samples_of


def chosen(
    name: str,
    limit: int | Mapping[str, int] | None,
    *,
    reference: bool = False,
    also: Sequence[tuple[str, int]] = (),
) -> Iterator[Sample]:
    """Samples of every element type that the operation takes.

    Args:
        limit: how many of each element type, spread evenly; None for all; or for some element types how many.
        also: (dtype, index) of samples that are tried in any case.
    """
    for dtype in dtypes_of(name):
        if isinstance(limit, Mapping) and dtype not in limit and not any(which == dtype for which, _ in also):
            continue
        samples = list(samples_of(name, dtype, reference=reference))
        places = spread(len(samples), limit.get(dtype, 0) if isinstance(limit, Mapping) else limit)
        places |= {index for which, index in also if which == dtype}
        yield from (sample for sample in samples if sample.index in places)


def spread(count: int, limit: int | None) -> set[int]:
    """`limit` of the numbers 0 .. count - 1, the first and the last among them."""
    if limit is None or limit >= count:
        return set(range(count))
    if limit == 0:
        return set()
    if limit == 1:
        return {count // 2}
    return {round(i * (count - 1) / (limit - 1)) for i in range(limit)}


def compact(indices: Sequence[int]) -> str:
    """Numbers in short: "0-3, 7"."""
    runs: list[str] = []
    for _, group in groupby(enumerate(sorted(indices)), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        runs.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ", ".join(runs)
