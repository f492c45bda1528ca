"""Profiles name every kernel that runs, how often, what it computes, and where its intermediates lie."""

from __future__ import annotations

import json
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch
from torch import nn

import dlp
from dlp.cli import main
from dlp.errors import InputError
from dlp.profiling.memory_map import Place, svg


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.rnn, self.last = nn.Linear(24, 16), nn.LSTM(16, 8), nn.Linear(8, 40)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.rnn(self.first(x).relu())[0]).softmax(-1)


def make() -> Net:
    torch.manual_seed(0)
    return Net().eval()


X = torch.randn(5, 3, 24)


def test_report_profiles_every_kernel():
    model = make()
    fast = dlp.optimize(model)
    with torch.inference_mode():
        assert torch.allclose(fast(X), model(X), atol=1e-6)
    report = dlp.report(fast)
    found = report.profile(X, seconds=0.01)
    assert found.model == "Net"
    assert found.runs >= 5
    assert len(found.kernels) == report.kernels
    assert sum(kernel.calls for kernel in found.kernels) > report.kernels  # those of the loop run 5 times
    assert 0 < sum(kernel.seconds for kernel in found.kernels) < 1.1 * found.seconds
    assert [k.seconds for k in found.kernels] == sorted((k.seconds for k in found.kernels), reverse=True)
    matmuls = {k.name: k for k in found.kernels if "matmul" in k.cost.operations}
    products = sorted(k.cost.flops // 2 * k.calls for k in matmuls.values())
    # The four products, each with a bias or an addition and what follows.
    least = sorted((15 * 24 * 16, 15 * 16 * 32, 5 * 3 * 8 * 32, 15 * 8 * 40))
    assert all(a <= b <= 1.4 * a for a, b in zip(least, products, strict=True))
    assert all("test_profile.py" in kernel.cost.sources for kernel in matmuls.values())
    (places,) = found.places
    assert max(p.offset + p.size for p in places) == report.arena_bytes
    assert {p.owner for p in places} <= {k.name for k in found.kernels}
    assert json.dumps(found.to_json())
    text = str(found)
    assert all(kernel.name[:31] in text for kernel in found.kernels)
    # The optimised model is as it was.
    assert dlp.report(fast).graphs_captured == 1


def test_a_model_of_which_nothing_is_compiled():
    class Sort(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.eigvals(x)

    fast = dlp.optimize(Sort())
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        fast(torch.eye(3))
        with pytest.raises(InputError, match="nothing of this Sort is compiled"):
            dlp.report(fast).profile(torch.eye(3))


def test_places_are_drawn(tmp_path: Path):
    places = [Place("a", "conv<1>", 0, 4096, 0, 1), Place("b", "relu", 4096, 1024, 1, 3)]
    picture = ET.fromstring(svg(places))
    titles = [e.text for e in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [
        "a: 4 KiB at 0, calls 0 to 1; written by conv<1>",
        "b: 1 KiB at 4096, calls 1 to 3; written by relu",
    ]
    assert ET.fromstring(svg([])) is not None


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mynets.py").write_text(
        "from torch import nn\ndef net():\n    return nn.Sequential(nn.Linear(8, 6), nn.Tanh())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ["--seconds", "0.01", "--json", "p.json", "--memory-map", "m.svg"]
    assert main(["profile", "mynets:net", "--input", "2x8", *arguments]) == 0
    assert "matmul" in capsys.readouterr().out
    assert json.loads((tmp_path / "p.json").read_text())["model"] == "Sequential"
    ET.parse(tmp_path / "m.svg")
    program = torch.export.export(nn.Linear(8, 6).eval(), (torch.randn(2, 8),))
    torch.export.save(program, tmp_path / "net.pt2")
    assert main(["profile", "net.pt2", "--seconds", "0.01", "--trust"]) == 0
    assert "matmul" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "neither a .pt2 file nor"),
        (["gone.pt2"], "no such file"),
        (["torch.nn:Gone"], "has no attribute 'Gone'"),
        (["torch.nn:ReLU", "--input", "u7:3"], "the type is one of f32"),
        (["torch.nn:ReLU", "--input", "3,4"], "a shape is written"),
        (["torch.nn:ReLU"], "give its inputs with --input"),
        (["torch.nn:ReLU", "--json", "gone/x.json"], "no such folder"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main(["profile", *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
