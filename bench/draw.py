"""Networks outside the table, drawn at random: what was not looked at while the compiler was written.

The population is every classifier of torchvision and a list of transformers' architectures, of moderate size. Where
an architecture's own configuration is far larger than its kin, or needs data that nobody has here, the list says
with which one it is made.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from bench.rows import ROWS

if TYPE_CHECKING:
    from networks import Network

MOST_PARAMETERS = 120_000_000

_DECODER = {
    "vocab_size": 32000,
    "hidden_size": 768,
    "num_hidden_layers": 8,
    "num_attention_heads": 12,
    "num_key_value_heads": 4,
    "intermediate_size": 2048,
    "pad_token_id": 0,
}
_WIDE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}

TRANSFORMERS: dict[str, dict[str, Any]] = {
    # Texts, forwards and backwards.
    "Albert": {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
    "Camembert": {},
    "ConvBert": {},
    "Deberta": {},
    "DebertaV2": _WIDE,
    "DistilBert": {},
    "Electra": {},
    "Ernie": {},
    "FNet": {},
    "LayoutLM": {},
    "MPNet": {},
    "ModernBert": {},
    "Nystromformer": {},
    "RoFormer": {},
    "Roberta": {},
    "SqueezeBert": {},
    "XLMRoberta": {},
    # Texts, forwards.
    "Bloom": {"hidden_size": 768, "n_layer": 8, "n_head": 12, "vocab_size": 32000},
    "Gemma": {**_DECODER, "head_dim": 64},
    "GPTNeo": {
        "hidden_size": 768,
        "num_layers": 8,
        "num_heads": 12,
        "attention_types": [[["global", "local"], 4]],
    },
    "GPTNeoX": _WIDE,
    "Granite": _DECODER,
    "Llama": _DECODER,
    "Mistral": _DECODER,
    "OPT": {},
    "Olmo": _DECODER,
    "Phi": _DECODER,
    "Qwen2": _DECODER,
    "Qwen3": {**_DECODER, "head_dim": 64},
    "StableLm": _DECODER,
    # Images.
    "Beit": {},
    "Bit": {},
    "ConvNext": {},
    "ConvNextV2": {},
    "DeiT": {},
    "Dinov2": {},
    "FocalNet": {},
    "Hiera": {},
    "Levit": {},
    "MobileNetV1": {},
    "MobileViT": {},
    "MobileViTV2": {},
    "PoolFormer": {},
    "PvtV2": {},
    "ResNet": {},
    "Segformer": {},
    "SwiftFormer": {},
    "Swin": {},
    "Swinv2": {},
    "ViT": {},
    # Sound.
    "ASTModel": {},
    "Hubert": {},
    "WavLM": {},
    "Wav2Vec2": {},
}
"""Architecture -> options of its configuration."""

_TEXT_LENGTH = 128
_RESULTS = ("last_hidden_state", "logits", "pooler_output")


def population() -> list[str]:
    """All names that a draw is from, in a fixed order."""
    from networks.definition import define_torchvision_operations

    define_torchvision_operations()
    import torchvision.models as models

    names: list[str] = []
    for name in models.list_models(module=models):
        published = models.get_model_weights(name).DEFAULT  # type: ignore[attr-defined]
        if not _in_table(name) and published.meta["num_params"] <= MOST_PARAMETERS:
            names.append(f"torchvision:{name}")
    return sorted(names) + sorted(f"transformers:{name}" for name in TRANSFORMERS)


def draw(seed: int, count: int = 5) -> list[str]:
    """Names of so many networks, all different; the same ones for the same seed and versions."""
    return random.Random(seed).sample(population(), count)


def _in_table(name: str) -> bool:
    return name in ROWS or f"{name}_16" in ROWS


def transformer(name: str) -> Network:
    """An architecture of the list, with what it takes: 128 tokens, an image, or a second of sound."""
    import torch
    from networks.definition import Network, Picked, define_torchvision_operations

    define_torchvision_operations()
    import transformers

    base = name.removesuffix("Model")
    config = getattr(transformers, f"{base}Config")(**TRANSFORMERS[name])
    config.use_cache = False
    model = getattr(transformers, f"{base}Model")(config).eval()
    match model.main_input_name:
        case "input_ids":
            least = min(1000, config.vocab_size)
            args = (torch.randint(3, least, (1, _TEXT_LENGTH)),)
        case "pixel_values":
            side = getattr(config, "image_size", 224)
            side = side if isinstance(side, int) else side[0]
            args = (torch.randn(1, config.num_channels, side, side),)
        case _ if base == "AST":
            args = (torch.randn(1, config.max_length, config.num_mel_bins),)
        case _:
            args = (torch.randn(1, 16000),)
    with torch.no_grad():
        found = model(*args)
    result = next(key for key in _RESULTS if found.get(key) is not None)
    return Network(Picked(model, result), args)
