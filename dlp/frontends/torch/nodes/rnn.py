"""Recurrent layers: a loop over the steps of each layer and direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from dlp.dialects.dlp.contraction import MatmulOp
from dlp.dialects.dlp.elementwise import AddOp, MulOp, ReluOp, SigmoidOp, SubOp, TanhOp
from dlp.dialects.dlp.view import ConcatOp
from dlp.frontends.torch.emitter import Emitter, NotSupported
from dlp.frontends.torch.nodes.view import slice_of
from dlp.frontends.torch.registry import imports
from dlp.frontends.torch.symbols import sizes_of

_LSTM_MODE = 2
"""`mode` of `mkldnn_rnn_layer`, as the framework numbers its recurrent networks."""

Cell = Callable[..., list[SSAValue]]
"""One step: `cell(g, given, product, *states)` emits it and gives the next states, the first of which is the output.

`given` is what the inputs contribute, `product` what the state does, both [batch, gates * hidden].
"""


def lstm_cell(g: Emitter, given: SSAValue, product: SSAValue, h: SSAValue, c: SSAValue) -> list[SSAValue]:
    """Long short-term memory (Hochreiter and Schmidhuber 1997); gates in the order input, forget, cell, output."""
    hidden = g.shape_of(h)[1]
    gates = g(AddOp, product, given)
    i, f, cell, o = (slice_of(g, gates, 1, k * hidden, hidden) for k in range(4))
    c = g(AddOp, g(MulOp, g(SigmoidOp, f), c), g(MulOp, g(SigmoidOp, i), g(TanhOp, cell)))
    return [g(MulOp, g(SigmoidOp, o), g(TanhOp, c)), c]


def gru_cell(g: Emitter, given: SSAValue, product: SSAValue, h: SSAValue) -> list[SSAValue]:
    """Gated recurrent unit (Cho et al., arXiv:1406.1078), the reset behind the product; gates reset, update, new."""
    hidden = g.shape_of(h)[1]

    def gate(value: SSAValue, k: int) -> SSAValue:
        return slice_of(g, value, 1, k * hidden, hidden)

    reset = g(SigmoidOp, g(AddOp, gate(given, 0), gate(product, 0)))
    update = g(SigmoidOp, g(AddOp, gate(given, 1), gate(product, 1)))
    new = g(TanhOp, g(AddOp, gate(given, 2), g(MulOp, reset, gate(product, 2))))
    return [g(AddOp, new, g(MulOp, update, g(SubOp, h, new)))]


def _elman_cell(activation: type[TanhOp] | type[ReluOp]) -> Cell:
    """The state is the output (Elman 1990)."""
    return lambda g, given, product, h: [g(activation, g(AddOp, product, given))]


def _layer(
    g: Emitter,
    cell: Cell,
    x: SSAValue,
    states: Sequence[SSAValue],
    weight_input: SSAValue,
    weight_hidden: SSAValue,
    biases: Sequence[SSAValue],
    *,
    reverse: bool,
) -> tuple[SSAValue, list[SSAValue]]:
    """One direction of one layer.

    Args:
        x: [steps, batch, features].
        states: the first ones, [batch, hidden].
        weight_input, weight_hidden: [gates * hidden, features] and [gates * hidden, hidden].
        biases: of [gates * hidden]; none, or the two of the framework.
        reverse: from the last step to the first.

    Returns:
        The outputs [steps, batch, hidden], and the last states.
    """
    recurrent = g.transpose(weight_hidden, (1, 0))
    # A cell that only adds the two contributions has both biases in the product of all steps.
    of_state = biases[1:] if cell is gru_cell else ()

    def step(given: SSAValue, *now: SSAValue) -> tuple[list[SSAValue], list[SSAValue]]:
        product = g(MatmulOp, now[0], recurrent)
        for bias in of_state:
            product = g(AddOp, product, bias)
        following = cell(g, given, product, *now)
        return following, following[:1]

    given = _from_inputs(g, x, weight_input, biases[: len(biases) - len(of_state)])
    last, (y,) = g.scan([given], states, step, reverse=reverse)
    return y, last


def _from_inputs(g: Emitter, x: SSAValue, weight: SSAValue, biases: Sequence[SSAValue]) -> SSAValue:
    """[steps, batch, outputs]: what the inputs of all steps contribute. It depends on no state: one product."""
    steps, batch, features = g.shape_of(x)
    product = g(MatmulOp, g.reshape(x, (steps * batch, features)), g.transpose(weight, (1, 0)))
    for bias in biases:
        product = g(AddOp, product, bias)
    return g.reshape(product, (steps, batch, g.shape_of(weight)[0]))


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
    biases = [bias_input, bias_hidden] if has_biases else []
    states = [g.reshape(h, state), g.reshape(c, state)]
    y, last = _layer(g, lstm_cell, x, states, weight_input, weight_hidden, biases, reverse=reverse)
    shapes = [sizes_of(fake.shape) for fake in g.node.meta["val"]]
    return y, g.reshape(last[0], shapes[1]), g.reshape(last[1], shapes[2]), None


def _layers(
    g: Emitter,
    cell: Cell,
    x: SSAValue,
    states: Sequence[SSAValue],
    weights: Sequence[SSAValue],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[SSAValue, ...]:
    """All layers and directions; `weights` are 4 (2 without biases) for each, layer by layer.

    `states` are [layers * directions, batch, hidden]. Returns the outputs and the last states.
    """
    if train and dropout:
        raise NotSupported("dropout")
    each = 4 if has_biases else 2
    directions = 2 if bidirectional else 1
    if len(weights) != each * layers * directions:
        raise NotSupported("projections")
    if batch_first:
        x = g.transpose(x, (1, 0, 2))
    batch, hidden = g.shape_of(states[0])[1:]
    last: list[list[SSAValue]] = [[] for _ in states]
    for number in range(layers):
        outputs: list[SSAValue] = []
        for direction in range(directions):
            k = number * directions + direction
            own = [g.reshape(slice_of(g, s, 0, k, 1), (batch, hidden)) for s in states]
            weight_input, weight_hidden, *biases = weights[k * each : (k + 1) * each]
            y, own = _layer(g, cell, x, own, weight_input, weight_hidden, biases, reverse=direction == 1)
            outputs.append(y)
            for of_all, value in zip(last, own, strict=True):
                of_all.append(g.reshape(value, (1, batch, hidden)))
        x = outputs[0] if directions == 1 else g(ConcatOp, *outputs, dimension=2)
    joined = (s[0] if len(s) == 1 else g(ConcatOp, *s, dimension=0) for s in last)
    return (g.transpose(x, (1, 0, 2)) if batch_first else x), *joined


@imports("aten.lstm.input", "dlp.lstm.default")
def lstm(
    g: Emitter, x: SSAValue, states: Sequence[SSAValue], weights: Sequence[SSAValue], *options: bool
) -> tuple[SSAValue, ...]:
    return _layers(g, lstm_cell, x, states, weights, *options)


@imports("aten.gru.input", "dlp.gru.default")
def gru(
    g: Emitter, x: SSAValue, state: SSAValue, weights: Sequence[SSAValue], *options: bool
) -> tuple[SSAValue, ...]:
    return _layers(g, gru_cell, x, [state], weights, *options)


@imports("aten.rnn_tanh.input", "dlp.rnn_tanh.default")
def rnn_tanh(
    g: Emitter, x: SSAValue, state: SSAValue, weights: Sequence[SSAValue], *options: bool
) -> tuple[SSAValue, ...]:
    return _layers(g, _elman_cell(TanhOp), x, [state], weights, *options)


@imports("aten.rnn_relu.input", "dlp.rnn_relu.default")
def rnn_relu(
    g: Emitter, x: SSAValue, state: SSAValue, weights: Sequence[SSAValue], *options: bool
) -> tuple[SSAValue, ...]:
    return _layers(g, _elman_cell(ReluOp), x, [state], weights, *options)
