"""The dialect as a whole: every op is tested, round trips, and infers what it verifies."""

from __future__ import annotations

from pathlib import Path

import pytest
from op_cases import ALL_CASES, STRUCTURED_CASES, OpCase

from dlp.dialects.dlp import Dlp
from dlp.dialects.dlp.structured import DestinationOp, StructuredOp
from dlp.ir_text import ir_text
from dlp.testing import parse_module

NAMES = {op.name for op in Dlp.operations}


def test_every_op_has_a_case() -> None:
    ops = {op for op in Dlp.operations if issubclass(op, DestinationOp)}
    assert {case.op for case in ALL_CASES} == ops


def test_every_op_has_a_lit_test() -> None:
    text = "".join(path.read_text() for path in (Path(__file__).parent / "dlp").glob("*.mlir"))
    missing = {name for name in NAMES if f"CHECK: {name} " not in text and f"= {name} " not in text}
    assert missing - {"dlp.yield"} == set()


@pytest.mark.parametrize("buffers", [False, True], ids=["tensors", "buffers"])
@pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.name)
def test_round_trip(case: OpCase, generic: bool, buffers: bool) -> None:
    module = case.module(buffers=buffers)
    assert parse_module(ir_text(module, generic=generic)).is_structurally_equivalent(module)


@pytest.mark.parametrize("case", STRUCTURED_CASES, ids=lambda case: case.name)
def test_maps_stay_inside_the_operands(case: OpCase) -> None:
    """The extreme points of the iteration space, for the maps that are monotonic."""
    (op,) = (op for op in case.module().walk() if isinstance(op, DestinationOp))
    if not isinstance(op, StructuredOp):
        return
    space = op.iteration_space()
    assert space.parallel == op.shape
    assert len(space.maps) == len(op.ins)
    assert len(op.dimension_names()) == len(space.sizes) == len(set(op.dimension_names()))
    for k, index_map in enumerate(space.maps):
        assert len(index_map) == len(op.in_shape(k))
        if space.is_indirect(k):
            continue
        for point in ([0] * len(space.sizes), [n - 1 for n in space.sizes]):
            place = [e.eval(point, []) for e in index_map]
            assert all(0 <= i < n for i, n in zip(place, op.in_shape(k), strict=True))
