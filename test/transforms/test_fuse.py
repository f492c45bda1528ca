"""Fusing changes no result, whichever rules are switched off, and puts every compute op into exactly one group."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from xdsl.dialects.builtin import ModuleOp

from dlp.dialects.dlp.graph import FusedOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.dialects.dlp.view import ViewOp
from dlp.errors import InputError
from dlp.pass_pipeline import parse_passes
from dlp.testing import assert_pass_preserves
from dlp.transforms._fusion_rules import MOST_MEMBERS
from dlp.transforms._layouts import Layouts
from dlp.transforms.fuse import Fuse

RULES = [rule.name for rule in Fuse()._all_rules()]
OPTIONS = ["", "depth-first=force", *(f"without={rule}" for rule in RULES), f"without={','.join(RULES)}"]
PIPELINES = [f"fuse{{{options}}}" for options in OPTIONS]


def _functions() -> dict[str, str]:
    """The functions of the lit tests, by name."""
    found: dict[str, str] = {}
    for file in sorted(Path(__file__).parent.glob("fuse*.mlir")):
        for part in file.read_text().split("// -----"):
            match = re.search(r"func.func @(\w+)", part)
            assert match is not None
            found[match[1]] = part
    return found


FUNCTIONS = _functions()
TOO_LARGE = ("not", "long", "layers", "expansion", "prepare")
"""For the interpreter; and a function without arguments."""


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f not in TOO_LARGE])
def test_results_stay(function: str, pipeline: str) -> None:
    module = assert_pass_preserves(FUNCTIONS[function], pipeline, function=function, target="avx2", rtol=1e-4)
    assert_all_grouped(module)


def assert_all_grouped(module: ModuleOp) -> None:
    """Outside of groups there are only views that need no copy."""
    layouts = Layouts()
    for op in module.walk():
        if isinstance(op, DestinationOp) and not isinstance(op.parent_op(), FusedOp):
            assert isinstance(op, ViewOp) and layouts.is_free(op), op


def test_kernels_stay_readable() -> None:
    """A chain without end becomes several kernels."""
    lines = [f"  %h{i + 1} = dlp.exp ins(%h{i} : tensor<4xf32>) -> tensor<4xf32>" for i in range(200)]
    head = "func.func @forward(%h0: tensor<4xf32>) -> tensor<4xf32> {"
    text = "\n".join([head, *lines, "  func.return %h200 : tensor<4xf32>", "}"])
    module = assert_pass_preserves(text, "fuse", target="avx2")
    groups = [op for op in module.walk() if isinstance(op, FusedOp)]
    assert len(groups) == 4
    assert max(len(g.body.ops) for g in groups) <= MOST_MEMBERS + 1


def test_unknown_rule() -> None:
    with pytest.raises(InputError, match="no fusion rule 'atention', did you mean 'attention'"):
        parse_passes("fuse{without=atention}")
