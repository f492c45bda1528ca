"""No pass of the default pipeline is there for nothing: it fires on one of the networks, and is missed without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from proof_networks import road
from xdsl.dialects.builtin import ModuleOp

from dlp.codegen import print_c
from dlp.context import make_context
from dlp.ir_text import ir_text
from dlp.pass_manager import PassManager, PassRecord
from dlp.pass_pipeline import Step, parse_passes
from dlp.pipeline import STAGES
from dlp.targets import load

TARGET = load("avx2")
NETWORKS = ("mlp", "digits_cnn", "lstm", "bert", "resnet18", "mobilenet_v2", "swin", "swin_v2", "long_rows")
"""Those that cost least first."""

CARRY = {
    "decompose": "the C printer knows no composite ops",
    "outline-kernels": "only functions are bufferised and lowered",
    "bufferize": "only buffers have addresses",
    "tile-attention": "attention has no other loops",
    "lower-pad": "what is left of pads and concatenations has no loops",
    "convert-dlp-to-loops": "what the vectoriser leaves alone needs loops",
}
"""Passes without which there is no C, and why."""

EARLY = [step.instance.name for step in parse_passes("graph,kernels", target="avx2")]
"""Passes before the kernels are functions: their effect is compared there, as lowering costs the most."""
PASSES = list(dict.fromkeys(step.instance.name for step in parse_passes("default", target="avx2")))


@dataclass(frozen=True)
class Run:
    """Some stages on one network."""

    records: Sequence[PassRecord]
    text: str
    """The IR at the end, or the C."""


@cache
def _module(name: str) -> ModuleOp:
    return road(name).module


def _steps(stages: str, without: str) -> list[Step]:
    return [s for s in parse_passes(stages, target="avx2") if s.instance.name != without]


@cache
def _early(name: str, without: str) -> tuple[Run, ModuleOp]:
    module = _module(name).clone()
    records = PassManager(_steps("graph,kernels", without)).run(make_context(), module)
    return Run(records, ir_text(module)), module


def _kernels(name: str, without: str = "") -> Run:
    """Up to the kernels."""
    return _early(name, without)[0]


@cache
def _whole(name: str, without: str = "") -> Run:
    """To C. The stages up to the kernels are run once a network where they do not differ."""
    early, module = _early(name, without if without in EARLY else "")
    module = module.clone()
    late = [stage for stage in STAGES if stage not in ("graph", "kernels")]
    records = PassManager(_steps(",".join(late), without)).run(make_context(), module)
    return Run([*early.records, *records], print_c(module, TARGET))


def _fires(run: Run, name: str) -> bool:
    return any(r.statistics.total() > 0 for r in run.records if r.name == name)


@pytest.mark.parametrize("name", PASSES)
def test_pass_fires_and_is_missed(name: str) -> None:
    run = _kernels if name in EARLY else _whole
    fired: list[str] = []
    for network in NETWORKS:
        if not _fires(run(network), name):
            continue
        fired.append(network)
        if name in CARRY:
            with pytest.raises(Exception, match=r"."):
                _whole(network, name)
            return
        if run(network, name).text != run(network).text:
            return
    pytest.fail(f"{name} changes nothing in the end of {fired}" if fired else f"{name} fires on no network")


def test_tables_name_passes() -> None:
    assert {*CARRY} <= {*PASSES}
