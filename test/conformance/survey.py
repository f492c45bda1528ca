"""Tries samples: all of them in the interpreter, some as machine code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from conformance.choice import spread
from conformance.machine_code import compiled_outcomes
from conformance.outcome import Kind, Outcome
from conformance.runner import Attempt
from conformance.samples import Sample

from dlp.cache import Cache


def survey(samples: Iterable[Sample], code: int, cache: Cache) -> Iterator[tuple[Sample, Outcome]]:
    """The outcome of every sample.

    Args:
        code: so many of each operation and element type, of those that the interpreter gets right, are compiled.
    """
    right: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for sample in samples:
        attempt = Attempt(sample)
        # Whoever does nothing but hand its arguments through has no code.
        if (
            attempt.outcome.kind is Kind.RIGHT
            and attempt.graph is not None
            and attempt.graph.imported.results
        ):
            right[sample.op, sample.dtype].append(attempt)
        else:
            yield sample, attempt.outcome
    compiled: list[Attempt] = []
    for attempts in right.values():
        places = spread(len(attempts), code) if code else set()
        for place, attempt in enumerate(attempts):
            if place in places:
                compiled.append(attempt)
            else:
                yield attempt.sample, attempt.outcome
    for attempt, outcome in zip(compiled, compiled_outcomes(compiled, cache), strict=True):
        yield attempt.sample, outcome
