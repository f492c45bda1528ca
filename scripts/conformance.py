"""The framework's own samples of its operations, compiled and compared with eager.

    python scripts/conformance.py [--op NAME ...] [--samples N | --all] [--reference] [--code N] [--json FILE]

Every sample ends as one of: right; left to the framework, with the reason; wrong; crash. The exit status is 1 if one
is wrong or a crash, or if what is left differs from the table in test/conformance (see --update).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.outcome import Kind

# In place of this folder, where the name of this file would hide the tests' package.
sys.path[0] = str(Path(__file__).resolve().parents[1] / "test")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--op", nargs="*", metavar="NAME", help="operations; a * stands for any letters")
    parser.add_argument("--samples", type=int, default=4, help="of each operation and element type")
    parser.add_argument("--all", action="store_true", help="all samples")
    parser.add_argument(
        "--reference", action="store_true", help="the larger set: extreme values, odd strides"
    )
    parser.add_argument("--code", type=int, default=1, help="so many of each run as machine code as well")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    parser.add_argument("--verbose", action="store_true", help="every sample that is left")
    options = parser.parse_args()

    from fnmatch import fnmatch

    from conformance.samples import operations

    names = [
        name
        for name in operations()
        if not options.op or any(fnmatch(name, pattern) for pattern in options.op)
    ]
    if not names:
        parser.error(f"no operation is called {' or '.join(options.op)}")
    limit = None if options.all else options.samples
    with tempfile.TemporaryDirectory(prefix="dlp-conformance-") as cache:
        return run(names, limit, options, Path(cache))


def run(names: list[str], limit: int | None, options: argparse.Namespace, folder: Path) -> int:
    from conformance.choice import chosen, compact
    from conformance.outcome import Kind
    from conformance.survey import survey

    from dlp.cache import Cache

    cache = Cache(folder)

    counts: Counter[Kind] = Counter()
    records: list[dict[str, object]] = []
    started = time.perf_counter()
    failed = False
    for place, name in enumerate(names, 1):
        bad: dict[tuple[str, Kind, str], list[int]] = defaultdict(list)
        for sample, outcome in survey(chosen(name, limit, reference=options.reference), options.code, cache):
            counts[outcome.kind] += 1
            records.append(
                {"op": name, "dtype": sample.dtype, "index": sample.index, "kind": outcome.kind.value,
                 "reason": outcome.reason}
            )  # fmt: skip
            if outcome.kind in (Kind.WRONG, Kind.CRASH) or (options.verbose and outcome.kind is Kind.LEFT):
                bad[sample.dtype, outcome.kind, outcome.reason].append(sample.index)
                failed |= outcome.kind is not Kind.LEFT
        for (dtype, kind, reason), indices in bad.items():
            print(f"{name} {dtype} {compact(indices)}: {kind.value}: {reason}", flush=True)
        _progress(place, len(names), name, counts, started)
    print(
        ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind),
        f"in {time.perf_counter() - started:.0f} s",
    )
    if options.json:
        options.json.write_text(json.dumps(records))
    return int(failed)


def _progress(done: int, total: int, name: str, counts: Counter[Kind], started: float) -> None:
    """One line on the terminal that is written over; nothing where there is none."""
    if not sys.stderr.isatty():
        return
    figures = ", ".join(f"{count} {kind.value}" for kind, count in counts.items())
    line = f"[{done}/{total}] {time.perf_counter() - started:.0f} s, {figures}: {name}"
    print(f"\r\x1b[K{line[:110]}", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
