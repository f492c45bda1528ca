"""Peers beside what they reached elsewhere: a peer that is set up badly is no rival."""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results import Result

CLOSE = 0.10
"""Relative difference up to which a peer is what it was."""


@dataclass(frozen=True)
class Comparison:
    """One peer with one network.

    Attributes:
        expected_ms: its figure elsewhere, scaled by the multiply-adds of the two machines.
        measured_ms: here.
        of_network: the median of measured / expected over all peers of the network; what they have in common is the
            machine's.
    """

    network: str
    candidate: str
    expected_ms: float
    measured_ms: float
    of_network: float

    @property
    def difference(self) -> float:
        """Relative; positive where it is slower than expected."""
        return self.measured_ms / self.expected_ms - 1

    @property
    def verdict(self) -> str:
        """What the difference says."""
        if abs(self.difference) <= CLOSE:
            return "as expected"
        if self.difference < 0:
            return "faster"
        if self.measured_ms / self.expected_ms <= self.of_network * (1 + CLOSE):
            return "slower, as its rivals are: this machine has less beside multiply-adds"
        return "WEAK: slower than its rivals explain"


def compare(results: Sequence[Result]) -> list[Comparison]:
    """Each peer of which there is a figure elsewhere, at full size."""
    data = tomllib.loads(Path(__file__).with_name("reference.toml").read_text())
    found: list[Comparison] = []
    for result in results:
        if result.size != "full" or result.peak is None:
            continue
        factor = data["peak_gflops"] / result.peak
        pairs = {
            name: (ms * factor, median)
            for name, ms in data["ms"].get(result.network, {}).items()
            for row in result.rows
            if row.candidate == name and (median := row.median) is not None
        }
        if not pairs:
            continue
        common = statistics.median(measured / expected for expected, measured in pairs.values())
        found += [Comparison(result.network, name, *pair, common) for name, pair in pairs.items()]
    return found
