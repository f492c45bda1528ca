"""The target of the machine that dlp runs on."""

from __future__ import annotations

import dataclasses
import functools
import os
import platform
from pathlib import Path

from dlp.errors import TargetError
from dlp.targets.target import Target, load

_BEST_FIRST = ("avx512", "avx2", "scalar")
_CPU = Path("/sys/devices/system/cpu/cpu0/cache")


def host() -> Target:
    """The best target that this machine runs, with its own cache sizes; `DLP_TARGET` overrides the choice.

    Raises:
        TargetError: `DLP_TARGET` names no target, or one that this machine cannot run.
    """
    chosen = os.environ.get("DLP_TARGET")
    if chosen:
        target = load(chosen)
        check_runs_here(target)
        return _tuned(target)
    return _tuned(_best())


def check_runs_here(target: Target) -> None:
    """Refuse a target whose code this machine's CPU would trap on.

    Raises:
        TargetError: the CPU lacks features; the message has them and the best target that runs here.
    """
    missing = missing_features(target)
    if missing:
        raise TargetError(
            f"target {target.name} needs the CPU features {', '.join(missing)}, which this machine lacks; "
            f"the best target that runs here is {_best().name}"
        )


def missing_features(target: Target) -> list[str]:
    """What the target needs and this machine's CPU has not."""
    return [feature for feature in target.needs if feature not in _cpu_features()]


def emulated(target: Target) -> Target:
    """A target of the same shape (lanes, registers, tiles, layout) whose C compiles and runs on this machine.

    The compiler splits vectors that the CPU does not have: right, and slow. For tests of wider targets.
    """
    if not missing_features(target):
        return target
    here = _best()
    widths = [lanes for lanes in (128, 64, 32, 16, 8, 4, 2, 1) if lanes < target.vector_lanes]
    return dataclasses.replace(
        target,
        name=f"{target.name}-on-{here.name}",
        tail="narrow",
        tail_lanes=tuple(widths),
        needs=here.needs,
        c=here.c,
        # Vectors wider than the registers are passed in another way: gcc warns, and all code here agrees.
        compiler_flags=tuple((kind, (*flags, "-Wno-psabi")) for kind, flags in here.compiler_flags),
    )


@functools.cache
def cpu_identity() -> str:
    """What tells this CPU from others that need other machine code: architecture, model, features."""
    lines = _cpuinfo()
    return "\n".join([platform.machine(), lines.get("model name", ""), *sorted(_cpu_features())])


def _best() -> Target:
    return next(target for name in _BEST_FIRST if not missing_features(target := load(name)))


@functools.cache
def _tuned(target: Target) -> Target:
    """With the sizes of this machine's caches, and scheduled for its CPU.

    `-march` stays a level of the instruction set, so that cached code is valid wherever its key matches.
    """
    sizes = {
        f"l{level}_bytes": size for level, size in _cache_sizes().items() if level in (1, 2, 3) and size > 0
    }
    tune = ("-mtune=native",) if target.needs else ()
    flags = tuple((kind, (*flags, *tune)) for kind, flags in target.compiler_flags)
    return dataclasses.replace(target, **sizes, compiler_flags=flags)


@functools.cache
def _cpu_features() -> frozenset[str]:
    lines = _cpuinfo()
    return frozenset((lines.get("flags") or lines.get("Features") or "").split())


@functools.cache
def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    first = text.strip().split("\n\n")[0]
    return {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.split("\n"))
    }


@functools.cache
def _cache_sizes() -> dict[int, int]:
    """Level -> bytes of the data and unified caches; empty where the system does not tell."""
    sizes: dict[int, int] = {}
    for folder in _CPU.glob("index*"):
        try:
            if (folder / "type").read_text().strip() == "Instruction":
                continue
            level, size = int((folder / "level").read_text()), (folder / "size").read_text().strip()
            sizes[level] = int(size.removesuffix("K")) * 1024
        except (OSError, ValueError):
            continue
    return sizes
