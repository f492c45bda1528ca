"""The C of the networks compiles without a warning, by both compilers, for every x86 target and for plain C."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest
from networks import NETWORKS
from proof_networks import ALL, road

from dlp.codegen import print_c
from dlp.compiler import lower_module
from dlp.targets import load

CASES = [
    (name, target)
    for name in NETWORKS
    for target in ("avx2", "avx512", "scalar")
    # Image networks take long to lower, and have all in common with each other and with digits_cnn.
    if ALL or target == "avx2" or name not in ("resnet18", "mobilenet_v2")
]


@cache
def _c(name: str, target: str) -> str:
    module = road(name).module.clone()
    lower_module(module, target=load(target), threads=2)
    return print_c(module, load(target))


@pytest.mark.parametrize(("name", "target"), CASES)
@pytest.mark.requires_tool("gcc", "clang-22")
def test_c_without_warnings(name: str, target: str, tmp_path: Path) -> None:
    """One test for both compilers: lowering takes the time. Warnings that need the optimiser come with -O1."""
    source = tmp_path / f"{name}.c"
    source.write_text(_c(name, target))
    for command, kind in (("gcc", "gcc"), ("clang-22", "clang")):
        flags = [*load(target).flags(kind), "-fopenmp", "-O1", "-Wall", "-Wextra", "-Werror"]
        done = subprocess.run(
            [command, *flags, "-c", source, "-o", tmp_path / "o"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[:3000]
