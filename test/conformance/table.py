"""The table of what is left to the framework: `left.tsv`, a row an operation and reason, with a sample to show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from conformance.outcome import Kind, Outcome
from conformance.samples import DTYPES, Sample

FILE = Path(__file__).with_name("left.tsv")

Rows: TypeAlias = dict[tuple[str, str], dict[str, int]]
"""(operation, reason) -> element type -> index of a sample that is left for this reason."""


def read() -> Rows:
    """The rows of the file: operation, element types with samples ("f32:3 i64:2"), reason, between tabs."""
    rows: Rows = {}
    for line in FILE.read_text().splitlines():
        op, samples, reason = line.split("\t")
        pairs = (pair.split(":") for pair in samples.split())
        rows[op, reason] = {dtype: int(index) for dtype, index in pairs}
    return rows


def write(rows: Rows) -> None:
    lines = [
        "\t".join((op, " ".join(f"{d}:{samples[d]}" for d in DTYPES if d in samples), reason))
        for (op, reason), samples in sorted(rows.items())
        if samples
    ]
    FILE.write_text("".join(f"{line}\n" for line in lines))


@dataclass(frozen=True)
class Witness:
    """A sample that a row names."""

    op: str
    reason: str
    dtype: str
    index: int


def witnesses(rows: Rows, *, all_types: bool) -> list[Witness]:
    """One sample for every row, or one for each of its element types."""
    return [
        Witness(op, reason, dtype, index)
        for (op, reason), samples in rows.items()
        for dtype, index in list(samples.items())[: None if all_types else 1]
    ]


def differences(rows: Rows, outcomes: Mapping[Sample, Outcome]) -> list[str]:
    """Where outcomes and table disagree, in both directions; what was not tried is not judged."""
    found: list[str] = []
    by_place = {(s.op, s.dtype, s.index): outcome for s, outcome in outcomes.items()}
    for sample, outcome in outcomes.items():
        if outcome.kind is Kind.LEFT and sample.dtype not in rows.get((sample.op, outcome.reason), {}):
            found.append(f"{sample} is left, and not in the table: {outcome.reason} ({sample.arguments})")
    for (op, reason), samples in rows.items():
        for dtype, index in samples.items():
            outcome = by_place.get((op, dtype, index))
            if outcome is not None and (outcome.kind, outcome.reason) != (Kind.LEFT, reason):
                found.append(
                    f"{op} {dtype} {index} is in the table ({reason}), but {outcome.kind.value} {outcome.reason}"
                )
    return found


def updated(rows: Rows, outcomes: Mapping[Sample, Outcome]) -> Rows:
    """The table as the outcomes have it; rows are kept whose samples were not tried."""
    tried = {(s.op, s.dtype, s.index) for s in outcomes}
    new: Rows = defaultdict(dict)
    for (op, reason), samples in rows.items():
        new[op, reason] = {d: i for d, i in samples.items() if (op, d, i) not in tried}
    for sample, outcome in _in_order(outcomes):
        if outcome.kind is Kind.LEFT:
            new[sample.op, outcome.reason].setdefault(sample.dtype, sample.index)
    return new


def _in_order(outcomes: Mapping[Sample, Outcome]) -> Iterable[tuple[Sample, Outcome]]:
    return sorted(outcomes.items(), key=lambda item: (item[0].op, item[0].dtype, item[0].index))
