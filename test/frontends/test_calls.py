"""Calls of all kinds: arguments and results of any form, several threads, several models."""

from __future__ import annotations

import copy
import threading
import warnings
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import torch
from comparison import close
from torch import nn

import dlp
from dlp.frontends.torch.reference import compile_reference
from dlp.frontends.torch.seam import Options

X = torch.randn(3, 4)


def both(optimize, model: nn.Module, *args, **kwargs):
    """Eager's results and ours, everything of it compiled."""
    fast = optimize(model.eval())
    with torch.inference_mode():
        expected = model(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        result = fast(*args, **kwargs)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (1, 0), str(report)
    return expected, result


STRIDED = {
    "contiguous": torch.randn(2, 3, 4, 4),
    "channels last": torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
    "transposed": torch.randn(4, 4, 3, 2).permute(3, 2, 0, 1),
    "sliced": torch.randn(2, 3, 8, 9)[:, :, ::2, 1:5],
    "expanded": torch.randn(2, 1, 4, 1).expand(2, 3, 4, 4),
    "overlapping": torch.randn(40).as_strided((2, 3, 4, 4), (8, 4, 2, 1)),
    "at an odd address": torch.randn(97)[1:].view(2, 3, 4, 4),
}


@pytest.mark.parametrize("how", STRIDED)
def test_strides_of_inputs_and_results(optimize, how):
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 5, 3, padding=1)

        def forward(self, x):
            y = self.conv(x).relu()
            return y, y.transpose(1, 2), x + 1

    expected, result = both(optimize, Mixed(), STRIDED[how])
    for ours, theirs in zip(result, expected, strict=True):
        assert close(ours, theirs)
        assert ours.stride() == theirs.stride()


def test_results_that_share_memory_in_eager_share_it_here(optimize):
    class Views(nn.Module):
        def forward(self, x):
            y = x * 2
            return y, y.t(), y[1:, 1]

    _, (y, transposed, part) = both(optimize, Views(), X)
    with torch.inference_mode():
        y.fill_(7)
        assert (transposed == 7).all()
        assert (part == 7).all()
    assert part.stride() == (4,)


def test_results_that_repeat_elements(optimize):
    class Repeated(nn.Module):
        def forward(self, x):
            return x.expand(3, *x.shape), (x[:, :1] + 1).expand(x.shape)

    expected, result = both(optimize, Repeated(), X)
    for ours, theirs in zip(result, expected, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()


def test_arguments_and_results_of_any_form(optimize):
    Pair = namedtuple("Pair", "first second")

    class Forms(nn.Module):
        def forward(self, x, *rest, scale, table, flag=True, **others):
            y = x * scale + sum(rest) + table["bias"][0]
            return {"y": y if flag else -y, "pair": Pair(y + 1, None), "list": [others["z"] * 2, 3, "text"]}

    z = torch.randn(2)
    arguments = {"scale": 2.0, "table": {"bias": [torch.randn(4)]}, "z": z}
    expected, result = both(optimize, Forms(), X, X + 1, X + 2, **arguments)
    assert list(result) == ["y", "pair", "list"]
    assert close(result["y"], expected["y"])
    assert isinstance(result["pair"], Pair)
    assert result["pair"].second is None
    assert close(result["list"][0], expected["list"][0])
    assert result["list"][1:] == [3, "text"]


def test_results_that_are_dataclasses(optimize):
    @dataclass
    class Output:
        logits: torch.Tensor
        count: int

    class Model(nn.Module):
        def forward(self, x):
            return Output(logits=x.softmax(-1), count=x.shape[0])

    expected, result = both(optimize, Model(), X)
    assert isinstance(result, Output)
    assert result.count == 3
    assert close(result.logits, expected.logits)


def test_results_that_are_inputs_or_views_of_inputs(optimize):
    class Same(nn.Module):
        def forward(self, x):
            return x, x.view(4, 3), x + 1

    fast = optimize(Same())
    with torch.inference_mode():
        same, view, more = fast(X)
    assert same is X
    assert view.data_ptr() == X.data_ptr()
    assert close(more, X + 1)


def test_inputs_that_are_written(optimize):
    class Write(nn.Module):
        def forward(self, x):
            x.add_(1)
            return x * 2

    fast, x = optimize(Write().eval()), torch.zeros(3)
    with torch.no_grad():
        for turn in (1, 2):
            assert close(fast(x), torch.full((3,), 2.0 * turn))
            assert close(x, torch.full((3,), float(turn)))


def test_empty_tensors_at_the_start_of_a_cache(optimize):
    class Cache(nn.Module):
        def forward(self, x):
            return torch.cat([torch.tensor([]), x, x], dim=-1)

    expected, result = both(optimize, Cache(), X)
    assert close(result, expected)


def test_state_that_a_model_keeps(optimize):
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))
            self.last = torch.zeros(3, 4)

        def forward(self, x):
            self.seen += 1
            before, self.last = self.last, x * 2
            return before + self.seen

    model = Counting().eval()
    fast, eager = optimize(copy.deepcopy(model)), copy.deepcopy(model)
    with torch.no_grad():
        for turn in range(4):
            assert close(fast(X + turn), eager(X + turn))
    assert fast.seen == 4
    assert close(fast.last, eager.last)
    assert dlp.report(fast).weights_packed <= 1


def test_the_same_tensor_twice(optimize):
    class Add(nn.Module):
        def forward(self, x, y):
            return x + 2 * y

    fast, other = optimize(Add()), torch.randn(3, 4)
    with torch.inference_mode():
        assert close(fast(X, X), 3 * X)
        assert close(fast(X, other), X + 2 * other)
        assert close(fast(X, X), 3 * X)


def test_earlier_results_stay(optimize):
    model = nn.Linear(4, 4).eval()
    fast = optimize(model)
    with torch.inference_mode():
        first = fast(X)
        kept = first.clone()
        for _ in range(5):
            fast(torch.randn(3, 4))
    assert close(first, kept)


def test_every_size_compiles_once(optimize):
    model = nn.Linear(4, 4).eval()
    fast = optimize(model, dynamic=False)
    with torch.inference_mode():
        for _ in range(2):
            for batch in (1, 2, 7):
                x = torch.randn(batch, 4)
                assert close(fast(x), model(x))
    report = dlp.report(fast)
    assert (report.graphs_captured, report.calls_compiled) == (3, 6)


def test_numbers_as_arguments(optimize):
    class Scale(nn.Module):
        def forward(self, x, factor, times):
            for _ in range(times):
                x = x * factor
            return x

    fast = optimize(Scale())
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for factor, times in ((2.0, 1), (3.0, 2), (0.5, 3), (2.0, 1)):
            assert close(fast(X, factor, times), Scale()(X, factor, times))


def test_threads_share_a_model(optimize):
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 4)).eval()
    fast, other = optimize(model), optimize(nn.Linear(4, 4).eval())
    inputs = [torch.randn(1 + i % 3, 4) for i in range(30)]
    start = threading.Barrier(4)

    def work(part: int) -> list[torch.Tensor]:
        start.wait()
        with torch.inference_mode():
            return [(fast(x), other(x))[0] for x in inputs[part::4]]

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(work, range(4)))
    with torch.inference_mode():
        for part in range(4):
            for x, result in zip(inputs[part::4], parts[part], strict=True):
                assert close(result, model(x))
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (30, 0)


def test_threads_while_weights_change(optimize):
    fast = optimize(nn.Linear(4, 4, bias=False).eval())
    allowed = [torch.full((4, 4), float(i)) for i in range(5)]
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            fast.weight.data = allowed[turn % 5]
            turn += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with torch.inference_mode():
            for _ in range(50):
                result = fast(torch.ones(1, 4))
                assert result[0, 0].item() in {0.0, 4.0, 8.0, 12.0, 16.0}
                assert (result == result[0, 0]).all()
    finally:
        stop.set()
        writer.join()


def test_the_number_of_threads_is_that_of_the_thread_that_optimises():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert dlp.optimize(nn.ReLU()).forward.options.threads == 3
        assert dlp.optimize(nn.ReLU(), threads=1).forward.options.threads == 1
    finally:
        torch.set_num_threads(before)
    with pytest.raises(dlp.errors.InputError, match="threads must be a positive number, not 0"):
        dlp.optimize(nn.ReLU(), threads=0)


def test_example_inputs_compile_ahead(optimize):
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, first, second):
            return self.layer(first) * self.layer(second)

    model = Two().eval()
    for given in ((X, X + 1), [X, X + 1], {"first": X, "second": X + 1}):
        fast = optimize(model, example_inputs=given)
        assert dlp.report(fast).graphs_captured == 1
        with torch.inference_mode():
            fast(**given) if isinstance(given, dict) else fast(*given)
        fast(**given) if isinstance(given, dict) else fast(*given)
        assert dlp.report(fast).graphs_captured == 1
    assert dlp.report(optimize(nn.ReLU(), example_inputs=X)).graphs_captured == 1


def test_example_inputs_leave_nothing_to_compile(optimize):
    fast = optimize(nn.Linear(4, 4).eval(), example_inputs=X)
    seconds = dlp.report(fast).compile_seconds
    with torch.inference_mode():
        fast(X)
    fast(X)
    assert dlp.report(fast).compile_seconds == seconds


def test_options_reach_the_compiler(optimize):
    seen = []

    def spy(graph, example_inputs, *, is_parameter, names, options, progress):
        seen.append((options, dict(zip(names, is_parameter, strict=True))))
        return compile_reference(
            graph, example_inputs, is_parameter=is_parameter, names=names, options=options, progress=progress
        )

    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).eval()
    asked = {"target": "scalar", "threads": 3, "dump_dir": "somewhere", "dynamic": True}
    with torch.inference_mode():
        optimize(model, compile_function=spy, **asked)(X)
    [(options, inputs)] = seen
    assert options == Options(**asked)
    weights = {name for name, is_weight in inputs.items() if is_weight}
    assert weights == {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"}
    assert len(inputs) == 7
