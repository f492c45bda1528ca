"""Runs passes one after the other, and what goes with it: timing, statistics, verification, reproducers.

```python
records = PassManager(parse_passes("canonicalize,cse"), verify=True).run(context, module)
```
Used by `dlp-opt` and by the compiler, so that what one shows is what the other does.
"""

from __future__ import annotations

import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.errors import DlpError, PassError
from dlp.ir_text import ir_text
from dlp.pass_pipeline import Step, pipeline_text
from dlp.statistics import collecting
from dlp.verification import verify


@dataclass
class PassRecord:
    """What one pass of a run did.

    Attributes:
        index: place in the pipeline, from 1.
        total: length of the pipeline.
        step: the pass, its options and its stage.
        seconds: in the pass alone, without verification and instruments.
        statistics: what the pass counted.
        changed: whether the text of the module changed; None when no instrument asked.
    """

    index: int
    total: int
    step: Step
    seconds: float = 0.0
    statistics: Counter[str] = field(default_factory=Counter)
    changed: bool | None = None

    @property
    def name(self) -> str:
        """The name of the pass."""
        return self.step.instance.name


class Instrument:
    """Looks on while passes run. Subclasses override what they need.

    Attributes:
        wants_changes: `PassRecord.changed` must be known; the module is then printed after every pass.
    """

    wants_changes = False

    def before_pipeline(self, module: ModuleOp) -> None:
        """The module as it comes in."""

    def before_pass(self, record: PassRecord, module: ModuleOp) -> None:
        """The module before the pass of `record`; only index, total and step are filled in."""

    def after_pass(self, record: PassRecord, module: ModuleOp) -> None:
        """The module after the pass of `record`."""


class PassFailure(PassError):
    """A pass failed, or left wrong IR behind.

    Attributes:
        record: of the pass that failed.
        reproducer: a file that fails in the same way, if one was asked for and could be written.
    """

    def __init__(self, record: PassRecord, cause: BaseException, reproducer: Path | None) -> None:
        super().__init__(f"pass '{record.name}' failed: {error_line(cause)}")
        self.record = record
        self.reproducer = reproducer


@dataclass
class PassManager:
    """A pipeline that can be run.

    Attributes:
        pipeline: the passes, as steps (`parse_passes`) or bare.
        verify: check the module, with dominance, before the first pass and after each.
        instruments: look on while passes run.
        reproducer_dir: where the module and the command that make a pass fail are written; None for nowhere.
            Costs a clone of the module for each run.
        target: name of the target, for the command in a reproducer.
    """

    pipeline: Sequence[Step | ModulePass]
    verify: bool = False
    instruments: Sequence[Instrument] = ()
    reproducer_dir: Path | None = None
    target: str | None = None

    def run(self, context: Context, module: ModuleOp) -> list[PassRecord]:
        """Run all passes on `module`, in place.

        Returns:
            One record for each pass.

        Raises:
            InvalidOperation: the module is wrong before the first pass (with `verify`).
            PassFailure: a pass raised, or left a wrong module behind; the cause is chained.
        """
        steps = [step if isinstance(step, Step) else Step(step) for step in self.pipeline]
        if self.verify:
            verify(module)
        for instrument in self.instruments:
            instrument.before_pipeline(module)
        original = module.clone() if self.reproducer_dir is not None else None
        wants_changes = any(instrument.wants_changes for instrument in self.instruments)
        text = ir_text(module) if wants_changes else ""

        records: list[PassRecord] = []
        for index, step in enumerate(steps, 1):
            record = PassRecord(index, len(steps), step)
            for instrument in self.instruments:
                instrument.before_pass(record, module)
            try:
                self._run_pass(context, module, record)
            except Exception as error:
                reproducer = original and self._write_reproducer(context, original, steps, record, error)
                raise PassFailure(record, error, reproducer) from error
            if wants_changes:
                before, text = text, ir_text(module)
                record.changed = text != before
            for instrument in self.instruments:
                instrument.after_pass(record, module)
            records.append(record)
        return records

    def _run_pass(self, context: Context, module: ModuleOp, record: PassRecord) -> None:
        with collecting() as record.statistics:
            start = time.perf_counter()
            record.step.instance.apply(context, module)
            record.seconds = time.perf_counter() - start
        if self.verify:
            verify(module)

    def _write_reproducer(
        self, context: Context, module: ModuleOp, steps: Sequence[Step], record: PassRecord, error: Exception
    ) -> Path | None:
        """Run the passes before the failing one again; write its input, with the command and the error.

        Returns:
            The file; None when that fails as well, which must not hide the first error.
        """
        assert self.reproducer_dir is not None
        try:
            for step in steps[: record.index - 1]:
                step.instance.apply(context, module)
            self.reproducer_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", prefix=f"dlp-{record.name}-", suffix=".mlir", dir=self.reproducer_dir, delete=False
            ) as file:
                path = Path(file.name)
                stack = "".join(traceback.format_exception(error))
                command = f"dlp-opt {command_options(pipeline_text([record.step]), self.target)} {path}"
                if context.allow_unregistered:
                    command += " --allow-unregistered-dialect"
                file.write(
                    f"// {command}\n"
                    + "".join(f"// {line}".rstrip() + "\n" for line in stack.split("\n"))
                    + ir_text(module, generic=context.allow_unregistered)
                )
            return path
        except Exception:
            return None


def command_options(pipeline: str, target: str | None) -> str:
    """The options of `dlp-opt` that run `pipeline`, quoted for a shell."""
    target_option = f"--target={target} " if target else ""
    return f"{target_option}-p '{pipeline}'"


def timed(records: Sequence[PassRecord], by: Callable[[PassRecord], str]) -> dict[str, float]:
    """Seconds summed by what `by` says of a record (its stage, its name), in order of first appearance."""
    seconds: dict[str, float] = {}
    for record in records:
        seconds[by(record)] = seconds.get(by(record), 0.0) + record.seconds
    return seconds


def error_line(error: BaseException) -> str:
    """An error in one line: its text if it is ours, else its type and the place where it was raised too."""
    if isinstance(error, DlpError):
        return str(error)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    # The innermost frame outside xDSL is where the mistake most likely is.
    own = [frame for frame in frames if "/xdsl/" not in frame.filename] or list(frames)
    place = f" ({own[-1].filename}:{own[-1].lineno}, in {own[-1].name})" if own else ""
    return " ".join(text.split()) + place
