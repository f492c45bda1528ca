"""What can look on while passes run: dumps to numbered files, IR on stderr."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from dlp.ir_text import ir_text
from dlp.pass_manager import Instrument, PassRecord, command_options


@dataclass
class DumpIR(Instrument):
    """Writes the module to numbered files of a folder: as it comes in, and after every pass that changed it.

    The first line of each file is the command that makes it from the file before, to be run in the folder.
    Passes that changed nothing leave no file; the number of a file is the place of its pass in the pipeline.

    Attributes:
        folder: made when missing; older dumps in it are removed.
        target: name of the target, for the commands.
        locations: print locations too, so that a later stage started from a file still knows them.
    """

    folder: Path
    target: str | None = None
    locations: bool = False
    wants_changes = True
    _previous: str = field(default="", init=False)

    def before_pipeline(self, module: ModuleOp) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("[0-9][0-9][0-9]-*.mlir"):
            old.unlink()
        self._write("000-input.mlir", "the input", module)

    def after_pass(self, record: PassRecord, module: ModuleOp) -> None:
        if not record.changed:
            return
        command = f"dlp-opt {command_options(str(record.step), self.target)} {self._previous}"
        if self.locations:
            command += " --mlir-print-debuginfo"
        self._write(f"{record.index:03}-{record.name}.mlir", command, module)

    def _write(self, name: str, header: str, module: ModuleOp) -> None:
        (self.folder / name).write_text(f"// {header}\n{ir_text(module, locations=self.locations)}")
        self._previous = name


@dataclass
class PrintIR(Instrument):
    """Prints the module on stderr around passes, as mlir-opt does.

    Attributes:
        before: names of the passes before which to print; None for all.
        after: names of the passes after which to print; None for all.
        only_changes: print after a pass only if it changed something.
        generic: print the form that needs no dialect to be read.
    """

    before: Collection[str] | None = ()
    after: Collection[str] | None = ()
    only_changes: bool = False
    generic: bool = False

    def __post_init__(self) -> None:
        self.wants_changes = self.only_changes

    def before_pass(self, record: PassRecord, module: ModuleOp) -> None:
        if self.before is None or record.name in self.before:
            self._print("Before", record, module)

    def after_pass(self, record: PassRecord, module: ModuleOp) -> None:
        if (self.after is None or record.name in self.after) and (record.changed or not self.only_changes):
            self._print("After", record, module)

    def _print(self, when: str, record: PassRecord, module: ModuleOp) -> None:
        text = ir_text(module, generic=self.generic)
        print(f"// -----// IR Dump {when} {record.step} //----- //\n{text}", file=sys.stderr)
