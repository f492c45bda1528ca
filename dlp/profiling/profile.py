"""The time of each kernel of a network, beside what the machine could do."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlp.errors import DlpError
from dlp.profiling.bandwidth import memory_bandwidth
from dlp.profiling.kernel_costs import KernelCost
from dlp.profiling.memory_map import Place, svg
from dlp.profiling.peak import peaks
from dlp.profiling.timed_module import TimedModule
from dlp.targets import Target


@dataclass(frozen=True)
class Limits:
    """What the machine can do: GFLOP/s of nothing but fused multiply-adds, GB/s of a copy in memory."""

    gflops: float
    gigabytes: float


def measure_limits(target: Target, threads: int) -> Limits:
    """Measure the machine; NaN for what cannot be measured."""
    try:
        fastest = max((max(peak.gflops(threads) for _ in range(3)) for peak in peaks().values()), default=0.0)
        return Limits(fastest or float("nan"), memory_bandwidth(target, threads))
    except DlpError:
        return Limits(float("nan"), float("nan"))


@dataclass(frozen=True)
class KernelProfile:
    """One kernel.

    Attributes:
        calls: in one run of the network.
        seconds: of all of these calls together; the median over the runs.
        cost: of one call.
    """

    name: str
    calls: int
    seconds: float
    cost: KernelCost

    @property
    def gflops(self) -> float:
        """Arithmetic operations, in 10^9 a second."""
        return self.calls * self.cost.flops / self.seconds / 1e9 if self.seconds else 0.0

    @property
    def gigabytes(self) -> float:
        """Bytes of operands and results, in 10^9 a second; those that a cache holds count as well."""
        return self.calls * self.cost.bytes / self.seconds / 1e9 if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """A network's kernels, the slowest first; prints as a table.

    Attributes:
        seconds: of a whole call of the model; the median over the runs.
        runs: that were measured.
        places: the intermediates in the arenas of the network's graphs, one list a graph.
    """

    model: str
    kernels: tuple[KernelProfile, ...]
    seconds: float
    runs: int
    threads: int
    limits: Limits
    places: tuple[tuple[Place, ...], ...] = ()

    def __str__(self) -> str:
        inside = sum(kernel.seconds for kernel in self.kernels)
        lines = [
            f"profile of {self.model}: {1e3 * self.seconds:.3f} ms a call on {self.threads} threads, "
            f"median of {self.runs}",
            f"the machine: {self.limits.gflops:.0f} GFLOP/s of multiply-adds, {self.limits.gigabytes:.1f} GB/s of "
            "copying in memory",
            "",
            f"{'kernel':<34} {'calls':>5} {'ms':>9} {'share':>6} {'GFLOP/s':>8} {'of peak':>7} {'GB/s':>7}  from",
        ]
        for kernel in self.kernels:
            name = kernel.name if len(kernel.name) <= 34 else f"{kernel.name[:31]}..."
            lines.append(
                f"{name:<34} {kernel.calls:>5} {1e3 * kernel.seconds:>9.3f} "
                f"{_share(kernel.seconds, self.seconds):>6} {kernel.gflops:>8.1f} "
                f"{_share(kernel.gflops, self.limits.gflops):>7} {kernel.gigabytes:>7.1f}  {kernel.cost.sources}"
            )
        rest = self.seconds - inside
        lines.append(
            f"{'(between kernels, and the call)':<34} {'':>5} {1e3 * rest:>9.3f} {_share(rest, self.seconds):>6}"
        )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """All figures as plain values."""
        return {
            "model": self.model,
            "seconds": self.seconds,
            "runs": self.runs,
            "threads": self.threads,
            "machine": {"gflops": self.limits.gflops, "gigabytes": self.limits.gigabytes},
            "kernels": [
                {
                    "name": kernel.name,
                    "calls": kernel.calls,
                    "seconds": kernel.seconds,
                    "gflops": kernel.gflops,
                    "gigabytes": kernel.gigabytes,
                    "flops": kernel.cost.flops,
                    "bytes": kernel.cost.bytes,
                    "operations": kernel.cost.operations,
                    "sources": kernel.cost.sources,
                }
                for kernel in self.kernels
            ],
        }

    def write_memory_map(self, path: str | Path) -> list[Path]:
        """Draw the arenas over time as SVG; with several graphs, a file for each: `map.svg`, `map-2.svg`, ...

        Raises:
            OSError: the file cannot be written.
        """
        first = Path(path)
        written: list[Path] = []
        for number, places in enumerate(self.places, 1):
            file = first if number == 1 else first.with_stem(f"{first.stem}-{number}")
            file.write_text(svg(places))
            written.append(file)
        return written


def summarise(
    model: str, modules: Sequence[TimedModule], seconds: Sequence[float], threads: int, limits: Limits
) -> Profile:
    """The profile of runs of some graphs that together are a model.

    Args:
        modules: the graphs; of each as many last runs count as there are `seconds`.
        seconds: of whole calls of the model.
    """
    kernels: list[KernelProfile] = []
    for module in modules:
        runs = module.runs[-len(seconds) :]
        for name in runs[0] if runs else ():
            times, calls = zip(*(run[name] for run in runs), strict=True)
            cost = module.costs.get(name, KernelCost(0, 0))
            kernels.append(KernelProfile(name, calls[-1], statistics.median(times), cost))
    kernels.sort(key=lambda kernel: -kernel.seconds)
    places = tuple(tuple(module.places) for module in modules)
    return Profile(model, tuple(kernels), statistics.median(seconds), len(seconds), threads, limits, places)


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole == whole and whole > 0 else "-"
