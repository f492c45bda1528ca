"""The networks, compiled: eager's results, nothing left to the framework, and every layer is part of the result."""

from __future__ import annotations

import pytest
import torch
from networks import NETWORKS, max_relative_error, network

import dlp

TOLERANCE = 1e-4


@pytest.mark.parametrize("name", NETWORKS)
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
            assert max_relative_error(found, without) <= TOLERANCE or not without.any(), layer
            zeroed += 1
        assert zeroed >= 2
        assert max_relative_error(compiled(*built.args), expected) <= TOLERANCE
    assert_wholly_compiled(compiled)


def assert_wholly_compiled(model: torch.nn.Module) -> None:
    report = dlp.report(model)
    assert report.ops_left == ()
    assert not report.fallbacks
    assert report.calls_compiled > 0
    assert (report.calls_mixed, report.calls_eager) == (0, 0)
    assert report.kernels > 0
    assert report.arena_bytes <= 1.10 * report.largest_live_bytes
