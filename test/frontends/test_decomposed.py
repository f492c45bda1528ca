"""Decompositions of our own against the framework's operations, on all kinds of numbers; and one of each imported."""

from __future__ import annotations

import copy
import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from imported import check

import dlp
from dlp.frontends.torch.decomposed import DECOMPOSED
from dlp.frontends.torch.decomposed.special import SPECIAL

ENDS = [
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    1e38,
    -1e30,
    89.0,
    -92.0,
    1.5,
    2.5,
    100.0,
    -100.0,
    1.4616321,
]
NUMBERS = torch.cat([torch.linspace(-20, 20, 1999), torch.logspace(-30, 30, 99), torch.tensor(ENDS)])
SMALL = torch.tensor([-2.5, -1.0, -0.3, 0.0, 0.7, 1.0, 2.5, 20.0])


@pytest.mark.parametrize("op", SPECIAL)
@pytest.mark.parametrize("x", [NUMBERS, torch.arange(-10, 100)], ids=["floats", "integers"])
def test_special_functions(op, x):
    for order in ((0,), (1,)) if op is torch.ops.aten.polygamma.default else ((),):
        expected, found = op(*order, x), DECOMPOSED[op](*order, x)
        torch.testing.assert_close(found, expected, rtol=2e-6, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("order", [2, 3, 5, 8, 20])
def test_derivatives_of_digamma(order):
    """Eager's own error in single precision is larger; on the far left, where it never ends, are integers only."""
    x = torch.cat([NUMBERS[NUMBERS.abs() < 50], torch.tensor(ENDS)]).double()
    expected = torch.polygamma(order, x).float()
    found = DECOMPOSED[torch.ops.aten.polygamma.default](order, x.float())
    torch.testing.assert_close(found, expected, rtol=2e-6, atol=1e-6, equal_nan=True)


def test_special_functions_are_imported():
    assert torch.equal(DECOMPOSED[torch.ops.aten.lgamma.default](torch.tensor([1.0, 2.0])), torch.zeros(2))
    check(
        lambda x: (x.lgamma(), x.digamma(), x.polygamma(1), x.polygamma(2), x.i0(), torch.special.i1e(x)),
        SMALL,
    )


def test_integers_at_even_distances():
    """A sum in single precision falls short of the last integer, and of some others."""
    check(
        lambda x: (
            x + torch.linspace(0, 7, 50, dtype=torch.int64),
            torch.linspace(9, -9, 4, dtype=torch.int32),
        ),
        torch.tensor(1),
    )


def test_fill_of_what_is_transposed():
    def function(x, i):
        y = x.t()
        return y.index_fill(1, i, 1), y.index_fill(-1, i, torch.tensor(2.0)), x[0, 0].index_fill(0, i[1], 3)

    check(function, torch.randn(5, 3), torch.tensor([2, 0]))


def test_diagonals_and_windows_of_a_part():
    """The framework's decompositions are views of memory, in which other elements lie as well."""

    def function(x):
        y = x.narrow(1, 1, 3)
        return (
            y.diagonal(0, -2, -1) + 1,
            x[::2].diagonal(1).sum(0),
            y.unfold(2, 2, 1) * 2,
            x.tanh().unfold(0, 3, 2),
        )

    check(function, torch.randn(4, 5, 4))


TIES = torch.tensor([[2.0, 1, 2, 1, 3], [math.nan, 5, 5, math.nan, 4], [math.nan] * 5, [1.0, 2, 3, 4, 5]])


def test_modes_and_medians_of_numbers():
    def function(x, i):
        return (
            x.mode(1),
            x.mode(0, keepdim=True),
            x.nanmedian(),
            x.nanmedian(1).values,
            i.mode(-1),
            i.nanmedian(),
        )

    check(function, TIES, torch.tensor([[3, 1, 1, 3], [2, 2, 2, 1]]))


def test_samples_of_volumes():
    x, grid = torch.randn(2, 3, 3, 4, 5), torch.rand(2, 2, 3, 4, 3) * 3 - 1.5
    ways = list(product(["bilinear", "nearest"], ["zeros", "border", "reflection"], [False, True]))

    def function(x, grid):
        return tuple(F.grid_sample(x, grid, *way) for way in ways)

    check(function, x, grid)
    grid[0, 0, 0] = torch.tensor([math.nan, 9.0, -1.0])
    op = torch.ops.aten.grid_sampler_3d.default
    for arguments in product((0, 1), (0, 1, 2), (False, True)):
        torch.testing.assert_close(
            DECOMPOSED[op](x, grid, *arguments), op(x, grid, *arguments), equal_nan=True
        )


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_rows(mode):
    table = torch.randn(6, 3)
    table[2, 1] = table[4, 0] = math.nan
    index = torch.tensor([1, 2, 0, 2, 4, 4, 5, 3])
    offsets = torch.tensor([0, 3, 3, 5])
    ends = torch.tensor([0, 1, 4, 6])

    def function(table, index, offsets, ends):
        return (
            F.embedding_bag(index, table, offsets, mode=mode),
            F.embedding_bag(index, table, offsets, mode=mode, padding_idx=2),
            F.embedding_bag(index, table, ends, mode=mode, include_last_offset=True),
        )

    check(function, table, index, offsets, ends)


@pytest.mark.requires_tool("gcc")
def test_rows_that_are_shortened_before_they_are_used():
    """Eager shortens them in the table."""
    model = torch.nn.Embedding(5, 3, max_norm=1.0, norm_type=1.0).eval()
    torch.nn.init.uniform_(model.weight, 0, 1)
    eager, fast = copy.deepcopy(model), dlp.optimize(model, threads=1)
    with torch.no_grad():
        for index in ([1, 3, 1], [0, 3, 2]):
            torch.testing.assert_close(fast(torch.tensor(index)), eager(torch.tensor(index)))
            torch.testing.assert_close(model.weight, eager.weight)
    assert dlp.report(fast).calls_compiled == 2, str(dlp.report(fast))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_pictures_made_smaller_without_aliasing(mode):
    sizes = [((7, 9), (3, 4)), ((7, 9), (12, 5)), ((5, 5), (5, 5)), ((3, 4), (9, 2)), ((2, 2), (1, 1))]
    op = getattr(torch.ops.aten, f"_upsample_{mode}2d_aa").default
    for size, out in sizes:
        x = torch.randn(2, 3, *size)
        for align in (False, True):
            found = DECOMPOSED[op](x, out, align)
            if found is not NotImplemented:
                torch.testing.assert_close(found, op(x, out, align), rtol=1e-5, atol=1e-5)
    check(lambda x: F.interpolate(x, (3, 4), mode=mode, antialias=True), torch.randn(1, 2, 7, 9))


def test_pairs_and_places():
    x = torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, math.nan], [3.0, 0.0, 5.0], [1.0, 1.0, 1.0]])

    def function(x, y):
        places = (x.nonzero_static(size=3), x.nonzero_static(size=12, fill_value=7), y.nonzero_static(size=2))
        return (*places, *(F.pdist(y, p) for p in (0, 1, 1.5, 2, math.inf)))

    check(function, x, torch.randn(4, 3))


def test_places_in_memory_are_written():
    def function(x, y):
        return x.as_strided_scatter(y, (2, 3), (5, 2), 1), x.as_strided_scatter(y[0, 0], (), ())

    check(function, torch.randn(4, 5), torch.randn(2, 3))


def test_neighbours_and_parts_of_floating_point_numbers():
    """The bits of all kinds of numbers, and around powers of 2, where the distance to the neighbour changes."""
    powers = torch.arange(256, dtype=torch.int32) << 23
    bits = torch.cat(
        [powers, powers[1:] - 1, powers + 1, torch.randint(0, 2**31 - 1, (999,), dtype=torch.int32)]
    )
    x = torch.cat([bits, bits | -(2**31)]).view(torch.float32)
    nextafter, frexp = torch.ops.aten.nextafter.default, torch.ops.aten.frexp.Tensor
    for y in (
        torch.full_like(x, math.inf),
        torch.full_like(x, -math.inf),
        -torch.zeros_like(x),
        x,
        x.flip(0),
    ):
        torch.testing.assert_close(
            DECOMPOSED[nextafter](x, y), nextafter(x, y), rtol=0, atol=0, equal_nan=True
        )
    for found, expected in zip(DECOMPOSED[frexp](x), frexp(x), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
    check(lambda x: (x.frexp(), x.nextafter(-x)), SMALL)


@pytest.mark.requires_tool("gcc")
def test_neighbours_of_the_smallest_numbers_in_machine_code():
    class Neighbours(torch.nn.Module):
        def forward(self, x, y):
            return x.nextafter(y), x.frexp()[0]

    x = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 1e-40, 1.1754944e-38, -1.1754944e-38, 3.4028235e38] * 3)
    fast = dlp.optimize(Neighbours().eval(), threads=1)
    for y in (torch.ones_like(x), -torch.ones_like(x)):
        for found, expected in zip(fast(x, y), Neighbours()(x, y), strict=True):
            assert torch.equal(found.view(torch.int32), expected.view(torch.int32))
    assert dlp.report(fast).calls_compiled == 2, str(dlp.report(fast))


def test_histograms():
    x = torch.tensor([0.0, 1.0, 1.0, 2.5, 4.0, 4.0, 9.0, -3.0, math.nan, math.inf, 3.999, 1.5])
    weight, edges = torch.rand(12), torch.tensor([-1.0, 0.5, 1.0, 4.0])

    def function(x, weight, edges, y):
        return (
            x.histc(4, 0, 4),
            x.reshape(3, 4).histc(7, -3, 9),
            y.histc(5),
            torch.histogram(x, 4, range=(0.0, 4.0), weight=weight),
            torch.histogram(x, 2, range=(1.0, 1.0), density=True),
            torch.histogram(x, edges, weight=weight, density=True),
        )

    check(function, x, weight, edges, x[:8])
    check(lambda y: y.histc(3), torch.full((5,), 2.0))


@pytest.mark.requires_tool("gcc")
def test_a_histogram_of_all_numbers_needs_finite_ones():
    class Histogram(torch.nn.Module):
        def forward(self, x):
            return x.histc(4)

    fast = dlp.optimize(Histogram().eval(), threads=1)
    assert torch.equal(fast(torch.arange(8.0)), torch.full((4,), 2.0))
    with pytest.raises(RuntimeError, match="not finite"):
        fast(torch.tensor([0.0, math.inf, 1.0, 2, 3, 4, 5, 6]))
    assert dlp.report(fast).calls_eager == 0, str(dlp.report(fast))
