"""What is timed: the table of networks, each at full size and small, with its inputs.

A row is called by a name of the table, `torchvision:NAME` or `transformers:NAME` for what `bench.draw` draws from, or
`PACKAGE.MODULE:NAME` for a module, or a function that makes one, with the shapes of its inputs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.candidates import ROOT

sys.path.insert(0, str(ROOT / "test"))

if TYPE_CHECKING:
    import torch
    from networks import Network

PEERS = ("eager", "inductor", "inductor_frozen", "onnxruntime", "openvino")
"""What every network is run with beside dlp."""
IMAGE_PEERS = (*PEERS, "channels_last")


@dataclass(frozen=True)
class Row:
    """A network of the table.

    Attributes:
        title: for people.
        small: its small version, as the tests call it; empty if there is none.
        full: makes it, alive or not.
        batch: how many inputs at once; 0 leaves those that it is made with.
        peers: that run it by default.
    """

    title: str
    small: str
    full: Callable[[], Network] | None = None
    batch: int = 0
    peers: tuple[str, ...] = PEERS


def _published(name: str, side: int = 224, **options: Any) -> Network:
    """A classifier of torchvision."""
    from networks.definition import Network, define_torchvision_operations, images

    define_torchvision_operations()
    import torchvision.models

    return Network(getattr(torchvision.models, name)(weights=None, **options), images(1, side))


def _gpt2() -> Network:
    """All logits of GPT-2 small for 128 tokens at once."""
    import torch
    from networks.definition import Network, Picked, define_torchvision_operations

    define_torchvision_operations()
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(use_cache=False))
    return Network(Picked(model, "logits", use_cache=False), (torch.randint(0, 50257, (1, 128)),))


def _image(title: str, name: str, small: str, batch: int = 1, *more: str, **options: Any) -> Row:
    named = f"{title}, batch {batch}" if batch > 1 else title
    return Row(named, small, partial(_published, name, **options), batch, (*IMAGE_PEERS, *more))


ROWS: dict[str, Row] = {
    "resnet18": _image("ResNet-18", "resnet18", "resnet18"),
    "resnet18_16": _image("ResNet-18", "resnet18", "resnet18", 16),
    "resnet50": _image("ResNet-50", "resnet50", "resnet50"),
    "resnet50_16": _image("ResNet-50", "resnet50", "resnet50", 16),
    "vgg16": _image("VGG-16", "vgg16", "vgg", 1, "ncnn"),
    "mobilenet_v2": _image("MobileNetV2", "mobilenet_v2", "mobilenet_v2", 1, "executorch"),
    "mobilenet_v2_16": _image("MobileNetV2", "mobilenet_v2", "mobilenet_v2", 16, "executorch"),
    "efficientnet_b0": _image("EfficientNet-B0", "efficientnet_b0", "efficientnet"),
    "densenet121": _image("DenseNet-121", "densenet121", "densenet"),
    "squeezenet1_1": _image("SqueezeNet 1.1", "squeezenet1_1", "squeezenet1_1"),
    "squeezenet1_1_16": _image("SqueezeNet 1.1", "squeezenet1_1", "squeezenet1_1", 16),
    "inception_v3": _image(
        "Inception-v3", "inception_v3", "inception_v3", side=299, aux_logits=False, init_weights=False
    ),
    "alexnet_16": _image("AlexNet", "alexnet", "alexnet", 16),
    "convnext_tiny": _image("ConvNeXt-Tiny", "convnext_tiny", "convnext"),
    "vit_b_16": _image("ViT-B/16", "vit_b_16", "vit"),
    "bert": Row("BERT-base, 128 tokens", "bert"),
    "gpt2": Row("GPT-2 small, 128 tokens", "gpt2", _gpt2),
    "lstm": Row("LSTM 2x512, 64 steps, batch 16", "lstm"),
    "mlp": Row("MLP 784-2048-2048-10, batch 64", "mlp"),
    "digits_cnn": Row("digits CNN, batch 64", "digits_cnn", peers=IMAGE_PEERS),
}
"""Name -> network."""


def row(name: str) -> Row:
    """Of any name that `build` knows.

    Raises:
        KeyError: there is none.
    """
    from bench.micro import MICRO

    if name in ROWS:
        return ROWS[name]
    if name in MICRO:
        made = MICRO[name]
        return Row(made.title, "", peers=made.peers)
    if ":" in name:
        return Row(name.partition(":")[2], "", peers=IMAGE_PEERS)
    raise KeyError(name)


def build(name: str, size: str, seed: int, shapes: Sequence[str] = ()) -> Network:
    """The network of a row, alive, in eval mode, without gradients of its weights; the same in every process.

    Args:
        name: of the row.
        size: "full" or "small".
        seed: of weights and inputs.
        shapes: `[DTYPE:]SHAPE` of each input, for a network from elsewhere.
    """
    import torch
    from networks import enliven, network, take_statistics

    found = row(name)
    if found.small and (size == "small" or found.full is None):
        built = network(found.small, size, seed=seed)  # type: ignore[arg-type]
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            built = found.full() if found.full is not None else _elsewhere(name, size, shapes)
            enliven(built.model)
            take_statistics(built.model, built.args)
        for parameter in built.model.parameters():
            parameter.requires_grad_(False)
    return built if found.batch < 2 else _with_batch(built, found.batch if size == "full" else 3, seed)


def _with_batch(built: Network, batch: int, seed: int) -> Network:
    import torch
    from networks.definition import Network
    from networks.initialisation import pictures

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        return Network(built.model, tuple(pictures(batch, *a.shape[1:]) for a in built.args))


def _elsewhere(name: str, size: str, shapes: Sequence[str]) -> Network:
    from networks.definition import Network

    from bench.draw import transformer
    from bench.micro import MICRO

    if name in MICRO:
        return MICRO[name].build(size)
    source, _, own = name.partition(":")
    match source:
        case "torchvision":
            return _published(own)
        case "transformers":
            return transformer(own)
        case _:
            from dlp.commands.profile import imported, random_input

            return Network(imported(name).eval(), _tensors(shapes, random_input))


def _tensors(shapes: Sequence[str], make: Callable[[str], torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return tuple(make(text) for text in shapes)
