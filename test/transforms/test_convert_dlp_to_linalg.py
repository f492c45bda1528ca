"""Every op as `linalg.generic`, compiled and run by MLIR's own tools, against the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from op_cases import COMPOSITE_CASES, STRUCTURED_CASES, OpCase
from xdsl.dialects.builtin import ModuleOp

from dlp.context import make_context
from dlp.interpreter import Interpreter
from dlp.interpreter.dtypes import Array
from dlp.pass_manager import PassManager
from dlp.pass_pipeline import parse_passes
from dlp.testing import assert_same
from dlp.testing.upstream import TOOLS, UpstreamModule

pytestmark = pytest.mark.requires_tool(*TOOLS)

TENSOR_CASES = [*STRUCTURED_CASES, *COMPOSITE_CASES]


def compiled(cases: list[OpCase], folder: Path, *, buffers: bool) -> UpstreamModule:
    """All cases in one module: the tools take half a second each to start."""
    module = ModuleOp([case.function(buffers=buffers) for case in cases])
    PassManager(parse_passes("decompose,convert-dlp-to-linalg"), verify=True).run(make_context(), module)
    left = {op.name for op in module.walk() if op.name.startswith("dlp.")}
    assert not left, f"not converted: {left}"
    return UpstreamModule(module, folder)


@pytest.fixture(scope="module")
def on_tensors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpstreamModule]:
    yield compiled(TENSOR_CASES, tmp_path_factory.mktemp("tensors"), buffers=False)


@pytest.fixture(scope="module")
def on_buffers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpstreamModule]:
    yield compiled(STRUCTURED_CASES, tmp_path_factory.mktemp("buffers"), buffers=True)


def expected(case: OpCase, inputs: list[Array]) -> list[Array]:
    return Interpreter(case.module()).call("forward", *inputs)


@pytest.mark.parametrize("case", TENSOR_CASES, ids=lambda case: case.name)
def test_on_tensors(case: OpCase, on_tensors: UpstreamModule) -> None:
    inputs = case.inputs()
    assert_same(on_tensors.call(case.name, *inputs), expected(case, inputs))


@pytest.mark.parametrize("case", STRUCTURED_CASES, ids=lambda case: case.name)
def test_on_buffers(case: OpCase, on_buffers: UpstreamModule) -> None:
    inputs = case.inputs()
    (wanted,) = expected(case, inputs)
    out = np.zeros_like(wanted)
    on_buffers.call(case.name, *inputs, out)
    assert_same([out], [wanted])
