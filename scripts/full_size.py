"""The networks at full size, each compiled in a fresh process with an empty cache, then once more from the cache.

    python scripts/full_size.py [NETWORK ...] [--json FILE]

All networks of the tests (`test/networks`), or those that are named. Prints for each: the error against eager, what
was compiled and what was left, memory, and the seconds of compilation beyond capture, by the clock and in CPU seconds
(which a busy machine does not stretch as much). A network that fails is named at the end, and the others are still
tried; the exit status is 1 if any failed: if it raised an error, a result is wrong, an operation was left to the
framework, or memory is not within its bounds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TEST = Path(__file__).resolve().parents[1] / "test"
sys.path.insert(0, str(TEST))

TOLERANCE = 1e-4
ARENA_OVER_LIVE = 1.10
THREADS = 2
MOST_SECONDS = 1800


def main() -> int:
    from networks import ALL

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(ALL)}; default all")
    parser.add_argument("--size", choices=("full", "small"), default="full")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--cold", action="store_true", help="compile once, without the run from the cache")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := [name for name in options.networks if name not in ALL]:
        parser.error(f"no such network: {', '.join(unknown)}")
    if options.one:
        print(json.dumps(_measure(options.networks[0], options.size)))
        return 0

    results: dict[str, dict[str, Any]] = {}
    failures: list[str] = []
    print(_HEAD, flush=True)
    for name in options.networks or ALL:
        try:
            with tempfile.TemporaryDirectory(prefix="dlp-full-size-") as cache:
                cold = _in_new_process(name, options.size, cache)
                warm = cold if options.cold else _in_new_process(name, options.size, cache)
        except subprocess.SubprocessError as error:
            print(f"{name:>{_COLUMNS[0][1]}} failed", flush=True)
            failures.append(f"{name}: {_reason(error)}")
            continue
        results[name] = {"cold": cold, "warm": warm}
        print(_line(name, cold, warm), flush=True)
        found = dict.fromkeys(problem for run in (cold, warm) for problem in _problems(run))
        failures += [f"{name}: {problem}" for problem in found]
    for failure in failures:
        print(failure)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 1 if failures else 0


def _in_new_process(name: str, size: str, cache: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", __file__, name, "--size", size, "--one"]
    environment = {**os.environ, "DLP_CACHE_DIR": cache, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=MOST_SECONDS
    )
    return json.loads(done.stdout.splitlines()[-1])


def _reason(error: subprocess.SubprocessError) -> str:
    """What the process said last, or that it never ended."""
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr.strip().splitlines() or [""]
        return f"exit status {error.returncode}: {said[-1]}"
    return f"not done after {MOST_SECONDS} seconds"


def _measure(name: str, size: str) -> dict[str, Any]:
    """One network in this process, which has compiled nothing before."""
    import torch
    import torch._dynamo
    from networks import Size, max_relative_error, network

    import dlp

    torch.set_num_threads(THREADS)
    chosen: Size = "full" if size == "full" else "small"
    built = network(name, chosen)
    with torch.inference_mode():
        expected = built.model(*built.args)
        activations = _activation_peak(built.model, built.args)
        started, cpu = time.perf_counter(), _cpu_seconds()
        compiled = dlp.optimize(built.model)
        found = compiled(*built.args)
        wall, cpu = time.perf_counter() - started, _cpu_seconds() - cpu
        started, run_cpu = time.perf_counter(), _cpu_seconds()
        compiled(*built.args)
        run, run_cpu = time.perf_counter() - started, _cpu_seconds() - run_cpu
    report = dlp.report(compiled)
    capture = report.compile_seconds.get("capture", 0.0)
    return {
        "error": max_relative_error(found, expected),
        "ops_compiled": report.ops_compiled,
        "ops_left": len(report.ops_left),
        "calls": [report.calls_compiled, report.calls_mixed, report.calls_eager],
        "fallbacks": [str(fallback) for fallback in report.fallbacks],
        "kernels": report.kernels,
        "arena_bytes": report.arena_bytes,
        "intermediate_bytes": report.intermediate_bytes,
        "largest_live_bytes": report.largest_live_bytes,
        "output_bytes": found.numel() * found.element_size(),
        "eager_activation_bytes": activations,
        "weight_bytes": report.weight_bytes_raw,
        "packed_bytes": report.weight_bytes_packed,
        "capture_seconds": capture,
        # The first call computes too, which is no compilation.
        "beyond_capture_seconds": max(0.0, wall - capture - run),
        # Capture runs on one thread, and nothing else does meanwhile.
        "beyond_capture_cpu_seconds": max(0.0, cpu - capture - run_cpu),
        "run_seconds": run,
        "cache_hits": report.cache_hits,
        "stages": report.compile_seconds,
    }


def _activation_peak(model: Any, args: Any) -> int:
    """The most bytes that one call of eager has allocated at once, inside of its operations too."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        result = model(*args)  # kept alive until the recording ends: the output counts
    del result
    assert recorded.profiler is not None and recorded.profiler.kineto_results is not None
    events: list[Any] = [e for e in recorded.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def _cpu_seconds() -> float:
    """Of this process and the compilers that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _problems(run: dict[str, Any]) -> list[str]:
    problems: list[str] = []
    if not run["error"] <= TOLERANCE:
        problems.append(f"error {run['error']:.1e} is above {TOLERANCE}")
    if run["ops_left"] or run["calls"][1:] != [0, 0]:
        problems.append(f"{run['ops_left']} operations left to the framework; calls {run['calls']}")
        problems += run["fallbacks"]
    if run["arena_bytes"] > ARENA_OVER_LIVE * run["largest_live_bytes"]:
        problems.append("the arena is larger than 1.10 times the largest live set")
    if run["arena_bytes"] > run["eager_activation_bytes"]:
        problems.append("the arena is larger than eager's activations at their peak")
    return problems


_COLUMNS = (
    ("network", 18),
    ("error", 8),
    ("ops", 5),
    ("left", 5),
    ("kernels", 8),
    ("arena", 10),
    ("all", 10),
    ("live", 10),
    ("eager", 10),
    ("capture", 8),
    ("cold s", 7),
    ("cpu s", 7),
    ("warm s", 7),
    ("cpu s", 7),
)
_HEAD = (
    "bytes: the arena, all intermediates, the largest live set, eager's activations; seconds: beyond capture\n"
    + " ".join(f"{title:>{width}}" for title, width in _COLUMNS)
)


def _line(name: str, cold: dict[str, Any], warm: dict[str, Any]) -> str:
    cells = (
        name,
        f"{cold['error']:.1e}",
        cold["ops_compiled"],
        cold["ops_left"],
        cold["kernels"],
        cold["arena_bytes"],
        cold["intermediate_bytes"],
        cold["largest_live_bytes"],
        cold["eager_activation_bytes"],
        f"{cold['capture_seconds']:.1f}",
        f"{cold['beyond_capture_seconds']:.1f}",
        f"{cold['beyond_capture_cpu_seconds']:.1f}",
        f"{warm['beyond_capture_seconds']:.2f}",
        f"{warm['beyond_capture_cpu_seconds']:.2f}",
    )
    return " ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))


if __name__ == "__main__":
    sys.exit(main())
