"""The networks, compiled: eager's results, nothing left to the framework, and every layer is part of the result."""

from __future__ import annotations

import pytest
import torch
from networks import ALL as NETWORKS
from networks import max_relative_error, network
from proof_networks import ALL

import dlp

TOLERANCE = 1e-4

KIN = {
    "albert": "roberta",
    "bidirectional_gru": "bidirectional_lstm",
    "deeplab": "fcn",
    "distilbert": "roberta",
    "efficientnet_v2": "efficientnet",
    "electra": "roberta",
    "encoder_norm_first": "encoder",
    "googlenet": "inception_v3",
    "lraspp": "mobilenet_v3",
    "mistral": "llama",
    "mnasnet": "mobilenet_v2",
    "qwen2": "llama",
    "rnn": "gru",
    "separable_video": "video_resnet",
    "squeezenet1_1": "squeezenet",
    "swin_v2": "swin",
    "vgg_bn": "vgg",
    "wide_resnet50": "resnet50",
}
"""Networks that are much like another, which stands for them where changes wait; `make proof` compiles them as well."""

CASES = [name for name in NETWORKS if ALL or name not in KIN]


@pytest.mark.parametrize("name", CASES)
def test_compiled_network(name: str) -> None:
    """One test a network, since compiling it is what takes the time."""
    built = network(name, "small")
    compiled = dlp.optimize(built.model)
    with torch.inference_mode():
        expected = built.model(*built.args)
        assert expected.isfinite().all()
        assert max_relative_error(compiled(*built.args), expected) <= TOLERANCE
    assert_wholly_compiled(compiled)

    zeroed = 0
    with torch.no_grad():
        for layer, parameter in built.model.named_parameters():
            if "weight" not in layer:
                continue
            saved = parameter.clone()
            parameter.zero_()  # in both models, which share it
            found, without = compiled(*built.args), built.model(*built.args)
            parameter.copy_(saved)
            error = max_relative_error(found, expected)
            assert not error <= TOLERANCE, f"{layer} is zeroed and the comparison passes: {error:.1e}"
            assert agree(found, without), f"{layer} is zeroed and the result is another than eager's"
            zeroed += 1
        assert zeroed >= 2
        assert max_relative_error(compiled(*built.args), expected) <= TOLERANCE
    assert_wholly_compiled(compiled)


def agree(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal by the measure, NaN in the same places; what a network says without a layer may be NaN or nothing."""
    finite = b.isfinite()
    if not torch.equal(a[~finite].isnan(), b[~finite].isnan()):
        return False
    a, b = a[finite], b[finite]
    return not b.any() or max_relative_error(a, b) <= TOLERANCE


def assert_wholly_compiled(model: torch.nn.Module) -> None:
    report = dlp.report(model)
    assert report.ops_left == ()
    assert not report.fallbacks
    assert report.calls_compiled > 0
    assert (report.calls_mixed, report.calls_eager) == (0, 0)
    assert report.kernels > 0
    assert report.arena_bytes <= 1.10 * report.largest_live_bytes


def test_kin_are_networks() -> None:
    assert {*KIN, *KIN.values()} <= {*NETWORKS} and not {*KIN} & {*KIN.values()}
