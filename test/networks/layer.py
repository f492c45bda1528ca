"""Networks of torch's own layers: recurrent ones, mixers, attention, sound, graphs."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import torch
from torch import nn

from networks.definition import Build, Network, Size, images


class Recurrent(nn.Module):
    """A recurrent layer and a head on what it says at every step and on where it ends."""

    def __init__(self, kind: str, features: int, hidden: int, **options: Any) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(features, hidden, batch_first=True, **options)
        width = hidden * (2 if self.rnn.bidirectional else 1)
        self.head = nn.Linear(width, 10)
        self.end = nn.Linear(hidden, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps, state = self.rnn(x)
        last = state[0] if isinstance(state, tuple) else state
        return self.head(steps) + self.end(last.mean(0))[:, None]


def _recurrent(size: Size, kind: str, **options: Any) -> Network:
    if size == "full":
        return Network(Recurrent(kind, 256, 256, **options), (torch.randn(16, 64, 256),))
    return Network(Recurrent(kind, 13, 18, **options), (torch.randn(3, 5, 13),))


class Mixer(nn.Module):
    """Layers along the patches and along the channels in turn (Tolstikhin et al., arXiv:2105.01601)."""

    def __init__(self, side: int, patch: int, width: int, tokens: int, channels: int, depth: int) -> None:
        super().__init__()
        patches = (side // patch) ** 2
        self.stem = nn.Conv2d(3, width, patch, stride=patch)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * depth))
        self.along_tokens = nn.ModuleList(self._mlp(patches, tokens) for _ in range(depth))
        self.along_channels = nn.ModuleList(self._mlp(width, channels) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    @staticmethod
    def _mlp(width: int, hidden: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        for i, (tokens, channels) in enumerate(zip(self.along_tokens, self.along_channels, strict=True)):
            x = x + tokens(self.norms[2 * i](x).transpose(1, 2)).transpose(1, 2)
            x = x + channels(self.norms[2 * i + 1](x))
        return self.head(self.norm(x).mean(1))


def _mixer(size: Size) -> Network:
    if size == "full":
        return Network(Mixer(224, 16, 768, 384, 3072, 12), images(1, 224))
    return Network(Mixer(20, 5, 26, 19, 41, 2), images(2, 20))


class Encoder(nn.Module):
    """nn.TransformerEncoder on embedded tokens, which may look back only."""

    def __init__(self, width: int, heads: int, hidden: int, depth: int, *, norm_first: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(1000, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, hidden, batch_first=True, norm_first=norm_first, activation="gelu"
        )
        self.layers = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        return self.layers(self.embed(tokens), mask=mask, is_causal=True)


def _encoder(size: Size, *, norm_first: bool) -> Network:
    if size == "full":
        model = Encoder(512, 8, 2048, 6, norm_first=norm_first)
        return Network(model, (torch.randint(0, 1000, (4, 128)),))
    model = Encoder(24, 3, 50, 2, norm_first=norm_first)
    return Network(model, (torch.randint(0, 1000, (2, 11)),))


class Translator(nn.Module):
    """nn.Transformer: an encoder, and a decoder that looks at it."""

    def __init__(self, width: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(1000, width), nn.Embedding(1000, width)
        self.transformer = nn.Transformer(width, heads, depth, depth, hidden, batch_first=True)
        self.head = nn.Linear(width, 100)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        y = self.transformer(self.source(source), self.target(target), tgt_mask=mask, tgt_is_causal=True)
        return self.head(y).log_softmax(-1)


def _translator(size: Size) -> Network:
    if size == "full":
        model, lengths = Translator(512, 8, 2048, 6), ((2, 128), (2, 100))
    else:
        model, lengths = Translator(24, 3, 50, 2), ((2, 11), (2, 7))
    source, target = (torch.randint(0, 1000, shape) for shape in lengths)
    return Network(model, (source, target))


class WaveNet(nn.Module):
    """Causal convolutions with growing gaps, gated (van den Oord et al., arXiv:1609.03499)."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, width, 2)
        self.filters = nn.ModuleList(nn.Conv1d(width, width, 2, dilation=1 << i) for i in range(depth))
        self.gates = nn.ModuleList(nn.Conv1d(width, width, 2, dilation=1 << i) for i in range(depth))
        self.mix = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(depth))
        self.skip = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(depth))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU(), nn.Conv1d(width, 32, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad = nn.functional.pad
        x = self.first(pad(x, (1, 0)))
        skipped = torch.zeros_like(x)
        for i, (kept, gate) in enumerate(zip(self.filters, self.gates, strict=True)):
            before = pad(x, (1 << i, 0))
            y = torch.tanh(kept(before)) * torch.sigmoid(gate(before))
            x = x + self.mix[i](y)
            skipped = skipped + self.skip[i](y)
        return self.head(skipped + x).softmax(1)


def _wavenet(size: Size) -> Network:
    if size == "full":
        return Network(WaveNet(64, 10), (torch.randn(1, 1, 4000),))
    return Network(WaveNet(9, 3), (torch.randn(2, 1, 41),))


class SoundNet(nn.Module):
    """Convolutions, group norms and pooling along time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(1, width, 9, stride=4),
            nn.GroupNorm(3, width),
            nn.Mish(),
            nn.MaxPool1d(3, stride=2),
            nn.Conv1d(width, 2 * width, 3, groups=width, padding="same"),
            nn.BatchNorm1d(2 * width),
            nn.Hardswish(),
            nn.AvgPool1d(2),
            nn.Conv1d(2 * width, width, 1),
            nn.Softplus(),
            nn.AdaptiveAvgPool1d(4),
            nn.Flatten(),
            nn.Linear(4 * width, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def _sound_net(size: Size) -> Network:
    if size == "full":
        return Network(SoundNet(48), (torch.randn(8, 1, 16000),))
    return Network(SoundNet(9), (torch.randn(2, 1, 150),))


class GraphNet(nn.Module):
    """Messages along edges, summed where they arrive (GIN, Xu et al., arXiv:1810.00826), and attention among them."""

    def __init__(self, features: int, hidden: int, depth: int) -> None:
        super().__init__()
        widths = [features, *[hidden] * depth]
        self.messages = nn.ModuleList(nn.Linear(2 * a, b) for a, b in itertools.pairwise(widths))
        self.weights = nn.ModuleList(nn.Linear(b, 1) for b in widths[1:])
        self.own = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.head = nn.Linear(hidden, 10)

    def forward(self, nodes: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        source, target = edges
        count = nodes.shape[0]
        for message, weight, own in zip(self.messages, self.weights, self.own, strict=True):
            sent = torch.relu(message(torch.cat([nodes[source], nodes.index_select(0, target)], 1)))
            score = torch.exp(torch.tanh(weight(sent)))
            total = torch.zeros(count, 1).index_add(0, target, score)
            share = score / total[target]
            arrived = torch.zeros(count, sent.shape[1])
            arrived = arrived.scatter_add(0, target[:, None].expand_as(sent), share * sent)
            nodes = torch.relu(own(nodes) + arrived)
        return self.head(nodes)


def _graph_net(size: Size) -> Network:
    nodes, edges, features, hidden = (2000, 10000, 128, 128) if size == "full" else (11, 30, 7, 13)
    model = GraphNet(features, hidden, 3 if size == "full" else 2)
    return Network(model, (torch.randn(nodes, features), torch.randint(0, nodes, (2, edges))))


LAYERS: dict[str, Build] = {
    "bidirectional_lstm": partial(_recurrent, kind="LSTM", num_layers=2, bidirectional=True),
    "gru": partial(_recurrent, kind="GRU", num_layers=2),
    "bidirectional_gru": partial(_recurrent, kind="GRU", bidirectional=True),
    "rnn": partial(_recurrent, kind="RNN"),
    "mixer": _mixer,
    "encoder": partial(_encoder, norm_first=False),
    "encoder_norm_first": partial(_encoder, norm_first=True),
    "translator": _translator,
    "wavenet": _wavenet,
    "sound_net": _sound_net,
    "graph_net": _graph_net,
}
