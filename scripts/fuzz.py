"""Random networks through the whole compiler, compared with eager PyTorch; what fails is shrunk and explained.

    python scripts/fuzz.py --count 1000                   # eager, interpreter and C
    python scripts/fuzz.py --count 1000 --without-each    # again without each pass, and each rule of fusion
    python scripts/fuzz.py --count 100 --sanitize         # the C under sanitizers, memory NaN before it is written
    python scripts/fuzz.py --seed 4711 --count 1          # one network again

A failure prints the network, made as small as it still fails, the first pass after which something is wrong, and the
passes without which nothing is. The exit status is 1 if there was a failure.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import torch

from dlp.testing.random_networks import (
    OMISSIBLE,
    Failure,
    RandomNetwork,
    Road,
    blamed,
    find_failure,
    find_failures,
    random_network,
    reproducer,
    shrink,
)

RENEWED_AFTER = 100
"""Networks that one process checks: the code of all of them stays loaded."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    names = OMISSIBLE if options.without_each else ()
    given = tuple(options.without)
    road = Road(without=given, compiled=not options.interpret, sanitized=options.sanitize)
    roads = [road, *(replace(road, without=(*given, n)) for n in names if n not in given)]
    failures: Counter[str] = Counter()
    started = time.perf_counter()
    last = options.seed + options.count
    for done, (seed, found) in enumerate(_checked(range(options.seed, last), roads, options), 1):
        for kind, text in found:
            failures[kind] += 1
            command = f"python scripts/fuzz.py --seed {seed} --count 1 {_again(options)}".rstrip()
            print(f"\r# seed {seed}: {command}\n{text}", flush=True)
        if sys.stderr.isatty() or done % 100 == 0:
            end = "" if sys.stderr.isatty() else "\n"
            print(
                f"\r{done} of {options.count}, {failures.total()} wrong", end=end, file=sys.stderr, flush=True
            )
    minutes = (time.perf_counter() - started) / 60
    print(
        f"\n{options.count} networks on {len(roads)} roads, {failures.total()} failures, {minutes:.1f} minutes"
    )
    for kind, count in failures.most_common():
        print(f"{count:6} {kind}")
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="how many networks (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the first network (default 0)")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=OMISSIBLE,
        metavar="PASS",
        help="leave out a pass, or a rule of fusion; may be repeated. There are:\n" + "\n".join(OMISSIBLE),
    )
    parser.add_argument("--without-each", action="store_true", help="leave out each of them in turn as well")
    parser.add_argument("--interpret", action="store_true", help="stop at the kernels: no C")
    parser.add_argument("--sanitize", action="store_true", help="run the C as a program under sanitizers")
    parser.add_argument(
        "--shrink", action=argparse.BooleanOptionalAction, default=True, help="make what fails smaller"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    return parser


def _again(options: argparse.Namespace) -> str:
    flags = [f"--without {name}" for name in options.without]
    flags += [
        f"--{n.replace('_', '-')}" for n in ("without_each", "interpret", "sanitize") if getattr(options, n)
    ]
    return " ".join(flags)


Found = list[tuple[str, str]]
"""Failures: what they have in common with others, and their text."""


def _checked(
    seeds: Sequence[int], roads: Sequence[Road], options: argparse.Namespace
) -> Iterator[tuple[int, Found]]:
    """What is wrong with each network, in any order. Code that kills its process kills no other's."""
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(seeds))
    while waiting:
        with ProcessPoolExecutor(options.jobs, context, max_tasks_per_child=RENEWED_AFTER) as pool:
            running = {}
            while waiting or running:
                while waiting and len(running) < options.jobs:
                    seed = waiting.pop()
                    running[pool.submit(_check, seed, roads, options.shrink)] = seed
                done, _ = wait(running, return_when="FIRST_COMPLETED")
                try:
                    for future in done:
                        found = future.result()
                        yield running.pop(future), found
                except BrokenProcessPool:
                    if options.jobs == 1:
                        yield from ((seed, [("crash", "# the process died\n")]) for seed in running.values())
                    else:  # whoever it was: the networks that were on their way run alone
                        options.jobs = 1
                        waiting += running.values()
                    break


def _check(seed: int, roads: Sequence[Road], shrinking: bool) -> Found:
    torch.set_num_threads(1)
    try:
        network = random_network(seed)
    except Exception:
        return [("generator", f"# the network cannot be built\n{traceback.format_exc()}")]
    found: Found = []
    ways = {road.without: road for road in roads}
    for failure in find_failures(network, *roads):
        road = ways.get(failure.without, roads[0])
        explained = _explained(network, failure, road, shrinking)
        if road is roads[0]:  # no wonder if it fails without other passes as well
            return [(failure.kind, explained)]
        found.append((f"{failure.kind} without {road.without}", explained))
    return found


def _explained(network: RandomNetwork, failure: Failure, road: Road, shrinking: bool) -> str:
    if shrinking:
        network = shrink(network, failure, lambda candidate: find_failure(candidate, road))
        failure = find_failure(network, road) or failure
    return reproducer(network, failure) + "".join(f"# {line}\n" for line in blamed(network, failure, road))


if __name__ == "__main__":
    sys.exit(main())
