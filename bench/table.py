"""Results as text for people and as JSON for programs."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Sequence
from typing import Any

from bench.kernels import KernelResult
from bench.rounds import Protocol, Result


def table(results: Sequence[Result], kernels: Sequence[KernelResult], peak: float | None) -> str:
    """One line a candidate; ratios say how many times as long as dlp it takes."""
    titles = (("ms", 9), ("spread", 7), ("x dlp", 6), ("error", 8), ("GFLOP/s", 8), ("of peak", 7))
    head = " ".join([f"{'network':14} {'candidate':14}", *(f"{title:>{width}}" for title, width in titles)])
    lines = [head, "-" * len(head)]
    for result in results:
        flops = _flops(result)
        for row in result.rows:
            speed = flops / row.median / 1e6 if flops and row.median else None
            cells = [
                f"{result.network:14} {row.candidate:14}",
                _cell(row.median, 9, ".3f"),
                _cell(row.spread, 7, ".0%"),
                _cell(result.ratio(row.candidate), 6, ".2f"),
                _cell(row.error, 8, ".0e"),
                _cell(speed, 8, ".1f"),
                _cell(speed / peak if speed and peak else None, 7, ".0%"),
            ]
            lines.append(" ".join(cells) + (f"  {row.problem}" if row.problem else ""))
        lines.append(f"{'':14} {result.rounds} rounds, {result.dropped} dropped; {_better(result)}")
    for kernel in kernels:
        data = kernel.to_json()
        lines.append(
            f"{kernel.name:40} {_cell(data['gflops'], 8, '.1f')} GFLOP/s {_cell(data['share_of_peak'], 6, '.0%')}"
        )
    return "\n".join(lines)


def to_json(results: Sequence[Result], kernels: Sequence[KernelResult], protocol: Protocol) -> dict[str, Any]:
    """All figures, with the times of every round."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": _cpu(),
        "protocol": vars(protocol),
        "networks": [
            {
                "network": result.network,
                "size": result.size,
                "rounds": result.rounds,
                "dropped": result.dropped,
                "flops": _flops(result),
                "candidates": [
                    {
                        "candidate": row.candidate,
                        "problem": row.problem,
                        "error": _finite(row.error),
                        "median_ms": row.median,
                        "spread": row.spread,
                        "ratio_to_dlp": result.ratio(row.candidate),
                        "ms": row.ms,
                        "facts": row.facts,
                    }
                    for row in result.rows
                ],
            }
            for result in results
        ],
        "kernels": [kernel.to_json() for kernel in kernels],
    }


def _flops(result: Result) -> float | None:
    return next((row.facts["flops"] for row in result.rows if row.facts.get("flops")), None)


def _better(result: Result) -> str:
    """Against the best of the others."""
    ratios = {
        row.candidate: ratio
        for row in result.rows
        if row.candidate != "dlp" and (ratio := result.ratio(row.candidate)) is not None
    }
    if not ratios:
        return "nothing to compare"
    best = min(ratios, key=lambda name: ratios[name])
    return f"dlp is {ratios[best]:.2f} times as fast as {best}"


def _cell(value: float | None, width: int, form: str) -> str:
    return f"{value:{width}{form}}" if value is not None and math.isfinite(value) else " " * (width - 1) + "-"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0]} x {len(names)}" if names else platform.processor()
