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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

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
    with units.at_work(jobs):
        for name in sorted(units.texts, key=lambda name: len(units.texts[name]), reverse=True):
            units.start(name)  # the longest do not come last
        return units.library(started, progress)


class SharedBuild:
    """Builds a shared library of units that come one after the other: their compilers run meanwhile.

    ```python
    with SharedBuild(target) as building:
        for name, text in units:
            building.add(name, text)
        build = building.finish()
    ```
    Arguments and errors are those of `build_shared`; errors come with `finish`. Leaving the `with` block early stops
    what has not begun.
    """

    def __init__(
        self,
        target: Target,
        *,
        extra_flags: Sequence[str] = (),
        jobs: int | None = None,
        cache: Cache | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self._units = _Units({}, target, extra_flags, default_cache() if cache is None else cache)
        self._jobs = jobs
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._units.at_work(self._jobs))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, name: str, text: str) -> None:
        """Compile a unit, in the background."""
        self._units.add(name, text)
        self._units.start(name)

    def finish(self, progress: Callable[[int, int], None] | None = None) -> Build:
        """Wait for the compilers, and link what they made."""
        return self._units.library(self._started, progress)


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
    with units.at_work(jobs):
        for name in units.texts:
            units.start(name)
        units.wait(None)
        units.link([], str(output.absolute()))


class _Units:
    """The translation units of one build, and the keys of what becomes of them."""

    def __init__(
        self, sources: Mapping[str, str], target: Target, extra_flags: Sequence[str], cache: Cache
    ) -> None:
        self.toolchain = find(target)
        self.flags = compile_flags(self.toolchain, target, extra_flags)
        self.cache = cache
        self.headers = {name: text for name, text in sources.items() if name.endswith(".h")}
        self._made_by = (self.toolchain.identity, *self.flags, cpu_identity())
        self.texts: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self._running: list[Future[None]] = []
        for name, text in sources.items():
            if name not in self.headers:
                self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """One more unit."""
        headers = [part for header in sorted(self.headers.items()) for part in header]
        self.texts[name] = text
        self.keys[name] = key_of("object", text, *headers, *self._made_by)

    @property
    def library_key(self) -> str:
        return key_of("library", *(self.keys[name] for name in sorted(self.keys)), *self._made_by)

    @contextmanager
    def at_work(self, jobs: int | None) -> Iterator[None]:
        """Compilers, so many at a time, and a folder for what they read and write; both are gone behind the block."""
        with scratch_folder() as folder, ThreadPoolExecutor(jobs or _cpus()) as self._pool:
            self._scratch = Path(folder)
            try:
                for name, text in self.headers.items():
                    write_file(self._scratch / name, text)
                yield
            except BaseException:
                self._pool.shutdown(cancel_futures=True)
                raise

    def start(self, name: str) -> None:
        """Have `NAME.o` of a unit made, unless the cache has it."""
        if (data := self.cache.read(self.keys[name], "unit.o")) is not None:
            write_file(self._scratch / f"{name}.o", data)
        else:
            self._running.append(self._pool.submit(self._compile_unit, name))

    def wait(self, progress: Callable[[int, int], None] | None) -> None:
        for done, unit in enumerate(as_completed(self._running), start=1):
            unit.result()
            if progress is not None:
                progress(done, len(self._running))

    def _compile_unit(self, name: str) -> None:
        write_file(self._scratch / name, self.texts[name])
        self._call(["-c", name, "-o", f"{name}.o"], f"compile {name}")
        self.cache.put(self.keys[name], {"unit.o": (self._scratch / f"{name}.o").read_bytes()})

    def link(self, how: Sequence[str], output: str) -> None:
        objects = [f"{name}.o" for name in sorted(self.keys)]
        self._call([*how, *objects, "-o", output, "-lm"], f"link {output}")

    def library(self, started: float, progress: Callable[[int, int], None] | None) -> Build:
        """The units as a shared library, when all are compiled."""
        self.wait(progress)
        # Calls between units stay inside the library, whatever symbols other libraries of the process have.
        self.link(["-shared", "-Wl,-Bsymbolic"], "library.so")
        library = (self._scratch / "library.so").read_bytes()
        entry = self.cache.put(self.library_key, {"library.so": library})
        if entry is not None:
            path = entry.path("library.so")
        else:
            path = private_directory() / f"{self.library_key}.so"
            write_file(path, library)
        compiled = len(self._running)
        return Build(path, compiled, len(self.keys) - compiled, False, time.perf_counter() - started)

    def _call(self, arguments: Sequence[str], purpose: str) -> None:
        """Run the compiler in the folder.

        Raises:
            ToolchainError: it failed; all sources have been written to a place that stays.
        """
        command = [*self.toolchain.command, *self.flags, *arguments]
        done = run(command, self._scratch)
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
