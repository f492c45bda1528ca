"""The C compiler: found, and tried once with a target's flags.

In a warm process not even the trial is run: what is known of a compiler comes from the cache, as long as its
program file has not changed.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlp.cache import default_cache, key_of, warn_once
from dlp.errors import ToolchainError
from dlp.targets import Target, missing_features
from dlp.targets.machine import cpu_identity
from dlp.toolchain.process import first_line, run, scratch_folder, write_file

_CANDIDATES = ("gcc", "clang", *(f"clang-{version}" for version in range(25, 14, -1)), "cc")

# Counts two threads without <omp.h>, which a compiler may lack though it knows OpenMP; one that ignores the
# pragma silently, as clang without libomp can, counts one.
_PROBE = """\
typedef float vector __attribute__((vector_size({bytes})));
int main(void) {{
  int threads = 0;
  vector a = {{1.0f}};
  volatile float factor = 2.0f;
#ifdef _OPENMP
#pragma omp parallel num_threads(2) reduction(+ : threads)
#endif
  threads += 1;
  a += factor * a;
  if (a[0] != 3.0f) return 3;
  return threads == 2 ? 0 : 2;
}}
"""
# For a target that does not run here: that its code compiles has to do.
_PROBE_FOREIGN = "float scale(float a, float b) { return a * b + a; }\n"


@dataclass(frozen=True)
class Toolchain:
    """A compiler that has been tried with a target's flags."""

    command: tuple[str, ...]
    kind: str
    """"gcc" or "clang": which of the target's flags it takes."""
    version: str
    identity: str
    """Tells it from every other compiler; part of the keys of what it compiled."""
    openmp: bool
    """False: parallel loops run on one thread."""


def find(target: Target) -> Toolchain:
    """The compiler for a target: `DLP_CC` if set (it may have arguments), else the first that works.

    Raises:
        ToolchainError: none works; the message says what was tried and what to do.
    """
    result = _find(target, os.environ.get("DLP_CC", ""), os.environ.get("PATH", ""))
    if isinstance(result, str):
        raise ToolchainError(result)
    if not result.openmp and target.threads == "openmp":
        warn_once(
            f"{shlex.join(result.command)} has no OpenMP runtime: compiled models run on one thread; "
            f"install libomp for clang, or gcc"
        )
    return result


def compile_flags(toolchain: Toolchain, target: Target, extra_flags: Sequence[str]) -> list[str]:
    threads = ["-fopenmp"] if toolchain.openmp and target.threads == "openmp" else ["-Wno-unknown-pragmas"]
    return [*target.flags(toolchain.kind), "-fPIC", *threads, *extra_flags]


@functools.cache
def _find(target: Target, chosen: str, path: str) -> Toolchain | str:
    """The compiler, or what is wrong; for these values of `DLP_CC` and `PATH`."""
    if chosen:
        try:
            command = tuple(shlex.split(chosen))
        except ValueError as error:
            return f"DLP_CC={chosen} is no command: {error}"
        result = _try(command, target, path)
        if isinstance(result, Toolchain):
            return result
        return f"the compiler that DLP_CC names does not work: {result}; set it to a working gcc or clang, or unset it"
    complaints: list[str] = []
    second_choice: Toolchain | None = None
    for name in _CANDIDATES:
        if shutil.which(name, path=path) is None:
            continue
        result = _try((name,), target, path)
        if isinstance(result, str):
            complaints.append(result)
        elif result.openmp or target.threads == "none":
            return result
        else:
            second_choice = second_choice or result
    if second_choice is not None:
        return second_choice
    tried = "".join(f"\n  {complaint}" for complaint in complaints)
    return (
        f"dlp found no C compiler for the target {target.name}: "
        f"install {' or '.join(target.compilers)}, or set DLP_CC to the path of one{tried}"
    )


def _try(command: tuple[str, ...], target: Target, path: str) -> Toolchain | str:
    """Check a compiler with a target's flags, by the cache where it has been checked before."""
    files = [found for word in command if (found := shutil.which(word, path=path))]
    if not files or shutil.which(command[0], path=path) is None:
        return f"{shlex.join(command)} is not a program that can be run"
    states = [f"{os.path.realpath(file)} {(s := os.stat(file)).st_size} {s.st_mtime_ns}" for file in files]
    key = key_of("compiler", *command, *states, repr(target), cpu_identity(), _PROBE)
    cache = default_cache()
    if (known := cache.read(key, "facts")) is not None:
        kind, version, openmp = known.decode().split("\n", 2)
        return Toolchain(command, kind, version, key_of(version, *states), openmp == "openmp")
    try:
        done = run([*command, "--version"], None)
    except ToolchainError as error:
        return str(error)
    if done.returncode != 0 or not done.stdout:
        return f"{shlex.join(command)} --version failed: {first_line(done.stderr)}"
    version = first_line(done.stdout)
    kind = "clang" if "clang" in done.stdout else "gcc"
    if kind not in target.compilers:
        return f"{version} cannot compile for {target.name}"
    result = Toolchain(command, kind, version, key_of(version, *states), True)
    problem = _probe(result, target)
    if problem is not None and target.threads == "openmp":
        without = Toolchain(command, kind, version, result.identity, False)
        if _probe(without, target) is None:
            result, problem = without, None
    if problem is not None:
        return f"{shlex.join(command)} ({version}): {problem}"
    found = "\n".join([kind, version, "openmp" if result.openmp else "serial"])
    cache.put(key, {"facts": found.encode()})
    return result


def _probe(toolchain: Toolchain, target: Target) -> str | None:
    """Compile and run a small program as generated code would be; returns what goes wrong."""
    runs_here = not missing_features(target)
    with scratch_folder() as folder:
        scratch = Path(folder)
        text = _PROBE.format(bytes=max(target.vector_bytes, 16)) if runs_here else _PROBE_FOREIGN
        write_file(scratch / "probe.c", text)
        flags = compile_flags(toolchain, target, ())
        output = ["probe.c", "-o", "probe"] if runs_here else ["-c", "probe.c", "-o", "probe.o"]
        done = run([*toolchain.command, *flags, *output], scratch)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            return f"a small program does not compile: {first_line(chr(10).join(errors) or done.stderr)}"
        if not runs_here:
            return None
        # The user's thread settings must not look like a missing runtime.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
        ran = run([str(scratch / "probe")], scratch, environment)
    wanted = 0 if toolchain.openmp and target.threads == "openmp" else 2
    if ran.returncode == wanted:
        return None
    return "OpenMP pragmas have no effect" if ran.returncode == 2 else "a small program gives a wrong result"
