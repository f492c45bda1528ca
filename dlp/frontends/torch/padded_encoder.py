"""What `torch.nn.TransformerEncoder` gives for padded positions while it is captured: what it gives in eager mode.

In eager mode the encoder leaves the padding out, as nested tensors, and puts zeros in its place. While it is captured
it keeps the padding, and what it computes for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_forward = nn.TransformerEncoder.forward


@contextmanager
def zeros_for_padding() -> Iterator[None]:
    """Within it encoders are captured as eager mode computes them."""
    nn.TransformerEncoder.forward = _captured_forward
    try:
        yield
    finally:
        nn.TransformerEncoder.forward = _forward


def _captured_forward(
    self: Any,
    src: Tensor,
    mask: Tensor | None = None,
    src_key_padding_mask: Tensor | None = None,
    is_causal: bool | None = None,
) -> Tensor:
    if not torch.compiler.is_compiling() or not _leaves_out_padding(self, src, mask, src_key_padding_mask):
        return _forward(self, src, mask, src_key_padding_mask, is_causal)
    assert src_key_padding_mask is not None
    output = src
    for layer in self.layers:
        output = layer(output, src_key_padding_mask=src_key_padding_mask)
    padded = src_key_padding_mask if src_key_padding_mask.dtype == torch.bool else src_key_padding_mask != 0
    # Only where all padding is behind: else eager mode keeps it too.
    behind = torch.logical_or(padded[:, 1:], padded[:, :-1].logical_not()).all()
    output = output.masked_fill(torch.logical_and(padded, behind).unsqueeze(-1), 0.0)
    return output if self.norm is None else self.norm(output)


def _leaves_out_padding(encoder: Any, src: Tensor, mask: Tensor | None, padding: Tensor | None) -> bool:
    """The encoder's own conditions."""
    first = encoder.layers[0]
    return (
        padding is not None
        and mask is None
        and src.dim() == 3
        and torch.backends.mha.get_fastpath_enabled()
        and getattr(encoder, "use_nested_tensor", False)
        and getattr(encoder, "mask_check", True)
        and not first.training
        and not (
            torch.is_grad_enabled()
            and (src.requires_grad or any(p.requires_grad for p in first.parameters()))
        )
    )
