"""A compiled network whose kernels tell how long they took."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from dlp.compiled_module import CompiledModule, RunFunction
from dlp.compiler import compile_module, lower_module
from dlp.errors import InputError
from dlp.profiling.kernel_costs import KernelCost, kernel_costs
from dlp.profiling.memory_map import Place, memory_map
from dlp.progress import SILENT, Progress
from dlp.targets import Target

_BEHIND_GRAPH = "kernels,buffers,tiles,vectors,hoist-allocations,instrument-calls,plan-arena,math"
"""The pipelines behind their graph stage, with a clock around the calls."""


@dataclass
class TimedModule(CompiledModule):
    """Keeps what the clocks say.

    Attributes:
        costs: of the kernels, by name.
        places: where the intermediates lie in the arena, and when.
        runs: for each run, for each kernel: the seconds of all of its calls, and their number.
    """

    costs: dict[str, KernelCost] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    runs: list[dict[str, tuple[float, int]]] = field(default_factory=list)

    def bind(self, packed: Sequence[int], threads: int) -> RunFunction:
        """As of every module; `outputs` are those of the network."""
        names, bound = self.metadata.timed, super().bind(packed, threads)

        def run(inputs: Sequence[int], outputs: Sequence[int], symbols: tuple[int, ...] = ()) -> None:
            times = (ctypes.c_double * (2 * len(names)))()
            bound(inputs, [*outputs, ctypes.addressof(times)], symbols)
            self.runs.append({name: (times[2 * k], int(times[2 * k + 1])) for k, name in enumerate(names)})

        return run


def compile_timed(
    module: ModuleOp,
    *,
    target: Target,
    threads: int = 1,
    pipeline: str = "default",
    dump_dir: str | Path | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> TimedModule:
    """Compile a module with a clock around every call of a kernel; arguments are those of `compile_module`.

    Raises:
        InputError: the C compiler at hand has no OpenMP, whose clock is used.
        DlpError: as `compile_module`.
    """
    if target.threads != "openmp":
        raise InputError("profiling needs a C compiler with OpenMP, such as gcc: set DLP_CC to one")
    graph = "strict-graph" if pipeline == "strict" else "graph"
    analysed = module.clone()
    lower_module(analysed, target=target, threads=threads, pipeline=f"{graph},kernels,buffers")
    costs = kernel_costs(analysed)
    placed = module.clone()
    lower_module(placed, target=target, threads=threads, pipeline=pipeline)
    compiled = compile_module(
        module,
        target=target,
        threads=threads,
        pipeline=f"{graph},{_BEHIND_GRAPH}",
        dump_dir=dump_dir,
        progress=progress,
        **options,
    )
    return TimedModule(
        compiled.metadata, compiled.library, compiled.statistics, costs=costs, places=memory_map(placed)
    )
