"""Networks, at full size and small, initialised so that every layer matters. Everything is deterministic."""

from __future__ import annotations

import torch

from networks.definition import Args, Build, Network, Size
from networks.image import CLASSIFIERS
from networks.initialisation import enliven, take_statistics
from networks.layer import LAYERS
from networks.measured import MEASURED
from networks.picture import PICTURES
from networks.text import TEXTS

__all__ = [
    "ALL",
    "MORE",
    "NETWORKS",
    "Args",
    "Network",
    "Size",
    "enliven",
    "max_relative_error",
    "network",
    "take_statistics",
]

NETWORKS: dict[str, Build] = MEASURED
"""Those that every check of the compiler goes through."""

MORE: dict[str, Build] = {**CLASSIFIERS, **PICTURES, **TEXTS, **LAYERS}
"""Those that are compiled and compared."""

ALL: dict[str, Build] = {**NETWORKS, **MORE}


def max_relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    """max|a - b| / max|b|, the measure of every comparison with eager; there is no absolute term."""
    return float((a.double() - b.double()).abs().max() / b.double().abs().max())


def network(name: str, size: Size = "full", *, seed: int = 0) -> Network:
    """A network of `ALL`, alive, in eval mode, without gradients of its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = ALL[name](size)
        enliven(built.model)
        take_statistics(built.model, built.args)
    for parameter in built.model.parameters():
        parameter.requires_grad_(False)
    return built
