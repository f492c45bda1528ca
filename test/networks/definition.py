"""What a network of the tests is, and what several families need to build theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import nn

Size = Literal["full", "small"]
Args = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Network:
    """A module whose result is one tensor, and its inputs."""

    model: nn.Module
    args: Args


Build: TypeAlias = Callable[[Size], Network]
"""Full is the network as published; small has every kind of layer of it, few layers and small inputs."""


def images(batch: int, size: int, channels: int = 3) -> Args:
    return (torch.randn(batch, channels, size, size),)


class Picked(nn.Module):
    """One of the results of a model, by its name."""

    def __init__(self, model: nn.Module, result: str, **options: Any) -> None:
        super().__init__()
        self.model = model
        self.result = result
        self.options = options

    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        return self.model(*args, **self.options)[self.result]


def define_torchvision_operations() -> None:
    """torchvision's Python code names operations that its library for another device would have to bring."""
    if hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARIES.append(library)


_LIBRARIES: list[torch.library.Library] = []
