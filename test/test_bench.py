"""The benchmark driver runs, checks what it times, and writes what others can read. Nothing here depends on a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from bench.picture import svg
from bench.results import Result, Row

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
