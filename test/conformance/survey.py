"""Tries samples: all of them in the interpreter, some as machine code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from conformance.choice import spread
from conformance.machine_code import compiled_outcomes
from conformance.outcome import RIGHT, Kind, Outcome
from conformance.runner import Attempt
from conformance.samples import ANY_PLACE, UNDEFINED, Sample
from torch.utils import _pytree as pytree

from dlp.cache import Cache

TOGETHER = 16
"""Samples of one operation that are captured as one graph: a capture takes longer than most operations."""


def survey(
    samples: Iterable[Sample], code: int | Mapping[str, int], cache: Cache
) -> Iterator[tuple[Sample, Outcome]]:
    """The outcome of every sample.

    Args:
        code: so many of each operation and element type are compiled, of those that the interpreter gets right; or
            how many of some element types.
    """
    right: dict[tuple[str, str], list[tuple[Sample, Attempt | None]]] = defaultdict(list)
    for (op, dtype), same in groupby(samples, lambda sample: (sample.op, sample.dtype)):
        for sample, attempt, outcome in _tried(list(same)):
            if outcome.kind is Kind.RIGHT:
                right[op, dtype].append((sample, attempt))
            else:
                yield sample, outcome
    compiled: list[Attempt] = []
    for (_, dtype), found in right.items():
        places = spread(len(found), code.get(dtype, 0) if isinstance(code, Mapping) else code)
        for place, (sample, attempt) in enumerate(found):
            if place in places:
                attempt = attempt or Attempt(sample)
                # Whoever does nothing but hand its arguments through has no code.
                if attempt.graph is not None and attempt.graph.imported.results:
                    compiled.append(attempt)
                    continue
            yield sample, RIGHT
    for attempt, outcome in zip(compiled, compiled_outcomes(compiled, cache), strict=True):
        yield attempt.sample, outcome


def _tried(samples: Sequence[Sample]) -> Iterator[tuple[Sample, Attempt | None, Outcome]]:
    """Samples of one operation and element type, with their attempts where they were tried alone.

    Samples that are all right together are right. Where they are not, or where the first one is not, each is tried.
    """
    alone = len(samples)
    if len(samples) > TOGETHER // 2 and samples[0].op.partition(".")[0] not in (*UNDEFINED, *ANY_PLACE):
        alone = 1
    first_right = False
    for sample in samples[:alone]:
        attempt = Attempt(sample)
        first_right = attempt.outcome.kind is Kind.RIGHT
        yield sample, attempt, attempt.outcome
    for start in range(alone, len(samples), TOGETHER):
        some = samples[start : start + TOGETHER]
        if first_right and _all_right(some):
            yield from ((sample, None, RIGHT) for sample in some)
            continue
        for sample in some:
            attempt = Attempt(sample)
            yield sample, attempt, attempt.outcome


def _all_right(samples: Sequence[Sample]) -> bool:
    """Whether all are right together, and each has a result."""
    outcome = Attempt(_together(samples)).outcome
    return outcome.kind is Kind.RIGHT and all(sample.call(*sample.tensors) for sample in samples)


def _together(samples: Sequence[Sample]) -> Sample:
    """One sample whose results are those of all."""
    functions = [sample.function for sample in samples]
    calls = [pytree.tree_unflatten(list(sample.leaves), sample.structure) for sample in samples]

    def function(calls: Sequence[tuple[Sequence[Any], Mapping[str, Any]]]) -> list[Any]:
        return [f(*args, **kwargs) for f, (args, kwargs) in zip(functions, calls, strict=True)]

    leaves, structure = pytree.tree_flatten(((calls,), {}))
    first = samples[0]
    return Sample(first.op, first.dtype, first.index, function, leaves, structure)
