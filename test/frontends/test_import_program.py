"""`dlp import`: from a file of torch.export to IR and weights; files that are damaged or dangerous."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import network
from safetensors.numpy import load_file
from xdsl.parser import Parser

from dlp import cli
from dlp.context import make_context
from dlp.errors import InputError
from dlp.frontends.torch.archive import load_program
from dlp.interpreter import Interpreter

NETWORK = network("digits_cnn", "small")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "net.pt2"
    with torch.no_grad():
        torch.export.save(torch.export.export(NETWORK.model, NETWORK.args), path)
    return path


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert cli.main(["import", *map(str, arguments)]) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    return text


def test_ir_and_weights_compute_what_the_model_computes(saved: Path, tmp_path: Path) -> None:
    output = tmp_path / "digits.mlir"
    assert cli.main(["import", str(saved), "-o", str(output)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["digits.mlir", "digits.safetensors"]
    module = Parser(make_context(), output.read_text()).parse_module()
    module.verify()
    weights = load_file(tmp_path / "digits.safetensors")
    assert set(weights) <= set(NETWORK.model.state_dict())
    (result,) = Interpreter(module, weights).call("forward", NETWORK.args[0].numpy())
    with torch.no_grad():
        expected = NETWORK.model(*NETWORK.args).numpy()
    np.testing.assert_allclose(result, expected, atol=1e-4 * np.abs(expected).max())


def test_the_output_is_beside_the_file_by_default(saved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pt2"
    copy.write_bytes(saved.read_bytes())
    assert cli.main(["import", str(copy)]) == 0
    assert (tmp_path / "copy.mlir").exists() and (tmp_path / "copy.safetensors").exists()


@pytest.mark.parametrize("keep", [0, 10, 1000, 20000])
def test_a_file_that_is_cut_short(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], keep: int
) -> None:
    cut = tmp_path / "cut.pt2"
    cut.write_bytes(saved.read_bytes()[:keep])
    assert "cut.pt2" in error_of(capsys, cut)
    assert [p.name for p in tmp_path.iterdir()] == ["cut.pt2"]


def test_files_and_folders_that_do_not_exist(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such file" in error_of(capsys, saved.parent / "other.pt2")
    assert "no such folder" in error_of(capsys, saved, "-o", saved.parent / "nowhere" / "net.mlir")
    assert "no_such_module" in error_of(capsys, saved, "--import", "no_such_module")


class Payload:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.mark,))  # type: ignore[return-value]


def rewritten(saved: Path, path: Path, part: str, data: bytes) -> Path:
    """The file with one member replaced."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, data if name.endswith(part) else old.read(name))
    return path


def test_objects_in_a_file_are_not_unpickled_without_trust(saved: Path, tmp_path: Path) -> None:
    """Sample inputs are pickled, and not needed."""
    mark = tmp_path / "mark"
    buffer = io.BytesIO()
    torch.save((Payload(mark), {}), buffer)
    path = rewritten(saved, tmp_path / "bad.pt2", "data/sample_inputs/model.pt", buffer.getvalue())
    assert cli.main(["import", str(path)]) == 0
    assert not mark.exists()
    with pytest.raises(InputError):  # what it is tuned for is no pair of arguments
        load_program(path, trust=True)
    assert mark.exists()


def test_pickled_weights_are_not_loaded_without_trust(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(saved) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("model_weights_config.json"))
        config = json.loads(archive.read(name))
    next(iter(config["config"].values()))["use_pickle"] = True
    path = rewritten(saved, tmp_path / "bad.pt2", "model_weights_config.json", json.dumps(config).encode())
    assert "pickled" in error_of(capsys, path)


def test_a_network_that_cannot_be_compiled_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Sorts(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return torch.special.airy_ai(x), torch.igamma(x, x)

    path = tmp_path / "sorts.pt2"
    torch.export.save(torch.export.export(Sorts(), (torch.randn(3),)), path)
    assert cli.main(["import", str(path)]) == 1
    text = capsys.readouterr().err
    assert (
        "aten.special_airy_ai.default" in text
        and "aten.igamma.default" in text
        and "test_import_program.py" in text
    )
    assert [p.name for p in tmp_path.iterdir()] == ["sorts.pt2"]


def test_a_module_is_imported_first(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "defines_operations.py").write_text("from pathlib import Path\nPath('imported').touch()\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["import", str(saved), "--import", "defines_operations", "-o", "net.mlir"]) == 0
    assert (tmp_path / "imported").exists()


def test_pickle_is_what_the_payload_needs(tmp_path: Path) -> None:
    """The payload of the tests above does leave its mark when it is unpickled."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()
