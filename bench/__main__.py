"""`python -m bench`: see `--help`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench import peers  # noqa: F401  (they enter the table of candidates)
from bench.candidates import CANDIDATES, ROOT
from bench.kernels import measure_kernels
from bench.picture import svg
from bench.rounds import REFERENCE, Protocol, measure
from bench.table import table, to_json

sys.path.insert(0, str(ROOT / "test"))


def main() -> int:
    from networks import NETWORKS

    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Time networks compiled by dlp beside other ways to run them: all candidates take turns in many "
        "short rounds, and rounds in which other processes used the cores are dropped.",
    )
    parser.add_argument(
        "networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(NETWORKS)}; default all"
    )
    parser.add_argument("--size", choices=("full", "small"), default="full")
    parser.add_argument("--candidates", default=",".join(CANDIDATES), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=Protocol.rounds, help="that count; default %(default)s")
    parser.add_argument(
        "--chunk", type=float, default=Protocol.chunk_seconds, help="seconds a candidate a round"
    )
    parser.add_argument("--most-seconds", type=float, default=Protocol.most_seconds, help="a network")
    parser.add_argument("--threads", type=int, default=Protocol.threads)
    parser.add_argument("--seed", type=int, default=Protocol.seed, help="of weights and inputs")
    parser.add_argument("--no-kernels", action="store_true", help="networks alone")
    parser.add_argument("--no-networks", action="store_true", help="kernels and the machine's peak alone")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "bench", help="folder of JSON and SVG"
    )
    options = parser.parse_args()

    names = options.candidates.split(",")
    for what, given, known in (("network", options.networks, NETWORKS), ("candidate", names, CANDIDATES)):
        for name in given:
            if name not in known:
                parser.error(f"no {what} is called {name}; there are {', '.join(known)}")
    if REFERENCE not in names:
        names = [REFERENCE, *names]
    protocol = Protocol(options.rounds, options.chunk, options.most_seconds, options.threads, options.seed)
    kernels = [] if options.no_kernels else measure_kernels(protocol)
    peak = max((k.to_json()["gflops"] or 0.0 for k in kernels if k.name.startswith("FMA")), default=None)
    results = []
    for network in [] if options.no_networks else options.networks or NETWORKS:
        print(f"{network} ...", file=sys.stderr, flush=True)
        results.append(measure(network, options.size, names, protocol))
    print(table(results, kernels, peak))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(to_json(results, kernels, protocol), indent=1))
    (options.output / "results.svg").write_text(svg(results))
    print(f"written to {options.output}: results.json, results.svg")
    wrong = [row for result in results for row in result.rows if row.problem.startswith("wrong")]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
