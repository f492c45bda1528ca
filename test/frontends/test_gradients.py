"""With gradients enabled results carry the gradients that eager gives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from comparison import close
from torch import nn

import dlp


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).eval()


def gradients(model: nn.Module, x: torch.Tensor) -> list[Any]:
    model.zero_grad()
    x = x.clone().requires_grad_()
    model(x).square().sum().backward()
    grads = [p.grad for p in model.parameters()]
    return [x.grad, *(grad.clone() for grad in grads if grad is not None)]


def test_gradients_of_weights_and_inputs(optimize):
    model, x = net(), torch.randn(4, 6)
    fast = optimize(copy.deepcopy(model))
    for ours, theirs in zip(gradients(fast, x), gradients(model, x), strict=True):
        assert close(ours, theirs)
    report = dlp.report(fast)
    assert report.calls_compiled == 1
    assert "torch.inference_mode()" in report.gradients
    assert "torch.inference_mode()" in str(report)


def test_no_gradients_without_need(optimize):
    model, x = net(), torch.randn(4, 6)
    fast = optimize(model)
    with torch.no_grad():
        assert not fast(x).requires_grad
    for parameter in fast.parameters():
        parameter.requires_grad_(False)
    assert not fast(x).requires_grad
    assert dlp.report(fast).gradients == ""


def test_the_grad_modes_share_one_compilation(optimize):
    fast, x = optimize(net()), torch.randn(4, 6)
    with torch.inference_mode():
        fast(x)
    with torch.no_grad():
        fast(x)
    fast(x)
    report = dlp.report(fast)
    assert report.graphs_captured == 1
    assert report.calls_compiled == 3


def test_gradients_reach_the_original_model(optimize):
    model, x = net(), torch.randn(4, 6)
    optimize(model)(x).sum().backward()
    assert model[0].weight.grad is not None


def test_frozen_weights_get_no_gradient(optimize):
    fast, x = optimize(net()), torch.randn(4, 6)
    fast[0].weight.requires_grad_(False)
    fast(x).sum().backward()
    assert fast[0].weight.grad is None
    assert fast[2].weight.grad is not None


def test_second_order_gradients(optimize):
    model, x = net(), torch.randn(2, 6)
    fast = optimize(model)

    def second(m: nn.Module) -> torch.Tensor:
        given = x.clone().requires_grad_()
        (first,) = torch.autograd.grad(m(given).sum(), given, create_graph=True)
        (found,) = torch.autograd.grad(first.square().sum(), given)
        return found

    assert close(second(fast), second(model))


def test_tensor_hooks_run_once(optimize):
    model, x = net(), torch.randn(4, 6)
    model(x).sum().backward()
    expected = model[0].weight.grad.clone()
    model.zero_grad()
    calls = []
    model[0].weight.register_hook(lambda grad: calls.append(1) or grad * 2)
    optimize(model)(x).sum().backward()
    assert close(model[0].weight.grad, 2 * expected)
    assert len(calls) == 1


def test_several_results_some_without_gradients(optimize):
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x):
            y = self.layer(x)
            return y, y.argmax(-1), y.detach() + 1, y * 2

    model, x = Two().eval(), torch.randn(4, 6)
    fast = optimize(model)
    results, expected = fast(x), model(x)
    assert [r.requires_grad for r in results] == [True, False, False, True]
    assert all(close(a, b) for a, b in zip(results, expected, strict=True))
    results[3].sum().backward()
    ours = model.layer.weight.grad.clone()
    model.zero_grad()
    expected[3].sum().backward()
    assert close(ours, model.layer.weight.grad)


def test_a_weight_that_changes_before_backward_is_an_error_as_in_eager(optimize):
    model, x = net(), torch.randn(4, 6)
    for m in (model, optimize(model)):
        y = m(x).sum()
        with torch.no_grad():
            m[2].weight.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()


def test_training_is_the_frameworks(optimize):
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    eager, x = copy.deepcopy(model), torch.randn(16, 6)
    fast = optimize(model)

    def train(m: nn.Module) -> list[float]:
        optimiser = torch.optim.SGD(m.parameters(), lr=0.05)
        losses = []
        for _ in range(4):
            optimiser.zero_grad()
            loss = m(x).square().mean()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses

    with pytest.warns(dlp.errors.FallbackWarning, match="training"):
        assert train(fast) == train(eager)
    assert close(fast[1].running_mean, eager[1].running_mean)
    assert dlp.report(fast).calls_eager == 4
    # And then evaluation uses what was learnt.
    with torch.inference_mode():
        assert close(fast.eval()(x), eager.eval()(x))
    assert dlp.report(fast).calls_compiled == 1


def test_function_transforms_are_the_frameworks(optimize):
    model, x = net(), torch.randn(5, 6)
    fast = optimize(model)
    with pytest.warns(dlp.errors.FallbackWarning, match="torch.func"):
        assert close(torch.vmap(fast)(x), model(x))
    ours, theirs = (torch.func.jacrev(m)(x[0]) for m in (fast, model))
    assert close(ours, theirs)
    tangents = [torch.func.jvp(m, (x,), (x,))[1] for m in (fast, model)]
    assert close(*tangents)


def test_inference_tensors_as_inputs_while_gradients_are_enabled(optimize):
    class Add(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.offset = nn.Parameter(torch.ones(4))

        def forward(self, x):
            return x + self.offset  # saves neither

    model = Add().eval()
    fast = optimize(model)
    with torch.inference_mode():
        x = torch.randn(3, 4)
        fast(x)
    fast(x.clone()).sum().backward()
    fast(x).sum().backward()
    assert close(model.offset.grad, torch.full((4,), 6.0))
