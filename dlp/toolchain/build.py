"""From C sources to a shared library, in parallel, and without calling the compiler for what the cache has.

Every translation unit is an object of its own in the cache, under a key of its text, the flags, the compiler
and the CPU: kernels that two networks share are compiled once.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from dlp.cache import Cache, default_cache, key_of, private_directory
from dlp.errors import ToolchainError
from dlp.targets import Target
from dlp.targets.machine import cpu_identity
from dlp.toolchain.compiler import compile_flags, find
from dlp.toolchain.process import run, scratch_folder, write_file


@dataclass(frozen=True)
class Build:
    """A shared library, and what it took."""

    path: Path
    """In the cache, or in a directory that lasts as long as the process: load it soon."""
    units_compiled: int
    units_cached: int
    link_cached: bool
    seconds: float

    def __fspath__(self) -> str:
        return str(self.path)


def build_shared(
    sources: Mapping[str, str],
    target: Target,
    *,
    extra_flags: Sequence[str] = (),
    jobs: int | None = None,
    cache: Cache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Build:
    """Compile translation units in parallel and link them into a shared library.

    Args:
        sources: file name -> text. Names that end in `.h` are headers, which all units can include.
        target: whose flags are used.
        extra_flags: for compiling and linking, after the target's: `-O0`, `-fsanitize=address,undefined` ...
        jobs: compilers at a time, by default one a CPU that the process may use.
        cache: `default_cache()` if not given.
        progress: called with (units done, units to compile).

    Raises:
        ToolchainError: no compiler, or it refuses the code: its first lines, and where the source was kept.
    """
    started = time.perf_counter()
    cache = default_cache() if cache is None else cache
    units = _Units(sources, target, extra_flags, cache)
    if (entry := cache.get(units.library_key)) is not None:
        return Build(entry.path("library.so"), 0, len(units.keys), True, time.perf_counter() - started)
    with scratch_folder() as folder:
        scratch = Path(folder)
        compiled = units.compile(scratch, jobs, progress)
        # Calls between units stay inside the library, whatever symbols other libraries of the process have.
        units.link(scratch, ["-shared", "-Wl,-Bsymbolic"], "library.so")
        library = (scratch / "library.so").read_bytes()
    entry = cache.put(units.library_key, {"library.so": library})
    if entry is not None:
        path = entry.path("library.so")
    else:
        path = private_directory() / f"{units.library_key}.so"
        write_file(path, library)
    return Build(path, compiled, len(units.keys) - compiled, False, time.perf_counter() - started)


def build_program(
    sources: Mapping[str, str],
    target: Target,
    output: Path,
    *,
    extra_flags: Sequence[str] = (),
    jobs: int | None = None,
    cache: Cache | None = None,
) -> None:
    """Compile translation units, one of which has `main`, and link them into the program `output`.

    Sanitizers want a program of their own: inside a process that runs Python, theirs must be loaded first.
    Arguments and errors are those of `build_shared`.
    """
    units = _Units(sources, target, extra_flags, default_cache() if cache is None else cache)
    with scratch_folder() as folder:
        units.compile(Path(folder), jobs, None)
        units.link(Path(folder), [], str(output.absolute()))


class _Units:
    """The translation units of one build, and the keys of what becomes of them."""

    def __init__(
        self, sources: Mapping[str, str], target: Target, extra_flags: Sequence[str], cache: Cache
    ) -> None:
        self.toolchain = find(target)
        self.flags = compile_flags(self.toolchain, target, extra_flags)
        self.cache = cache
        self.headers = {name: text for name, text in sources.items() if name.endswith(".h")}
        self.texts = {name: text for name, text in sources.items() if name not in self.headers}
        headers = [part for name, text in sorted(self.headers.items()) for part in (name, text)]
        made_by = (self.toolchain.identity, *self.flags, cpu_identity())
        self.keys = {name: key_of("object", text, *headers, *made_by) for name, text in self.texts.items()}
        self.library_key = key_of("library", *(self.keys[name] for name in sorted(self.keys)), *made_by)

    def compile(self, scratch: Path, jobs: int | None, progress: Callable[[int, int], None] | None) -> int:
        """Leave `NAME.o` of every unit in `scratch`. Returns how many the cache did not have."""
        for name, text in self.headers.items():
            write_file(scratch / name, text)
        missing: list[str] = []
        for name, key in self.keys.items():
            if (data := self.cache.read(key, "unit.o")) is not None:
                write_file(scratch / f"{name}.o", data)
            else:
                missing.append(name)
        missing.sort(key=lambda name: len(self.texts[name]), reverse=True)  # the longest do not come last
        with ThreadPoolExecutor(jobs or _cpus()) as pool:
            running = [pool.submit(self._compile_unit, name, scratch) for name in missing]
            try:
                for done, unit in enumerate(as_completed(running), start=1):
                    unit.result()
                    if progress is not None:
                        progress(done, len(missing))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return len(missing)

    def _compile_unit(self, name: str, scratch: Path) -> None:
        write_file(scratch / name, self.texts[name])
        self._call(["-c", name, "-o", f"{name}.o"], scratch, f"compile {name}")
        self.cache.put(self.keys[name], {"unit.o": (scratch / f"{name}.o").read_bytes()})

    def link(self, scratch: Path, how: Sequence[str], output: str) -> None:
        objects = [f"{name}.o" for name in sorted(self.keys)]
        self._call([*how, *objects, "-o", output, "-lm"], scratch, f"link {output}")

    def _call(self, arguments: Sequence[str], folder: Path, purpose: str) -> None:
        """Run the compiler in a folder.

        Raises:
            ToolchainError: it failed; all sources have been written to a place that stays.
        """
        command = [*self.toolchain.command, *self.flags, *arguments]
        done = run(command, folder)
        if done.returncode == 0:
            return
        lines = done.stderr.strip().splitlines()
        errors = [line for line in lines if re.search(r"\berror\b|undefined reference", line)]
        shown = "\n".join(f"  {line}" for line in (errors or lines)[:5]) or f"  exit status {done.returncode}"
        raise ToolchainError(
            f"{self.toolchain.version} could not {purpose}:\n{shown}\n"
            f"the sources were kept: cd {self._keep()} && {shlex.join(command)}"
        )

    def _keep(self) -> Path:
        """Write the sources to a folder that stays.

        They are not copied from the folder of the build: other units are at work there, and a listing of a
        folder that changes may leave files out.
        """
        kept = Path(tempfile.mkdtemp(prefix="dlp-failed-"))
        for name, text in {**self.headers, **self.texts}.items():
            write_file(kept / name, text)
        return kept


def _cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
