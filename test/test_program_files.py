"""IR and weights as files: what was written is read, and what does not fit together is one clear error."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dlp.errors import InputError
from dlp.program_files import read_program

TEXT = """\
builtin.module attributes {{dlp.weights_file = "{weights}"}} {{
  func.func @forward(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {{
    %w = dlp.weight "layer.weight" : tensor<2x3xf32>
    %y = dlp.add ins(%x, %w : tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    func.return %y : tensor<2x3xf32>
  }}
}}
"""
DATA = np.arange(6, dtype=np.float32).reshape(2, 3)


def files(folder: Path, weights: str = "net.safetensors") -> Path:
    path = folder / "net.mlir"
    path.write_text(TEXT.format(weights=weights))
    save_file({"layer.weight": DATA, "other": DATA}, folder / "net.safetensors")
    return path


def error_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_program(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_there_is_read(tmp_path: Path) -> None:
    module, weights = read_program(files(tmp_path))
    assert [op.name for op in module.body.block.ops] == ["func.func"]
    assert list(weights) == ["layer.weight"]
    np.testing.assert_array_equal(weights["layer.weight"], DATA)


@pytest.mark.parametrize(
    "name", ["../net.safetensors", "/etc/passwd", "..", "", "a/b", "C:\\\\net", "net.safetensors/", "./x"]
)
def test_weights_are_beside_the_module(tmp_path: Path, name: str) -> None:
    assert "beside it" in error_of(files(tmp_path, name))


def _header(data: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _resized(**changes: object) -> Callable[[bytes], bytes]:
    return lambda data: _header(data, lambda header: header["layer.weight"].update(changes))


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut in the header": lambda data: data[:20],
    "cut in the data": lambda data: data[:-1],
    "longer than its header says": lambda data: data + b"x",
    "a header of 2^63 bytes": lambda data: struct.pack("<Q", 1 << 63) + data[8:],
    "a header of a gigabyte": lambda data: struct.pack("<Q", 1 << 30) + data[8:],
    "a header that is no JSON": lambda data: data[:8] + b"x" + data[9:],
    "a huge shape": _resized(shape=[1 << 40, 3]),
    "a shape that overflows": _resized(shape=[1 << 33, 1 << 33]),
    "a negative size": _resized(shape=[-2, -3]),
    "data beyond the end": _resized(data_offsets=[0, 1 << 40]),
    "data before the beginning": _resized(data_offsets=[-24, 0]),
    "data in the wrong order": _resized(data_offsets=[24, 0]),
    "an unknown type": _resized(dtype="F33"),
    "another type": _resized(dtype="I32"),
    "another shape": _resized(shape=[3, 2]),
    "no such weight": lambda data: _header(data, lambda h: h.update(x=h.pop("layer.weight"))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights(tmp_path: Path, damage: str) -> None:
    path = files(tmp_path)
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(DAMAGE[damage](weights.read_bytes()))
    assert "net.safetensors" in error_of(path)


def test_no_weights(tmp_path: Path) -> None:
    path = files(tmp_path)
    (tmp_path / "net.safetensors").unlink()
    assert "net.safetensors" in error_of(path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("dlp.add", "dlp.ad", "net.mlir:4"),
        ("%y = dlp.add", '%y = "', "net.mlir:4"),
        ("-> tensor<2x3xf32>\n", "-> tensor<2x4xf32>\n", "net.mlir"),
        ("dlp.weights_file", "dlp.file", "does not name"),
    ],
)
def test_damaged_ir(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = files(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    assert expected in error_of(path)


def test_no_ir(tmp_path: Path) -> None:
    assert "No such file" in error_of(tmp_path / "net.mlir")
    (tmp_path / "net.mlir").write_bytes(b"\xff\xfe")
    assert "UTF-8" in error_of(tmp_path / "net.mlir")
