"""Which memory arguments and results are, and share: as in eager, call after call."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from comparison import close
from torch import nn

import dlp

Make = Callable[[], list[torch.Tensor]]


def table() -> torch.Tensor:
    return torch.arange(12.0).view(3, 4)


def split(first: slice, second: slice) -> Make:
    """Two parts of one row."""

    def make() -> list[torch.Tensor]:
        row = torch.arange(6.0)
        return [row[first], row[second]]

    return make


def same() -> list[torch.Tensor]:
    x = torch.arange(6.0)
    return [x, x]


CASES: dict[str, tuple[Callable[..., Any], Make]] = {
    "scalars": (
        lambda x, y, i: (x * y, x.sum() + 1, torch.stack([x, y]), x.expand(2), i + 1, (i > 2) | (x > y)),
        lambda: [torch.tensor(2.0), torch.tensor(3.0), torch.tensor(4)],
    ),
    "views of an input": (lambda x: (x[1:], x.t(), x, x.view(-1)), lambda: [table()]),
    "views of an input beside other results": (lambda x: (x[1:], x.t() * 2, x.view(-1)), lambda: [table()]),
    "views of a result": (lambda x: (lambda y: (y, y[0], y.t(), y))(x * 2), lambda: [table()]),
    "constants": (lambda x: (torch.zeros(3), torch.ones(2).expand(3, 2), x + 1), lambda: [table()]),
    "an input that is written and returned": (lambda x: x.add_(1), lambda: [table()]),
    "a part that is written": (lambda x: (x[0].zero_(), x * 1)[1], lambda: [table()]),
    "gaps in what is written": (lambda x: x.mul_(2).sum(), lambda: [torch.arange(24.0).view(4, 6)[:, ::2]]),
    "channels last, written": (
        lambda x: x.mul_(2).sum((2, 3)),
        lambda: [torch.ones(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)],
    ),
    "places that are written": (
        lambda x, i: x.index_put_((i,), torch.tensor(5.0)) + 1,
        lambda: [table(), torch.tensor([0, 2])],
    ),
    "nothing that is written": (lambda x, y: (x.add_(1), y + 1), lambda: [torch.empty(0, 3), torch.ones(2)]),
    "overlapping elements": (lambda x: x * 2, lambda: [torch.arange(9.0).as_strided((4, 3), (2, 1))]),
    "inputs that overlap": (lambda x, y: x + y, split(slice(0, 4), slice(2, 6))),
    "one input twice, written": (lambda x, y: (x.add_(1), y * 2)[1], same),
}


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def check(fast: nn.Module, eager: nn.Module, make: Make) -> None:
    """Two calls on the same arguments: results, what becomes of the arguments, and who shares memory with whom."""
    ours, theirs = make(), make()
    with torch.inference_mode():
        for _ in range(2):
            results, expected = _leaves(fast(*ours)), _leaves(eager(*theirs))
            a, b = [*results, *ours], [*expected, *theirs]
            assert all(map(close, a, b))
            assert _shared(a) == _shared(b)
            assert [[x is y for y in a] for x in a] == [[x is y for y in b] for x in b]


def _leaves(results: Any) -> list[torch.Tensor]:
    return torch.utils._pytree.tree_leaves(results)


def _shared(tensors: list[torch.Tensor]) -> list[list[bool]]:
    storages = [t.untyped_storage().data_ptr() if t.numel() else id(t) for t in tensors]
    return [[one == other for other in storages] for one in storages]


@pytest.mark.parametrize("name", CASES)
def test_memory_is_shared_as_in_eager(optimize, name):
    function, make = CASES[name]
    fast = optimize(Function(function).eval())
    check(fast, Function(function), make)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (2, 0), str(report)


@pytest.mark.filterwarnings("ignore:dlp leaves a part")
@pytest.mark.parametrize("first", ["apart", "overlapping"])
def test_inputs_that_overlap_and_are_written_are_left_to_eager(optimize, first):
    """Also where they were apart when the model was captured, or the other way round."""

    def function(x, y):
        x.add_(1)
        return y.mul_(2) + 1

    ways = {
        "overlapping": split(slice(0, 4), slice(2, 6)),
        "apart": lambda: [torch.ones(4), torch.ones(4)],
        "one": lambda: same(),
        "parts": split(slice(0, 3), slice(3, 6)),
    }
    fast = optimize(Function(function).eval())
    for way in (first, *ways):
        check(fast, Function(function), ways[way])
    assert dlp.report(fast).calls_eager >= 2


def test_outputs_of_transformers(optimize):
    """`ModelOutput` is a dictionary and a dataclass, with parts that are None or tuples."""
    outputs = pytest.importorskip("transformers.modeling_outputs")

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x, details=False):
            hidden = self.layer(x)
            states = (x, hidden) if details else None
            return outputs.BaseModelOutput(last_hidden_state=hidden.relu(), hidden_states=states)

    model = Model().eval()
    fast = optimize(copy.deepcopy(model))
    with torch.inference_mode():
        for details in (False, True):
            result, expected = fast(table(), details=details), model(table(), details=details)
            assert type(result) is outputs.BaseModelOutput
            assert list(result) == list(expected)
            assert result.attentions is None
            assert close(result[0], expected.last_hidden_state)
            assert (result.hidden_states is None) == (not details)
            assert not details or close(result.hidden_states[1], expected.hidden_states[1])
    assert dlp.report(fast).calls_compiled == 2
