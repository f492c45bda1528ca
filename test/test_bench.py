"""The benchmark driver runs, checks what it times, and writes what others can read. Nothing here depends on a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch

from bench import inductor, runtimes  # noqa: F401  (they enter the table of candidates)
from bench.candidates import CANDIDATES, Work, changed_pipeline, find
from bench.draw import draw, population
from bench.json_file import read, to_json
from bench.picture import svg
from bench.reference import compare
from bench.results import Result, Row
from bench.rounds import Protocol
from bench.rows import ROWS
from bench.table import EAGER, best_ratios
from dlp.errors import InputError

ROOT = Path(__file__).parents[1]


def test_driver_writes_table_json_and_picture(tmp_path: Path) -> None:
    options = "mlp --size small --peers none --rounds 2 --chunk 0.02 --most-seconds 5 --no-kernels"
    command = [sys.executable, "-m", "bench", *options.split(), "--output", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "mlp" in done.stdout
    data = json.loads((tmp_path / "results.json").read_text())
    (network,) = data["networks"]
    eager, ours = network["candidates"]
    assert (eager["candidate"], ours["candidate"]) == ("eager", "dlp")
    assert eager["error"] == 0 and ours["error"] <= 1e-4
    assert len(eager["ms"]) == len(ours["ms"]) >= 1
    assert eager["facts"]["flops"] == 2 * 5 * (33 * 65 + 65 * 47 + 47 * 10)
    assert ours["facts"]["ops_left"] == 0
    ElementTree.parse(tmp_path / "results.svg")


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that gets slower from round to round does not move them."""
    result = Result(
        "n", "small", [Row("eager", ms=[2.0, 4.0, 8.0]), Row("dlp", ms=[1.0, 2.0, 4.0]), Row("x")]
    )
    assert result.ratio("eager") == 2
    assert result.ratio("x") is None


def test_picture_has_a_bar_for_each_figure() -> None:
    result = Result(
        "n<1>", "small", [Row("eager", ms=[2.0]), Row("dlp", ms=[1.0]), Row("x", problem="wrong")]
    )
    root = ElementTree.fromstring(svg([result]))
    bars = root.findall(".//{http://www.w3.org/2000/svg}title")
    assert [bar.text for bar in bars] == ["eager: 2.000 ms", "dlp: 1.000 ms"]


def test_a_network_without_undisturbed_rounds_is_not_counted() -> None:
    rows = [Row("eager", ms=[2.0]), Row("openvino", ms=[1.5]), Row("dlp", ms=[1.0])]
    results = [Result("n", "small", rows, rounds=1), Result("m", "small", rows, rounds=20)]
    assert best_ratios(results) == {"m": 1.5}
    assert best_ratios(results, EAGER) == {"m": 2}


def test_a_pass_that_is_left_out_does_not_run(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(9, 17), torch.nn.ReLU(), torch.nn.Softmax(-1)).eval()
    work = Work(model, (torch.ones(3, 9),), threads=1, folder=tmp_path)
    with torch.inference_mode():
        kernels = {name: find(name).prepare(work).facts["kernels"] for name in ("dlp", "dlp:fuse")}
    assert kernels["dlp"] < kernels["dlp:fuse"]


def test_dlp_without_a_pass_is_no_rival() -> None:
    rows = [Row("eager", ms=[2.0]), Row("copy", ms=[0.1]), Row("dlp:cse", ms=[0.5]), Row("dlp", ms=[1.0])]
    assert Result("n", "small", rows, rounds=20).best() == "eager"


def test_a_pass_is_left_out_or_given_other_options() -> None:
    whole = changed_pipeline("share-padding").split(",")
    assert "share-padding" not in whole and "pack-weights" in whole
    assert "lower-pad{trailing=false}" in changed_pipeline("lower-pad{trailing=false}")
    with pytest.raises(InputError, match="share-padding"):
        changed_pipeline("share-paddings")


def test_figures_from_elsewhere_are_scaled_by_the_peak() -> None:
    """At half of the peak twice the time is expected; who is slower than that, and than its rivals, is weak."""
    names = {"eager": 2 * 22.3, "onnxruntime": 2 * 12.4, "openvino": 2 * 12.0 * 1.5}
    rows = [Row(name, ms=[ms]) for name, ms in names.items()]
    result = Result("resnet18", "full", rows, peaks=[355.0 / 2], rounds=20)
    verdicts = {c.candidate: c.verdict.split(":")[0] for c in compare([result])}
    assert verdicts == {"eager": "as expected", "onnxruntime": "as expected", "openvino": "WEAK"}


def test_figures_from_elsewhere_are_of_networks_and_candidates() -> None:
    data = tomllib.loads((ROOT / "bench" / "reference.toml").read_text())
    assert set(data["ms"]) <= set(ROWS)
    assert {name for figures in data["ms"].values() for name in figures} <= set(CANDIDATES)


def test_draws_repeat_and_avoid_the_table() -> None:
    assert draw(7) == draw(7) != draw(8)
    drawn = {name.partition(":")[2] for name in population()}
    assert len(drawn) == len(population()) > 50
    assert not drawn & set(ROWS)


def test_results_are_read_back(tmp_path: Path) -> None:
    rows = [Row("eager", ms=[2.0, 3.0], facts={"flops": 6}), Row("dlp", "wrong: error 1", 1.0)]
    results = [Result("n", "small", rows, "N", rounds=2, dropped=1, peaks=[50.0, 60.0])]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(to_json(results, [], Protocol(), None)))
    assert read(path) == results
