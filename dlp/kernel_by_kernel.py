"""Passes and the C printer, one kernel after the other: C compilers work on the first ones meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dlp.codegen import UnitPrinter
from dlp.codegen.units import CUnit
from dlp.compile_statistics import CompileStatistics
from dlp.lowering._kernels import kernels
from dlp.pass_manager import Instrument, PassManager, timed
from dlp.pass_pipeline import Step
from dlp.pass_scope import Scope, scope_of
from dlp.progress import SILENT, Progress
from dlp.targets import Target


class Lowering:
    """From a module on tensors to files of C.

    The passes behind the last one that looks at the whole module run on a kernel at a time, which is printed then; what
    they do to the entry functions comes last. With `whole` every pass sees the whole module, as in `dlp-opt`: the C of
    the functions is the same.

    Args:
        steps: the pipeline.
        target: what to print for.
        whole: pass by pass instead of kernel by kernel; with `verify` or instruments, always.
        verify: as `PassManager` takes it.
        instruments: as `PassManager` takes them.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        target: Target,
        *,
        whole: bool = False,
        verify: bool = False,
        instruments: Sequence[Instrument] = (),
        statistics: CompileStatistics | None = None,
        progress: Progress = SILENT,
    ) -> None:
        whole = whole or verify or bool(instruments)
        split = len(steps) if whole else _split(steps)
        self._front, self._behind = steps[:split], steps[split:]
        self._target = target
        self._verify = verify
        self._instruments = instruments
        self._statistics = CompileStatistics() if statistics is None else statistics
        self._progress = progress

    def run(self, context: Context, module: ModuleOp) -> None:
        """The passes alone, on the whole module."""
        self._run([*self._front, *self._behind], context, module)

    def units(self, context: Context, module: ModuleOp) -> Iterator[CUnit]:
        """Lower and print; `printer` is what has been printed, and the module is lowered when all files have come."""
        self._progress.stage("passes")
        self._run(self._front, context, module)
        self.printer = UnitPrinter(module, self._target)
        if self._behind:
            yield from self._kernels(context, module)
            entry = [step for step in self._behind if scope_of(step.instance) is not Scope.KERNEL]
            self._run(entry, context, module)
        yield from self._printed(self.printer.finish())

    def _kernels(self, context: Context, module: ModuleOp) -> Iterator[CUnit]:
        steps = [step for step in self._behind if scope_of(step.instance) is not Scope.ENTRY]
        known: set[str] = set()
        todo = kernels(module)
        self._progress.stage("kernels", total=len(todo))
        for number, kernel in enumerate(todo, 1):
            kernel.detach()
            alone = ModuleOp([kernel])
            self._run(steps, context, alone)
            functions = [f for f in alone.ops if isinstance(f, func.FuncOp)]
            for function in functions:
                function.detach()
                if function.sym_name.data not in known:
                    known.add(function.sym_name.data)
                    module.body.block.add_op(function)
            yield from self._printed(self.printer.add(functions))
            self._progress.update(number, len(todo))

    def _run(self, steps: Sequence[Step], context: Context, module: ModuleOp) -> None:
        manager = PassManager(
            steps, verify=self._verify, instruments=self._instruments, target=self._target.name
        )
        seconds = timed(manager.run(context, module), lambda record: record.step.stage or "passes")
        for stage, spent in seconds.items():
            self._statistics.add(stage, spent)

    def _printed(self, units: Iterator[CUnit]) -> Iterator[CUnit]:
        while True:
            with self._statistics.stage("print C"):
                unit = next(units, None)
            if unit is None:
                return
            yield unit


def _split(steps: Sequence[Step]) -> int:
    """Where the passes begin that look at single functions."""
    return max((i for i, s in enumerate(steps, 1) if scope_of(s.instance) is Scope.MODULE), default=0)
