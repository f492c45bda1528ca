"""All candidates of one network, timed in turn within each of many short rounds."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.candidates import CANDIDATES, ROOT
from bench.quiet import alone

REFERENCE = "eager"
TOLERANCE = 1e-4
DISTURBED = 0.05
"""Cores that others may use on average during a chunk that counts."""


@dataclass(frozen=True)
class Protocol:
    """How a network is timed."""

    rounds: int = 20
    """Undisturbed ones that are wanted."""
    chunk_seconds: float = 0.25
    """Of each candidate in each round."""
    most_seconds: float = 90.0
    threads: int = 2
    seed: int = 0


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
    rounds: int = 0
    """That count."""
    dropped: int = 0
    """Because something else used the cores."""

    def row(self, candidate: str) -> Row:
        return next(row for row in self.rows if row.candidate == candidate)

    def ratio(self, candidate: str, to: str = "dlp") -> float | None:
        """How many times as long as `to` a candidate takes: the median of the ratios of each round."""
        times = [row.ms for name in (candidate, to) for row in self.rows if row.candidate == name]
        if len(times) < 2 or not all(times):
            return None
        return statistics.median(a / b for a, b in zip(*times, strict=True))


class _Worker:
    """The process of a candidate."""

    def __init__(self, candidate: str, stack: ExitStack, protocol: Protocol) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(protocol.threads), "PYTHONPATH": str(ROOT)}
        self.process = stack.enter_context(
            subprocess.Popen(
                [CANDIDATES[candidate].python, "-m", "bench.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
                start_new_session=True,  # its priority is that of its session
            )
        )

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print(json.dumps(order), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": "the process ended"}


def measure(network: str, size: str, candidates: Sequence[str], protocol: Protocol) -> Result:
    """Check and time a network with each candidate; eager is the reference of the outputs and must be among them."""
    rows = [Row(name) for name in candidates]
    result = Result(network, size, rows)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dlp-bench-")))
        workers: list[tuple[Row, _Worker]] = []
        for row in sorted(rows, key=lambda row: row.candidate != REFERENCE):
            worker = _start(row, network, size, folder, stack, protocol)
            if worker is not None:
                workers.append((row, worker))
        _run_rounds(result, workers, protocol)
    return result


def _start(
    row: Row, network: str, size: str, folder: Path, stack: ExitStack, protocol: Protocol
) -> _Worker | None:
    """A worker that is ready and right."""
    if not Path(CANDIDATES[row.candidate].python).exists():
        row.problem = f"no environment {CANDIDATES[row.candidate].environment}"
        return None
    worker = _Worker(row.candidate, stack, protocol)
    output = folder / f"{row.candidate}.npy"
    order = {
        "do": "prepare",
        "network": network,
        "size": size,
        "candidate": row.candidate,
        "threads": protocol.threads,
        "seed": protocol.seed,
        "output": str(output),
    }
    row.facts = worker.ask(order)
    row.problem = row.facts.pop("error", "")
    if row.problem:
        return None
    found, expected = np.load(output), np.load(folder / f"{REFERENCE}.npy")
    row.error = _error(found, expected)
    if not row.error <= TOLERANCE:
        row.problem = f"wrong: error {row.error:.1e}"
        return None
    return worker


def _error(found: np.ndarray, expected: np.ndarray) -> float:
    a, b = found.astype(np.float64), expected.astype(np.float64)
    return float(np.abs(a - b).max() / np.abs(b).max()) if a.shape == b.shape else float("inf")


def _run_rounds(result: Result, workers: Sequence[tuple[Row, _Worker]], protocol: Protocol) -> None:
    spoiled: list[list[tuple[Row, float]]] = []
    end = time.monotonic() + protocol.most_seconds
    turn = 0
    while workers and result.rounds < protocol.rounds and time.monotonic() < end:
        turn += 1
        answers: list[tuple[Row, dict[str, Any]]] = []
        with alone():
            for i in range(len(workers)):  # every round begins with another candidate
                row, worker = workers[(i + turn) % len(workers)]
                answers.append((row, worker.ask({"do": "chunk", "seconds": protocol.chunk_seconds})))
        for row, answer in answers:
            if "error" in answer:
                row.problem = answer["error"]
                row.ms.clear()
        if any(row.problem for row, _ in answers):
            workers = [(row, worker) for row, worker in workers if not row.problem]
            continue
        times = [(row, float(answer["ms"])) for row, answer in answers]
        if any(answer["others"] > DISTURBED for _, answer in answers):
            result.dropped += 1
            spoiled.append(times)
            continue
        result.rounds += 1
        _count(times)
    if result.rounds < 3:
        for times in spoiled:
            _count(times)
        for row, _ in workers:
            row.problem = "disturbed: other processes used the cores in every round"


def _count(times: Sequence[tuple[Row, float]]) -> None:
    for row, ms in times:
        row.ms.append(ms)
