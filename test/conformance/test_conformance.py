"""A stratified subset of the framework's own samples, and the table of what is left, exact in both directions.

All samples: `python scripts/conformance.py --all`. With `DLP_PROOF=all` more of them are tried here.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conformance import table
from conformance.choice import chosen
from conformance.outcome import Kind
from conformance.samples import operations
from conformance.survey import survey

from dlp.cache import Cache

PARTS = 24
ALL = os.environ.get("DLP_PROOF") == "all"
SAMPLES = {"f32": 6, "i64": 3, "i32": 3, "b1": 3} if ALL else {"f32": 2, "i64": 2}
"""Of each operation and element type."""

CODE = {"f32": 2, "i64": 1, "i32": 1, "b1": 1} if ALL else {"f32": 1}
"""So many of them run as machine code, the others in the interpreter."""

ROWS = table.read()
WITNESSES = table.witnesses(ROWS, all_types=ALL)

pytestmark = pytest.mark.requires_tool("gcc")


@pytest.mark.parametrize("part", range(PARTS))
def test_samples_are_right_or_left_as_the_table_says(part: int, tmp_path: Path) -> None:
    """Wrong results and crashes have no rows."""
    samples = []
    for name in list(operations())[part::PARTS]:
        samples += chosen(name, SAMPLES, also=[(w.dtype, w.index) for w in WITNESSES if w.op == name])
    outcomes = dict(survey(samples, CODE, Cache(tmp_path)))
    bad = {str(s): o for s, o in outcomes.items() if o.kind in (Kind.WRONG, Kind.CRASH)}
    assert not bad
    assert not table.differences(ROWS, outcomes)
    assert sum(outcome.kind is Kind.RIGHT for outcome in outcomes.values()) > len(samples) // 4
