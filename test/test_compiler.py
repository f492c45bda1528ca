"""The driver: what is compiled is cached, what the key must tell apart is told apart, and dumps say how it went."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import dlp.compiler
from dlp.cache import Cache
from dlp.compiled_module import CompiledModule, Metadata
from dlp.compiler import compile_module
from dlp.pass_manager import PassFailure
from dlp.targets import host
from dlp.testing import parse_module

ADD = """
func.func @forward(%x: tensor<8xf32>) -> tensor<8xf32> {
  %w = dlp.weight "w" : tensor<8xf32>
  %s = dlp.add ins(%x, %w : tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32> {dlp.source = "net.py:3"}
  %y = dlp.exp ins(%s : tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
"""


def check(compiled: CompiledModule) -> None:
    x, w = np.linspace(-1, 1, 8, dtype=np.float32), np.linspace(0, 1, 8, dtype=np.float32)
    (y,) = compiled.run_arrays([x], compiled.pack_arrays([w]))
    np.testing.assert_allclose(y, np.exp(x + w), rtol=1e-5)


def test_second_compilation_runs_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    first = compile_module(parse_module(ADD), target=host(), cache=cache)
    assert first.statistics.kernels == 1
    assert "compile C" in first.statistics.stage_seconds
    check(first)

    def refuse(*_: object) -> None:
        raise AssertionError("the pipeline was run")

    monkeypatch.setattr(dlp.compiler, "Lowering", refuse)
    second = compile_module(parse_module(ADD), target=host(), cache=cache)
    assert second.metadata == first.metadata
    assert list(second.statistics.stage_seconds) == ["look up"]
    assert (second.statistics.cache_hits, second.statistics.cache_misses) == (1, 0)
    assert second.statistics.kernels == 1
    check(second)


@pytest.mark.parametrize("what", ["module", "target", "threads", "pipeline", "flags"])
def test_key_tells_apart(what: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    compile_module(parse_module(ADD), target=host(), cache=cache)
    text = ADD.replace("dlp.exp", "dlp.relu") if what == "module" else ADD
    target = dataclasses.replace(host(), l1_bytes=1 << 14) if what == "target" else host()
    other = compile_module(
        parse_module(text),
        target=target,
        cache=cache,
        threads=2 if what == "threads" else 1,
        pipeline="default,dce" if what == "pipeline" else "default",
        extra_flags=("-O1",) if what == "flags" else (),
    )
    assert "compile C" in other.statistics.stage_seconds


def test_damaged_entry_is_compiled_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    compile_module(parse_module(ADD), target=host(), cache=cache)
    (library,) = tmp_path.rglob("module.so")
    library.write_bytes(b"torn")
    again = compile_module(parse_module(ADD), target=host(), cache=cache)
    assert "compile C" in again.statistics.stage_seconds
    check(again)


def test_dump_shows_every_change_and_the_c(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    compile_module(parse_module(ADD), target=host(), cache=cache)
    compile_module(parse_module(ADD), target=host(), cache=cache, dump_dir=tmp_path / "dump")
    names = sorted(p.name for p in (tmp_path / "dump").iterdir())
    assert names[0] == "000-input.mlir"
    assert any(re.fullmatch(r"\d+-bufferize\.mlir", name) for name in names)
    c = "".join(p.read_text() for p in (tmp_path / "dump").glob("*.c"))
    assert "add_exp" in c
    assert "net.py:3" in c


def test_failing_pass_is_named(tmp_path: Path) -> None:
    with pytest.raises(PassFailure, match="bufferize"):
        # Arithmetic is not what an entry function may hold when it is given buffers.
        broken = parse_module(
            "func.func @forward(%x: tensor<8xf32>) -> tensor<8xf32> {\n%c = arith.constant 1 : index\n"
            "func.return %x : tensor<8xf32>\n}"
        )
        compile_module(broken, target=host(), cache=Cache(tmp_path), pipeline="bufferize")


def test_open_sizes_are_refused_by_name(tmp_path: Path) -> None:
    module = parse_module(ADD.replace("tensor<8xf32>", "tensor<?xf32>").replace("dlp.exp", "dlp.relu"))
    with pytest.raises(PassFailure, match="buffers need known sizes"):
        compile_module(module, target=host(), cache=Cache(tmp_path), pipeline="bufferize")


def test_metadata_survives_its_file(tmp_path: Path) -> None:
    compiled = compile_module(parse_module(ADD), target=host(), cache=Cache(tmp_path))
    assert Metadata.from_json(compiled.metadata.to_json()) == compiled.metadata
    assert [spec.name for spec in compiled.signature.weights] == ["w"]
    assert [spec.shape for spec in compiled.signature.inputs] == [(8,)]
