"""Single layers that live from memory: what a copy costs is their measure, or what eager makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from networks import Network

_PEERS = ("eager", "inductor")


class Chain(nn.Module):
    """Thirteen element-wise operations, one after the other."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = (x * 1.5 + 0.25).relu() - 0.5
        y = (y * x).abs() + 1.0
        y = torch.maximum(y, x) * 0.75
        y = (y - x).clamp(-3.0, 3.0)
        return (y + 0.125) * y


class Softmax(nn.Module):
    """Over the last dimension."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, dim=-1)


class Attention(nn.Module):
    """Of heads whose queries, keys and values are three thirds of the input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = x.unbind(0)
        return nn.functional.scaled_dot_product_attention(q, k, v)


@dataclass(frozen=True)
class Micro:
    """A layer and the shape of its input, at full size and small."""

    title: str
    make: Callable[[], nn.Module]
    full: tuple[int, ...]
    small: tuple[int, ...]
    peers: tuple[str, ...] = _PEERS

    def build(self, size: str) -> Network:
        """The layer with its input."""
        from networks.definition import Network

        return Network(self.make().eval(), (torch.randn(self.full if size == "full" else self.small),))


MICRO: dict[str, Micro] = {
    "chain": Micro("13 element-wise operations on 64 MB", Chain, (16 << 20,), (1 << 10,), ("copy", *_PEERS)),
    "softmax": Micro("softmax, 12 x 512 rows of 512", Softmax, (12, 512, 512), (2, 5, 33)),
    "layer_norm": Micro("layer norm, 4096 rows of 768", lambda: nn.LayerNorm(768), (4096, 768), (5, 768)),
    "attention": Micro(
        "attention, 12 heads of 64, 512 tokens", Attention, (3, 1, 12, 512, 64), (3, 1, 2, 9, 8)
    ),
}
"""Name -> layer."""
