"""Every op of the dialect down the whole road: through all passes to C, compiled, run, against the interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from op_cases import ALL_CASES, OpCase, together
from xdsl.dialects.builtin import f32, i1

from dlp.cache import Cache
from dlp.compiler import compile_module
from dlp.dialects.dlp import elementwise as e
from dlp.dialects.dlp import reduction
from dlp.dialects.dlp.contraction import ContractionOp
from dlp.interpreter import Interpreter
from dlp.interpreter.dtypes import Array
from dlp.targets import host
from dlp.testing import assert_pass_preserves, relative_error

pytestmark = pytest.mark.requires_tool("gcc")

SPECIAL = np.array(
    [
        np.nan,
        np.inf,
        -np.inf,
        0,
        -0.0,
        1,
        -1,
        0.5,
        -0.5,
        1.5,
        2.5,
        3,
        -3,
        6,
        88,
        -88,
        100,
        -100,
        200,
        -200,
        1e-40,
        3e38,
    ],
    np.float32,
)
"""Longer than a vector, and no multiple of one."""

PRECISE_ONLY_NEAR_ZERO = (e.SinOp, e.CosOp)
"""Their argument must be reduced, which loses what a large one does not have."""


def run_compiled(cases: list[OpCase], inputs: list[Array], folder: Path) -> list[Array]:
    compiled = compile_module(together(cases), target=host(), threads=2, cache=Cache(folder))
    compiled.poison = True
    return compiled.run_arrays(inputs, compiled.pack_arrays([]))


def assert_close(cases: list[OpCase], actual: list[Array], expected: list[Array], rtol: float) -> None:
    errors = {c.name: relative_error(a, b) for c, a, b in zip(cases, actual, expected, strict=True)}
    wrong = {
        name: (error, a, b)
        for (name, error), a, b in zip(errors.items(), actual, expected, strict=True)
        if not error <= rtol
    }
    assert not wrong


def test_random_data(tmp_path: Path) -> None:
    inputs = [a for case in ALL_CASES for a in case.inputs()]
    expected = Interpreter(together(ALL_CASES)).call("forward", *inputs)
    assert_close(ALL_CASES, run_compiled(ALL_CASES, inputs, tmp_path), expected, 1e-5)


def special_cases() -> list[OpCase]:
    n = len(SPECIAL)
    arguments = {
        e.GeluOp: {"approximate": "none"},
        e.ClampOp: {"low": -0.5, "high": 1.0},
        e.CompareOp: {"predicate": "lt"},
        e.CastOp: {"element_type": i1},
    }
    logical = (e.AndOp, e.OrOp, e.XorOp, e.SelectOp)
    ops = [op for op in e.OPS if op.ARITY and op not in logical and op not in PRECISE_ONLY_NEAR_ZERO]
    cases = [
        OpCase(op, [(n, 1), (n,)] if op.ARITY == 2 else [(n,)], [f32], arguments.get(op, {})) for op in ops
    ]
    cases += [
        OpCase(e.CompareOp, [(n, 1), (n,)], [f32], {"predicate": p}, p)
        for p in ("eq", "ne", "le", "gt", "ge")
    ]
    pool = {"kernel": (2,), "strides": (1,), "dilations": (1,), "layout": "channels_last"}
    cases.append(OpCase(reduction.MaxPoolOp, [(1, n, 1)], [f32], pool))
    return cases + [OpCase(op, [(n, n)], [f32], {"dims": (1,)}) for op in (reduction.MaxOp, reduction.MinOp)]


def test_nan_inf_and_other_special_values(tmp_path: Path) -> None:
    cases = special_cases()
    pairs = np.broadcast_to(SPECIAL, (len(SPECIAL), len(SPECIAL))).copy()
    np.fill_diagonal(pairs, 1.0)
    inputs = [
        pairs if t.get_shape() == pairs.shape else SPECIAL.reshape(t.get_shape())
        for case in cases
        for t in case.types
    ]
    expected = Interpreter(together(cases)).call("forward", *inputs)
    actual = run_compiled(cases, inputs, tmp_path)
    for case, a, b in zip(cases, actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-30, err_msg=case.name)


@pytest.mark.parametrize("target", ["avx2", "avx512", "ve", "scalar"])
def test_every_pass_of_the_default_pipeline(target: str) -> None:
    """What this machine cannot run is interpreted just before it would be printed as C."""
    few = [case for case in ALL_CASES if not case.variant or issubclass(case.op, ContractionOp)]
    inputs = [a for case in few for a in case.inputs()]
    after = assert_pass_preserves(together(few), "default", inputs, target=target)
    assert not [op.name for op in after.walk() if op.name.startswith("dlp.")]
