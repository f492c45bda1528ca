"""Sizes that change between calls: the second compiles for all, the third compiles nothing, and all are right."""

from __future__ import annotations

import pytest
import torch
from comparison import close
from torch import nn
from torch.nn import functional

import dlp
from dlp.frontends.torch.dispatch import UNQUESTIONED, VARIANTS


class Block(nn.Module):
    """Embedding, attention, a feed-forward part, norms: what a transformer is made of."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, 16), nn.Embedding(12, 16)
        self.register_buffer("order", torch.arange(12)[None])
        self.qkv, self.out, self.norm = nn.Linear(16, 48), nn.Linear(16, 16), nn.LayerNorm(16)
        self.wide, self.narrow = nn.Linear(16, 24), nn.Linear(24, 16)
        self.causal = causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length = x.shape
        h = self.norm(self.words(x) + self.places(self.order[:, :length]))
        parts = self.qkv(h).split(16, -1)
        q, k, v = (y.view(batch, length, 2, 8).transpose(1, 2) for y in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        h = h + self.out(mixed.transpose(1, 2).reshape(batch, length, 16))
        return h + self.narrow(functional.gelu(self.wide(h)))


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(20, 33), nn.ReLU(), nn.LayerNorm(33), nn.Linear(33, 10), nn.Softmax(-1)
    ).eval()


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    ).eval()


def graphs(model: nn.Module) -> tuple[int, int]:
    """How many graphs were captured, and how many of them serve all sizes."""
    report = dlp.report(model)
    assert report.calls_eager == report.calls_mixed == 0, str(report)
    return report.graphs_captured, report.graphs_for_all_sizes


def misses(model: nn.Module) -> int:
    report = dlp.report(model)
    return report.cache_hits + report.cache_misses


def check(model: nn.Module, fast: nn.Module, x: torch.Tensor) -> None:
    with torch.inference_mode():
        assert close(fast(x), model(x)), tuple(x.shape)


def test_the_second_size_compiles_once_and_the_third_nothing():
    model = mlp()
    fast = dlp.optimize(model, threads=2)
    check(model, fast, torch.randn(4, 20))
    assert graphs(fast) == (1, 0)
    check(model, fast, torch.randn(9, 20))
    assert graphs(fast) == (2, 1)
    compiled = misses(fast)
    for batch in (2, 3, 5, 6, 7, 8, 12, 13, 31, 64, 100):
        check(model, fast, torch.randn(batch, 20))
    assert graphs(fast) == (2, 1)
    assert misses(fast) == compiled
    report = dlp.report(fast)
    assert report.each_size == {}
    assert "1 of them for all sizes" in str(report)
    assert report.weights_packed == 1  # the packed weights are those of the first size


@pytest.mark.filterwarnings("ignore:dlp leaves a part")
def test_sizes_one_and_zero_have_code_of_their_own():
    model = mlp()
    fast = dlp.optimize(model)
    for batch in (3, 5, 1, 7, 1):
        check(model, fast, torch.randn(batch, 20))
    assert graphs(fast) == (3, 1)
    with torch.inference_mode():
        assert fast(torch.randn(0, 20)).shape == (0, 10)
    check(model, fast, torch.randn(11, 20))


def test_batches_of_images():
    model = cnn()
    fast = dlp.optimize(model)
    for batch in (2, 3, 5, 4, 8, 13, 20):
        check(model, fast, torch.randn(batch, 1, 28, 28))
    assert graphs(fast) == (2, 1)


class Residual(nn.Module):
    """Convolutions for which Winograd's filtering pays, a pool that reaches over the end, a chain that joins."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 5, stride=2, padding=2)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.first, self.second = (nn.Conv2d(32, 32, 3, padding=1) for _ in range(2))
        self.norm, self.head = nn.BatchNorm2d(32), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.pool(self.stem(x).relu())
        h = (h + self.norm(self.second(self.first(h).relu()))).relu()
        return self.head(h.mean((2, 3)))


def test_images_of_any_size():
    model = Residual().eval()
    fast = dlp.optimize(model)
    for height, width in ((96, 96), (112, 80), (80, 112), (97, 98), (99, 77), (101, 83), (64, 126)):
        check(model, fast, torch.randn(1, 3, height, width))
    assert graphs(fast) == (2, 1), str(dlp.report(fast))


def test_small_images_have_code_of_their_own():
    """A pool of an image that may be one pixel is another graph: the least size is a guard."""
    model = Residual().eval()
    fast = dlp.optimize(model, dynamic=True)
    for size in (96, 40, 25, 6, 5, 97):
        check(model, fast, torch.randn(1, 3, size, size))
    captured, for_all = graphs(fast)
    assert 2 <= captured <= 4 and for_all >= 1, str(dlp.report(fast))


@pytest.mark.parametrize("causal", [False, True])
def test_batch_and_length_of_texts(causal):
    model = Block(causal).eval()
    fast = dlp.optimize(model, dynamic=True)
    for batch, length in ((3, 9), (2, 12), (5, 2), (2, 5), (9, 11), (4, 8)):
        check(model, fast, torch.randint(0, 20, (batch, length)))
    assert graphs(fast) == (1, 1), str(dlp.report(fast))


@pytest.mark.parametrize("dimension", [1, 2], ids=["across rows", "along rows"])
def test_softmax_along_an_open_size(dimension: int):
    """One kernel in which rows stay in the cache; lengths straddle vectors."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Softmax(dim=1)) if dimension == 1 else Scores()
    fast = dlp.optimize(model.eval())
    for length in (6, 9, 11, 61, 2, 40):
        check(model, fast, torch.randn(3, length, 8))
    assert graphs(fast) == (2, 1)


class Scores(nn.Module):
    """Scores of a sequence with itself, and their sums and largest along either dimension."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = torch.log_softmax(x @ x.transpose(1, 2), -1)
        return scores.softmax(-1) + scores.sum(-1, True) * scores.amax(1, True)


def test_dynamic_is_for_all_sizes_from_the_first_call_on():
    model = mlp()
    fast = dlp.optimize(model, dynamic=True)
    for batch in (6, 2, 17):
        check(model, fast, torch.randn(batch, 20))
    assert graphs(fast) == (1, 1)


def test_not_dynamic_is_each_size_by_itself():
    model = nn.Linear(20, 8).eval()
    fast = dlp.optimize(model, dynamic=False)
    for batch in (6, 2, 5, 6):
        check(model, fast, torch.randn(batch, 20))
    assert graphs(fast) == (3, 0)


@pytest.mark.filterwarnings("ignore:dlp leaves a part")
def test_what_needs_known_sizes_is_compiled_for_each_and_said():
    class Raised(nn.Module):
        """Which power it is decides how it is computed."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x) ** x.shape[0]

    model = Raised()
    fast = dlp.optimize(model)
    sizes = (6, 2, 5, 9, 4, 3, 7, 11, 13, 8, 10, 12)
    for batch in sizes:
        check(model, fast, torch.randn(batch, 20))
    report = dlp.report(fast)
    compiled = report.calls_compiled
    assert (report.graphs_captured, report.graphs_for_all_sizes) == (compiled, 0), str(report)
    ((why, skipped),) = report.fallbacks.items()  # no limit is reached silently
    assert why.reason.startswith("sizes that change with nearly every call")
    assert compiled == UNQUESTIONED and skipped == len(sizes) - compiled
    ((reason, times),) = report.each_size.items()
    assert reason.reason.startswith("aten.pow.Tensor_Scalar: not known for all sizes") and times == 1
    assert "test_dynamic.py:" in reason.location
    assert "why each size is compiled by itself" in str(report)


def test_a_size_of_no_tensor_that_is_computed_with_is_a_constant():
    class Windows(nn.Module):
        """How many windows there are, from the length alone."""

        def __init__(self) -> None:
            super().__init__()
            self.step: torch.Tensor = nn.Buffer(torch.tensor(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ceil((x.shape[-1] - self.step) / self.step) * self.step

    model = Windows().eval()
    fast = dlp.optimize(model)
    for length in (5, 8, 11):
        x = torch.randn(2, length)
        assert torch.equal(fast(x), model(x))
    assert graphs(fast) == (3, 0)
    ((reason, _),) = dlp.report(fast).each_size.items()
    assert "is the size of no tensor" in reason.reason and "test_dynamic.py:" in reason.location


@pytest.mark.filterwarnings("ignore:dlp leaves a part")
def test_an_operation_that_dlp_does_not_know_keeps_sizes_from_being_open_and_is_named():
    class Mixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(torch.special.bessel_j0(torch.relu(x)))

    model = Mixed()
    fast = dlp.optimize(model)
    with torch.inference_mode():
        for batch in (6, 2, 5, 9):
            x = torch.randn(batch, 20)
            assert close(fast(x), model(x))
    report = dlp.report(fast)
    assert report.calls_mixed == 4
    ((reason, _),) = report.each_size.items()
    assert reason.reason == "aten.special_bessel_j0.default: dlp has no such operation"
    assert "test_dynamic.py:" in reason.location


def test_two_models_of_a_class_learn_their_sizes_apart():
    first, second = mlp(), mlp()
    fast, other = dlp.optimize(first), dlp.optimize(second)
    check(first, fast, torch.randn(4, 20))
    check(second, other, torch.randn(6, 20))
    assert graphs(other) == (1, 0)


def test_layouts_of_inputs_count():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU()).eval()
    fast = dlp.optimize(model, dynamic=True)
    for rows in (5, 7, 4):
        check(model, fast, torch.randn(6, rows).t())
        check(model, fast, torch.randn(rows, 6))
        check(model, fast, torch.randn(2 * rows, 6)[::2])


def test_results_that_hold_sizes():
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, object]:
            y = x.relu()
            return {"y": y, "rows": x.shape[0], "flat": y.reshape(-1), "twice": torch.cat([y, x])}

    model = Net()
    fast = dlp.optimize(model)
    with torch.inference_mode():
        for rows in (3, 5, 8, 2):
            x = torch.randn(rows, 6)
            got, expected = fast(x), model(x)
            assert got["rows"] == expected["rows"]
            for name in ("y", "flat", "twice"):
                assert close(got[name], expected[name]), name


def test_many_sizes_reach_no_limit_on_variants():
    model = mlp()
    fast = dlp.optimize(model)
    for batch in range(2, 2 * VARIANTS + 10):
        check(model, fast, torch.randn(batch, 20))
    assert graphs(fast) == (2, 1)


def test_numbers_that_change_are_constants_of_the_code():
    """Each has code of its own, also where every size is open from the beginning on."""

    class Scaled(nn.Module):
        def forward(self, x: torch.Tensor, scale: float) -> torch.Tensor:
            return (x * scale).relu() + x.shape[0]

    model = Scaled()
    fast = dlp.optimize(model, dynamic=True)
    with torch.inference_mode():
        for rows, scale in ((3, 0.5), (4, 0.5), (4, 1.25), (5, -2.0), (9, 0.5)):
            x = torch.randn(rows, 6)
            assert close(fast(x, scale), model(x, scale))
    report = dlp.report(fast)
    assert (report.calls_compiled, report.calls_eager, report.calls_mixed) == (5, 0, 0), str(report)
    assert graphs(fast) == (3, 3)


REDUCTIONS = {
    "mean of all": lambda x: x.mean(),
    "mean of rows": lambda x: x.mean(-1),
    "mean of columns": lambda x: torch.relu(x).mean(0),
    "variance": lambda x: torch.var_mean(x, -1),
    "deviation": lambda x: x.std(0, correction=0, keepdim=True),
    "layer norm": lambda x: functional.layer_norm(x, x.shape[-1:]),
    "RMS norm": lambda x: functional.rms_norm(x, x.shape[-1:]),
    "instance norm": lambda x: functional.instance_norm(x[None]),
    "group norm": lambda x: functional.group_norm(x.expand(4, -1, -1)[None], 2),
    "mean over a size that is computed": lambda x: torch.cat([x, x[:2]]).mean(0),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_divided_by_an_open_size(name: str):
    """What divides by how many there are; all sizes are open, and straddle vectors."""

    class Reduced(nn.Module):
        def forward(self, x: torch.Tensor) -> object:
            return REDUCTIONS[name](x)

    model = Reduced()
    fast = dlp.optimize(model, dynamic=True)
    with torch.inference_mode():
        for rows, columns in ((4, 9), (8, 33), (12, 2), (16, 40)):
            x = 3 + torch.randn(rows, columns)
            got, expected = fast(x), model(x)
            for a, b in zip(*((v if isinstance(v, tuple) else (v,)) for v in (got, expected)), strict=True):
                assert close(a, b), (rows, columns)
    assert graphs(fast) == (1, 1)
