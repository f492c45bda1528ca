"""Recurrent networks over batches and sequences of open sizes: the second size compiles for all of them."""

from __future__ import annotations

import pytest
import torch
from comparison import close
from torch import nn

import dlp

KINDS = {
    "LSTM": lambda: nn.LSTM(5, 9, batch_first=True),
    "two LSTMs in both directions": lambda: nn.LSTM(5, 9, num_layers=2, bidirectional=True),
    "GRU": lambda: nn.GRU(5, 9, bias=False),
    "tanh": lambda: nn.RNN(5, 9),
    "relu": lambda: nn.RNN(5, 9, nonlinearity="relu", batch_first=True),
}
SHAPES = {
    "first": [(4, 6), (7, 6), (2, 6), (33, 6)],
    "second": [(4, 6), (4, 7), (4, 2), (4, 19)],
    "both": [(4, 6), (7, 5), (3, 2), (2, 9)],
}
"""By which of the two dimensions are open: one of them is the batch, the other one the sequence."""


def same(model: nn.Module, fast: nn.Module, *inputs: torch.Tensor) -> None:
    """All results, also the states after the last step, and where their elements lie."""
    with torch.inference_mode():
        (y, states), (expected, last) = fast(*inputs), model(*inputs)
    pairs = [
        (y, expected),
        *(zip(states, last, strict=True) if isinstance(last, tuple) else [(states, last)]),
    ]
    for got, wanted in pairs:
        assert close(got, wanted), tuple(inputs[0].shape)
        assert got.stride() == wanted.stride()


@pytest.mark.parametrize(
    ("kind", "opened"),
    [
        ("LSTM", "first"),
        ("LSTM", "second"),
        ("two LSTMs in both directions", "both"),
        ("GRU", "first"),
        ("GRU", "second"),
        ("tanh", "second"),
        ("relu", "both"),
    ],
)
def test_recurrent_layers(kind: str, opened: str):
    model = KINDS[kind]().eval()
    fast = dlp.optimize(model)
    for a, b in SHAPES[opened]:
        same(model, fast, torch.randn(a, b, 5))
    report = dlp.report(fast)
    assert (report.graphs_captured, report.graphs_for_all_sizes) == (2, 1), str(report)
    assert report.calls_compiled == len(SHAPES[opened])


def test_a_graph_for_all_lengths_is_no_longer_than_one_for_a_length():
    """The steps are a loop, however many there are."""
    kernels = []
    for length in (3, 30):
        fast = dlp.optimize(nn.GRU(5, 9).eval())
        with torch.inference_mode():
            fast(torch.randn(length, 2, 5))
        kernels.append(dlp.report(fast).kernels)
    assert kernels[0] == kernels[1] < 12


def test_first_states_that_are_given():
    model = nn.GRU(5, 9).eval()
    fast = dlp.optimize(model, dynamic=True)
    for length, batch in ((6, 4), (3, 2), (9, 5)):
        same(model, fast, torch.randn(length, batch, 5), torch.randn(1, batch, 9))
    assert dlp.report(fast).graphs_for_all_sizes == 1


@pytest.mark.filterwarnings("ignore:dlp leaves a part")
def test_sizes_one_and_zero():
    model = nn.LSTM(5, 9).eval()
    fast = dlp.optimize(model)
    for length, batch in ((6, 4), (6, 2), (1, 4), (6, 1), (6, 0), (6, 8)):
        same(model, fast, torch.randn(length, batch, 5))


def test_gradients_through_open_sizes():
    model = nn.GRU(5, 9).eval()
    fast = dlp.optimize(model, dynamic=True)
    for length in (4, 6, 3):
        x = torch.randn(length, 2, 5, requires_grad=True)
        (got,) = torch.autograd.grad(fast(x)[0].square().sum(), x)
        (expected,) = torch.autograd.grad(model(x)[0].square().sum(), x)
        assert close(got, expected)
    assert dlp.report(fast).graphs_for_all_sizes == 1


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_what_the_loops_do_not_cover_is_right():
    """Projections: the framework unrolls the steps, and their number is known."""
    projected = nn.LSTM(5, 9, proj_size=4).eval()
    fast = dlp.optimize(projected, dynamic=True)
    for batch in (3, 5, 2):
        same(projected, fast, torch.randn(4, batch, 5))
    assert dlp.report(fast).graphs_for_all_sizes == 1
