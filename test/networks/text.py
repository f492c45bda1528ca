"""transformers' networks, from their configurations: text, and what else it has transformers for."""

from __future__ import annotations

from typing import Any

import torch

from networks.definition import Build, Network, Picked, Size, define_torchvision_operations

LAST = "last_hidden_state"


def _transformers() -> Any:
    define_torchvision_operations()
    import transformers

    return transformers


def _model(name: str, result: str = LAST, options: dict[str, Any] | None = None, **config: Any) -> Picked:
    """`nameModel` of a `nameConfig`, and the one result of it that is compared."""
    library = _transformers()
    made = getattr(library, f"{name}Config")(**config)
    # A pooler is not part of the result that is compared.
    pooler = {"add_pooling_layer": False} if name in ("Roberta", "Albert", "ViT") else {}
    return Picked(getattr(library, f"{name}Model")(made, **pooler), result, **(options or {}))


def _ids(vocabulary: int, batch: int, length: int) -> tuple[torch.Tensor, ...]:
    return (torch.randint(3, vocabulary, (batch, length)),)


class Masked(Picked):
    """A model whose second input is the mask of its tokens."""

    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        ids, mask = args
        return self.model(input_ids=ids, attention_mask=mask, **self.options)[self.result]


SMALL = {
    "vocab_size": 100,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 88,
    "max_position_embeddings": 40,
}


def _roberta(size: Size) -> Network:
    """Positions follow from what is padding: a running sum in the network. With a mask of padded sentences."""
    if size == "full":
        model, (ids,) = _model("Roberta", max_position_embeddings=514), _ids(50265, 2, 128)
    else:
        model, (ids,) = _model("Roberta", **SMALL), _ids(100, 2, 17)
    mask = torch.ones_like(ids)
    mask[1, -5:] = 0
    ids[1, -5:] = 1
    return Network(Masked(model.model, LAST), (ids, mask))


def _distilbert(size: Size) -> Network:
    if size == "full":
        return Network(_model("DistilBert"), _ids(30522, 1, 128))
    small = _model(
        "DistilBert", vocab_size=100, dim=48, n_layers=2, n_heads=4, hidden_dim=88, max_position_embeddings=40
    )
    return Network(small, _ids(100, 2, 17))


def _albert(size: Size) -> Network:
    """The same layer again and again."""
    if size == "full":
        base = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
        return Network(_model("Albert", **base), _ids(30000, 1, 128))
    return Network(_model("Albert", **SMALL, embedding_size=20), _ids(100, 2, 17))


def _electra(size: Size) -> Network:
    if size == "full":
        return Network(_model("Electra"), _ids(30522, 1, 128))
    return Network(_model("Electra", **SMALL, embedding_size=20), _ids(100, 2, 17))


def _gpt2(size: Size) -> Network:
    if size == "full":
        return Network(_model("GPT2", options={"use_cache": False}), _ids(50257, 1, 128))
    small = _model(
        "GPT2",
        options={"use_cache": False},
        vocab_size=100,
        n_embd=48,
        n_layer=2,
        n_head=4,
        n_positions=40,
    )
    return Network(small, _ids(100, 2, 17))


def _t5_encoder(size: Size) -> Network:
    """Positions are a bias on the attention, in buckets of distances."""
    library = _transformers()
    if size == "full":
        model = library.T5EncoderModel(library.T5Config())
        return Network(Picked(model, LAST), _ids(32128, 1, 128))
    config = library.T5Config(
        vocab_size=100,
        d_model=48,
        d_kv=12,
        d_ff=88,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
    )
    return Network(Picked(library.T5EncoderModel(config), LAST), _ids(100, 2, 17))


def _decoder(name: str, full: dict[str, Any], small: dict[str, Any] | None = None) -> Build:
    """RMS norm, rotary positions, gated layers, several heads of queries for one of keys (Llama and its kin)."""

    def build(size: Size) -> Network:
        options = {"use_cache": False}
        if size == "full":
            return Network(_model(name, options=options, **full), _ids(full["vocab_size"], 1, 128))
        config = {**SMALL, "num_key_value_heads": 2, "pad_token_id": 0, **(small or {})}
        return Network(_model(name, options=options, **config), _ids(100, 2, 17))

    return build


MEDIUM = {
    "vocab_size": 32000,
    "hidden_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "intermediate_size": 2816,
    "pad_token_id": 0,
}
"""The widths of a model of about a hundred million parameters: those with billions do not fit everywhere."""


def _hf_vit(size: Size) -> Network:
    if size == "full":
        return Network(_model("ViT"), (torch.randn(1, 3, 224, 224),))
    config = {k: v for k, v in SMALL.items() if k not in ("vocab_size", "max_position_embeddings")}
    return Network(_model("ViT", image_size=40, patch_size=8, **config), (torch.randn(2, 3, 40, 40),))


class Clip(torch.nn.Module):
    """How well texts fit pictures: both towers, and what they have in common."""

    def __init__(self, text: dict[str, Any], vision: dict[str, Any], width: int) -> None:
        super().__init__()
        library = _transformers()
        self.clip = library.CLIPModel(
            library.CLIPConfig(text_config=text, vision_config=vision, projection_dim=width)
        )

    def forward(self, ids: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
        return self.clip(input_ids=ids, pixel_values=pixels).logits_per_text


def _clip(size: Size) -> Network:
    if size == "full":
        return Network(Clip({}, {}, 512), (*_ids(49406, 2, 77), torch.randn(2, 3, 224, 224)))
    text = {**SMALL, "eos_token_id": 2}
    vision = {**SMALL, "image_size": 40, "patch_size": 8}
    return Network(Clip(text, vision, 24), (*_ids(100, 3, 13), torch.randn(2, 3, 40, 40)))


def _whisper_encoder(size: Size) -> Network:
    """Spectra of sound: convolutions along time, then a transformer."""
    library = _transformers()
    if size == "full":
        config = library.WhisperConfig()
        frames = 3000
    else:
        config = library.WhisperConfig(
            d_model=48,
            encoder_layers=2,
            encoder_attention_heads=4,
            encoder_ffn_dim=88,
            num_mel_bins=20,
            max_source_positions=25,
        )
        frames = 50
    model = library.WhisperModel(config).encoder
    return Network(Picked(model, LAST), (torch.randn(1, config.num_mel_bins, frames),))


def _wav2vec2(size: Size) -> Network:
    """Sound itself: seven convolutions along time, positions by a grouped convolution with normalised weights."""
    if size == "full":
        return Network(_model("Wav2Vec2"), (torch.randn(1, 16000),))
    config = {k: v for k, v in SMALL.items() if k not in ("vocab_size", "max_position_embeddings")}
    small = _model(
        "Wav2Vec2",
        conv_dim=(18, 18, 18),
        conv_stride=(5, 2, 2),
        conv_kernel=(10, 3, 2),
        num_conv_pos_embeddings=6,
        num_conv_pos_embedding_groups=4,
        **config,
    )
    return Network(small, (torch.randn(2, 430),))


TEXTS: dict[str, Build] = {
    "roberta": _roberta,
    "distilbert": _distilbert,
    "albert": _albert,
    "electra": _electra,
    "gpt2": _gpt2,
    "t5_encoder": _t5_encoder,
    "llama": _decoder("Llama", MEDIUM),
    "mistral": _decoder("Mistral", {**MEDIUM, "sliding_window": 64}, {"sliding_window": 7}),
    "qwen2": _decoder("Qwen2", MEDIUM),
    "gemma": _decoder("Gemma", {**MEDIUM, "head_dim": 128}, {"head_dim": 10}),
    "hf_vit": _hf_vit,
    "clip": _clip,
    "whisper_encoder": _whisper_encoder,
    "wav2vec2": _wav2vec2,
}
