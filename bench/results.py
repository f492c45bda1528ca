"""What was found: of each network and candidate the times of all rounds, and what follows from them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.candidates import OURS, find

LEAST_ROUNDS = 3
"""With fewer undisturbed ones the figures of a network say nothing."""


@dataclass
class Row:
    """One candidate with one network."""

    candidate: str
    problem: str = ""
    """Why there are no figures, or why they are not to be trusted."""
    error: float | None = None
    """max|a - b| / max|b| against eager."""
    ms: list[float] = field(default_factory=list)
    """The median of each round that counts."""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float | None:
        return statistics.median(self.ms) if self.ms else None

    @property
    def spread(self) -> float | None:
        """Between the 10th and the 90th percentile, relative to the median."""
        if len(self.ms) < 2:
            return None
        tenths = statistics.quantiles(self.ms, n=10, method="inclusive")
        return (tenths[-1] - tenths[0]) / statistics.median(self.ms)


@dataclass
class Result:
    """One network."""

    network: str
    size: str
    rows: list[Row]
    title: str = ""
    rounds: int = 0
    """That count."""
    dropped: int = 0
    """Because something else used the cores."""
    peaks: list[float] = field(default_factory=list)
    """GFLOP/s of multiply-adds alone, measured in each round that counts."""

    def row(self, candidate: str) -> Row:
        return next(row for row in self.rows if row.candidate == candidate)

    @property
    def counts(self) -> bool:
        """Whether there were enough undisturbed rounds."""
        return self.rounds >= LEAST_ROUNDS

    @property
    def peak(self) -> float | None:
        return statistics.median(self.peaks) if self.peaks else None

    @property
    def flops(self) -> float | None:
        """Of one call."""
        return next((row.facts["flops"] for row in self.rows if row.facts.get("flops")), None)

    def ratio(self, candidate: str, to: str = OURS) -> float | None:
        """How many times as long as `to` a candidate takes: the median of the ratios of each round."""
        times = [row.ms for name in (candidate, to) for row in self.rows if row.candidate == name]
        if len(times) < 2 or not all(times):
            return None
        return statistics.median(a / b for a, b in zip(*times, strict=True))

    def best(self, among: Sequence[str] = ()) -> str | None:
        """The fastest of the rivals, or of these of them."""
        ratios = {
            row.candidate: ratio
            for row in self.rows
            if rival(row.candidate)
            and (not among or row.candidate in among)
            and (ratio := self.ratio(row.candidate)) is not None
        }
        return min(ratios, key=lambda name: ratios[name]) if ratios else None


def rival(candidate: str) -> bool:
    """Whether it is another tool that computes the same."""
    return candidate.partition(":")[0] != OURS and find(candidate).compared


def geometric_mean(ratios: Sequence[float]) -> float | None:
    return statistics.geometric_mean(ratios) if ratios else None
