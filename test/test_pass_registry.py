"""Names, docstrings and tests of passes follow from their files; these tests fail where they drift apart."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from dlp.errors import InputError
from dlp.pass_pipeline import named_pipelines, parse_passes, pipeline_text, stages
from dlp.pass_registry import PassEntry, all_passes, get_pass, own_passes

ROOT = Path(__file__).parent.parent
OWN = [pytest.param(entry, id=name) for name, entry in own_passes().items()]


def test_passes_are_found_by_file_name() -> None:
    files = {
        path.stem.replace("_", "-")
        for folder in ("transforms", "lowering")
        for path in (ROOT / folder).glob("[!_]*.py")
        if not path.stem.startswith("print_")
    }
    assert set(own_passes()) == files
    assert {"cse", "dce"} <= files


@pytest.mark.parametrize("entry", OWN)
def test_file_holds_the_pass_of_its_name(entry: PassEntry) -> None:
    assert entry.load().name == entry.name


@pytest.mark.parametrize("entry", OWN)
def test_pass_explains_itself(entry: PassEntry) -> None:
    """A docstring with a first line that fits a list; it is read without importing for --list-passes."""
    text = inspect.getdoc(entry.load())
    assert text
    assert entry.summary() == text.split("\n")[0]
    assert len(entry.summary()) <= 110
    assert entry.summary().endswith(".")


@pytest.mark.parametrize("entry", OWN)
def test_pass_has_a_test_of_its_name(entry: PassEntry) -> None:
    test = ROOT / "test" / entry.origin / f"{entry.name}.mlir"
    assert test.exists()
    assert re.search(rf"RUN:.*dlp-opt.*{entry.name}", test.read_text())


def test_names_mean_one_thing() -> None:
    passes, staged, named = set(own_passes()), set(stages()), set(named_pipelines())
    assert not passes & staged
    assert not passes & named
    assert not staged & named


def test_stages_and_pipelines_can_be_parsed() -> None:
    for name in [*stages(), *named_pipelines()]:
        assert parse_passes(name), name


def test_ours_come_before_those_of_xdsl() -> None:
    assert get_pass("cse").__module__ == "dlp.transforms.cse"
    assert all_passes()["lower-affine"].origin == "xdsl"


def test_pipeline_text_round_trips() -> None:
    text = "cse,scf-parallel-loop-tiling{parallel_loop_tile_sizes=4,8},dce"
    assert pipeline_text(parse_passes(text)) == text
    assert pipeline_text(parse_passes(f"builtin.module({text})")) == text


def test_pipeline_that_contains_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import dlp.pass_pipeline

    monkeypatch.setattr(dlp.pass_pipeline, "named_pipelines", lambda: {"snake": "cse,snake"})
    with pytest.raises(InputError, match="contains itself: snake -> snake"):
        parse_passes("snake")
