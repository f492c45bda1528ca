"""An index that is out of range is an error, as in eager: never a read or a write of other memory, never a result."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from comparison import close
from imported import Call
from torch import nn

import dlp
from dlp.errors import IndexRangeError
from dlp.frontends.torch.capture import capture
from dlp.targets import host
from dlp.testing.sanitized import run_sanitized

pytestmark = pytest.mark.requires_tool("gcc")


class LookUp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 12)

    def forward(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        x = self.table(rows)
        return torch.relu(x)[:, columns] * 2


def test_every_call_is_checked_by_itself() -> None:
    model = LookUp().eval()
    compiled = dlp.optimize(model, strict=True)
    rows, columns = torch.tensor([[0, 6, 3, 3, 1]]), torch.tensor([4, -5, 0])
    with torch.no_grad():
        assert close(compiled(rows, columns), model(rows, columns))
        for bad, line in (
            ((rows + 1, columns), "self.table(rows)"),
            ((rows - 1, columns), "self.table(rows)"),
            ((rows, columns + 1), "[:, columns]"),
            ((rows, columns - 1), "[:, columns]"),
        ):
            with pytest.raises(IndexError):
                model(*bad)
            with pytest.raises(IndexError, match=r"out of range for a dimension of size \d \(") as caught:
                compiled(*bad)
            assert isinstance(caught.value, IndexRangeError)
            assert line in _line_of(str(caught.value))
        assert close(compiled(rows, columns), model(rows, columns))


def _line_of(message: str) -> str:
    """The source line that a message ends with: "... (file.py:12)"."""
    file, _, number = message.rstrip(")").rpartition("(")[2].partition(":")
    assert __file__.endswith(file)
    with open(__file__) as text:
        return text.readlines()[int(number) - 1]


def test_indices_among_the_weights() -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("index", torch.tensor([0, 5]))
            self.register_buffer("table", torch.randn(5, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.table[self.index]  # pyright: ignore[reportIndexIssue]

    with pytest.raises(IndexError), torch.no_grad():
        dlp.optimize(Constant(), strict=True)(torch.ones(4))


def test_classes_that_there_are_not() -> None:
    class OneHot(nn.Module):
        def forward(self, index: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.one_hot(index, 5).float() @ x

    model = OneHot().eval()
    compiled = dlp.optimize(model, strict=True)
    index, x = torch.tensor([[0, 4, 2]]), torch.randn(5, 3)
    with torch.no_grad():
        assert close(compiled(index, x), model(index, x))
        for bad in (index + 1, index - 1):
            with pytest.raises(RuntimeError, match="Class values must be"):
                model(bad, x)
            with pytest.raises(RuntimeError, match=r"Class values must be .* \(test_index_range.py:"):
                compiled(bad, x)


def test_nothing_else_is_written(tmp_path: Path) -> None:
    """With indices that are out of range, under sanitizers that see every access outside of a buffer."""
    x, index = torch.randn(4, 6), torch.tensor([[0, 99], [-7, 3]])

    def function(x: torch.Tensor, index: torch.Tensor) -> object:
        return (
            x.gather(0, index),
            x.scatter_add(0, index, x),
            x[index],
            x.index_put((index,), x[0]),
            x.take(index),
        )

    captured = capture(Call(function), (x, index.clamp(0, 3)))
    arrays = [x.numpy(), index.numpy()]
    results = run_sanitized(captured.imported.module, arrays, {}, host(), tmp_path)
    assert len(results) == 5
