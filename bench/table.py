"""Results as text for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bench.candidates import OURS, REFERENCE
from bench.kernels import KernelResult
from bench.reference import compare
from bench.results import Result, geometric_mean

EAGER = (REFERENCE, "channels_last")
_TITLES = (
    ("ms", 9), ("spread", 7), ("x dlp", 6), ("error", 8), ("GFLOP/s", 8), ("of peak", 7),
    ("capture", 8), ("cold s", 7), ("cached s", 8), ("run MB", 7),
)  # fmt: skip

LEGEND = """\
ms        median over the rounds of the median call of each round
spread    between the 10th and the 90th percentile of the rounds, of the median
x dlp     how many times as long as dlp, round by round: above 1 dlp is faster
of peak   of the multiply-adds that the machine does, measured in the same rounds
capture   seconds that the framework takes to capture the network; of dlp alone
cold s    seconds to compile with empty caches, beyond capture; without export where a tool reads a file
cached s  the same with what was compiled before on disk
run MB    the most memory of the process while it runs, Python and libraries included"""


def table(results: Sequence[Result], kernels: Sequence[KernelResult], *, brief: bool = False) -> str:
    """One line a candidate; below each network who was the best. `brief` leaves out what is about all of them."""
    head = " ".join([f"{'network':16} {'candidate':16}", *(f"{title:>{width}}" for title, width in _TITLES)])
    lines = [head, "-" * len(head)]
    for result in results:
        lines += _network(result)
    if results and not brief:
        lines += ["", *summary(results), "", *LEGEND.splitlines()]
    for kernel in kernels:
        data = kernel.to_json()
        lines.append(
            f"{kernel.name:40} {_cell(data['gflops'], 8, '.1f')} GFLOP/s {_cell(data['share_of_peak'], 6, '.0%')}"
        )
    return "\n".join(lines)


def summary(results: Sequence[Result]) -> list[str]:
    """Means over the networks, the gain of what was switched off, and peers beside their figures elsewhere."""
    lines = [f"not counted, for want of undisturbed rounds: {r.network}" for r in results if not r.counts]
    results = [result for result in results if result.counts]
    for what, among in (("the best peer of each network", ()), ("the better eager", EAGER)):
        ratios = best_ratios(results, among)
        mean = geometric_mean([*ratios.values()])
        if mean is not None:
            behind = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items() if ratio < 1)
            lines.append(
                f"{mean:.2f} times as fast as {what} (geometric mean of {len(ratios)})"
                + (f"; behind: {behind}" if behind else "")
            )
    changes = dict.fromkeys(
        row.candidate for result in results for row in result.rows if row.candidate.startswith(f"{OURS}:")
    )
    for change in changes:
        gains = {r.network: gain for r in results if (gain := r.ratio(change)) is not None}
        mean = geometric_mean([*gains.values()])
        if mean is not None:
            each = ", ".join(f"{name} {gain:.2f}" for name, gain in gains.items())
            lines.append(f"{change}: takes {mean:.2f} times as long ({each})")
    compared = compare(results)
    if compared:
        lines += ["", "peers beside their figures elsewhere, scaled by the multiply-adds of the machines"]
        lines += [
            f"{c.network:16} {c.candidate:16} {c.measured_ms:9.3f} for {c.expected_ms:9.3f} ms "
            f"{c.difference:+5.0%}  {c.verdict}"
            for c in compared
        ]
    return lines


def best_ratios(results: Sequence[Result], among: Sequence[str] = ()) -> dict[str, float]:
    """Network -> how many times as fast as the best of the rivals dlp is."""
    return {
        result.network: ratio
        for result in results
        if result.counts
        and (best := result.best(among)) is not None
        and (ratio := result.ratio(best)) is not None
    }


def _network(result: Result) -> list[str]:
    lines: list[str] = []
    for row in result.rows:
        flops = result.flops
        speed = flops / row.median / 1e6 if flops and row.median else None
        capture, cold, cached = compile_seconds(row.facts)
        values = (
            _cell(row.median, 9, ".3f"),
            _cell(row.spread, 7, ".0%") if (row.spread or 0) < 10 else "  >999%",
            _cell(result.ratio(row.candidate), 6, ".2f"),
            _cell(row.error, 8, ".0e"),
            _cell(speed, 8, ".1f"),
            _cell(speed / result.peak if speed and result.peak else None, 7, ".0%"),
            _cell(capture, 8, ".2f"),
            _cell(cold, 7, ".2f"),
            _cell(cached, 8, ".2f"),
            _cell(row.facts.get("run_memory_bytes", math.nan) / 2**20, 7, ".0f"),
        )
        line = " ".join([f"{result.network:16} {row.candidate:16}", *values])
        lines.append(line + (f"  {row.problem}" if row.problem else ""))
    gflop = f"{result.flops / 1e9:.2f} GFLOP, " if result.flops else ""
    lines.append(f"{'':16} {gflop}{result.rounds} rounds, {result.dropped} dropped; {_better(result)}")
    return lines


def compile_seconds(facts: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Of the capture, beyond it with empty caches, and beyond it with full ones; None where it is not known."""
    if "cold" in facts:
        cold = facts["cold"]
        return cold.get("capture_seconds"), cold.get("compile_seconds"), facts.get("compile_seconds")
    return facts.get("capture_seconds"), facts.get("compile_seconds"), None


def _better(result: Result) -> str:
    best = result.best()
    ratio = result.ratio(best) if best is not None else None
    return f"dlp is {ratio:.2f} times as fast as {best}" if ratio is not None else "nothing to compare"


def _cell(value: float | None, width: int, form: str) -> str:
    return f"{value:{width}{form}}" if value is not None and math.isfinite(value) else " " * (width - 1) + "-"
