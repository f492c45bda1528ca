"""The compiler: found or one clear error, called only for what is new, and what it makes runs."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dlp.cache import Cache
from dlp.errors import ToolchainError
from dlp.runtime import Library, address_of
from dlp.targets import emulated, host, load
from dlp.toolchain import build_program, build_shared, find, process

COMPILER = shutil.which("gcc") or shutil.which("clang") or ""
needs_compiler = pytest.mark.skipif(not COMPILER, reason="neither gcc nor clang is installed")

SOURCES = {
    "scale.h": "#define FACTOR 3.0f\nvoid scale(float *x, long n, int threads);\n",
    "scale.c": '#include "scale.h"\nvoid scale(float *x, long n, int threads) {\n'
    "#pragma omp parallel for num_threads(threads)\n"
    "  for (long i = 0; i < n; i++) x[i] *= FACTOR;\n  (void)threads;\n}\n",
    "forward.c": '#include "scale.h"\n'
    "void dlp_forward(void *const *args, int threads) { scale(args[0], 1000, threads); }\n",
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "cache"
    monkeypatch.setenv("DLP_CACHE_DIR", str(directory))
    return directory


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that keeps a list of its calls, one a line, in this file."""
    log = tmp_path / "calls"
    log.write_text("")
    _compiler(tmp_path, monkeypatch, f'echo "$@" >> {log}\nexec {COMPILER} "$@"\n')
    return log


def _compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    path = folder / "compiler"
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o700)
    monkeypatch.setenv("DLP_CC", str(path))
    return path


def _count(log: Path) -> int:
    return len(log.read_text().splitlines())


def _runs(path: Path) -> None:
    data = np.arange(1000, dtype=np.float32)
    Library(path).call("dlp_forward", [address_of(data)], 2)
    np.testing.assert_array_equal(data, np.arange(1000, dtype=np.float32) * 3)


@needs_compiler
def test_a_library_is_built_and_runs() -> None:
    build = build_shared(SOURCES, host())
    assert (build.units_compiled, build.units_cached, build.link_cached) == (2, 0, False)
    _runs(build.path)


@needs_compiler
def test_a_second_build_calls_no_compiler(calls: Path) -> None:
    first = build_shared(SOURCES, host())
    count = _count(calls)
    assert count > 0
    second = build_shared(SOURCES, host())
    assert _count(calls) == count
    assert (second.path, second.units_compiled, second.units_cached) == (first.path, 0, 2)
    assert second.link_cached


@needs_compiler
def test_a_second_process_calls_no_compiler(calls: Path) -> None:
    build_shared(SOURCES, host())
    count = _count(calls)
    program = (
        "import sys; from dlp.targets import host; from dlp.toolchain import build_shared\n"
        f"build = build_shared({SOURCES!r}, host()); print(build.units_compiled, build.link_cached)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert output == "0 True\n"
    assert _count(calls) == count


@needs_compiler
def test_only_what_changed_is_compiled(calls: Path) -> None:
    build_shared(SOURCES, host())
    other = build_shared({**SOURCES, "forward.c": SOURCES["forward.c"] + "\nint more;\n"}, host())
    assert (other.units_compiled, other.units_cached) == (1, 1)
    header = build_shared({**SOURCES, "scale.h": SOURCES["scale.h"].replace("3.0f", "4.0f")}, host())
    assert header.units_compiled == 2
    flags = build_shared(SOURCES, host(), extra_flags=["-O0"])
    assert flags.units_compiled == 2
    assert len({other.path, header.path, flags.path}) == 3
    assert " -O0 " in calls.read_text().splitlines()[-1]


@needs_compiler
def test_a_new_compiler_compiles_again(calls: Path, tmp_path: Path) -> None:
    build_shared(SOURCES, host())
    program = tmp_path / "compiler"
    program.write_text(program.read_text() + "# another one\n")
    from dlp.toolchain import compiler

    compiler._find.cache_clear()
    assert build_shared(SOURCES, host()).units_compiled == 2


@needs_compiler
def test_progress_counts_the_units() -> None:
    seen: list[tuple[int, int]] = []
    build_shared(SOURCES, host(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@needs_compiler
def test_refused_code_is_one_error_and_is_kept() -> None:
    with pytest.raises(ToolchainError) as caught:
        build_shared({**SOURCES, "wrong.c": "int f(void) { return nothing; }\n"}, host())
    message = str(caught.value)
    assert "could not compile wrong.c" in message
    assert "wrong.c:1:" in message
    assert "nothing" in message
    kept = Path(message.split("cd ")[1].split(" &&")[0])
    assert (kept / "wrong.c").read_text() == "int f(void) { return nothing; }\n"
    assert (kept / "scale.h").exists()
    shutil.rmtree(kept)


@needs_compiler
def test_a_missing_function_is_found_at_the_link() -> None:
    with pytest.raises(ToolchainError, match="undefined reference to `scale'") as caught:
        build_program(
            {"main.c": "void scale(void); int main(void) { scale(); return 0; }\n"}, host(), Path("never")
        )
    shutil.rmtree(Path(str(caught.value).split("cd ")[1].split(" &&")[0]))


@needs_compiler
def test_a_program_with_sanitizers_stops_at_an_overrun(tmp_path: Path) -> None:
    source = "int main(int count, char **words) { (void)words; float x[4] = {0}; x[count * 4] = 1; return x[0] > 0; }"
    build_program({"main.c": source}, load("scalar"), tmp_path / "main", extra_flags=["-fsanitize=address"])
    ran = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "stack-buffer-overflow" in ran.stderr


@needs_compiler
def test_a_full_cache_disk_costs_only_time(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Cache, "_write", full)
    monkeypatch.setattr("dlp.cache._warned", set())
    with pytest.warns(RuntimeWarning, match="cannot write to its cache"):
        build = build_shared(SOURCES, host())
    assert not build.path.is_relative_to(own_cache)
    _runs(build.path)


def test_a_compiler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLP_CC", "/nonexistent/cc")
    with pytest.raises(ToolchainError, match="DLP_CC names does not work: /nonexistent/cc is not a program"):
        find(host())


def test_no_compiler_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLP_CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match=r"found no C compiler.*install gcc or clang, or set DLP_CC"):
        find(host())


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3\n", "--version failed"),
        ('[ "$1" = --version ] && echo gcc 99 && exit\necho error: no cc1 >&2; exit 1\n', "no cc1"),
        ('[ "$1" = --version ] && echo "gcc 99"\nexit 0\n', "cannot be run"),
    ],
)
def test_a_broken_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    _compiler(tmp_path, monkeypatch, script)
    with pytest.raises(ToolchainError, match=message):
        find(host())


@needs_compiler
@pytest.mark.parametrize("how", ["ignores it", "refuses it"])
def test_a_compiler_without_openmp_serves_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    react = "continue" if how == "ignores it" else "{ echo error: no libomp >&2; exit 1; }"
    _compiler(
        tmp_path,
        monkeypatch,
        f'for word; do shift; [ "$word" = -fopenmp ] && {react}; set -- "$@" "$word"; done\n'
        f'exec {COMPILER} "$@"\n',
    )
    monkeypatch.setattr("dlp.cache._warned", set())
    with pytest.warns(RuntimeWarning, match="one thread"):
        assert not find(host()).openmp
    _runs(build_shared(SOURCES, host()).path)


@needs_compiler
@pytest.mark.parametrize("name", ["avx512", "avx2", "scalar"])
def test_the_c_spelling_of_vectors(name: str) -> None:
    target = emulated(load(name))
    lanes = target.vector_lanes
    vector = target.c_vector_type("f32", lanes)
    text = "\n".join(
        [
            *target.c_typedefs("f32", lanes),
            "void f(void *const *args, int threads) {",
            "  const float *x = args[0]; float *y = args[1]; (void)threads;",
            f"  {vector} a = {target.c_load('f32', lanes, 'x + 1')};",
            f"  {vector} b = {target.c_splat('f32', lanes, 'x[0]')};",
            f"  {vector} d = {target.c.fma.format(a='a', b='a', c='a')};",
            f"  {target.c_store('f32', lanes, 'y + 1', 'b')};",
            f"  {target.c_store('f32', lanes, f'y + 1 + {lanes}', 'd')};",
            "}",
        ]
    )
    build = build_shared({"f.c": text}, target, extra_flags=["-Wall", "-Wextra", "-Werror"])
    x = np.linspace(-2, 2, lanes + 1, dtype=np.float32)
    y = np.zeros(2 * lanes + 2, np.float32)
    for scalar in (1.5, -0.0, np.inf, np.nan):
        x[0] = scalar
        Library(build).call("f", [address_of(x), address_of(y)], 1)
        np.testing.assert_array_equal(y[1 : lanes + 1].view(np.int32), np.full(lanes, x[0]).view(np.int32))
        np.testing.assert_allclose(y[lanes + 1 : -1], x[1:] * x[1:] + x[1:], rtol=1e-6, atol=1e-6)
        assert (y[0], y[-1]) == (0, 0)


def test_a_compiler_that_hangs_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers start programs of their own, which must end as well."""
    monkeypatch.setattr("dlp.toolchain.process._TIMEOUT", 1)
    script = "sleep 600 & echo $! > child; wait"
    with pytest.raises(ToolchainError, match="did not end"):
        process.run(["sh", "-c", script], tmp_path)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child still runs")
