"""The optimised model is a module of the same kind: a copy of the tree that shares the tensors."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import threading
import weakref

import pytest
import torch
from comparison import close
from torch import nn
from torch.nn.utils import parametrizations, parametrize

import dlp


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
        self.register_buffer("scale", torch.full((4,), 2.0))
        self.table = torch.arange(4.0)
        self.note = {"kind": "net"}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x) * self.scale + self.table

    def describe(self) -> str:
        return f"net of {len(self.body)}"


@pytest.fixture
def net() -> Net:
    return Net().eval()


X = torch.randn(3, 4)


def same(a: nn.Module, b: nn.Module) -> bool:
    with torch.inference_mode():
        return close(a(X), b(X))


def test_kind_attributes_and_keys(net, optimize):
    fast = optimize(net)
    assert type(fast) is Net
    assert fast is not net
    assert fast.describe() == "net of 3"
    assert list(fast.state_dict()) == list(net.state_dict())
    assert [name for name, _ in fast.named_modules()] == [name for name, _ in net.named_modules()]
    assert same(fast, net)
    assert dlp.report(fast).calls_compiled == 1


def test_tensors_are_the_same_objects(net, optimize):
    fast = optimize(net)
    assert all(a is b for a, b in zip(fast.parameters(), net.parameters(), strict=True))
    assert fast.scale is net.scale
    assert fast.table is net.table
    assert fast.note == net.note
    assert fast.note is not net.note


def test_in_place_changes_show_in_both(net, optimize):
    fast = optimize(net)
    before = net(X).detach()
    assert same(fast, net)
    with torch.no_grad():
        net.body[0].weight.mul_(3)
    assert not close(net(X), before)
    assert same(fast, net)
    with torch.no_grad():
        fast.body[2].bias.add_(1)
    assert same(fast, net)


def test_modes_hooks_and_submodules_are_the_copys_own(net, optimize):
    fast = optimize(net)
    expected = net(X).detach()
    fast.train()
    assert not net.training
    assert not net.body.training
    fast.eval()
    fast.body[1] = nn.Tanh()
    fast.body[0].register_forward_hook(lambda module, args, result: result + 1)
    assert close(net(X), expected)
    assert isinstance(net.body[1], nn.ReLU)


@pytest.mark.parametrize("when", ["before the first call", "after the first call"])
def test_late_hooks_and_submodules_count(net, optimize, when):
    fast, eager = optimize(net), copy.deepcopy(net)
    if when == "after the first call":
        assert same(fast, eager)
    for model in (fast, eager):
        model.body[0].register_forward_hook(lambda module, args, result: result * 2)
    assert same(fast, eager)
    for model in (fast, eager):
        model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
        model.register_forward_hook(lambda module, args, result: result - 3)
    assert same(fast, eager)
    torch.manual_seed(1)
    replaced = nn.Linear(8, 4)
    for model in (fast, eager):
        model.body[2] = replaced
    assert same(fast, eager)
    for model in (fast, eager):
        model.body.append(nn.Softmax(dim=-1))
    assert same(fast, eager)
    assert dlp.report(fast).calls_eager == 0


def test_a_hook_can_be_removed(net, optimize):
    fast = optimize(net)
    handle = fast.body[0].register_forward_hook(lambda module, args, result: result * 2)
    assert not same(fast, net)
    handle.remove()
    assert same(fast, net)


def test_attributes_that_forward_reads_count(optimize):
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.on = True

        def forward(self, x):
            return x + 1 if self.on else x - 1

    model = Gate().eval()
    fast = optimize(model)
    assert same(fast, model)
    fast.on = False
    assert close(fast(X), X - 1)
    assert close(model(X), X + 1)


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "torch.save"])
@pytest.mark.parametrize("called", [False, True])
def test_copies_are_optimised_and_independent(net, optimize, how, called):
    fast = optimize(net)
    if called:
        assert same(fast, net)
    if how == "deepcopy":
        other = copy.deepcopy(fast)
    elif how == "pickle":
        other = pickle.loads(pickle.dumps(fast))
    else:
        file = io.BytesIO()
        torch.save(fast, file)
        file.seek(0)
        other = torch.load(file, weights_only=False)
    assert type(other) is Net
    assert other.forward.module is other
    assert other.body[0].weight is not fast.body[0].weight
    assert same(other, net)
    assert dlp.report(other).calls_compiled == 1
    # Later changes of the copy's weights are the copy's, and count.
    eager = copy.deepcopy(net)
    for model in (other, eager):
        model.body[0].weight.data.mul_(2)
    assert same(other, eager)
    assert same(fast, net)
    assert not same(fast, other)


def test_the_forward_alone_can_be_copied(net, optimize):
    forward = copy.deepcopy(optimize(net).forward)
    assert forward.module.forward is forward
    assert close(forward(X), net(X))


def test_to_converts_the_copy_only(net, optimize):
    fast = optimize(net)
    assert same(fast, net)
    fast.body.to(torch.float64)
    assert fast.body[0].weight.dtype == torch.float64
    assert net.body[0].weight.dtype == torch.float32
    fast.double()
    assert fast.scale.dtype == torch.float64
    assert net.scale.dtype == torch.float32
    expected = copy.deepcopy(net).double()(X.double())
    assert close(fast(X.double()), expected)


def test_to_keeps_weights_tied(optimize):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    fast = optimize(model.eval())
    assert fast[2].weight is fast[0].weight
    fast.double()
    assert fast[2].weight is fast[0].weight
    assert model[0].weight.dtype == torch.float32


def test_state_dict_loads_into_the_copy(net, optimize):
    fast, other = optimize(net), Net().eval()
    assert same(fast, net)
    fast.load_state_dict(other.state_dict())
    assert same(fast, other)


def test_optimising_twice_gives_one_dispatch(net, optimize):
    fast = optimize(optimize(net))
    assert fast.forward._override is None
    assert same(fast, net)


def test_a_part_of_a_model_can_be_optimised(net, optimize):
    model = nn.Sequential(net, nn.Tanh()).eval()
    expected = model(X)
    model[0] = optimize(net)
    assert close(model(X), expected)
    assert dlp.report(model).calls_compiled == 1


def test_a_forward_of_the_instance(net, optimize):
    inner = net.forward
    net.forward = lambda x: inner(x) * 10
    fast = optimize(net)
    assert same(fast, net)


def test_things_that_cannot_be_copied_are_shared(net, optimize):
    net.lock = threading.Lock()
    fast = optimize(net)
    assert fast.lock is net.lock
    assert fast.body is not net.body
    assert fast.body[0].weight is net.body[0].weight
    fast.train()
    assert not net.training
    fast.eval()
    assert same(fast, net)


def test_recurrent_and_parametrised_modules(optimize):
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 5)
            self.head = parametrizations.weight_norm(nn.Linear(5, 4))

        def forward(self, x):
            return self.head(self.lstm(x)[0])

    model = Recurrent().eval()
    fast = optimize(model)
    assert same(fast, model)
    assert parametrize.is_parametrized(fast.head)
    assert list(fast.state_dict()) == list(model.state_dict())
    with torch.no_grad():
        fast.lstm.weight_hh_l0.mul_(2)
        fast.head.parametrizations.weight.original0.mul_(2)
    assert same(fast, model)
    fast.double()
    assert model.lstm._flat_weights[0].dtype == torch.float32
    assert fast.lstm._flat_weights[0].dtype == torch.float64


def test_an_optimised_model_frees_its_memory(net, optimize):
    fast = optimize(net)
    assert same(fast, net)
    [parameters] = [graph.parameters for graph in fast.forward.session.graphs]
    packed = weakref.ref(next(iter(parameters._sets.values())).packed[0])
    del fast, parameters
    gc.collect()
    assert packed() is None


def test_only_modules_are_optimised(optimize):
    with pytest.raises(dlp.errors.InputError, match=r"takes a torch\.nn\.Module, not function"):
        optimize(lambda x: x)


def test_outer_captures_see_the_eager_forward(net, optimize):
    fast = optimize(net)
    exported = torch.export.export(fast, (X,)).module()
    assert close(exported(X), net(X))
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(nn.Sequential(fast, nn.Tanh()).eval(), backend=backend)
    with torch.no_grad():
        assert close(compiled(X), net(X).tanh())
    assert len(graphs) == 1
    traced = torch.jit.trace(fast, (X,))
    assert close(traced(X), net(X))
