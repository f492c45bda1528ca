"""Recurrent layers as one operation each in captured graphs, for whatever batch and number of steps.

The framework's tracing unrolls them, step by step: a graph for one length, as long as the sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

_OPTIONS = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, "
    "bool batch_first"
)
_SCHEMAS = {
    "lstm": f"(Tensor input, Tensor[] hx, {_OPTIONS}) -> (Tensor, Tensor, Tensor)",
    "gru": f"(Tensor input, Tensor hx, {_OPTIONS}) -> (Tensor, Tensor)",
    "rnn_tanh": f"(Tensor input, Tensor hx, {_OPTIONS}) -> (Tensor, Tensor)",
    "rnn_relu": f"(Tensor input, Tensor hx, {_OPTIONS}) -> (Tensor, Tensor)",
}
"""Of the operations `dlp::lstm` and so on, which are `aten::lstm.input` and so on for tracing."""

_Kernel = Callable[..., Any]


def _choosing(whole: _Kernel, unrolled: _Kernel) -> _Kernel:
    """The layer as one operation, but with projections or dropout."""

    def kernel(
        x: torch.Tensor,
        states: Any,
        weights: Sequence[torch.Tensor],
        has_biases: bool,
        layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> Any:
        plain = len(weights) == (4 if has_biases else 2) * layers * (2 if bidirectional else 1)
        chosen = whole if plain and not (train and dropout) else unrolled
        return chosen(x, states, weights, has_biases, layers, dropout, train, bidirectional, batch_first)

    return kernel


def _define(library: torch.library.Library, name: str, schema: str) -> _Kernel:
    """An operation that computes what the framework's does, and has no decomposition."""

    def shapes(x: torch.Tensor, states: Any, weights: Sequence[torch.Tensor], *options: Any) -> Any:
        bidirectional, batch_first = options[-2:]
        first_states = [states] if isinstance(states, torch.Tensor) else states
        steps, batch = (x.shape[1], x.shape[0]) if batch_first else x.shape[:2]
        y = x.new_empty((steps, batch, first_states[0].shape[2] * (2 if bidirectional else 1)))
        return (y.transpose(0, 1) if batch_first else y), *map(torch.empty_like, first_states)

    library.define(name + schema)
    library.impl(name, getattr(torch, name), "CompositeExplicitAutograd")
    torch.library.register_fake(f"dlp::{name}", shapes, lib=library)
    # That results need gradients shows while a graph is captured; what computes them is the framework's own layer.
    torch.library.register_autograd(f"dlp::{name}", _no_gradients, lib=library)
    return getattr(torch.ops.dlp, name).default


def _no_gradients(context: Any, *gradients: torch.Tensor) -> None:
    raise NotImplementedError("dlp's recurrent layers stand in captured graphs only")


_LIBRARY = torch.library.Library("dlp", "FRAGMENT")

RECURRENT_LAYERS = {
    getattr(torch.ops.aten, name).input: partial(_choosing, _define(_LIBRARY, name, schema))
    for name, schema in _SCHEMAS.items()
}
"""What takes the place of the framework's unrolling, as far as dlp has loops for them: a function of that."""
