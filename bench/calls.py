"""`python -m bench.calls`: what a call costs beside the network's own code.

That is dispatch, guards, the check of the weights, the results' memory: the time of whole calls less the time that each
of them spends in the compiled code. The caches are as cold as a run of the network leaves them, and most of this time
goes into that: with warm caches it is a tenth. So the framework's own part is measured in the same state, as the call
of a module whose `forward` only returns its argument, and told apart: 1.5 % of the run time is allowed for the rest.
A network of one multiplication is timed against eager instead: 15 microseconds more are allowed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

import dlp
from bench.quiet import alone, set_priority
from bench.rows import ROWS
from dlp.runtime import Library

WARM_UP = 10
"""Calls before the first that counts."""


class Empty(nn.Module):
    """Hardly anything."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 1


class Hollow(nn.Module):
    """What the framework does for any module."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class _Clock:
    """Measures the seconds inside the functions of libraries that are asked for them from now on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        find = Library.entry

        def entry(library: Library, name: str) -> Callable[[bytes, int], int]:
            function = find(library, name)

            def timed(pointers: bytes, threads: int) -> int:
                started = time.perf_counter()
                status = function(pointers, threads)
                self.seconds += time.perf_counter() - started
                return status

            return timed

        Library.entry = entry  # type: ignore[method-assign]


def measure(model: nn.Module, inputs: tuple[torch.Tensor, ...], calls: int) -> tuple[float, float, float]:
    """Median seconds beside the code, those of them that are the framework's, and seconds inside the code."""
    clock = _Clock()
    fast, hollow = dlp.optimize(model.eval()), Hollow().eval()
    framework: list[float] = []
    beside: list[float] = []
    inside: list[float] = []
    with torch.inference_mode():
        for _ in range(WARM_UP):
            fast(*inputs)
        with alone():
            set_priority(-19)
            for _ in range(calls):
                started = time.perf_counter()
                hollow(inputs[0])
                framework.append(time.perf_counter() - started)
                fast(*inputs)  # after which both kinds of calls begin
                clock.seconds = 0.0
                started = time.perf_counter()
                fast(*inputs)
                beside.append(time.perf_counter() - started - clock.seconds)
                inside.append(clock.seconds)
            set_priority(0)
    return statistics.median(beside), statistics.median(framework), statistics.median(inside)


def beyond_eager(turns: int) -> float:
    """Seconds of a call of the network without work beyond eager's: of both the best of many turns."""
    model, x = Empty().eval(), torch.randn(4)
    fast = dlp.optimize(model)
    with torch.inference_mode():
        for _ in range(WARM_UP):
            fast(x)
        return _best(lambda: fast(x), turns) - _best(lambda: model(x), turns)


def _best(call: Callable[[], object], turns: int, calls: int = 1000) -> float:
    best = float("inf")
    for _ in range(turns):
        started = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - started) / calls)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.calls", description=__doc__)
    parser.add_argument(
        "networks", nargs="*", default=["mobilenet_v2", "densenet121"], help="rows of the table"
    )
    parser.add_argument("--calls", type=int, default=200, help="of each network; default %(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{'empty':15} {beyond_eager(100) * 1e6:6.1f} us beyond eager")
    for name in options.networks:
        torch.manual_seed(0)
        network = ROWS[name].full
        assert network is not None
        made = network()
        beside, framework, inside = measure(made.model, made.args, options.calls)
        ours = beside - framework
        print(
            f"{name:15} {ours * 1e6:6.0f} us, and {framework * 1e6:3.0f} of the framework's, beside "
            f"{inside * 1e3:7.2f} ms of code: {ours / inside:6.2%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
