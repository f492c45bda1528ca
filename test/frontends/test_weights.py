"""New weights count, however they came in; packed copies live as long as the weights."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest
import torch
from comparison import close
from torch import nn

import dlp
from dlp.frontends.torch import fingerprint
from dlp.frontends.torch.parameters import ParameterSets

X = torch.randn(2, 64)


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3)).eval()


def data_copy(net: nn.Module) -> None:
    net[0].weight.data.copy_(torch.randn(64, 64))


def data_replaced(net: nn.Module) -> None:
    net[0].weight.data = torch.randn(64, 64)


def in_place(net: nn.Module) -> None:
    with torch.no_grad():
        net[0].weight.add_(1)


def one_element_in_place(net: nn.Module) -> None:
    with torch.no_grad():
        net[0].weight[3, 5] += 1


def through_numpy(net: nn.Module) -> None:
    net[0].weight.detach().numpy()[:] = 0.25


def replaced(net: nn.Module) -> None:
    net[0].weight = nn.Parameter(torch.randn(64, 64))


def loaded(net: nn.Module) -> None:
    torch.manual_seed(7)
    net.load_state_dict(model().state_dict())


def assigned(net: nn.Module) -> None:
    torch.manual_seed(7)
    net.load_state_dict(model().state_dict(), assign=True)


def fused_optimiser_step(net: nn.Module) -> None:
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.1, fused=True)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()


CHANGES = [
    data_copy,
    data_replaced,
    in_place,
    one_element_in_place,
    through_numpy,
    replaced,
    loaded,
    assigned,
    fused_optimiser_step,
]


@pytest.fixture(params=["compiled", "without a compiler"])
def sampling(request, monkeypatch):
    """Fingerprints through machine code, and through the framework's operations."""
    if request.param == "without a compiler":
        monkeypatch.setattr(fingerprint, "_comparisons", lambda: None)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_new_weights_count(optimize, sampling, change):
    fast = optimize(model())
    with torch.inference_mode():
        before = fast(X)
        assert close(fast(X), before)
    assert dlp.report(fast).weights_packed == 1
    change(fast)
    with torch.inference_mode():
        after = fast(X)
        assert not close(after, before)
        assert close(after, fast.forward.eager(X))
    assert dlp.report(fast).calls_eager == 0


def test_weights_are_packed_once_while_unchanged(optimize, sampling):
    fast = optimize(model())
    for grad in (torch.no_grad, torch.inference_mode, torch.enable_grad):
        with grad():
            for _ in range(3):
                fast(X)
    assert dlp.report(fast).weights_packed == 1


def test_weights_with_nan_are_unchanged_while_nobody_writes(optimize, sampling):
    fast = optimize(model())
    fast[0].weight.data.fill_(float("nan"))
    with torch.inference_mode():
        fast(X), fast(X)
    assert dlp.report(fast).weights_packed == 1


def test_weights_that_are_inference_tensors(optimize):
    with torch.inference_mode():
        fast = optimize(model())
        before = fast(X)
        fast[0].weight.mul_(2)  # has no version to bump
        after = fast(X)
        assert not close(before, after)
        assert close(after, fast.forward.eager(X))


def test_two_instances_of_a_class(optimize):
    first, second = model(), model()
    fast_first, fast_second = optimize(first), optimize(second)
    with torch.inference_mode():
        for _ in range(2):
            assert close(fast_first(X), first(X))
            assert close(fast_second(X), second(X))
        assert not close(fast_first(X), fast_second(X))


def test_two_instances_within_one_model(optimize):
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([model(), model()])

        def forward(self, x, which: int):
            torch._dynamo.graph_break()
            return self.parts[which](x)

    pair = Pair().eval()
    fast = optimize(pair)
    with torch.inference_mode():
        for which in (0, 1, 0, 1):
            assert close(fast(X, which), pair(X, which))


def test_refresh_is_for_what_sampling_misses(optimize):
    fast = optimize(model())
    with torch.inference_mode():
        before = fast(X)
    sampled = set(fingerprint.sample_addresses(fast[0].weight, fingerprint.MOST))
    place = next(i for i in range(64 * 64) if fast[0].weight.data_ptr() + 4 * i not in sampled)
    fast[0].weight.data.view(-1)[place] += 1
    with torch.inference_mode():
        assert close(fast(X), before)  # what is documented
        dlp.refresh(fast)
        assert close(fast(X), fast.forward.eager(X))


def test_refresh_wants_an_optimised_model():
    with pytest.raises(dlp.errors.InputError, match="is not optimised"):
        dlp.refresh(model())


def test_buffers_and_constants_are_weights(optimize):
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(64)

        def forward(self, x):
            return self.norm(x) + torch.tensor([1.0, 2.0] * 32)

    net = Normed().eval()
    fast = optimize(net)
    with torch.inference_mode():
        assert close(fast(X), net(X))
        net.norm.running_mean.add_(1)
        assert close(fast(X), net(X))
    names = list(dlp.report(fast).ops_compiled_by_name)
    assert not any("lift" in name for name in names)


def test_packed_weights_go_with_the_weights():
    sets = ParameterSets(lambda weights: [w.clone() for w in weights])
    weight = torch.randn(8)
    packed = weakref.ref(sets.packed((weight,))[0])
    assert packed() is not None
    del weight
    gc.collect()
    assert packed() is None
    assert sets.packed_bytes == 0


def test_a_packed_form_that_is_the_weight_itself_keeps_nothing_alive():
    sets = ParameterSets(lambda weights: list(weights))
    weight = torch.randn(8)
    alive = weakref.ref(weight)
    assert close(sets.packed((weight,))[0], weight)
    assert sets.packed_bytes == 0
    del weight
    gc.collect()
    assert alive() is None


def test_the_number_of_sets_is_bounded(monkeypatch):
    monkeypatch.setattr(ParameterSets, "CAPACITY", 4)
    sets = ParameterSets(lambda weights: [w.clone() for w in weights])
    weights = [(torch.randn(4),) for _ in range(10)]
    for given in weights:
        sets.packed(given)
    assert sets.packed_bytes == 4 * 16
    sets.packed(weights[-2])
    assert sets.prepared == 10
    sets.packed(weights[0])
    assert sets.prepared == 11


def test_many_instances_in_turn_are_packed_once_each():
    sets = ParameterSets(lambda weights: [w.clone() for w in weights])
    weights = [(torch.randn(4),) for _ in range(24)]
    for given in weights * 3:
        assert close(sets.packed(given)[0], given[0])
    assert sets.prepared == 24


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bool, torch.int64])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (1000,), (17, 33), (2, 3, 5, 7)])
def test_fingerprints_see_the_ends_and_a_shift(sampling, dtype, shape):
    tensor = torch.zeros(shape, dtype=dtype)
    seen = fingerprint.Fingerprint([tensor])
    assert seen.unchanged()
    tensor.view(-1)[-1] = 1
    assert not seen.unchanged()
    tensor.zero_()
    assert seen.unchanged()
    tensor.view(-1)[0] = 1
    assert not seen.unchanged()


def test_fingerprints_of_strided_tensors(sampling):
    whole = torch.zeros(40, 40)
    view = whole.t()[3:20, 5:9]
    seen = fingerprint.Fingerprint([view])
    whole[30:, 30:] = 1  # outside the view
    assert seen.unchanged()
    view.fill_(1)
    assert not seen.unchanged()


def test_a_copy_has_its_own_packed_weights(optimize):
    fast = optimize(model())
    with torch.inference_mode():
        before = fast(X)
    other = copy.deepcopy(fast)
    other[0].weight.data.zero_()
    with torch.inference_mode():
        assert not close(other(X), before)
        assert close(fast(X), before)
