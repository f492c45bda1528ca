"""The functions of C's library in the interpreter against PyTorch, and as machine code against the interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from op_cases import OpCase, together
from xdsl.dialects.builtin import f32, f64

from dlp.cache import Cache
from dlp.compiler import compile_module
from dlp.dialects.dlp import library
from dlp.interpreter import Interpreter
from dlp.targets import host
from dlp.testing import run_op

VALUES = np.array(
    [np.nan, np.inf, -np.inf, 0, -0.0, 1, -1, 0.5, -0.5, 1.5, -2.5, 3, 30, -30, 1e-40], np.float32
)


def arguments(op: type[library.UnaryOp | library.BinaryOp], dtype: type) -> list[np.ndarray]:
    values = VALUES.astype(dtype)
    return [values] if op.ARITY == 1 else [values[:, None], values]


@pytest.mark.parametrize("op", library.OPS, ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_what_torch_computes(op, dtype) -> None:
    operands = arguments(op, dtype)
    function = getattr(torch, op.name.removeprefix("dlp."))
    expected = function(*map(torch.from_numpy, operands)).numpy()
    np.testing.assert_allclose(run_op(op, *operands), expected, rtol=3e-6, atol=0)


@pytest.mark.requires_tool("gcc")
def test_as_machine_code(tmp_path: Path) -> None:
    cases = [
        OpCase(op, [a.shape for a in arguments(op, dtype)], [element])
        for op in library.OPS
        for dtype, element in ((np.float32, f32), (np.float64, f64))
    ]
    inputs = [a for op in library.OPS for dtype in (np.float32, np.float64) for a in arguments(op, dtype)]
    expected = Interpreter(together(cases)).call("forward", *inputs)
    compiled = compile_module(together(cases), target=host(), cache=Cache(tmp_path))
    for case, a, b in zip(
        cases, compiled.run_arrays(inputs, compiled.pack_arrays([])), expected, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=3e-6, atol=0, err_msg=case.name)
