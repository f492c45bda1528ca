"""An index that is out of range is an error, as in eager: never a read or a write of other memory, never a result."""

from __future__ import annotations

import pytest
import torch
from comparison import close
from torch import nn

import dlp
from dlp.errors import IndexRangeError

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
