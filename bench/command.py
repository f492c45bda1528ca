"""The command line of the benchmark: `python -m bench`, `make bench`, `dlp bench`. What it runs is loaded late."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.candidates import OURS, REFERENCE, ROOT

if TYPE_CHECKING:
    from bench.kernels import KernelResult
    from bench.results import Result
    from bench.rounds import Task

DESCRIPTION = """\
Times networks compiled by dlp beside what else a user could run them with. Of each network all candidates are made
ready, each in a process of its own, and their outputs are compared with eager's; then they take turns in many short
rounds. A round in which other processes used the cores is dropped. What is reported are medians over the rounds, and
ratios that are computed round by round, so that a machine that gets slower or faster does not move them.
"""

EPILOG = """\
examples:
  python -m bench                                    the whole table, an hour or two
  python -m bench resnet18 bert --peers openvino     two networks beside eager and OpenVINO
  python -m bench --micro                            single layers that live from memory
  python -m bench --draw 7                           five networks from outside the table
  python -m bench mlp --peers none --without share-padding --without 'fuse{limit=1}'
                                                     what a pass is worth: dlp without it, or with other options of it
  python -m bench mine.networks:make --input 1x3x224x224
  python -m bench --resume                           go on where the last run ended; print what there is

Peers that are not PyTorch's own are installed by `python -m bench.environments` in virtual environments below
build/bench; those that are missing are left out, and the table says so. What tools print goes to OUTPUT/log.txt.
Results are written after every network: results.json (with the times of all rounds) and results.svg.
A machine that is used by others meanwhile gives few rounds: raise --most-seconds.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fill a parser."""
    from bench.micro import MICRO
    from bench.rows import ROWS

    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "networks",
        nargs="*",
        metavar="NETWORK",
        help=f"of the table: {', '.join(ROWS)}; single layers: {', '.join(MICRO)}; torchvision:NAME or "
        "transformers:NAME of what --draw draws from; PACKAGE.MODULE:NAME of a module, or of a function that makes one",
    )
    what = parser.add_argument_group("what is timed")
    what.add_argument(
        "--peers",
        metavar="NAMES",
        help="beside dlp, with commas: eager, channels_last, inductor, inductor_frozen, onnxruntime, openvino, "
        "executorch, ncnn; all; none; by default those of the table. Eager always runs: its outputs are the right ones",
    )
    what.add_argument(
        "--without",
        metavar="PASS",
        action="append",
        default=[],
        help="time dlp also without this pass, or with other options: 'PASS{option=value}'; can be repeated",
    )
    what.add_argument("--micro", action="store_true", help="the single layers")
    what.add_argument(
        "--draw",
        metavar="SEED",
        type=int,
        help="draw networks from outside the table; the seed is in the results",
    )
    what.add_argument("--count", type=int, default=5, help="how many are drawn; default: %(default)s")
    what.add_argument(
        "--input",
        dest="inputs",
        metavar="[DTYPE:]SHAPE",
        action="append",
        default=[],
        help="of PACKAGE.MODULE:NAME: random input, as 1x3x224x224 or i64:1x128; once for each argument",
    )
    what.add_argument("--size", choices=("full", "small"), default="full", help="small: to try the benchmark")
    what.add_argument("--no-kernels", action="store_true", help="no kernels beside the networks")
    what.add_argument("--no-networks", action="store_true", help="kernels and the machine's peak alone")
    how = parser.add_argument_group("how")
    how.add_argument("--rounds", type=int, default=20, help="that count; default: %(default)s")
    how.add_argument(
        "--chunk", type=float, default=0.25, help="seconds of a candidate in a round; default: %(default)s"
    )
    how.add_argument(
        "--most-seconds", type=float, default=120.0, help="of all rounds of a network; default: %(default)s"
    )
    how.add_argument(
        "--prepare-seconds",
        type=float,
        default=300.0,
        help="that a candidate may take to be ready; default: %(default)s",
    )
    how.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    how.add_argument("--seed", type=int, default=0, help="of weights and inputs; default: %(default)s")
    how.add_argument(
        "--output",
        type=Path,
        default=ROOT / "build" / "bench",
        help="folder of the results and of exported networks; default: build/bench",
    )
    how.add_argument(
        "--resume",
        action="store_true",
        help="keep the networks of OUTPUT/results.json, time those that are not there",
    )


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Time what the options say. Returns the exit status: 1 if an output was wrong."""
    from bench.json_file import read, to_json
    from bench.kernels import measure_kernels
    from bench.picture import svg
    from bench.rounds import Protocol, measure
    from bench.table import table
    from dlp.profiling.peak import peaks

    tasks = [] if options.no_networks else _tasks(parser, options)
    protocol = Protocol(
        options.rounds,
        options.chunk,
        options.most_seconds,
        options.prepare_seconds,
        options.threads,
        options.seed,
    )
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    machine = peaks()
    results = read(folder / "results.json") if options.resume else []
    kernels: list[KernelResult] = []

    def write() -> None:
        data = to_json(results, kernels, protocol, options.draw)
        (folder / "results.json").write_text(json.dumps(data, indent=1))
        (folder / "results.svg").write_text(svg(results))

    def peak() -> float:
        return max((peak.gflops(protocol.threads) for peak in machine.values()), default=float("nan"))

    for task in _left(tasks, results):
        results.append(measure(task, protocol, peak, folder))
        print(table(results[-1:], [], brief=True), flush=True)
        write()
    if not options.no_kernels:
        kernels += measure_kernels(protocol, machine)
    write()
    print(table(results, kernels))
    print(f"written to {folder}: results.json, results.svg")
    wrong = [row for result in results for row in result.rows if row.problem.startswith("wrong")]
    return 1 if wrong else 0


def _tasks(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Task]:
    """The networks with their candidates; wrong names end the program with a message."""
    from bench.candidates import CANDIDATES, changed_pipeline
    from bench.draw import draw
    from bench.micro import MICRO
    from bench.rounds import Task
    from bench.rows import ROWS, row
    from dlp.errors import InputError

    names: list[str] = list(options.networks)
    if options.draw is not None:
        names += draw(options.draw, options.count)
    if options.micro:
        names += MICRO
    names = names or list(ROWS)
    peers = _peers(parser, options.peers)
    try:
        for change in options.without:
            changed_pipeline(change)
    except InputError as error:
        parser.error(f"--without: {error}")
    tasks: list[Task] = []
    for name in dict.fromkeys(names):
        try:
            found = row(name)
        except KeyError:
            parser.error(f"no network is called {name}; there are {', '.join([*ROWS, *MICRO])}")
        chosen = found.peers if peers is None else peers
        changed = [f"{OURS}:{change}" for change in options.without]
        candidates = dict.fromkeys([REFERENCE, *(c for c in CANDIDATES if c in chosen), OURS, *changed])
        tasks.append(Task(name, options.size, tuple(candidates), tuple(options.inputs), found.title))
    return tasks


def _peers(parser: argparse.ArgumentParser, text: str | None) -> list[str] | None:
    from bench import inductor, runtimes  # noqa: F401  (they enter the table of candidates)
    from bench.candidates import CANDIDATES

    if text is None:
        return None
    names = {"all": [*CANDIDATES], "none": []}.get(text, re.split(r"[,\s]+", text))
    for name in names:
        if name not in CANDIDATES:
            parser.error(f"no peer is called {name}; there are {', '.join(CANDIDATES)}")
    return names


def _left(tasks: Sequence[Task], results: Sequence[Result]) -> list[Task]:
    done = {(result.network, result.size) for result in results}
    return [task for task in tasks if (task.network, task.size) not in done]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    add_arguments(parser)
    return run(parser, parser.parse_args(arguments))
