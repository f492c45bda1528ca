"""The default pipeline pass by pass: what each pass leaves behind computes what eager computes.

The interpreter fills allocated memory with NaN and checks every index, so that a stage which reads what nobody wrote,
or reads beyond a buffer, does not pass by luck.
"""

from __future__ import annotations

import pytest
from proof_networks import ALL, MINIATURES, OPEN, Road, open_roads, road

from dlp.context import make_context
from dlp.ir_text import ir_text
from dlp.pass_manager import PassManager
from dlp.pass_pipeline import parse_passes
from dlp.testing import Network, assert_same

TOLERANCE = 1e-4
OTHER_TARGETS = ("avx512", "scalar", "ve")
CASES = [
    *((name, "avx2") for name in (*MINIATURES, "digits_cnn", "mlp", "lstm")),
    *((name, target) for name in (MINIATURES if ALL else ("inverted_residual",)) for target in OTHER_TARGETS),
    *([] if ALL else [("transformer_layer", "avx512"), ("rows", "ve")]),
]


@pytest.mark.parametrize(("name", "target"), CASES)
def test_every_stage_computes_what_eager_does(name: str, target: str) -> None:
    follow([road(name)], target)


@pytest.mark.parametrize("name", OPEN if ALL else ("open_rows", "open_lstm"))
def test_every_stage_at_two_of_all_sizes(name: str) -> None:
    """One module, whose sizes are open."""
    follow(open_roads(name), "avx2")


def follow(roads: list[Road], target: str) -> None:
    """The pipeline on one module, run on the inputs of each road after every pass."""
    given = roads[0]
    module, text, changes = given.module.clone(), "", 0
    for step in parse_passes("default", target=target):
        PassManager([step], verify=True).run(make_context(), module)
        before, text = text, ir_text(module)
        if text == before:
            continue
        changes += 1
        for one in roads:
            found = Network(module, given.weights)(*one.inputs)
            assert_same(found, one.expected, rtol=TOLERANCE, what=f"after {step}, result")
    assert changes >= 10
