"""`torch.compile(model, backend="dlp")`."""

from __future__ import annotations

import copy
import functools
from importlib.metadata import entry_points

import pytest
import torch
import torch._dynamo
from comparison import close
from torch import nn

import dlp
from dlp.frontends.torch.backend import dlp_backend
from dlp.frontends.torch.reference import compile_reference

X = torch.randn(3, 4)


@pytest.fixture
def backend():
    torch._dynamo.reset()
    return functools.partial(dlp_backend, compile_function=compile_reference)


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4)).eval()


def test_results_gradients_and_new_weights(backend):
    model = net()
    compiled = torch.compile(model, backend=backend)
    with torch.inference_mode():
        assert close(compiled(X), model(X))
    compiled(X).sum().backward()
    ours = model[0].weight.grad.clone()
    model.zero_grad()
    model(X).sum().backward()
    assert close(ours, model[0].weight.grad)
    model[0].weight.data.mul_(2)
    with torch.inference_mode():
        assert close(compiled(X), model(X))


def test_one_graph_for_two_instances_with_different_weights(backend):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(x)

    first, second = Net().eval(), Net().eval()
    graphs = []

    def counted(graph, inputs):
        graphs.append(graph)
        return backend(graph, inputs)

    one, two = (torch.compile(m, backend=counted) for m in (first, second))
    with torch.inference_mode():
        for _ in range(2):
            assert close(one(X), first(X))
            assert close(two(X), second(X))
    assert len(graphs) == 1


def test_the_report_finds_the_model(backend):
    model, other = net(), net()
    compiled = torch.compile(model, backend=backend)
    with torch.inference_mode():
        for _ in range(3):
            compiled(X)
    for asked in (model, compiled):
        report = dlp.report(asked)
        assert report.graphs_captured == 1
        assert report.calls_compiled == 3
    with pytest.raises(dlp.errors.InputError, match="is not optimised"):
        dlp.report(other)


def test_refresh(backend):
    model = nn.Linear(64, 64).eval()
    compiled, x = torch.compile(model, backend=backend), torch.randn(2, 64)
    with torch.inference_mode():
        compiled(x)
        dlp.refresh(model)
        compiled(x)
    assert dlp.report(model).weights_packed == 2


def test_options_are_per_call(backend):
    seen = []

    def spying(*args, options, **kwargs):
        seen.append(options)
        return compile_reference(*args, options=options, **kwargs)

    model = net()
    spy = functools.partial(dlp_backend, compile_function=spying)
    with torch.inference_mode():
        torch.compile(model, backend=spy, options={"threads": 1, "target": "scalar"})(X)
        torch.compile(copy.deepcopy(model), backend=spy, options={"threads": 2})(torch.randn(5, 4))
    assert [(o.threads, o.target) for o in seen] == [(1, "scalar"), (2, None)]
    with pytest.raises(Exception, match="unknown option 'colour' of the backend dlp"):
        torch.compile(net(), backend=backend, options={"colour": "red"})(torch.randn(9, 4))


@pytest.mark.parametrize("dynamic", [None, True, False])
def test_every_size_compiles(backend, dynamic):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(x).reshape(-1, x.shape[0]) * x.shape[0]

    model = Net().eval()
    compiled = torch.compile(model, backend=backend, dynamic=dynamic)
    for grad in (torch.no_grad, torch.enable_grad):
        with grad():
            for batch in (3, 5, 6, 3):
                x = torch.randn(batch, 4)
                assert close(compiled(x), model(x))
    compiled(x).sum().backward()
    report = dlp.report(model)
    assert report.graphs_captured == 6
    assert (report.calls_compiled, report.calls_eager) == (9, 0), str(report)


def test_functions_compile_too(backend):
    compiled = torch.compile(lambda x: torch.relu(x) + 1, backend=backend)
    assert close(compiled(X), torch.relu(X) + 1)


def test_the_entry_point_names_the_backend():
    """Holds where the package is installed, as `torch.compile` needs it."""
    found = entry_points(group="torch_dynamo_backends", name="dlp")
    if not found:
        pytest.skip("dlp-compiler is not installed in this environment")
    assert next(iter(found)).load() is dlp_backend
    assert "dlp" in torch._dynamo.list_backends()
