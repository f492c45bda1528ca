"""The most fused multiply-adds that this machine does in a second, measured: what GFLOP/s are a share of."""

from __future__ import annotations

import ctypes
import os
import time

from dlp.errors import DlpError
from dlp.targets import Target, check_runs_here, load
from dlp.toolchain import build_shared

CHAINS = {"avx2": 12, "avx512": 24}
"""Accumulators: more than latency times throughput (8 to 10), and with both factors within the registers."""

_LOOP = 1_000_000
_SECONDS = 0.02


def _source(lanes: int, chains: int) -> str:
    """C with every accumulator a variable of its own, so that none waits for another."""
    names = [f"a{i}" for i in range(chains)]
    vector = f"typedef float vector __attribute__((vector_size({4 * lanes})));"
    declare = "\n    ".join(f"vector {name} = one * {i}.0f;" for i, name in enumerate(names))
    multiply = "\n        ".join(f"{name} = {name} * factor + term;" for name in names)
    return f"""\
{vector}

void fma_peak(void *const *args, int threads) {{
  float *results = args[0];
  long times = *(const long *)args[1];
#pragma omp parallel for num_threads(threads)
  for (int t = 0; t < threads; t++) {{
    vector one = (vector){{0}} + 1.0f, factor = one * 0.999999f, term = one * 1e-7f;
    {declare}
    for (long k = 0; k < times; k++) {{
        __asm__ volatile("" : "+x"(factor), "+x"(term));
        {multiply}
    }}
    vector sum = {" + ".join(names)};
    results[16 * t] = sum[0];
  }}
}}
"""


class Peak:
    """A program that does nothing but multiply and add.

    Raises:
        DlpError: this machine does not run the target, or there is no compiler.
    """

    def __init__(self, target: Target) -> None:
        check_runs_here(target)
        self.chains, self.lanes = CHAINS[target.name], target.vector_lanes
        build = build_shared({"peak.c": _source(self.lanes, self.chains)}, target)
        self._function = ctypes.CDLL(os.fspath(build))["fma_peak"]

    def gflops(self, threads: int) -> float:
        """One measurement of a few hundredths of a second."""
        results, times = (ctypes.c_float * (16 * threads))(), ctypes.c_long(_LOOP)
        arguments = (ctypes.c_void_p * 2)(ctypes.addressof(results), ctypes.addressof(times))
        while True:
            started = time.perf_counter()
            self._function(arguments, threads)
            seconds = time.perf_counter() - started
            if seconds >= _SECONDS:
                return 2.0 * self.lanes * self.chains * times.value * threads / seconds / 1e9
            times.value = int(times.value * max(2.0, min(100.0, 1.2 * _SECONDS / seconds)))


def peaks() -> dict[str, Peak]:
    """Of all targets that this machine runs."""
    found: dict[str, Peak] = {}
    for name in CHAINS:
        try:
            found[name] = Peak(load(name))
        except DlpError:
            continue
    return found
