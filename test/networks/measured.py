"""The networks that dlp's speed and memory are measured by."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from networks.definition import Build, Network, Size, define_torchvision_operations, images


class Mlp(nn.Module):
    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class DigitsCnn(nn.Module):
    """For 8 x 8 digits (scikit-learn's)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Linear(2 * width * 16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).flatten(1))


class Lstm(nn.Module):
    def __init__(self, features: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(features, hidden, layers, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x)[0]


class Bert(nn.Module):
    """The last hidden state of transformers' BERT."""

    def __init__(self, **config: int) -> None:
        super().__init__()
        define_torchvision_operations()
        from transformers import BertConfig, BertModel

        self.bert = BertModel(BertConfig(attn_implementation="sdpa", **config), add_pooling_layer=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.bert(input_ids=ids).last_hidden_state


def _torchvision(name: str) -> nn.Module:
    define_torchvision_operations()
    import torchvision.models

    return getattr(torchvision.models, name)(weights=None)


def _resnet18(size: Size) -> Network:
    return Network(_torchvision("resnet18"), images(1, 224 if size == "full" else 40))


def _mobilenet_v2(size: Size) -> Network:
    return Network(_torchvision("mobilenet_v2"), images(1, 224 if size == "full" else 40))


def _bert(size: Size) -> Network:
    if size == "full":
        return Network(Bert(), (torch.randint(0, 30522, (1, 128)),))
    small = Bert(
        vocab_size=100,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=32,
    )
    return Network(small, (torch.randint(0, 100, (2, 17)),))


def _digits_cnn(size: Size) -> Network:
    return Network(DigitsCnn(32 if size == "full" else 5), images(64 if size == "full" else 3, 8, 1))


def _mlp(size: Size) -> Network:
    if size == "full":
        return Network(Mlp((784, 2048, 2048, 10)), (torch.randn(64, 784),))
    return Network(Mlp((33, 65, 47, 10)), (torch.randn(5, 33),))


def _lstm(size: Size) -> Network:
    if size == "full":
        return Network(Lstm(512, 512, 2), (torch.randn(16, 64, 512),))
    return Network(Lstm(19, 24, 2), (torch.randn(3, 5, 19),))


MEASURED: dict[str, Build] = {
    "resnet18": _resnet18,
    "mobilenet_v2": _mobilenet_v2,
    "bert": _bert,
    "digits_cnn": _digits_cnn,
    "mlp": _mlp,
    "lstm": _lstm,
}
