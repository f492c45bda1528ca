"""The framework's own samples of its operations, compiled and compared with eager.

    python scripts/conformance.py [--op NAME ...] [--samples N | --all] [--code N] [--reference] [--update]
    python scripts/conformance.py --all --code 4 --record FILE      # stopped, and given again, it goes on

Every sample ends as one of: right; left to the framework, with the reason; wrong; crash; skipped, where the framework
itself refuses it. The exit status is 1 if one is wrong or a crash, or if what is left is not what
test/conformance/left.tsv says, which --update writes anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from conformance.outcome import Kind, Outcome
    from conformance.samples import Sample

# In place of this folder, where the name of this file would hide the tests' package.
sys.path[0] = str(Path(__file__).resolve().parents[1] / "test")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--op", nargs="*", metavar="NAME", help="operations; a * stands for any letters")
    parser.add_argument("--samples", type=int, default=4, help="of each operation and element type (4)")
    parser.add_argument("--dtype", nargs="*", choices=["f32", "i64", "i32", "b1"], help="element types (all)")
    parser.add_argument("--all", action="store_true", help="all samples")
    parser.add_argument("--code", type=int, default=1, help="so many of them as machine code as well (1)")
    parser.add_argument(
        "--reference", action="store_true", help="the larger set: extreme values, odd strides"
    )
    parser.add_argument("--update", action="store_true", help="write the table of what is left")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="write every outcome there, a line of JSON an operation; operations that are there are not tried again",
    )
    parser.add_argument("--verbose", action="store_true", help="show what is left")
    options = parser.parse_args()
    if options.reference and options.update:
        parser.error("the table is of the ordinary samples")

    from conformance import table
    from conformance.outcome import Kind
    from conformance.samples import operations

    patterns = options.op or ["*"]
    names = [name for name in operations() if any(fnmatch(name, pattern) for pattern in patterns)]
    if not names:
        parser.error(f"no operation is called {' or '.join(patterns)}")
    started = time.perf_counter()
    outcomes = run(names, options)
    _print_figures(outcomes)
    print(f"{len(outcomes)} samples of {len(names)} operations in {time.perf_counter() - started:.0f} s")
    counts = Counter(outcome.kind for outcome in outcomes.values())
    failed = bool(counts[Kind.WRONG] or counts[Kind.CRASH])
    if options.update:
        table.write(table.updated(table.read(), outcomes))
    elif not options.reference:
        for difference in table.differences(table.read(), outcomes):
            print(difference)
            failed = True
    return int(failed)


def run(names: list[str], options: argparse.Namespace) -> dict[Sample, Outcome]:
    """Every outcome; what is wrong is printed as it is found."""
    from conformance import table
    from conformance.choice import chosen
    from conformance.outcome import Kind
    from conformance.survey import survey

    from dlp.cache import Cache

    shown = {Kind.WRONG, Kind.CRASH} | ({Kind.LEFT} if options.verbose else set())
    limit: int | dict[str, int] | None = None if options.all else options.samples
    if options.dtype:
        limit = dict.fromkeys(options.dtype, sys.maxsize if options.all else options.samples)
    also: dict[str, list[tuple[str, int]]] = defaultdict(list)
    if not options.reference:
        for witness in table.witnesses(table.read(), all_types=True):
            if witness.dtype in (options.dtype or witness.dtype):
                also[witness.op].append((witness.dtype, witness.index))
    outcomes: dict[Sample, Outcome] = {}
    progress = _Progress(len(names))
    recorded = _recorded(options.record)
    with tempfile.TemporaryDirectory(prefix="dlp-conformance-") as folder:
        for name in names:
            samples = list(chosen(name, limit, reference=options.reference, also=also[name]))
            known = recorded.get(name, {})
            if name in recorded and all((s.dtype, s.index) in known for s in samples):
                found = {s: known[s.dtype, s.index] for s in samples}
            else:
                found = dict(survey(samples, options.code, Cache(Path(folder))))
                _record(options.record, name, found)
            _print(found, shown)
            outcomes |= found
            progress.step(name, outcomes)
    return outcomes


def _print(outcomes: dict[Sample, Outcome], shown: set[Kind]) -> None:
    """One line for all samples of an element type that have one outcome."""
    from conformance.choice import compact

    places: dict[tuple[str, str, Outcome], list[int]] = defaultdict(list)
    for sample, outcome in outcomes.items():
        if outcome.kind in shown:
            places[sample.op, sample.dtype, outcome].append(sample.index)
    for (op, dtype, outcome), indices in places.items():
        print(f"{op} {dtype} {compact(indices)}: {outcome.kind.value}: {outcome.reason}", flush=True)


def _print_figures(outcomes: dict[Sample, Outcome]) -> None:
    """How many samples of each element type ended as what."""
    from conformance.outcome import Kind

    counts = Counter((place, o.kind) for s, o in outcomes.items() for place in (s.dtype, "all"))
    print("".join(f"{title:>9}" for title in ("", *(kind.value for kind in Kind))))
    for place in dict.fromkeys([*(sample.dtype for sample in outcomes), "all"]):
        print(f"{place:>9}" + "".join(f"{counts[place, kind]:9}" for kind in Kind))


_Outcomes: TypeAlias = "dict[tuple[str, int], Outcome]"
"""Element type and index of an operation's samples, and what became of them."""


def _recorded(file: Path | None) -> dict[str, _Outcomes]:
    """What earlier runs have written, the last one of an operation; an unfinished line does not count."""
    from conformance.outcome import Kind, Outcome

    found: dict[str, _Outcomes] = {}
    if file is not None and file.exists():
        for line in file.read_text().splitlines():
            with suppress(json.JSONDecodeError):
                name, outcomes = json.loads(line)
                found[name] = {(dtype, i): Outcome(Kind(kind), why) for dtype, i, kind, why in outcomes}
    return found


def _record(file: Path | None, name: str, outcomes: dict[Sample, Outcome]) -> None:
    if file is None:
        return
    entries = [(s.dtype, s.index, o.kind.value, o.reason) for s, o in outcomes.items()]
    with file.open("a") as stream:
        stream.write(f"\n{json.dumps([name, entries])}\n")


class _Progress:
    """One line on the terminal that is written over; a line every fifty operations where there is no terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._started = time.perf_counter()

    def step(self, name: str, outcomes: dict[Sample, Outcome]) -> None:
        self._done += 1
        terminal = sys.stderr.isatty()
        if not terminal and self._done % 50:
            return
        counts = Counter(outcome.kind.value for outcome in outcomes.values())
        figures = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        line = f"[{self._done}/{self._total}] {time.perf_counter() - self._started:.0f} s, {figures}: {name}"
        start = "\r\x1b[K" if terminal else ""
        end = "" if terminal and self._done < self._total else "\n"
        print(f"{start}{line[:110]}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
