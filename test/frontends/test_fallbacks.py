"""Whatever is not dlp's runs in the framework: never an error, never another result, always reported."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch._dynamo
from comparison import close
from torch import nn

import dlp
from dlp.errors import FallbackError, FallbackWarning, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch import dispatch
from dlp.frontends.torch.reference import compile_reference

X = torch.randn(3, 4)


class Sine(nn.Module):
    def forward(self, x):
        y = x * 2
        return torch.sin(y) + 1  # the line that the tests look for


class Broken(nn.Module):
    def forward(self, x):
        y = x * 2
        print("", end="")  # a graph break
        return y + 1


class DataDependent(nn.Module):
    def forward(self, x):
        return x[x > 0]


class Branching(nn.Module):
    def forward(self, x):
        return x + 1 if x.sum() > 0 else x - 1


class Complex(nn.Module):
    def forward(self, x):
        return torch.fft.fft(x).abs()


class Meta(nn.Module):
    def forward(self, x):
        return x + torch.empty(4, device="meta").to("meta").numel()


class Autocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)


class Odd(nn.Module):
    """What Dynamo cannot capture at all."""

    def forward(self, x):
        return x + len(list(map(str, [id(object())])))


def refuse_sine(graph, example_inputs, **arguments):
    found = [n for n in graph.graph.nodes if "aten.sin" in str(n.target)]
    if found:
        from dlp.frontends.torch import source_lines

        raise UnsupportedOpsError(
            [UnsupportedOp(str(n.target), "not for the test", source_lines.of_node(n), n.name) for n in found]
        )
    return compile_reference(graph, example_inputs, **arguments)


def crash(graph, example_inputs, **arguments):
    raise AssertionError("a bug of the compiler\nwith details")


def line_of(cls: type, text: str) -> str:
    import inspect

    lines, first = inspect.getsourcelines(cls)
    return f"{__file__}:{first + next(i for i, line in enumerate(lines) if text in line)}"


def test_an_unsupported_operation(optimize):
    fast = optimize(Sine(), compile_function=refuse_sine)
    with torch.inference_mode(), pytest.warns(FallbackWarning, match="aten.sin.default") as caught:
        for _ in range(3):
            assert close(fast(X), Sine()(X))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_mixed, report.calls_eager) == (0, 3, 0)
    where = line_of(Sine, "the line that")
    assert report.ops_left == (UnsupportedOp("aten.sin.default", "not for the test", where),)
    # What comes before it and behind it is compiled.
    assert report.ops_compiled_by_name == {"aten.mul.Tensor": 1, "aten.add.Tensor": 1}
    assert report.graphs_captured == 1
    assert f"{where}: aten.sin.default: not for the test" in str(report)


class Between(nn.Module):
    """Unsupported operations, one hidden behind another, with weights on both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(4, 2)

    def forward(self, x):
        y = torch.fft.fft(self.first(x).relu()).abs()
        q, r = torch.linalg.qr(y + 9 * torch.eye(3, 6))  # full rank where relu leaves a row of zeros
        values, places = self.first(x).sin().kthvalue(2, dim=1)
        return (
            self.last(r.transpose(0, 1)[:, :3].abs().repeat(1, 2)[:, :4]).tanh(),
            values.exp(),
            places,
            q[0],
        )


def test_what_surrounds_unsupported_operations_is_compiled():
    model = Between().eval()
    fast = dlp.optimize(model)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            assert all(map(close, fast(X), model(X)))
            for layer in (
                model.first,
                model.last,
            ):  # packed weights of a part are refreshed as those of a whole
                layer.weight.mul_(2)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_mixed, report.calls_eager) == (0, 2, 0)
    left = {op.name for op in report.ops_left}
    assert {"aten._fft_r2c.default", "aten.linalg_qr.default"} <= left
    assert {"aten.relu.default", "aten.tanh.default", "aten.exp.default"} <= set(report.ops_compiled_by_name)
    assert report.weights_packed == 5  # the constant is one
    x, y = X.clone().requires_grad_(), X.clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast(x)[0].sum().backward()
    model(y)[0].sum().backward()
    assert close(x.grad, y.grad)
    with pytest.raises(FallbackError, match="_fft_r2c"):
        dlp.optimize(model, strict=True)(X)


def test_a_crash_of_the_compiler(optimize):
    fast = optimize(Sine(), compile_function=crash)
    with torch.inference_mode(), pytest.warns(FallbackWarning, match="AssertionError: a bug of the compiler"):
        assert close(fast(X), Sine()(X))
    assert dlp.report(fast).calls_eager == 1


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("cls", [Broken, DataDependent, Branching, Complex, Meta, Odd])
def test_results_are_eagers(optimize, cls, training):
    model = cls().train(training)
    fast = optimize(model)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for x in (X, -X, X[:2], X[:, :2].repeat(1, 2)):
            assert close(fast(x), model(x))


def test_a_graph_break_is_reported_and_its_parts_are_compiled(optimize):
    fast = optimize(Broken())
    with torch.inference_mode(), pytest.warns(FallbackWarning, match="graph break"):
        assert close(fast(X), Broken()(X))
    report = dlp.report(fast)
    [fallback] = report.fallbacks
    assert fallback.location == line_of(Broken, "print")
    assert report.graphs_captured == 2
    assert report.calls_compiled == 1


def test_other_types(optimize):
    class Add(nn.Module):
        def forward(self, x):
            return x + 1

    fast = optimize(Add())
    inputs = [
        torch.randn(3, dtype=torch.complex64),
        torch.ones(3, device="meta"),
        torch.randn(3, dtype=torch.complex64).conj().imag,
    ]
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        for x in inputs:
            result, expected = fast(x), Add()(x)
            assert result.device == expected.device
            assert result.is_meta or close(result, expected)
        assert close(fast(X), X + 1)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (1, 3)


def test_sparse_inputs_and_subclasses(optimize):
    class Double(nn.Module):
        def forward(self, x):
            return x * 2

    class Tagged(torch.Tensor):
        pass

    fast = optimize(Double())
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        assert close(fast(X.to_sparse()).to_dense(), X * 2)
        assert close(fast(X.as_subclass(Tagged)), X * 2)


def test_autocast(optimize):
    model = Autocast().eval()
    fast = optimize(model)
    with torch.inference_mode():
        assert fast(X).dtype == torch.float32
        with torch.autocast("cpu"), pytest.warns(FallbackWarning, match="autocast"):
            assert fast(X).dtype == torch.bfloat16
            assert close(fast(X), model(X))
        assert close(fast(X), model(X))
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (2, 2)
    assert report.graphs_captured == 1  # none under autocast


@pytest.mark.parametrize(
    ("cls", "what", "line"),
    [(Broken, "graph break", "print"), (DataDependent, "", "x > 0"), (Branching, "", "x.sum()")],
)
def test_strict_names_the_line(optimize, cls, what, line):
    fast = optimize(cls(), strict=True)
    for _ in range(2):
        with torch.inference_mode(), pytest.raises(FallbackError) as error:
            fast(X)
        assert line_of(cls, line) in str(error.value)
        assert what in str(error.value)


def test_strict_refuses_operations_and_modes(optimize):
    where = line_of(Sine, "the line that")
    with torch.inference_mode(), pytest.raises(FallbackError, match=r"aten\.sin\.default") as error:
        optimize(Sine(), compile_function=refuse_sine, strict=True)(X)
    assert where in str(error.value)
    with torch.inference_mode(), pytest.raises(FallbackError, match="a bug of the compiler"):
        optimize(Sine(), compile_function=crash, strict=True)(X)
    with pytest.raises(FallbackError, match="training"):
        optimize(nn.Linear(4, 4), strict=True)(X)
    with torch.autocast("cpu"), pytest.raises(FallbackError, match="autocast"):
        optimize(nn.Linear(4, 4).eval(), strict=True)(X)


def test_strict_with_example_inputs_fails_at_once(optimize):
    with pytest.raises(FallbackError, match=r"aten\.sin\.default"):
        optimize(Sine(), compile_function=refuse_sine, strict=True, example_inputs=X)


def test_strict_accepts_what_compiles(optimize):
    fast = optimize(nn.Linear(4, 4).eval(), strict=True, example_inputs=X)
    with torch.inference_mode():
        fast(X)
    assert dlp.report(fast).fallbacks == {}


def test_errors_of_the_user_are_eagers(optimize):
    model = nn.Linear(4, 4).eval()
    fast = optimize(model)
    for _ in range(dispatch.FAILURES + 1):
        with torch.inference_mode(), pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            fast(torch.randn(3, 5))
    with torch.inference_mode():
        assert close(fast(X), model(X))
    report = dlp.report(fast)
    assert report.calls_compiled == 1
    assert report.fallbacks == {}


def test_too_many_variants_are_said_aloud(optimize, monkeypatch):
    monkeypatch.setattr(dispatch, "VARIANTS", 3)
    model = nn.Linear(4, 4).eval()
    fast, other = optimize(model, dynamic=False), optimize(model, dynamic=False)
    x = torch.randn(6, 4)
    with torch.inference_mode():
        with pytest.warns(FallbackWarning, match="more than 3 variants"):
            for batch in range(1, 7):
                assert close(fast(x[:batch]), model(x[:batch]))
        report = dlp.report(fast)
        assert (report.calls_compiled, report.calls_eager) == (3, 3)
        assert close(fast(x[:2]), model(x[:2]))  # variants that exist go on being used
        assert dlp.report(fast).calls_compiled == 4
        other(x)  # another model has its own count
    assert dlp.report(other).calls_compiled == 1


def test_sizes_that_change_with_every_call_are_not_all_compiled(optimize, monkeypatch):
    monkeypatch.setattr(dispatch, "UNQUESTIONED", 2)
    monkeypatch.setattr(dispatch, "CALLS_PER_VARIANT", 3)
    model, x = nn.Linear(4, 4).eval(), torch.randn(9, 4)
    fast = optimize(model, dynamic=False)
    with torch.inference_mode(), pytest.warns(FallbackWarning, match="change with nearly every call"):
        for batch in range(1, 9):
            assert close(fast(x[:batch]), model(x[:batch]))
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager) == (3, 5)  # the first, the second, and the seventh


def test_no_process_wide_configuration_changes(optimize):
    before = torch._dynamo.config.get_config_copy()
    fast = optimize(nn.Linear(4, 4).eval())
    with torch.inference_mode():
        fast(X)
    assert torch._dynamo.config.get_config_copy() == before


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_scripted_modules_stay_as_they_are(optimize):
    model = torch.jit.script(nn.Linear(4, 4).eval())
    with pytest.warns(FallbackWarning, match="TorchScript"):
        fast = optimize(model)
    assert fast is model
    assert "TorchScript" in str(dlp.report(fast))
    with pytest.raises(FallbackError, match="TorchScript"):
        optimize(model, strict=True)


def test_dispatch_modes_see_every_operation(optimize):
    from torch.utils.flop_counter import FlopCounterMode

    model = nn.Linear(4, 4).eval()
    fast = optimize(model)
    with FlopCounterMode(display=False) as counter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast(X)
    assert counter.get_total_flops() == 2 * 3 * 4 * 4
