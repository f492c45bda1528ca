"""All candidates of one network, timed in turn within each of many short rounds."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.candidates import REFERENCE, find
from bench.process import Process
from bench.quiet import alone
from bench.results import Result, Row

TOLERANCE = 1e-4
DISTURBED = 0.05
"""Cores that others may use on average during a chunk that counts."""
TRIES = 3
"""Of a chunk that was disturbed, before its round is dropped."""


@dataclass(frozen=True)
class Protocol:
    """How a network is timed."""

    rounds: int = 20
    """Undisturbed ones that are wanted."""
    chunk_seconds: float = 0.25
    """Of each candidate in each round."""
    most_seconds: float = 120.0
    """Of all rounds of a network."""
    prepare_seconds: float = 300.0
    """Of one candidate, to compile and to run once."""
    threads: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Task:
    """One network to be timed.

    Attributes:
        network: its name, see `bench.rows`.
        size: "full" or "small".
        candidates: their names; the reference of the outputs is among them.
        shapes: of the inputs of a network from elsewhere.
        title: for people.
    """

    network: str
    size: str
    candidates: tuple[str, ...]
    shapes: tuple[str, ...] = ()
    title: str = ""


class Show:
    """Progress, on one line of the terminal; without a terminal one line a network."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._live = sys.stderr.isatty()
        if not self._live:
            print(f"{what} ...", file=sys.stderr, flush=True)

    def __call__(self, text: str) -> None:
        if self._live:
            line = f"{self._what}: {text}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the line empty."""
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def measure(task: Task, protocol: Protocol, peak: Callable[[], float], folder: Path) -> Result:
    """Check and time a network with each candidate.

    Args:
        task: the network and the candidates.
        protocol: how.
        peak: measures the machine's multiply-adds, once a round.
        folder: for what is kept from run to run, exported networks and what the tools print.
    """
    rows = [Row(name) for name in task.candidates]
    result = Result(task.network, task.size, rows, task.title)
    show = Show(task.title or task.network)
    with ExitStack() as stack:
        stack.callback(show.close)
        start = _Start(task, protocol, stack, folder)
        running: list[tuple[Row, Process]] = []
        for row in sorted(rows, key=lambda row: row.candidate != REFERENCE):
            show(f"preparing {row.candidate}")
            process = start(row)
            if process is not None:
                running.append((row, process))
        _run_rounds(result, running, protocol, peak, show)
    return result


class _Start:
    """Makes the candidates of a network ready, one after the other; the reference is the first."""

    def __init__(self, task: Task, protocol: Protocol, stack: ExitStack, folder: Path) -> None:
        self._task, self._protocol, self._stack = task, protocol, stack
        self._temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dlp-bench-")))
        self._exported = folder / "exported"
        self._log = folder / "log.txt"
        self._expected: np.ndarray | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, row: Row) -> Process | None:
        """A process that is ready and right."""
        candidate = find(row.candidate)
        row.problem = candidate.missing
        if row.problem:
            return None
        cache = self._temporary / f"cache-{len(list(self._temporary.iterdir()))}"
        environment = {candidate.cache: str(cache)} if candidate.cache else {}
        if candidate.cache == "DLP_CACHE_DIR":
            # What is timed comes out of the cache that this process fills: both ways are measured.
            with ExitStack() as stack:
                _, cold = self._prepared(row, stack, environment)
            row.problem = cold.pop("error", "")
            row.facts["cold"] = cold
        if row.problem:
            return None
        process, facts = self._prepared(row, self._stack, environment)
        row.problem = facts.pop("error", "")
        row.facts |= facts
        if row.problem or not self._right(row, candidate.compared):
            process.end()
            return None
        row.facts |= process.ask({"do": "memory"}, self._protocol.prepare_seconds)
        row.problem = row.facts.pop("error", "")
        return None if row.problem else process

    def _prepared(
        self, row: Row, stack: ExitStack, environment: dict[str, str]
    ) -> tuple[Process, dict[str, Any]]:
        task, protocol = self._task, self._protocol
        process = Process(find(row.candidate), stack, protocol.threads, environment, self._log)
        order = {
            "do": "prepare",
            "network": task.network,
            "size": task.size,
            "shapes": list(task.shapes),
            "candidate": row.candidate,
            "threads": protocol.threads,
            "seed": protocol.seed,
            "folder": str(self._folder()),
            "built": str(self._temporary / "network.pt"),
            "output": str(self._output(row)),
        }
        return process, process.ask(order, protocol.prepare_seconds)

    def _output(self, row: Row) -> Path:
        return self._temporary / f"{row.candidate.replace('/', '_')}.npy"

    def _folder(self) -> Path:
        """For exported networks: that of these weights and inputs, known by the result that eager has."""
        name = f"{self._task.network.replace(':', '.')}-{self._task.size}"
        if self._expected is None:
            return self._temporary
        folder = self._exported / f"{name}-{hashlib.sha256(self._expected.tobytes()).hexdigest()[:12]}"
        for old in self._exported.glob(f"{name}-{'?' * 12}"):
            if old != folder:
                shutil.rmtree(old)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _right(self, row: Row, compared: bool) -> bool:
        found = np.load(self._output(row))
        if row.candidate == REFERENCE:
            self._expected = found
        if not compared:
            return True
        assert self._expected is not None
        row.error = _error(found, self._expected)
        if not row.error <= TOLERANCE:
            row.problem = f"wrong: error {row.error:.1e}"
        return not row.problem


def _error(found: np.ndarray, expected: np.ndarray) -> float:
    a, b = found.astype(np.float64), expected.astype(np.float64)
    if a.size == b.size and a.ndim != b.ndim:  # some tools have no batches
        a = a.reshape(b.shape)
    return float(np.abs(a - b).max() / np.abs(b).max()) if a.shape == b.shape else float("inf")


def _run_rounds(
    result: Result,
    running: Sequence[tuple[Row, Process]],
    protocol: Protocol,
    peak: Callable[[], float],
    show: Show,
) -> None:
    spoiled: list[list[tuple[Row, float]]] = []
    end = time.monotonic() + protocol.most_seconds
    turn = 0
    while running and result.rounds < protocol.rounds and time.monotonic() < end:
        turn += 1
        show(f"round {result.rounds + 1} of {protocol.rounds}, {result.dropped} dropped")
        answers: list[tuple[Row, dict[str, Any]]] = []
        with alone():
            found_peak = peak()
            for i in range(len(running)):  # every round begins with another candidate
                row, process = running[(i + turn) % len(running)]
                answers.append((row, _chunk(process, protocol, end)))
        for row, answer in answers:
            if "error" in answer:
                row.problem = answer["error"]
                row.ms.clear()
        if any(row.problem for row, _ in answers):
            running = [(row, process) for row, process in running if not row.problem]
            continue
        times = [(row, float(answer["ms"])) for row, answer in answers]
        if any(answer["others"] > DISTURBED for _, answer in answers):
            result.dropped += 1
            spoiled.append(times)
            continue
        result.rounds += 1
        result.peaks.append(found_peak)
        _count(times)
    if not result.counts:
        for times in spoiled:
            _count([(row, ms) for row, ms in times if not row.problem])
        for row, _ in running:
            row.problem = "disturbed: other processes used the cores in every round"


def _chunk(process: Process, protocol: Protocol, end: float) -> dict[str, Any]:
    """One turn of a candidate; again where it was disturbed."""
    order = {"do": "chunk", "seconds": protocol.chunk_seconds}
    answer: dict[str, Any] = {}
    for _ in range(TRIES):
        answer = process.ask(order, protocol.prepare_seconds)
        if "error" in answer or answer["others"] <= DISTURBED or time.monotonic() > end:
            break
    return answer


def _count(times: Sequence[tuple[Row, float]]) -> None:
    for row, ms in times:
        row.ms.append(ms)
