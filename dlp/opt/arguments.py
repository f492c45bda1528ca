"""The command line of `dlp-opt`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from dlp.errors import InputError, nearest
from dlp.pass_pipeline import Step, named_pipelines, parse_passes, stages
from dlp.pass_registry import all_passes, output_formats

_DESCRIPTION = """\
Run compiler passes on IR: reads a .mlir file or stdin, writes the result to stdout.
"""

_EXAMPLES = """\
examples:
  dlp-opt net.mlir                              parse, verify, print back
  dlp-opt net.mlir -p canonicalize,cse          run two passes
  dlp-opt net.mlir -p 'unroll{factor=4},cse'    with an option; --unroll=factor=4 --cse says the same
  dlp-opt net.mlir --target=avx2 --stop-after=fuse
                                                the default pipeline up to a stage or a pass
  dlp-opt net.mlir --target=avx2 -p default -t c
                                                all the way to C
  dlp-opt net.mlir -p default --dump-dir=ir     a numbered file for each pass that changed something
  dlp-opt net.mlir -p default --time-passes --pass-statistics
  dlp-opt --list-passes                         every pass, one line each
  dlp-opt --explain=cse                         what one pass does, and its options
  dlp-opt bad.mlir --verify-diagnostics --split-input-file
                                                compare errors with // expected-error @below {{...}} comments
"""


# Other spellings that users of mlir-opt and xdsl-opt may have in their fingers.
_SPELLINGS = {
    "--pass-pipeline": "--passes",
    "--mlir-print-ir-before": "--print-ir-before",
    "--mlir-print-ir-before-all": "--print-ir-before-all",
    "--mlir-print-ir-after": "--print-ir-after",
    "--mlir-print-ir-after-all": "--print-ir-after-all",
    "--mlir-print-ir-after-change": "--print-ir-after-change",
    "--mlir-timing": "--time-passes",
    "--mlir-pass-statistics": "--pass-statistics",
    "--print-op-generic": "--mlir-print-op-generic",
    "--print-debuginfo": "--mlir-print-debuginfo",
    "--disable-verify": "--no-verify",
}


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The options, with `flags` the pass flags in their order as `(name, options)`.

    Raises:
        InputError: an option does not exist.
        SystemExit: after --help, and for options that argparse itself rejects.
    """
    runnable = {**all_passes(), **named_pipelines(), **stages()}
    flags: list[tuple[str, str]] = []
    others: list[str] = []
    for written in argv:
        option, equals, value = written.partition("=")
        word = _SPELLINGS.get(option, option) + equals + value
        name, _, options = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in runnable:
            flags.append((name, options))
        elif word in ("--print-ir-before", "--print-ir-after"):
            # Bare it means all passes; argparse would take the next word, the input file, for its value.
            others.append(f"{word}-all")
        else:
            others.append(word)

    parser = _parser()
    args, unknown = parser.parse_known_args(others)
    for word in unknown:
        if not word.startswith("-"):
            raise InputError(f"'{word}' is one argument too many: there is one input file")
        option = word.partition("=")[0]
        options = [known for action in parser._actions for known in action.option_strings]
        guess = nearest(option, [*options, *(f"--{name}" for name in runnable)])
        raise InputError(f"unknown option or pass '{option}'{guess}")
    if flags and args.passes is not None:
        raise InputError("use either -p or pass flags: which runs first would not be clear")
    args.flags = flags
    return args


def steps_of(args: argparse.Namespace) -> list[Step]:
    """The passes that the options ask for.

    Raises:
        InputError: a name or an option of a pass is wrong.
    """
    if args.flags:
        text = ",".join(f"{name}{{{options}}}" if options else name for name, options in args.flags)
    elif args.passes is not None:
        text = args.passes
    else:
        text = (
            "default" if args.start_before or args.start_after or args.stop_before or args.stop_after else ""
        )
    steps = parse_passes(text, target=args.target)
    first, last = 0, len(steps)
    if args.start_before:
        first = _places(steps, args.start_before)[0]
    if args.start_after:
        first = _places(steps, args.start_after)[-1] + 1
    if args.stop_before:
        last = _places(steps, args.stop_before)[0]
    if args.stop_after:
        last = _places(steps, args.stop_after)[-1] + 1
    return steps[first:last]


def _places(steps: Sequence[Step], name: str) -> list[int]:
    """Where in the pipeline the pass or the stage `name` is."""
    found = [number for number, step in enumerate(steps) if name in (step.instance.name, step.stage)]
    if not found:
        known = dict.fromkeys(known for step in steps for known in (step.stage, step.instance.name) if known)
        raise InputError(f"the pipeline has no pass or stage '{name}'{nearest(name, known)}")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="dlp-opt",
        description=f"{_DESCRIPTION}\n{_EXAMPLES}",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=30, width=110
        ),
        allow_abbrev=False,
        usage="dlp-opt [FILE] [-p PIPELINE | --PASS[=OPTIONS] ...] [options]",
    )
    parser.add_argument("input", nargs="?", default="-", metavar="FILE", help="input; without, stdin")
    parser.add_argument("-o", dest="output", default="-", metavar="FILE", help="output; without, stdout")

    what = parser.add_argument_group("what to run")
    what.add_argument(
        "-p",
        "--passes",
        metavar="PIPELINE",
        help="passes, stages and named pipelines, comma-separated: 'a,b{x=1 y=2,3}'",
    )
    what.add_argument("--target", metavar="NAME", help="machine to compile for: a name, or a TOML file")
    for option, text in (
        ("--start-before", "skip what comes before this pass or stage"),
        ("--start-after", "skip up to and including this pass or stage"),
        ("--stop-before", "stop before this pass or stage"),
        ("--stop-after", "stop after this pass or stage (of the pipeline 'default' when no -p is given)"),
    ):
        what.add_argument(option, metavar="NAME", help=text)

    reading = parser.add_argument_group("how to read and check")
    reading.add_argument(
        "--split-input-file", action="store_true", help="treat the parts between '// -----' lines one by one"
    )
    reading.add_argument(
        "--verify-diagnostics",
        action="store_true",
        help="succeed if the errors are those that '// expected-error' comments announce",
    )
    reading.add_argument(
        "--allow-unregistered-dialect", action="store_true", help="accept operations that no dialect defines"
    )
    reading.add_argument("--no-verify", action="store_true", help="do not verify before and after every pass")

    printing = parser.add_argument_group("what to print")
    printing.add_argument(
        "-t",
        "--to",
        default="mlir",
        choices=["mlir", *output_formats()],
        help="form of the result: %(choices)s",
    )
    printing.add_argument(
        "--mlir-print-op-generic",
        dest="generic",
        action="store_true",
        help="print the form that needs no dialect to be read",
    )
    printing.add_argument(
        "--mlir-print-debuginfo",
        dest="locations",
        action="store_true",
        help="print locations",
    )

    seeing = parser.add_argument_group("what happened in between (stderr, except --dump-dir)")
    for when in ("before", "after"):
        seeing.add_argument(
            f"--print-ir-{when}",
            dest=f"print_{when}",
            metavar="PASS,...",
            help=f"print the IR {when} these passes (with '='; without, {when} every pass)",
        )
        seeing.add_argument(
            f"--print-ir-{when}-all",
            dest=f"print_{when}_all",
            action="store_true",
            help=f"print the IR {when} every pass",
        )
    seeing.add_argument(
        "--print-ir-after-change",
        dest="print_after_change",
        action="store_true",
        help="print the IR after a pass only if it changed something",
    )
    seeing.add_argument(
        "--dump-dir",
        type=Path,
        metavar="DIR",
        help="write the IR to numbered files of DIR, one for each pass that changed something",
    )
    seeing.add_argument("--time-passes", action="store_true", help="seconds for each pass")
    seeing.add_argument("--pass-statistics", action="store_true", help="what each pass counted")
    seeing.add_argument(
        "--reproducer-dir",
        type=Path,
        metavar="DIR",
        help="where a failing pass leaves its input (default: temporary)",
    )
    seeing.add_argument("--traceback", action="store_true", help="show the Python stack of an error")

    telling = parser.add_argument_group("what there is")
    telling.add_argument("--list-passes", action="store_true", help="all passes, one line each")
    telling.add_argument("--list-pipelines", action="store_true", help="stages and named pipelines")
    telling.add_argument("--explain", metavar="PASS", help="what a pass does, and its options")
    telling.add_argument("--version", action="store_true", help="versions of dlp and xDSL")
    return parser
