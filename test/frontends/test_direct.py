"""Calls of captured variants without Dynamo in between honour everything that Dynamo's guards do."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
import torch._dynamo
from comparison import close
from torch import nn

import dlp

X = torch.randn(3, 4)
FLAG = True
COUNT = 0


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def without_dynamo(fast: nn.Module) -> nn.Module:
    """From now on, what needs Dynamo fails."""

    def fail(*args, **kwargs):
        raise AssertionError("went through Dynamo")

    forward: Any = fast.forward
    forward._captured.__globals__["_dlp_otherwise"] = fail
    return fast


def test_the_second_call_is_direct(optimize):
    model = nn.Linear(4, 4).eval()
    fast = optimize(model)
    fast(X), fast(X[:2])
    without_dynamo(fast)
    assert close(fast(X), model(X))
    assert close(fast(X[:2]), model(X[:2]))
    with pytest.raises(AssertionError, match="went through Dynamo"):
        fast(X[:1])
    assert dlp.report(fast).calls_compiled == 4


class Signature(nn.Module):
    def forward(self, a, /, b, c=None, *rest, d, e=2.0, **others):
        total = a + b * e + d
        for value in (c, *rest, *others.values()):
            total = total if value is None else total + value
        return total


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((X, X), {"d": X}),
        ((X, X, X), {"d": X, "e": 3.0}),
        ((X,), {"b": X, "d": X}),
        ((X, X, X, X, X), {"d": X, "more": X}),
        ((X, X), {"c": X, "d": X, "other": X}),
    ],
)
def test_signatures(optimize, args, kwargs):
    model = Signature()
    fast = optimize(model)
    fast(*args, **kwargs)
    assert close(without_dynamo(fast)(*args, **kwargs), model(*args, **kwargs))
    with pytest.raises(TypeError, match="missing 1 required"):
        fast(X)


def test_globals_count_and_can_be_written(optimize):
    class Global(nn.Module):
        def forward(self, x):
            global COUNT
            COUNT += 1
            return x + 1 if FLAG else x - 1

    global FLAG, COUNT
    FLAG, COUNT = True, 0
    fast = optimize(Global())
    try:
        assert close(fast(X), X + 1)
        FLAG = False
        assert close(fast(X), X - 1)
        FLAG = True
        for _ in range(3):
            assert close(fast(X), X + 1)
    finally:
        FLAG = True
    assert COUNT == 5


def test_closures_count(optimize):
    factor = 2.0

    class Closure(nn.Module):
        def forward(self, x):
            return x * factor

    fast = optimize(Closure())
    assert close(fast(X), X * 2)
    factor = 3.0
    assert close(fast(X), X * 3)
    assert close(without_dynamo(fast)(X), X * 3)


def test_super_works(optimize):
    class Derived(nn.Linear):
        def forward(self, input):
            return super().forward(input) + 1

    model = Derived(4, 4).eval()
    fast = optimize(model)
    fast(X)
    assert close(without_dynamo(fast)(X), model(X))


def test_global_modes_count(optimize):
    with torch.inference_mode(False):
        model = nn.Linear(4, 4).eval()
    fast = optimize(model)
    fast(X)
    with torch.inference_mode(False):
        assert fast(X).requires_grad
        with torch.no_grad():
            assert not fast(X).requires_grad
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        assert close(fast(X), model(X))
    finally:
        torch.set_default_dtype(before)


def test_after_a_reset_of_dynamo(optimize):
    model = nn.Linear(4, 4).eval()
    fast = optimize(model)
    fast(X)
    torch._dynamo.reset()
    gc.collect()
    with pytest.raises(AssertionError, match="went through Dynamo"):
        without_dynamo(fast)(X)
    again = optimize(model)
    again(X)
    torch._dynamo.reset()
    assert close(again(X), model(X))
    assert close(without_dynamo(again)(X), model(X))


def test_a_part_that_is_gone_ends_its_variant(optimize):
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh()).eval()
    fast = optimize(model)
    for _ in range(5):
        fast[0] = nn.Linear(4, 4).eval()
        gc.collect()
        assert close(fast(X), fast.forward.eager(X))


def test_stances_are_obeyed(optimize):
    fast = optimize(nn.Linear(4, 4).eval())
    fast(X)
    with torch.compiler.set_stance("force_eager"):
        fast(X)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (1, 1)


def test_graph_breaks_go_through_dynamo(optimize):
    class Broken(nn.Module):
        def forward(self, x):
            y = x + 1
            torch._dynamo.graph_break()
            return y * 2

    fast = optimize(Broken())
    with pytest.warns(dlp.errors.FallbackWarning):
        fast(X)
    assert close(fast(X), (X + 1) * 2)
    with pytest.raises(AssertionError, match="went through Dynamo"):
        without_dynamo(fast)(X)
