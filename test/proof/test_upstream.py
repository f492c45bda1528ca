"""MLIR's own tool reads every stage of the road: graphs as unregistered ops, loops as what they are."""

from __future__ import annotations

import subprocess

import pytest
from proof_networks import road
from xdsl.dialects.builtin import ModuleOp

from dlp.context import make_context
from dlp.ir_text import ir_text
from dlp.pass_manager import Instrument, PassManager, PassRecord
from dlp.pass_pipeline import parse_passes

GRAPHS = ("graph", "kernels", "buffers", "tiles")
"""Stages whose modules hold dlp ops."""


class Stages(Instrument):
    """Keeps the module as each stage leaves it, in generic form."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def before_pipeline(self, module: ModuleOp) -> None:
        self.texts["input"] = ir_text(module, generic=True)

    def after_pass(self, record: PassRecord, module: ModuleOp) -> None:
        self.texts[record.step.stage] = ir_text(module, generic=True)


@pytest.mark.requires_tool("mlir-opt-22")
@pytest.mark.parametrize("name", ["digits_cnn", "transformer_layer"])
def test_stages_are_read_by_mlir(name: str) -> None:
    stages = Stages()
    module = road(name).module.clone()
    steps = parse_passes("default", target="avx2")
    PassManager(steps, instruments=[stages]).run(make_context(), module)
    assert list(stages.texts) == ["input", *dict.fromkeys(step.stage for step in steps)]
    for stage, text in stages.texts.items():
        holds_dlp = '"dlp.' in text
        assert holds_dlp == (stage in ("input", *GRAPHS)), stage
        options = ["--allow-unregistered-dialect"] if holds_dlp else []
        done = subprocess.run(
            ["mlir-opt-22", *options, "-o", "/dev/null"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{stage}:\n{done.stderr[:2000]}"
