"""`dlp.report` and the progress display."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

import dlp
from dlp.compile_statistics import CompileStatistics
from dlp.frontends.torch.reference import compile_reference
from dlp.progress import Progress

X = torch.randn(3, 4)


def with_figures(graph, example_inputs, **arguments):
    compiled = compile_reference(graph, example_inputs, **arguments)
    compiled.statistics = CompileStatistics(
        kernels=2,
        arena_bytes=1100,
        intermediate_bytes=5000,
        largest_live_bytes=1000,
        cache_hits=3,
        cache_misses=1,
    )
    with compiled.statistics.stage("print C"):
        pass
    return compiled


def test_all_fields(optimize):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    fast = optimize(model, compile_function=with_figures)
    with torch.inference_mode():
        fast(X), fast(X[:2])
    report = dlp.report(fast)
    assert report.model == "Sequential"
    assert report.graphs_captured == 2
    assert report.ops_compiled == sum(report.ops_compiled_by_name.values())
    assert report.ops_compiled_by_name["aten.relu.default"] == 2
    assert report.ops_left == ()
    assert report.fallbacks == {}
    assert (report.calls_compiled, report.calls_mixed, report.calls_eager) == (2, 0, 0)
    assert report.kernels == 4
    assert report.weight_bytes_raw == 80
    assert report.weight_bytes_packed == 160
    assert (report.arena_bytes, report.intermediate_bytes, report.largest_live_bytes) == (1100, 5000, 1000)
    assert list(report.compile_seconds) == ["capture", "print C", "pack weights"]
    assert report.compile_seconds["capture"] > 0
    assert (report.cache_hits, report.cache_misses) == (6, 2)
    assert report.gradients == ""
    text = str(report)
    assert "graphs captured    2" in text
    assert "ops left to torch  0" in text
    assert "6 hits, 2 misses" in text
    assert "80 B raw, 160 B packed" in text
    assert "1.074 KiB for 4.883 KiB" in text
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.kernels = 0


def test_before_the_first_call(optimize):
    report = dlp.report(optimize(nn.ReLU()))
    assert report.graphs_captured == 0
    assert "0 compiled" in str(report)


def test_only_optimised_models_have_a_report():
    with pytest.raises(dlp.errors.InputError, match="this ReLU is not optimised"):
        dlp.report(nn.ReLU())


def test_nothing_is_printed_when_no_terminal_watches(optimize, capfd):
    fast = optimize(nn.Linear(4, 4).eval())
    with torch.inference_mode():
        fast(X)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_a_terminal_shows_the_stages(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Progress("Net", enabled=True) as progress:
        progress.stage("kernels", total=3)
        progress.update(2)
    text = capfd.readouterr().err
    assert "Net" in text
    assert "kernels" in text
    assert "2/3" in text
