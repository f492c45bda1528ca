"""The graph passes on whole networks: the same results, layouts that met, and no pass without work."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from networks import NETWORKS, network
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from dlp.context import make_context
from dlp.frontends.torch.capture import capture
from dlp.pass_manager import PassManager
from dlp.pass_pipeline import parse_passes
from dlp.pipeline import STAGES
from dlp.testing import assert_pass_preserves


@cache
def _imported(name: str) -> ModuleOp:
    built = network(name, "small")
    return capture(built.model, built.args).imported.module


@cache
def _after_graph_stage(name: str) -> tuple[ModuleOp, Counter[str]]:
    """The module, and how much each pass did."""
    module = _imported(name).clone()
    records = PassManager(parse_passes("graph", target="avx2"), verify=True).run(make_context(), module)
    done: Counter[str] = Counter()
    for record in records:
        done[record.name] += record.statistics.total()
    return module, done


def _count(module: ModuleOp, function: str) -> Counter[str]:
    found = next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == function)
    return Counter(op.name for op in found.body.block.ops)


@pytest.mark.parametrize("target", ["avx2", "ve"])
@pytest.mark.parametrize("name", NETWORKS)
def test_graph_stage_preserves(name: str, target: str) -> None:
    assert_pass_preserves(_imported(name), "graph", target=target, rtol=1e-4)


@pytest.mark.parametrize(("name", "transposes"), [("resnet18", 1), ("mobilenet_v2", 1), ("digits_cnn", 0)])
def test_images_are_transposed_at_the_input_alone(name: str, transposes: int) -> None:
    ops = _count(_after_graph_stage(name)[0], "forward")
    assert ops["dlp.transpose"] == transposes
    assert ops["dlp.batch_norm"] == 0


def test_attention_keeps_the_transposes_of_its_heads() -> None:
    layers = 2
    assert _count(_after_graph_stage("bert")[0], "forward")["dlp.transpose"] == 4 * layers


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_prepared(name: str) -> None:
    module, _ = _after_graph_stage(name)
    assert _count(module, "forward")["dlp.weight"] == 0
    assert _count(module, "prepare")["dlp.weight"] > 0


@pytest.mark.parametrize("name", STAGES["graph"])
def test_every_pass_has_work(name: str) -> None:
    """A pass that changes none of the networks has no place in the default pipeline."""
    passes = name.partition("{")[0]
    ending_in_softmax = "wavenet"  # attention, all the softmax of the others, keeps its own
    assert any(_after_graph_stage(network)[1][passes] for network in (*NETWORKS, ending_in_softmax))
