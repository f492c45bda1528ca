"""Small networks that the compiler once got wrong, as `scripts/fuzz.py` shrank them: eager, interpreter and C."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from dlp.testing.random_networks import RandomNetwork, find_failure

pytestmark = pytest.mark.requires_tool("gcc")

_WEIGHT = torch.randn(4, 3, 2)
_OF_TWO_GROUPS = torch.randn(2, 5, 4, 2)
"""Known when the network is prepared."""

CASES: dict[str, tuple[Callable[..., object], tuple[torch.Tensor, ...]]] = {
    # A window reads single elements of a row that was made as one vector.
    "window over a row in registers": (
        lambda x, w, b: (torch.conv1d(F.softmax(x, -1), w, b, [2], [0], [1], 1),),
        (torch.randn(1, 1, 2), torch.randn(1, 1, 2), torch.randn(1)),
    ),
    # Cropped to nothing, then padded.
    "padding around nothing": (
        lambda x: (F.pad(x, [2, 2, 2, -1, 0, 2], "constant", 1),),
        (torch.tensor([[[True]]]),),
    ),
    # An average of other elements is none of an infinite one.
    "infinities beside windows": (
        lambda x: (F.adaptive_avg_pool2d(x, [2, 3]), F.adaptive_avg_pool2d(x, [3, 1])),
        (torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, float("-inf")], [float("nan"), 6.0]]]),),
    ),
    # The address does not depend on the index: a variable that nothing uses.
    "indices into what is repeated": (
        lambda x, i: (torch.gather(x.expand(2, 1, 1), 0, i),),
        (torch.tensor([[True]]), torch.tensor([[[1]], [[1]]])),
    ),
    # Two groups of three channels: what a vector over both would read is as long as the vector, by chance.
    "groups beside each other": (
        lambda x: (torch.conv1d(x, _WEIGHT, None, [2], [1], [2], 2),),
        (torch.randn(3, 6, 2),),
    ),
    # Tiles of as many columns as four vectors end within a group.
    "groups of one channel and many results": (
        lambda x: (torch.conv2d(x, torch.ones(40, 1, 2, 2), None, 2, 1, 1, 2),),
        (torch.randn(1, 2, 1, 2),),
    ),
    # The first vector lies within a group, the second across the border of two.
    "a vector over two groups behind one within": (
        lambda x: (torch.conv_transpose2d(x, _OF_TWO_GROUPS, None, [1, 2], [2, 1], [0, 0], 2),),
        (torch.randn(1, 2, 2, 2),),
    ),
    # Zero times infinity, and infinity minus infinity: only where the framework has them as well.
    "infinities between pixels": (
        lambda x: (
            F.interpolate(x, [4], mode="linear", align_corners=True),
            F.interpolate(x, scale_factor=2, mode="linear", align_corners=False),
            F.interpolate(x.unsqueeze(2), [2, 7], mode="bilinear", align_corners=False),
        ),
        (torch.tensor([[[1.0, 2.0, float("inf"), 4.0]], [[float("-inf"), 1.0, 2.0, 3.0]]]),),
    ),
    # The framework's decomposition copies the result into the first operand's order.
    "between two that lie differently in memory": (
        lambda x, y: (torch.lerp(x, y, 0.25), torch.lerp(y, x, 0.75)),
        (torch.randn(3, 4, 5).transpose(0, 2), torch.randn(5, 4, 3)),
    ),
    # Tiles of the result are no tiles of what has gaps between its rows.
    "other dimensions for a part of a result": (
        lambda x: (torch.cat([x + 1, x], 1), (x + 1).reshape(4, 9).flip(0), (x + 1).reshape(36).flip(0)),
        (torch.randn(6, 6),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_right_now(name: str) -> None:
    function, inputs = CASES[name]
    graph = torch.fx.symbolic_trace(function)
    failure = find_failure(RandomNetwork(graph, inputs))
    assert failure is None, failure
