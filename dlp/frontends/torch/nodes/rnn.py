"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from dlp.dialects.dlp.contraction import MatmulOp
from dlp.dialects.dlp.elementwise import AddOp, MulOp, SigmoidOp, TanhOp
from dlp.dialects.dlp.view import ConcatOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.view import slice_of
from dlp.frontends.torch.registry import imports

_LSTM_MODE = 2
"""`mode` of `mkldnn_rnn_layer`, as the framework numbers its recurrent networks."""

PRODUCT_ROWS = 128
"""Rows of a product with the inputs: as many steps go together as give so many."""


def lstm_layer(
    g: Emitter,
    x: SSAValue,
    h: SSAValue,
    c: SSAValue,
    weight_input: SSAValue,
    weight_hidden: SSAValue,
    biases: Sequence[SSAValue],
    *,
    reverse: bool,
) -> tuple[SSAValue, SSAValue, SSAValue]:
    """One direction of one layer (Hochreiter and Schmidhuber 1997; gates in the order input, forget, cell, output).

    Args:
        x: [steps, batch, features].
        h, c: [batch, hidden], the first state.
        weight_input, weight_hidden: [4 * hidden, features] and [4 * hidden, hidden].
        biases: of [4 * hidden]; none, or the two of the framework.
        reverse: from the last step to the first.

    Returns:
        The outputs [steps, batch, hidden], and the last h and c.
    """
    steps, batch, features = g.shape_of(x)
    hidden = g.shape_of(h)[1]
    recurrent, from_input = g.transpose(weight_hidden, (1, 0)), g.transpose(weight_input, (1, 0))
    # The products with the inputs depend on no state: those of several steps are one, of rows enough to be efficient.
    # All steps in one would need memory for all their gates at once.
    together = -(-PRODUCT_ROWS // batch) if batch else steps
    outputs: list[SSAValue] = []
    inputs: dict[int, SSAValue] = {}
    for step in reversed(range(steps)) if reverse else range(steps):
        first = step - step % together
        count = min(together, steps - first)
        if first not in inputs:
            product = g(
                MatmulOp, g.reshape(slice_of(g, x, 0, first, count), (count * batch, features)), from_input
            )
            for bias in biases:
                product = g(AddOp, product, bias)
            inputs[first] = g.reshape(product, (count, batch, 4 * hidden))
        given = g.reshape(slice_of(g, inputs[first], 0, step - first, 1), (batch, 4 * hidden))
        gates = g(AddOp, g(MatmulOp, h, recurrent), given)
        i, f, cell, o = (slice_of(g, gates, 1, k * hidden, hidden) for k in range(4))
        kept, new = g(MulOp, g(SigmoidOp, f), c), g(MulOp, g(SigmoidOp, i), g(TanhOp, cell))
        c = g(AddOp, kept, new)
        h = g(MulOp, g(SigmoidOp, o), g(TanhOp, c))
        outputs.append(g.reshape(h, (1, batch, hidden)))
    if reverse:
        outputs.reverse()
    y = outputs[0] if steps == 1 else g(ConcatOp, *outputs, dimension=0)
    return y, h, c


@imports("aten.mkldnn_rnn_layer.default")
def mkldnn_layer(
    g: Emitter,
    x: SSAValue,
    weight_input: SSAValue,
    weight_hidden: SSAValue,
    bias_input: SSAValue,
    bias_hidden: SSAValue,
    h: SSAValue,
    c: SSAValue,
    reverse: bool,
    batch_sizes: Sequence[int],
    mode: int,
    hidden: int,
    layers: int,
    has_biases: bool,
    bidirectional: bool,
    batch_first: bool,
    train: bool,
) -> tuple[SSAValue, SSAValue, SSAValue, None]:
    """One direction of one layer; the framework hands the batch over as the second dimension in any case."""
    if mode != _LSTM_MODE:
        raise NotSupported("a recurrent network that is no LSTM")
    if train:
        raise NotSupported("training")
    if batch_sizes:
        raise NotSupported("sequences of several lengths")
    state = (g.shape_of(x)[1], hidden)
    y, last_h, last_c = lstm_layer(
        g,
        x,
        g.reshape(h, state),
        g.reshape(c, state),
        weight_input,
        weight_hidden,
        [bias_input, bias_hidden] if has_biases else [],
        reverse=reverse,
    )
    shapes = [tuple(fake.shape) for fake in g.node.meta["val"]]
    return y, g.reshape(last_h, shapes[1]), g.reshape(last_c, shapes[2]), None


@imports("aten.lstm.input")
def lstm(
    g: Emitter,
    x: SSAValue,
    state: Sequence[SSAValue],
    weights: Sequence[SSAValue],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[SSAValue, SSAValue, SSAValue]:
    """All layers and directions; `weights` are 4 (2 without biases) for each, layer by layer."""
    if train and dropout:
        raise NotSupported("dropout")
    each = 4 if has_biases else 2
    directions = 2 if bidirectional else 1
    if len(weights) != each * layers * directions:
        raise NotSupported("projections")
    if batch_first:
        x = g.transpose(x, (1, 0, 2))
    batch, hidden = g.shape_of(state[0])[1:]
    last: tuple[list[SSAValue], list[SSAValue]] = ([], [])
    for layer in range(layers):
        outputs: list[SSAValue] = []
        for direction in range(directions):
            k = layer * directions + direction
            h, c = (g.reshape(slice_of(g, s, 0, k, 1), (batch, hidden)) for s in state)
            weight_input, weight_hidden, *biases = weights[k * each : (k + 1) * each]
            y, h, c = lstm_layer(g, x, h, c, weight_input, weight_hidden, biases, reverse=direction == 1)
            outputs.append(y)
            for states, value in zip(last, (h, c), strict=True):
                states.append(g.reshape(value, (1, batch, hidden)))
        x = outputs[0] if directions == 1 else g(ConcatOp, *outputs, dimension=2)
    h, c = (s[0] if len(s) == 1 else g(ConcatOp, *s, dimension=0) for s in last)
    return (g.transpose(x, (1, 0, 2)) if batch_first else x), h, c
