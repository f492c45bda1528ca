"""`dlp-opt` from the command line to the exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from dlp.context import make_context
from dlp.errors import InputError, TargetError
from dlp.instruments import DumpIR, PrintIR
from dlp.ir_text import ir_text
from dlp.opt.arguments import parse_arguments, steps_of
from dlp.opt.expected import ReportedError, mismatches
from dlp.opt.listing import explanation, passes_text, pipelines_text
from dlp.opt.source import SPLIT_MARK, Source, SyntaxInputError
from dlp.opt.summary import statistics_text, timing_text
from dlp.pass_manager import Instrument, PassFailure, PassManager, PassRecord, error_line
from dlp.pass_pipeline import Step
from dlp.pass_registry import get_pass, output_formats
from dlp.rewriting import all_rewriting_bounded
from dlp.verification import InvalidOperation

_Result = TypeVar("_Result")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `dlp-opt`.

    Args:
        argv: the words after the program name; those of the process when None.

    Returns:
        The exit status: 0, 1 for wrong IR or a failing pass, 2 for a wrong command line.
    """
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except (InputError, TargetError) as error:
        print(f"dlp-opt: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read us has seen enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _main(argv: Sequence[str]) -> int:
    args = parse_arguments(argv)
    answer = _question(args)
    if answer is not None:
        print(answer, end="")
        return 0
    if args.target is not None:
        _target(args.target)  # a wrong name is wrong even where no pass asks for the target
    run = _Run(args, steps_of(args))
    with all_rewriting_bounded():
        ok = run.all_parts()
    run.summarise()
    return 0 if ok else 1


def _question(args: argparse.Namespace) -> str | None:
    """The answer where the options ask about dlp-opt instead of running it."""
    if args.version:
        import xdsl

        import dlp

        return f"dlp {dlp.__version__}, xDSL {xdsl.__version__}\n"
    if args.list_passes:
        return passes_text()
    if args.list_pipelines:
        return pipelines_text()
    return explanation(args.explain) if args.explain else None


class _Run:
    """One run over all parts of the input."""

    def __init__(self, args: argparse.Namespace, steps: list[Step]) -> None:
        self.args = args
        self.steps = steps
        self.records: list[PassRecord] = []
        self.seconds: dict[str, float] = {}
        self.emit = _emitter(args)
        self.instruments = _instruments(args)

    def all_parts(self) -> bool:
        """Read, run and print every part; whether all went well."""
        whole = Source(*_read(self.args.input))
        parts = list(whole.split()) if self.args.split_input_file else [whole]
        results: list[str] = []
        ok = True
        for number, part in enumerate(parts):
            errors: list[ReportedError] = []
            try:
                results.append(self._part(part, number if len(parts) > 1 else None))
            except Exception as error:
                errors.append(_reported(error, part, self.args.traceback))
            if self.args.verify_diagnostics:
                complaints = mismatches(part, errors)
            else:
                complaints = [error.text for error in errors]
            for complaint in complaints:
                print(complaint.rstrip(), file=sys.stderr)
            ok &= not complaints
        _write(self.args.output, f"{SPLIT_MARK}\n".join(results))
        return ok

    def _part(self, source: Source, number: int | None) -> str:
        args = self.args
        context = make_context(allow_unregistered=args.allow_unregistered_dialect)
        module = self._timed("parse", lambda: source.parse(context))
        manager = PassManager(
            self.steps,
            verify=not args.no_verify,
            instruments=[*self.instruments, *_dumps(args, number)],
            reproducer_dir=_reproducer_dir(args),
            target=args.target,
        )
        self.records += manager.run(context, module)
        return self._timed("print", lambda: self.emit(context, module))

    def _timed(self, what: str, work: Callable[[], _Result]) -> _Result:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - start

    def summarise(self) -> None:
        """Print the tables that were asked for."""
        if self.args.time_passes:
            print(timing_text(self.records, self.seconds), end="", file=sys.stderr)
        if self.args.pass_statistics:
            print(statistics_text(self.records), end="", file=sys.stderr)


def _emitter(args: argparse.Namespace) -> Callable[[Context, ModuleOp], str]:
    """What turns the final module into text."""
    if args.to == "mlir":
        return lambda _, module: ir_text(module, generic=args.generic, locations=args.locations)
    module_name = output_formats()[args.to]
    printer = getattr(importlib.import_module(module_name), module_name.rpartition(".")[2])
    target = _target(args.target or "scalar")
    return lambda _, module: printer(module, target)


def _target(name: str) -> object:
    return importlib.import_module("dlp.targets").load(name)


def _instruments(args: argparse.Namespace) -> list[Instrument]:
    before = None if args.print_before_all else _pass_names(args.print_before)
    after = None if args.print_after_all else _pass_names(args.print_after)
    if args.print_after_change and after == ():
        after = None
    if before == () and after == ():
        return []
    return [PrintIR(before, after, only_changes=args.print_after_change, generic=args.generic)]


def _pass_names(text: str | None) -> Sequence[str]:
    names = tuple(text.split(",")) if text else ()
    for name in names:
        get_pass(name)  # a wrong name must not print nothing without a word
    return names


def _dumps(args: argparse.Namespace, part: int | None) -> list[Instrument]:
    if args.dump_dir is None:
        return []
    folder = args.dump_dir if part is None else args.dump_dir / f"part-{part}"
    return [DumpIR(folder, target=args.target, locations=args.locations)]


def _reproducer_dir(args: argparse.Namespace) -> Path | None:
    if args.verify_diagnostics:  # failing is what is wanted there
        return None
    return args.reproducer_dir or Path(tempfile.gettempdir())


def _read(name: str) -> tuple[str, str]:
    """The name to show for the input, and its text."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return ("<stdin>" if name == "-" else name), data.decode()
    except OSError as error:
        raise InputError(f"cannot read '{name}': {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"'{name}' is not UTF-8 text (byte {error.start})") from None


def _write(name: str, text: str) -> None:
    if name == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(name).write_text(text)
    except OSError as error:
        raise InputError(f"cannot write '{name}': {error.strerror}") from None


def _reported(error: Exception, source: Source, with_stack: bool) -> ReportedError:
    """The error with its place in the file, the IR around it, and where the reproducer is."""
    message, line, place, shown = error_line(error), None, "", ""
    if isinstance(error, SyntaxInputError):
        line, place, shown = error.line, f":{error.line}:{error.column}", error.shown
    wrong = error if isinstance(error, InvalidOperation) else error.__cause__
    if isinstance(wrong, InvalidOperation):
        line = source.lines.get(wrong.culprit)
        # After a pass the lines of the file are no longer what is wrong.
        place = f":{line}" if line and wrong is error else ""
        shown = wrong.excerpt()
    text = f"{source.name}{place}: error: {message}\n{shown}"
    if isinstance(error, PassFailure) and error.reproducer:
        text += f"note: the input of the pass is in {error.reproducer}, with the command that fails\n"
    if with_stack:
        text += "".join(traceback.format_exception(error))
    return ReportedError(message, line, text)
