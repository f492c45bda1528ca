"""Access through indices, running totals and order: imported, interpreted and compiled, against eager."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from imported import check, compare, compile_and_run, outputs

INF, NAN = math.inf, math.nan


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape) + len(shape)))


def numbers(high: int, *shape: int) -> torch.Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(sum(shape) + high))


X, Y = normal(4, 5), normal(3, 5, 6)
PLACES = torch.tensor([0, 2, 1])
SIGNED = torch.tensor([[0, -1, 2], [-3, 1, 1]])
TIES = torch.tensor([[1.0, NAN, -0.0, 0.0, 1.0, INF], [2.0, 2.0, NAN, -INF, NAN, 2.0]])


def assigned(*steps: Callable[[torch.Tensor], None]) -> Callable[..., torch.Tensor]:
    """A function that copies its first argument and changes the copy."""

    def function(x: torch.Tensor, *args: Any) -> torch.Tensor:
        x = x.clone()
        for step in steps:
            step(x, *args)
        return x

    return function


def put(*index: Any) -> Callable[..., None]:
    """x[index] = value, `index` holding the places of arguments as strings."""

    def step(x: torch.Tensor, *args: Any) -> None:
        *indices, value = args
        x[tuple(indices[int(i)] if isinstance(i, str) else i for i in index)] = value

    return step


ALL = slice(None)

CASES: dict[str, tuple[Callable[..., Any], tuple[torch.Tensor, ...]]] = {
    "gather": (
        lambda x, i, j: (x.gather(0, i), x.gather(1, j), x[0].gather(0, j[0]), x.long().gather(-1, j)),
        (X, numbers(4, 3, 5), numbers(5, 4, 9)),
    ),
    "gather 0-d": (lambda x, i: (x[0, 0].gather(0, i[0]), x[0].gather(0, i[0])), (X, torch.tensor([0]))),
    "take": (
        lambda x, i, j: (x.take(i), torch.take_along_dim(x, j, 1), torch.take_along_dim(x, j)),
        (X, SIGNED, numbers(4, 4, 2)),
    ),
    "embedding": (
        lambda i, w: (F.embedding(i, w), F.embedding(i.int(), w, padding_idx=1), w.index_select(1, i[0])),
        (numbers(4, 2, 3), X),
    ),
    "index": (
        lambda y, i, s: (
            y[i],
            y[:, s],
            y[i, i],
            y[i, :, i],
            y[:, i, 1:, None],
            y[..., s],
            y[s, 1],
            y[i[:, None], i],
            y[None, i.int()],
        ),
        (Y, PLACES, SIGNED),
    ),
    "scatter": (
        lambda x, i, s: (
            x.scatter(0, i, s),
            x.scatter(1, i, 1.5),
            x.scatter(0, i[:1], s),
            x.scatter(0, i[:, :2], 2, reduce="add"),
            x.scatter(0, i, s, reduce="multiply"),
        ),
        (
            X,
            torch.stack([torch.randperm(4, generator=torch.Generator().manual_seed(k)) for k in range(5)], 1)[
                :3
            ],
            normal(6, 5),
        ),
    ),
    "scatter_add": (
        lambda x, i, s: (
            x.scatter_add(0, i, s),
            x[0].scatter_add(0, i[0], s[0]),
            x.long().scatter_add(1, i, s.long()),
        ),
        (X, numbers(4, 3, 5), normal(3, 5)),
    ),
    "scatter_reduce": (
        lambda x, i, s: tuple(
            x.scatter_reduce(d, i, s, how, include_self=own)
            for how in ("sum", "prod", "mean", "amax", "amin")
            for own in (True, False)
            for d in (0, 1)
        ),
        (X, numbers(4, 3, 5), normal(3, 5)),
    ),
    "scatter_reduce with NaN and integers": (
        lambda x, i, n: (
            x.scatter_reduce(0, i, x, "amax"),
            x.scatter_reduce(0, i, x, "amin", include_self=False),
            n.scatter_reduce(0, i, n, "amax", include_self=False),
            n.scatter_reduce(0, i, n, "sum"),
        ),
        (TIES, numbers(2, 2, 6), numbers(9, 2, 6)),
    ),
    "scatter_reduce to a mean of integers": (
        lambda n, i: (
            n.scatter_reduce(0, i, -n, "mean"),
            n.scatter_reduce(1, i, -n, "mean", include_self=False),
        ),
        (numbers(9, 3, 5), numbers(3, 3, 5)),
    ),
    "index_reduce": (
        lambda y, i, s: tuple(
            y.index_reduce(d, i[: y.shape[d]], s[:, :3], how, include_self=own)
            for how in ("prod", "mean", "amax", "amin")
            for own in (True, False)
            for d in (1,)
        ),
        (Y, torch.tensor([4, 0, 4]), normal(3, 5, 6)),
    ),
    "masked_scatter": (
        lambda x, m, s: (
            x.masked_scatter(m, s),
            x.masked_scatter(m[:1], s),
            (x > 0).masked_scatter(m, s < 0),
        ),
        (X, normal(4, 5) > 0, normal(3, 8)),
    ),
    "index_add": (
        lambda y, i, s: (
            y.index_add(0, i, s),
            y.index_add(2, i, y[..., :3], alpha=0.5),
            y.index_copy(1, i, y[:, 2:]),
            y.index_fill(1, i, 3.0),
            y[0, 0].index_add(0, i.int(), s[0, 0, :3]),
        ),
        (Y, PLACES, normal(3, 5, 6)),
    ),
    "index_put": (
        lambda x, i, s: (
            x.index_put((i,), torch.tensor(1.0)),
            x.index_put((s,), x[:2, None].expand(2, 3, 5) * 0),
            x.index_put((i, i), x[:3, 0]),
            x.index_put((s, s), x[:1, :1], accumulate=True),
        ),
        (X, PLACES, SIGNED),
    ),
    "assignment": (
        assigned(put(ALL, "0"), put("0", "1"), put(slice(1, 3), "0"), put(..., "1"), put("0", ALL)),
        (X, PLACES, torch.tensor([-1, 0, 1]), torch.tensor(0.25)),
    ),
    "assignment between": (
        assigned(put("0", ALL, "0"), put(0, "1")),
        (Y, PLACES, PLACES + 1, torch.tensor(7.0)),
    ),
    "assignment at a mask": (
        lambda x, m: (
            assigned(put("0"))(x, m, 0),
            assigned(put("0"))(x, m, x.sum()),
            assigned(put("0"))(x, m[:, 0], x[0]),
            assigned(put(ALL, "0"))(x, m[0], x[:, :1]),
            assigned(put("0"))(x > 0, m, True),
            x.index_put((m,), torch.tensor(2.0), accumulate=True),
            x.masked_fill(m, -1e9),
            x.masked_fill(m[0], x.max()),
        ),
        (X, normal(4, 5) > 0),
    ),
    "put": (
        lambda x, i: (x.put(i, x[1, :3]), x.put(i, x[1, :3], accumulate=True)),
        (X, torch.tensor([3, -1, 8])),
    ),
    "diagonals": (
        lambda x, y: (
            x.diagonal(),
            x.diagonal(2),
            y.diagonal(-1, 2, 0),
            x.trace(),
            x.diagonal_scatter(x[:, 0]),
            y.diagonal_scatter(y[0, :3].T * 0, -1, 1, 0),
            torch.diag_embed(x, 1),
        ),
        (X, Y),
    ),
    "windows": (
        lambda x, y: (
            x.unfold(1, 3, 1),
            y.unfold(1, 2, 3),
            F.unfold(y[None], 2),
            F.fold(F.unfold(y[None], 2), (5, 6), 2),
        ),
        (X, Y),
    ),
    "one_hot": (lambda i: F.one_hot(i, 5), (numbers(5, 2, 3),)),
    "cumsum": (
        lambda x, y, n: (
            x.cumsum(0),
            y.cumsum(1),
            n.cumsum(-1),
            n.int().cumsum(1),
            (x > 0).cumsum(1),
            x[0, 0].cumsum(0),
            n.cumsum(0, dtype=torch.float32),
        ),
        (X, Y, numbers(9, 4, 5)),
    ),
    "cumprod": (lambda x, n: (x.cumprod(1), n.cumprod(0)), (X, numbers(9, 4, 5))),
    "logcumsumexp": (lambda x, y: (x.logcumsumexp(1), y.logcumsumexp(1)), (X, TIES)),
    "cummax": (
        lambda x, y, n: (x.cummax(1), x.cummin(1), y.cummax(0), n.cummin(1)),
        (TIES, X, numbers(3, 4, 5)),
    ),
    "sort": (
        lambda x, y, n: (
            x.sort(1),
            x.sort(1, descending=True),
            y.sort(dim=0, stable=True),
            y.argsort(),
            n.sort(dim=0, stable=True),
            n[:, 0].msort(),
        ),
        (TIES, X, numbers(3, 40, 2)),
    ),
    "sort of many": (
        lambda x, n: (x.sort(-1), n.sort(stable=True, descending=True)),
        (normal(2, 1000), numbers(9, 300)),
    ),
    "sort of truths": (lambda x: (x > 0).sort(dim=1, stable=True), (X,)),
    "topk": (
        lambda x, n, m: (
            x.topk(2),
            x.topk(3, 0, largest=False),
            n.topk(4),
            m.topk(80, 0)[0],
            m.topk(7)[0],
        ),
        (X, torch.randperm(20, generator=torch.Generator().manual_seed(0)), normal(100)),
    ),
    "topk of NaN": (lambda x: (x.topk(2)[0], x.topk(3, largest=False)[0]), (TIES,)),
    "k-th": (
        lambda x, y, n: (
            x.kthvalue(2),
            y.median(),
            y.median(1),
            x.median(0),
            x.median(),
            n.median(0),
            y.quantile(0.3, 1),
        ),
        (X, TIES, torch.randperm(20, generator=torch.Generator().manual_seed(0)).reshape(5, 4)),
    ),
    "places of extrema": (
        lambda x, y: (
            x.max(1),
            x.argmin(),
            y.argmax(1),
            y.min(0),
            x.aminmax(dim=1),
            y.argmin(1, keepdim=True),
        ),
        (TIES, X),
    ),
    "pools that say where": (
        lambda y, z: (
            F.max_pool2d(y[None], 2, return_indices=True),
            F.max_pool2d(y, 3, 2, 1, return_indices=True),
            F.max_pool2d(y[None], (2, 3), 2, (1, 0), (1, 2), ceil_mode=True, return_indices=True),
            F.max_pool1d(y, 2, return_indices=True),
            F.max_pool2d(z[None], (1, 2), return_indices=True),
            F.max_unpool2d(*F.max_pool2d(y[None], 2, return_indices=True), 2),
        ),
        (Y, TIES),
    ),
    "search": (
        lambda x, v, r: (
            torch.searchsorted(x, v),
            torch.searchsorted(x, v, right=True, out_int32=True),
            torch.bucketize(v, x[0]),
            torch.bucketize(v, r, right=True),
            torch.searchsorted(x[0], v, side="right"),
            torch.searchsorted(x.flip(1), v, sorter=torch.arange(5, -1, -1).expand(5, 6)),
            torch.searchsorted(x[0], 0.25),
            torch.searchsorted(x[0].long(), 0.5),
            torch.bucketize(1, x[0]),
        ),
        (
            Y[0].sort(1)[0].contiguous(),
            torch.cat([normal(5, 4), Y[0].sort(1)[0][:, :2]], 1),
            torch.tensor([0.0]),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_interpreted(name: str) -> None:
    function, args = CASES[name]
    check(function, *args)


@pytest.mark.requires_tool("gcc")
@pytest.mark.parametrize("part", range(4))
def test_compiled(part: int) -> None:
    """Many at a time: a compilation takes a second."""
    cases = [CASES[name] for name in sorted(CASES)[part::4]]
    flat = [a for _, args in cases for a in args]

    def together(*given: torch.Tensor) -> list[Any]:
        left = iter(given)
        return [function(*(next(left) for _ in args)) for function, args in cases]

    captured = check(together, *flat)
    expected = torch.utils._pytree.tree_leaves(together(*flat))
    compare(captured, outputs(captured, flat, compile_and_run), expected, 1e-5)
