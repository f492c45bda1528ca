"""A user's mistake is one clear error: the framework's own, with the line of the model, and nothing else printed."""

from __future__ import annotations

import inspect
import logging
import warnings

import pytest
import torch
from torch import nn

import dlp
from dlp.errors import FallbackWarning, TargetError


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        doubled = x * 2
        return self.layer(doubled)


def _line_of(function: object, text: str) -> str:
    lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
    return f"{__file__}:{first + next(i for i, line in enumerate(lines) if text in line)}"


@pytest.mark.parametrize("x", [torch.ones(2, 9), torch.ones(2, 8, dtype=torch.int64)], ids=["shape", "type"])
@torch.no_grad()
def test_wrong_inputs(
    x: torch.Tensor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    model = Network().eval()
    with pytest.raises(RuntimeError) as expected:
        model(x)
    fast = dlp.optimize(model)
    with pytest.raises(RuntimeError) as found, warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)
        fast(x)
    assert str(found.value) == str(expected.value)
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    right = torch.ones(2, 8)
    assert torch.allclose(fast(right), model(right))


@torch.no_grad()
def test_the_error_names_the_line() -> None:
    fast = dlp.optimize(Network().eval())
    with pytest.raises(RuntimeError) as found, warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)
        fast(torch.ones(2, 8, dtype=torch.int64))
    notes = getattr(found.value, "__notes__", [])
    assert notes == [f"raised by the operation of {_line_of(Network.forward, 'self.layer(')}"]


def test_an_unknown_target_is_refused_at_once() -> None:
    with pytest.raises(TargetError, match="unknown target 'avx3': did you mean avx2"):
        dlp.optimize(Network(), target="avx3")
