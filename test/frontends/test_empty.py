"""Tensors without elements: batches of none, sums of nothing, parts of concatenations."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dlp

pytestmark = pytest.mark.requires_tool("gcc")

X = torch.randn(4, 5)
NONE = torch.empty(0, dtype=torch.int64)


class Function(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def check(model: nn.Module, *args, compiled: bool = True) -> None:
    """What eager gives, and all of it compiled."""
    model = model.eval()
    fast = dlp.optimize(copy.deepcopy(model), threads=1)
    with torch.inference_mode():
        expected, results = model(*args), fast(*args)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (compiled, not compiled), str(report)
    for ours, theirs in zip(_leaves(results), _leaves(expected), strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, equal_nan=True, rtol=1e-5, atol=1e-5)


def _leaves(results) -> list[torch.Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(results) if isinstance(leaf, torch.Tensor)]


def test_what_is_made_of_nothing():
    """Each of these is a constant, which joins with what has elements."""

    def function(x, none):
        return (
            [x[:0].sum() + x, x[:0].mean(0) * x, x[:, :0].prod(1), x[:, :0].amax(0) + 1, x[:0].logsumexp(0)],
            [
                x[:, :0] @ x[:0],
                torch.addmm(x[:, :1], x[:, :0], x[:0]),
                F.linear(x[:, :0], x[:, :0], x[0, :4]),
            ],
            [torch.cat([x[:0], x, x[:0] * 2]), F.pad(x[:0] * 2, (1, 1, 2, 0), value=3.0), (x[:0] > 0).all()],
            [x.index_put((none,), x[0]), x.index_add(0, none, x[:0]), x.scatter(0, x[:0].long(), x[:0])],
            [torch.searchsorted(x[0, :0], x[1]), x.slice_scatter(x[:0], 0, 2, 2), x[:0].any(0)],
        )

    check(Function(function), X, NONE)


def test_what_has_no_elements():
    def function(x, none):
        y = x[:0] * 2
        part = x[:, 2:2] + 1
        return y, y.t(), part.softmax(0), x[none].relu(), x.sum(1), {"rows": y.argsort(1), "like": y.double()}

    check(Function(function), X, NONE)


def test_a_result_without_elements_alone():
    check(Function(lambda x: x[:0] * 2), X)


def test_inputs_without_elements():
    check(Function(lambda x, y: (y + 1, x + y.sum(), y.view(5, 0))), X, torch.empty(0, 5))


def networks() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    cnn = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
        nn.Softmax(-1),
    )
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return {
        "cnn": (cnn, (0, 3, 8, 8)),
        "transformer": (nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (0, 5, 8)),
        "transformer, no words": (nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (2, 0, 8)),
        "lstm": (nn.LSTM(4, 5, batch_first=True), (0, 3, 4)),
        "gru": (nn.GRU(4, 5), (3, 0, 4)),
    }


@pytest.mark.parametrize("name", networks())
def test_batches_of_none(name):
    model, shape = networks()[name]
    check(model, torch.randn(shape))


@pytest.mark.filterwarnings("ignore:dlp leaves a part")
@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: x[:0].max(), RuntimeError),
        (lambda x: x[:0].argmax(0), IndexError),
        (lambda x: x[:0][torch.zeros(2, dtype=torch.int64)], IndexError),
        (lambda x: x[:0].min(0).values, IndexError),
    ],
)
def test_what_eager_refuses_is_refused(function, error):
    fast = dlp.optimize(Function(function).eval())
    with torch.inference_mode(), pytest.raises(error):
        function(X)
    with torch.inference_mode(), pytest.raises(error):
        fast(X)


def test_parts_of_nothing_within_networks():
    """Positions that turn all of a head and leave the rest, which is nothing; a triangle with all its rows."""

    def function(x):
        turned, rest = x[..., :5], x[..., 5:]
        rows, columns = torch.tril_indices(4, 4)
        return torch.cat([torch.cat([-turned[..., 3:], turned[..., :3]], -1), rest], -1), x[rows, columns]

    check(Function(function), X)
