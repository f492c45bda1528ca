"""Compiles printed C and calls it on NumPy arrays."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from dlp.codegen import print_c
from dlp.context import make_context
from dlp.ir_parser import IRParser
from dlp.targets import Target, emulated, load

COMPILERS = {"gcc": "gcc", "clang": "clang-22"}

Compile = Callable[..., ctypes.CDLL]


@pytest.fixture(scope="session")
def compile_ir(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """`compile_ir(ir, compiler, target, flags)`: the library with the `dlp_*` entries of the module's functions.

    Warnings are errors, under -Wall -Wextra.
    """
    folder = tmp_path_factory.mktemp("c")
    known: dict[str, ctypes.CDLL] = {}

    def compile_(
        ir: str, compiler: str = "gcc", target: Target | None = None, flags: Sequence[str] = ()
    ) -> ctypes.CDLL:
        chosen = emulated(target or load("avx2"))
        request = repr((ir, compiler, chosen.name, flags))
        if request in known:
            return known[request]
        text = print_c(parse(ir), chosen)
        command = [COMPILERS[compiler], *chosen.flags(compiler), "-Wall", "-Wextra", "-Werror", *flags]
        command += ["-Wno-unknown-pragmas", "-shared", "-fPIC"]
        key = hashlib.sha256(request.encode()).hexdigest()[:16]
        source, library = folder / f"{key}.c", folder / f"{key}.so"
        source.write_text(text)
        run = subprocess.run(
            [*command, str(source), "-o", str(library), "-lm"], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{run.stderr[:2000]}\n{source}"
        known[request] = ctypes.CDLL(str(library))
        return known[request]

    return compile_


def parse(ir: str):
    module = IRParser(make_context(), ir).parse_module()
    module.verify()
    return module


@pytest.fixture(scope="session")
def call() -> Callable[..., None]:
    """`call(library, name, *arrays)`: runs `dlp_<name>`, which writes into its arrays."""

    def call_(library: ctypes.CDLL, name: str, *arrays: np.ndarray, threads: int = 2) -> None:
        pointers = (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))
        library[f"dlp_{name}"](pointers, threads)

    return call_
