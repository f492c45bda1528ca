"""The networks are alive: the weights of each layer change the output by more than a comparison with eager allows."""

from __future__ import annotations

import pytest
import torch
from networks import NETWORKS, max_relative_error, network

TOLERANCE = 1e-4
"""What the comparison of a compiled network with eager allows."""


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_matters(name: str) -> None:
    built = network(name, "small")
    with torch.no_grad():
        expected = built.model(*built.args)
        assert expected.isfinite().all()
        for layer, parameter in built.model.named_parameters():
            if "weight" not in layer:
                continue
            saved = parameter.clone()
            parameter.zero_()
            error = max_relative_error(built.model(*built.args), expected)
            parameter.copy_(saved)
            assert not error <= TOLERANCE, f"{layer} is zeroed and nobody notices: {error:.1e}"
        assert max_relative_error(built.model(*built.args), expected) == 0


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_deterministic(name: str) -> None:
    first, second = network(name, "small"), network(name, "small")
    with torch.no_grad():
        assert torch.equal(first.model(*first.args), second.model(*second.args))


def test_relative_error_has_no_absolute_term() -> None:
    b = torch.tensor([1e-9, 0.0])
    assert max_relative_error(b * 2, b) == 1.0
