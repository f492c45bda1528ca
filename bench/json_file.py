"""Results as JSON, for programs and for a run that goes on where another one ended."""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.candidates import OURS
from bench.kernels import KernelResult
from bench.reference import compare
from bench.results import Result, Row, geometric_mean
from bench.rounds import Protocol
from bench.table import EAGER, best_ratios


def to_json(
    results: Sequence[Result], kernels: Sequence[KernelResult], protocol: Protocol, seed_of_draw: int | None
) -> dict[str, Any]:
    """All figures, with the times of every round."""
    best, eager = best_ratios(results), best_ratios(results, EAGER)
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": _cpu(),
        "protocol": vars(protocol),
        "seed_of_draw": seed_of_draw,
        "summary": {
            "times_as_fast_as_best_peer": geometric_mean([*best.values()]),
            "times_as_fast_as_better_eager": geometric_mean([*eager.values()]),
            "by_network": best,
        },
        "networks": [_network(result) for result in results],
        "peers_elsewhere": [
            {**vars(c), "difference": c.difference, "verdict": c.verdict} for c in compare(results)
        ],
        "kernels": [kernel.to_json() for kernel in kernels],
    }


def read(path: Path) -> list[Result]:
    """The networks of a file that was written before; none if there is no such file."""
    if not path.exists():
        return []
    data = json.loads(path.read_text())
    return [
        Result(
            network=entry["network"],
            size=entry["size"],
            title=entry["title"],
            rounds=entry["rounds"],
            dropped=entry["dropped"],
            peaks=entry["peaks_gflops"],
            rows=[
                Row(c["candidate"], c["problem"], c["error"], c["ms"], c["facts"])
                for c in entry["candidates"]
            ],
        )
        for entry in data["networks"]
    ]


def _network(result: Result) -> dict[str, Any]:
    best = result.best()
    return {
        "network": result.network,
        "title": result.title,
        "size": result.size,
        "rounds": result.rounds,
        "dropped": result.dropped,
        "flops": result.flops,
        "peak_gflops": result.peak,
        "peaks_gflops": result.peaks,
        "best_peer": best,
        "times_as_fast_as_best_peer": result.ratio(best) if best is not None else None,
        "candidates": [
            {
                "candidate": row.candidate,
                "problem": row.problem,
                "error": _finite(row.error),
                "median_ms": row.median,
                "spread": row.spread,
                f"ratio_to_{OURS}": result.ratio(row.candidate),
                "ms": row.ms,
                "facts": row.facts,
            }
            for row in result.rows
        ],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0]} x {len(names)}" if names else platform.processor()
