"""Two kernels beside the machine's peak: a 3x3 convolution and a matrix product, as modules through the compiler."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from bench.quiet import Watch, alone, set_priority
from bench.rounds import DISTURBED, Protocol
from dlp.compiler import compile_module
from dlp.frontends.torch.capture import capture
from dlp.profiling.peak import Peak
from dlp.runtime import aligned_empty
from dlp.targets import host


@dataclass(frozen=True)
class Kernel:
    """A module of one layer, and what it computes."""

    name: str
    make: Callable[[], tuple[nn.Module, torch.Tensor]]
    flops: float


def _convolution() -> tuple[nn.Module, torch.Tensor]:
    x = torch.randn(1, 64, 56, 56).to(memory_format=torch.channels_last)
    return nn.Conv2d(64, 64, 3, padding=1), x


def _product() -> tuple[nn.Module, torch.Tensor]:
    return nn.Linear(3072, 768), torch.randn(128, 3072)


KERNELS = (
    Kernel("convolution 3x3, 64 channels at 56", _convolution, 2.0 * 64 * 64 * 9 * 56 * 56),
    Kernel("matrix product 128 x 768 x 3072", _product, 2.0 * 128 * 768 * 3072),
)


@dataclass
class KernelResult:
    """Figures of a kernel, or of the peak itself, over the rounds that count."""

    name: str
    gflops: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    """Of the peak in the same round."""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "gflops": statistics.median(self.gflops) if self.gflops else None,
            "share_of_peak": statistics.median(self.share) if self.share else None,
        }


def measure_kernels(protocol: Protocol, machine: Mapping[str, Peak]) -> list[KernelResult]:
    """The peak for each vector length, then each kernel, timed in turn in every round."""
    torch.manual_seed(protocol.seed)
    runs = [(kernel, _compiled(kernel, protocol.threads)) for kernel in KERNELS]
    results = {name: KernelResult(f"FMA peak, {name}") for name in machine}
    results |= {kernel.name: KernelResult(kernel.name) for kernel in KERNELS}
    spoiled: list[dict[str, float]] = []
    counted, end = 0, time.monotonic() + protocol.most_seconds
    while counted < protocol.rounds and time.monotonic() < end:
        with alone():
            set_priority(-19)
            try:
                watch = Watch()
                found = {name: peak.gflops(protocol.threads) for name, peak in machine.items()}
                found |= {kernel.name: _gflops(kernel, run) for kernel, run in runs}
                disturbed = watch.others() > DISTURBED
            finally:
                set_priority(0)
        if disturbed:
            spoiled.append(found)
            continue
        counted += 1
        _count(found, results, list(machine))
    if not counted:  # better than nothing; the peak suffered as much
        for found in spoiled:
            _count(found, results, list(machine))
    return list(results.values())


def _count(found: dict[str, float], results: dict[str, KernelResult], machine: list[str]) -> None:
    peak = max((found[name] for name in machine), default=float("nan"))
    for name, gflops in found.items():
        results[name].gflops.append(gflops)
        results[name].share.append(gflops / peak)


def _compiled(kernel: Kernel, threads: int) -> Callable[[], None]:
    """A call of the compiled module with all addresses at hand."""
    model, x = kernel.make()
    captured = capture(model.eval(), (x,))
    weights = {name: value.numpy() for name, value in captured.physical_weights().items()}
    (given,) = captured.imported.inputs
    image = given.spec.physical(x)
    compiled = compile_module(captured.imported.module, target=host(), threads=threads)
    signature = compiled.signature
    packed = compiled.pack_arrays([weights[w.name] for w in signature.weights], threads)
    (out,) = signature.outputs
    result = aligned_empty(out.shape, "float32")
    alive = (image, packed, result)  # as long as their addresses are used
    places = [image.data_ptr()], [p.ctypes.data for p in packed], [result.ctypes.data]

    def run(alive: object = alive) -> None:
        compiled.run(*places, threads)

    run()
    with torch.no_grad():
        expected = captured.imported.results[0].physical(model(x))
    found = torch.from_numpy(result).reshape(expected.shape)
    error = float((found - expected).abs().max() / expected.abs().max())
    assert error <= 1e-4, f"{kernel.name}: error {error:.1e}"
    return run


def _gflops(kernel: Kernel, run: Callable[[], None]) -> float:
    """The median of calls during a few hundredths of a second."""
    run()
    times: list[float] = []
    end = time.perf_counter() + 0.05
    while time.perf_counter() < end:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return kernel.flops / statistics.median(times) / 1e9
