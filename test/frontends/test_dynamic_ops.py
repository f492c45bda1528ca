"""Operations that ask for their sizes: one graph serves all, and the next size compiles nothing."""

from __future__ import annotations

import pytest
import torch
from comparison import close
from torch import nn
from torch.nn import functional as F

import dlp


class Net(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> object:
        return self.function(*inputs)


IMAGES = ((12, 17), (13, 9), (8, 16), (7, 15), (31, 33))
MATRICES = ((9, 6), (17, 33), (8, 16), (7, 15), (4, 5), (31, 4), (40, 70))


def check_all(function, inputs) -> tuple[int, int]:
    """Whether all results are eager's; how many graphs were captured, and how many of them serve all sizes."""
    model = Net(function).eval()
    fast = dlp.optimize(model, dynamic=True)
    with torch.inference_mode():
        for given in inputs:
            got, expected = fast(*given), model(*given)
            pairs = zip(*((v if isinstance(v, tuple | list) else (v,)) for v in (got, expected)), strict=True)
            for a, b in pairs:
                assert a.shape == b.shape
                assert close(a, b), [tuple(x.shape) for x in given]
    report = dlp.report(fast)
    assert report.calls_eager == report.calls_mixed == 0, str(report)
    return report.graphs_captured, report.graphs_for_all_sizes


def bilinear_unet(x: torch.Tensor) -> torch.Tensor:
    """To the size of a skip, whatever a pool left over, by a factor, and back."""
    small = F.interpolate(F.max_pool2d(x, 2), size=x.shape[-2:], mode="bilinear")
    large = F.interpolate(x + small, scale_factor=1.5, mode="bilinear", align_corners=True)
    return F.interpolate(large, size=(10, 14), mode="bilinear")


def nearest_unet(x: torch.Tensor) -> torch.Tensor:
    half = F.interpolate(x, scale_factor=0.5)
    back = F.interpolate(F.interpolate(half, scale_factor=2), size=x.shape[-2:], mode="nearest-exact")
    return F.interpolate(x + back, scale_factor=1.3, mode="nearest-exact")


OF_IMAGES = {
    "windows that need not divide": lambda x: (
        F.adaptive_avg_pool2d(x.relu(), (6, 7)),
        F.adaptive_avg_pool2d(x, (None, 5)),
        F.adaptive_avg_pool2d(x, (1, 3)),
        F.adaptive_max_pool2d(x, (3, 5)),
    ),
    "places in windows that need not divide": lambda x: F.adaptive_max_pool2d(x, (3, 5), return_indices=True),
    "bilinear": bilinear_unet,
    "nearest": nearest_unet,
    "area": lambda x: (
        F.interpolate(x, scale_factor=0.5, mode="area"),
        F.interpolate(x, (9, 4), mode="area"),
    ),
    "frames": lambda x: (
        F.pad(x, (1, 2, 1, 1), mode="circular"),
        F.pad(x, (0, -x.shape[3] % 8, -x.shape[2] % 8, 0), value=2.0),
    ),
}


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images(name: str):
    inputs = [(torch.randn(n, 3, *size),) for n, size in zip((2, 3, 2, 4, 2), IMAGES, strict=True)]
    assert check_all(OF_IMAGES[name], inputs) == (1, 1)


OF_MATRICES = {
    "every so many": lambda x: (x[:, ::2].relu(), x[1::2] + 1, x[-3::2] * 2),
    "parts": lambda x: (*(p.relu() for p in x.chunk(2, 1)), x[:, x.shape[1] // 2 :] + 1),
    "rolled": lambda x: (x.roll(1, 1), x.roll((-1, 3), (0, 1)), x.roll(x.shape[1] // 2, 1), x.roll(2)),
    "sorted": lambda x: (*x.sort(1), x.argsort(0, descending=True), x.kthvalue(2, 1)[0]),
    "largest": lambda x: (*x.topk(3, 1), *x.topk(2, 0), *x.max(1), x.argmin(), x.argmax(0, keepdim=True)),
    "in the middle": lambda x: (*x.median(1), x.quantile(0.3, 1)),
    "looked up": lambda x: (torch.searchsorted(x.sort(1)[0], x), torch.bucketize(x, x[0].sort()[0])),
    "running": lambda x: (x.cumsum(0), x.cumsum(1), *x.cummax(1)),
    "written": lambda x: (
        torch.zeros_like(x).index_add(0, torch.arange(x.shape[0]) // 2, x),
        torch.zeros(5, x.shape[1]).scatter_add(0, (torch.arange(x.shape[0]) % 5)[:, None].expand_as(x), x),
        x.index_put((torch.arange(x.shape[0]).flip(0),), x + 1),
        x.masked_scatter(x > 0, -x),
    ),
    "numbers that follow from sizes": lambda x: (
        x / x.shape[1] ** 0.5,
        x * (1 / x.shape[0]),
        x.clamp(max=0.5 / x.shape[0]),
        torch.where(x > 0, x, 1.5 / x.shape[1]),
        torch.full((3,), 1 / x.shape[0]) + x[:1, :1],
    ),
}


@pytest.mark.parametrize("name", OF_MATRICES)
def test_matrices(name: str):
    inputs = [(torch.randn(*size),) for size in MATRICES]
    assert check_all(OF_MATRICES[name], inputs) == (1, 1)


def test_gated_halves():
    assert check_all(
        lambda x: F.glu(x.relu(), 1), [(torch.randn(*s),) for s in ((6, 10), (3, 34), (5, 4))]
    ) == (1, 1)


@pytest.mark.parametrize("mode", ["mean", "max"])
def test_bags_of_rows(mode: str):
    table = torch.randn(50, 8)
    inputs = [(table, torch.randint(0, 50, size)) for size in MATRICES]
    assert check_all(lambda t, i: F.embedding_bag(i, t, mode=mode), inputs) == (1, 1)


def test_a_shift_that_is_larger_than_some_sizes_leaves_them_to_graphs_of_their_own():
    inputs = [(torch.randn(n, 6),) for n in (9, 5, 12, 2, 31)]
    assert check_all(lambda x: x.relu().roll(3, 0), inputs) == (2, 1)


class Classifier(nn.Module):
    """Features of images of any size, brought to one size, as those of AlexNet and VGG."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(32, 32, 3),
            nn.ReLU(),
        )
        self.pool, self.head = nn.AdaptiveAvgPool2d((6, 6)), nn.Linear(32 * 36, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(self.features(x)).flatten(1))


def test_the_second_size_of_images_compiles_and_the_third_nothing():
    """Other sizes than square ones too, of which some are smaller than the second."""
    model = Classifier().eval()
    fast = dlp.optimize(model)
    with torch.inference_mode():
        for batch, height, width in ((1, 64, 64), (1, 48, 48), (1, 40, 57), (1, 33, 80), (1, 100, 26)):
            x = torch.randn(batch, 3, height, width)
            assert close(fast(x), model(x)), (height, width)
    report = dlp.report(fast)
    assert (report.graphs_captured, report.graphs_for_all_sizes) == (2, 1), str(report)
    assert report.each_size == {}
