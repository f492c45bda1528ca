"""The short way of a call is left whenever the long one could give something else."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import types
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from comparison import close
from torch import nn

import dlp
from dlp.frontends.torch import pins, shortcut
from dlp.frontends.torch.direct import PATIENCE, Variant
from dlp.frontends.torch.pins import Pins

X = torch.randn(3, 4)
SIGN = 1.0
KEPT: list[torch.Tensor] = []


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


class Settings:
    """Something that is no module."""

    factor = 1.0


class Inner(nn.Module):
    """Reads attributes of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("shift", torch.ones(4))
        self.dropout = nn.Dropout(0.9)
        self.factor = 2.0
        self.steps = [1]
        self.sizes = (4, (1, "a"))
        self.settings = Settings()
        self.function = torch.relu

    def forward(self, x):
        y = self.dropout(self.linear(x)) + self.shift
        if self.linear.weight.requires_grad:
            y = y * self.factor * self.settings.factor
        return self.function(y * len(self.steps) * self.sizes[0] * SIGN)


class Other(Inner):
    def forward(self, x):
        return self.linear(x)


class Doubled(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(Inner(), nn.Linear(4, 4))

    def forward(self, x, more=None):
        y = self.parts(x)
        return y if more is None else y + more


def model() -> Any:
    with torch.inference_mode(False):
        return Outer().eval()


def variant_of(fast: Any) -> Variant:
    return fast.forward._captured.__globals__["_dlp_find"].__self__._variants[0]


def on_the_short_way(fast: Any, *args: Any) -> Any:
    """The model, after so many calls that the next is short."""
    for _ in range(PATIENCE + 1):
        fast(*args)
    assert variant_of(fast)._shortcut is not None
    return fast


@pytest.fixture
def fast(optimize):
    return on_the_short_way(optimize(model()), X)


def test_a_short_call_evaluates_few_guards_and_fetches_no_weights(fast):
    def fail(*args, **kwargs):
        raise AssertionError("the long way")

    variant = variant_of(fast)
    assert variant._shortcut is not None
    variant._run = fail
    calls = dlp.report(fast).calls_compiled
    assert close(fast(X), fast.forward.eager(X))
    assert dlp.report(fast).calls_compiled == calls + 1
    assert "_parameters" not in variant._shortcut.run.__code__.co_names


def forward_hook(fast):
    fast.parts[0].linear.register_forward_hook(lambda module, args, result: result + 1)


def forward_pre_hook(fast):
    fast.parts[0].register_forward_pre_hook(lambda module, args: (args[0] + 1,))


def hook_of_the_model(fast):
    fast.register_forward_hook(lambda module, args, result: result + 1)


def replaced_submodule(fast):
    fast.parts[1] = nn.Linear(4, 4)


def replaced_in_its_dictionary(fast):
    fast.parts._modules["1"] = nn.Identity()


def removed_submodule(fast):
    del fast.parts[1]


def training_mode(fast):
    fast.parts[0].dropout.p = 1.0
    fast.train()


def another_number(fast):
    fast.parts[0].factor = 3.0


def another_tuple(fast):
    fast.parts[0].sizes = (5, (1, "a"))


def longer_list(fast):
    fast.parts[0].steps.append(2)


def attribute_of_an_object(fast):
    fast.parts[0].settings.factor = 3.0


def another_function(fast):
    fast.parts[0].function = torch.sigmoid


def forward_of_an_instance(fast):
    fast.parts[0].forward = types.MethodType(Other.forward, fast.parts[0])


def another_class(fast):
    fast.parts[0].__class__ = Other


def another_class_of_a_part(fast):
    fast.parts[1].__class__ = Doubled


def another_namespace(fast):
    fast.parts[0].__dict__ = {**fast.parts[0].__dict__, "factor": 3.0}


def another_dictionary_of_parameters(fast):
    parameters = fast.parts[0].linear._parameters
    fast.parts[0].linear.__dict__["_parameters"] = {n: nn.Parameter(p + 1) for n, p in parameters.items()}


def another_parameter(fast):
    fast.parts[0].linear.weight = nn.Parameter(torch.randn(4, 4))


def another_buffer(fast):
    fast.parts[0].shift = torch.full((4,), 5.0)


def written_buffer(fast):
    fast.parts[0].shift.add_(1)


def written_weight(fast):
    fast.parts[0].linear.weight.mul_(2)


def written_past_the_version(fast):
    fast.parts[0].linear.weight.data.mul_(2)


def other_memory(fast):
    fast.parts[0].linear.weight.data = torch.randn(4, 4)


def other_memory_beside_the_old(fast):
    weight = fast.parts[0].linear.weight
    KEPT.append(weight.data)
    weight.data = torch.randn(4, 4)


def same_memory_transposed(fast):
    fast.parts[0].linear.weight.data = fast.parts[0].linear.weight.data.t()


def other_sizes_of_the_same_memory(fast):
    bias = fast.parts[0].linear.bias
    bias.data = bias.data[:1]


def no_gradient_wanted(fast):
    fast.parts[0].linear.weight.requires_grad_(False)


def loaded_state(fast):
    fast.load_state_dict({name: value + 1 for name, value in fast.state_dict().items()})


def assigned_state(fast):
    fast.load_state_dict({name: value + 1 for name, value in fast.state_dict().items()}, assign=True)


def parametrized(fast):
    with torch.inference_mode(False):
        nn.utils.parametrizations.weight_norm(fast.parts[0].linear)
        fast.parts[0].linear.parametrizations.weight.original0.data.mul_(2)


def converted(fast):
    fast.double().float()
    fast.parts[0].linear.weight.data.add_(1)


CHANGES = (
    forward_hook, forward_pre_hook, hook_of_the_model, replaced_submodule, replaced_in_its_dictionary,
    removed_submodule, training_mode, another_number, another_tuple, longer_list, attribute_of_an_object,
    another_function, forward_of_an_instance, another_class, another_class_of_a_part, another_namespace,
    another_dictionary_of_parameters, another_parameter, another_buffer, written_buffer, written_weight,
    written_past_the_version, other_memory, other_memory_beside_the_old, same_memory_transposed,
    other_sizes_of_the_same_memory, no_gradient_wanted,
    loaded_state, assigned_state, parametrized, converted,
)  # fmt: skip


def test_a_write_between_the_samples_counts(optimize):
    """The version shows it."""
    with torch.inference_mode(False):
        large = nn.Sequential(nn.Linear(128, 128)).eval()
    x = torch.randn(2, 128)
    fast = on_the_short_way(optimize(large), x)
    with torch.inference_mode(False), torch.no_grad():
        large[0].weight[3, 5] += 4
    assert close(fast(x), large(x))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changes_of_the_model_count(fast, change):
    before = fast(X)
    with torch.inference_mode(False), torch.no_grad():
        change(fast)
    after = fast(X)
    expected = nn.Module.__call__(_as_eager(fast), X)
    assert close(after, expected)
    assert not close(before, expected)
    assert close(fast(X), expected)


def _as_eager(fast: Any) -> nn.Module:
    """The same tree and hooks without dlp."""
    eager = copy.copy(fast)
    eager.__dict__ = {name: value for name, value in vars(fast).items() if name != "forward"}
    return eager


def test_globals_count(fast):
    global SIGN
    before = fast(X)
    try:
        SIGN = -1.0
        assert close(fast(X), fast.forward.eager(X)) and not close(fast(X), before)
    finally:
        SIGN = 1.0


def test_code_of_functions_counts(optimize):
    def double(x):
        return x * 2

    def triple(x):
        return x * 3

    class Calls(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.function = double

        def forward(self, x):
            return self.function(x)

    fast = on_the_short_way(optimize(Calls()), X)
    double.__code__ = triple.__code__
    assert close(fast(X), X * 3)


def test_closures_count(optimize):
    factor = 2.0

    class Closure(nn.Linear):
        def forward(self, input):
            return super().forward(input) * factor

    fast = optimize(Closure(4, 4).eval())
    for _ in range(PATIENCE + 1):
        fast(X)
    before = fast(X)
    factor = 3.0
    assert close(fast(X), before * 1.5)


@pytest.mark.parametrize(
    "other",
    [X[:2], X.double(), X.t()[:3, :3].t(), torch.randn(3, 8)[:, ::2], X.numpy(), torch.randn(1, 3, 4)],
    ids=["size", "dtype", "strides", "gaps", "array", "rank"],
)
def test_arguments_count(fast, other):
    def outcome(call):
        try:
            return call(other)
        except Exception as error:
            return type(error)

    expected = outcome(fast.forward.eager)
    found = outcome(fast)
    assert found == expected if isinstance(expected, type) else close(found, expected)


def test_further_arguments_count(fast):
    assert close(fast(X, more=X), fast.forward.eager(X, X))
    assert close(fast(X), fast.forward.eager(X))


class Marked(torch.Tensor):
    """A tensor of a class of its own."""


def test_classes_of_arguments_count(fast):
    result = fast(X.as_subclass(Marked))
    assert type(result) is Marked
    assert close(result.as_subclass(torch.Tensor), fast(X))


def test_modes_count(optimize):
    fast = on_the_short_way(optimize(model()), X)
    with torch.inference_mode(False):
        x = X.clone()
        assert fast(x).requires_grad
        with torch.no_grad():
            result = fast(x)
            assert not result.requires_grad and not result.is_inference()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            assert fast(x).dtype == fast.forward.eager(x).dtype
    assert fast(X).is_inference()


def test_stances_are_obeyed(fast):
    with torch.compiler.set_stance("force_eager"):
        fast(X)
    assert dlp.report(fast).calls_eager == 1


def test_after_a_reset_of_dynamo(fast):
    torch._dynamo.reset()
    gc.collect()
    assert close(fast(X), fast.forward.eager(X))


def test_refresh(fast):
    packed, short = dlp.report(fast).weights_packed, variant_of(fast)._shortcut
    dlp.refresh(fast)
    fast(X)
    assert dlp.report(fast).weights_packed == packed + 1
    assert variant_of(fast)._shortcut is not short


def test_another_module_counts(fast):
    other = model()
    assert close(fast.forward._captured(other, X), other(X))


def test_models_of_one_class_are_apart(optimize):
    models = [model() for _ in range(3)]
    fasts = [on_the_short_way(optimize(one), X) for one in models]
    for one, fast in zip(models, fasts, strict=True):
        assert close(fast(X), one(X))


def test_copies_are_apart(fast):
    with torch.inference_mode(False):
        copies = [copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))]
    before = fast(X)
    for other in copies:
        assert close(on_the_short_way(other, X)(X), before)
        with torch.inference_mode(False), torch.no_grad():
            other.parts[1].weight.mul_(-2)
        assert close(other(X), other.forward.eager(X)) and not close(other(X), before)
        assert close(fast(X), before)


def test_the_short_way_is_found_again(fast):
    for _ in range(3):
        with torch.inference_mode(False), torch.no_grad():
            written_weight(fast)
        assert close(fast(X), fast.forward.eager(X))
        assert variant_of(fast)._shortcut is None
        for _ in range(64):
            fast(X)
        assert variant_of(fast)._shortcut is not None


def test_nothing_is_kept_alive(fast):
    weight, module = weakref.ref(fast.parts[0].linear.weight), weakref.ref(fast.parts[0])
    packed = weakref.ref(variant_of(fast)._shortcut._packed.packed[0])  # type: ignore[union-attr]
    fast.parts[0] = nn.Identity()  # no call notices it
    gc.collect()
    assert weight() is None and module() is None and packed() is None
    assert close(fast(X), fast.forward.eager(X))


def test_weights_that_go_between_guards_and_code(fast):
    """Another thread may do that: the call begins again."""
    short = variant_of(fast)._shortcut
    assert short is not None
    run = short.run

    def drop(*args, **kwargs):
        dlp.refresh(fast)
        return run(*args, **kwargs)

    short.run = drop  # type: ignore[assignment]
    assert close(fast(X), fast.forward.eager(X))


def test_threads_while_the_model_changes(optimize):
    """Every result is that of a state that the model was in."""
    with torch.inference_mode(False):
        linear = nn.Linear(4, 4, bias=False).requires_grad_(False).eval()
    fast = on_the_short_way(optimize(nn.Sequential(linear)), X)
    weights = [nn.Parameter(torch.full((4, 4), float(i)), requires_grad=False) for i in range(8)]
    results: list[torch.Tensor] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            with torch.inference_mode():
                results.extend(fast(torch.ones(3, 4)) for _ in range(200))
        except BaseException as error:
            errors.append(error)

    fast[0].weight = weights[0]
    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for weight in weights:
            fast[0].weight = nn.Parameter(weight.clone(), requires_grad=False)
    assert not errors
    assert {float(v) for result in results for v in result.unique()} <= {4.0 * i for i in range(8)}
    assert all(len(result.unique()) == 1 for result in results)


@dataclass
class Result:
    """As transformers return them."""

    first: torch.Tensor
    rest: tuple[Any, ...]
    name: str = "result"


class Forms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, a, /, b, *rest, c, d=None, **others):
        y = self.linear(a) + b + c
        for value in (*rest, *others.values()):
            y = y + value
        return {
            "y": y,
            "none": d,
            "nested": [(y * 2, a), {"number": 3, "size": y.shape[0]}],
            "result": Result(y - 1, (b, y)),
        }


def test_arguments_and_results_of_any_form(optimize):
    with torch.inference_mode(False):
        forms = Forms().eval()
    args, kwargs = (X, X + 1, X + 2), {"c": X + 3, "e": X + 4}
    fast = optimize(forms)
    for _ in range(PATIENCE + 1):
        fast(*args, **kwargs)
    assert variant_of(fast)._shortcut is not None
    found, expected = fast(*args, **kwargs), forms(*args, **kwargs)
    assert close(found["y"], expected["y"]) and found["none"] is None
    (doubled, a), rest = found["nested"]
    assert close(doubled, expected["nested"][0][0]) and a is X
    assert rest == {"number": 3, "size": 3}
    assert isinstance(found["result"], Result) and found["result"].name == "result"
    assert close(found["result"].first, expected["result"].first) and found["result"].rest[0] is args[1]
    assert found["result"].rest[1] is found["y"]


def test_a_model_that_writes_to_itself_stays_on_the_long_way(optimize):
    class Counting(nn.Linear):
        calls = 0

        def forward(self, input):
            self.calls = 5
            return super().forward(input)

    fast = optimize(Counting(4, 4).eval())
    for _ in range(2 * PATIENCE):
        fast.calls = 0
        fast(X)
        assert fast.calls == 5
    assert variant_of(fast)._shortcut is None


def test_a_model_that_returns_a_weight_stays_on_the_long_way(optimize):
    class Returning(nn.Linear):
        def forward(self, input):  # type: ignore[override]
            return super().forward(input), self.weight

    fast = optimize(Returning(4, 4).eval())
    for _ in range(2 * PATIENCE):
        assert fast(X)[1] is fast.weight
    assert variant_of(fast)._shortcut is None


def test_where_pins_do_not_work_all_calls_go_the_long_way(optimize, monkeypatch):
    monkeypatch.setattr(shortcut, "pins_work", lambda: False)
    fast = optimize(model())
    for _ in range(2 * PATIENCE):
        assert close(fast(X), fast.forward.eager(X))
    assert variant_of(fast)._shortcut is None


def test_pins_work_here():
    """Else nothing of this is tested: with a newer Python, something has to take their place."""
    assert pins.pins_work()


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_what_is_read_is_unchanged(kind):
    values = kind(a=1, b=object())
    pinned = Pins()
    assert pinned.pin(values) and pinned.close(None)
    assert values["a"] == 1 and "c" not in values and list(values) == ["a", "b"] and values.copy() == values
    assert pinned.hold()
    values["a"] = 2
    assert not pinned.hold()


@pytest.mark.parametrize(
    "change",
    [
        lambda tensor: tensor.add_(1),
        lambda tensor: setattr(tensor, "data", tensor.data.clone()),
        lambda tensor: setattr(tensor, "data", tensor.data[:2]),
        lambda tensor: setattr(tensor, "data", tensor.data.as_strided((4, 1), (0, 1))),
        lambda tensor: setattr(tensor, "data", tensor.data[:, 0]),
        lambda tensor: setattr(tensor, "data", tensor.data.view(torch.int32)),
        lambda tensor: setattr(tensor, "__class__", Marked),
        lambda tensor: tensor.requires_grad_(),
    ],
    ids=["version", "memory", "sizes", "strides", "rank", "element type", "class", "gradient"],
)
def test_all_of_a_tensor_is_compared(change):
    with torch.inference_mode(False):
        tensor, pinned = torch.ones(4, 1), Pins()
        KEPT.append(tensor.data)
        assert pinned.pin(tensor) and pinned.close(None) and pinned.hold()
        change(tensor)
    assert not pinned.hold()


def test_what_is_no_plain_dictionary_is_not_pinned():
    class Own(dict):
        pass

    assert not Pins().pin(Own()) and not Pins().pin([]) and not Pins().pin(object())
