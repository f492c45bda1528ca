"""Steps that depend on the order of elements: sorting, the largest of them, places among others, running extremes."""

from __future__ import annotations

import torch

from .builder import Builder, Rejected, Value
from .steps import floats, not_scalar, step


def _dim(b: Builder, x: Value) -> int:
    return b.random.choice([-1, b.random.randrange(x.rank)])


def _require_no_ties(x: Value, dim: int) -> None:
    """Of equal elements in a line, which of them is taken or comes first is nobody's promise; NaNs count as equal."""
    ordered = x.tensor.sort(dim).values
    pairs = max(ordered.shape[dim] - 1, 0)
    before, after = ordered.narrow(dim, 0, pairs), ordered.narrow(dim, ordered.shape[dim] - pairs, pairs)
    if ((before == after) | (before.isnan() & after.isnan())).any():
        raise Rejected


@step(not_scalar, 0.6)
def sort(b: Builder, x: Value) -> None:
    """Equal elements keep their order; which floats are equal is left to chance, and then the step is rejected."""
    values, places = b.several(torch.sort, x, stable=True, dim=_dim(b, x), descending=b.chance(0.5))
    b.values += b.random.choice([[values], [places], [values, places]])


@step(lambda x: x.rank > 0 and not x.is_bool, 0.6)
def top(b: Builder, x: Value) -> None:
    """The values, and of floats the places as well: of equal integers any may be taken."""
    dim = _dim(b, x)
    k = b.random.randint(1, x.shape[dim])
    values, places = b.several(torch.topk, x, k, dim, b.chance(0.7))
    b.values.append(values)
    if x.is_float and b.chance(0.6):
        _require_no_ties(x, dim)
        b.values.append(places)


@step(lambda x: x.is_float and x.rank > 0, 0.4)
def of_rank(b: Builder, x: Value) -> None:
    """One of each line, by how many are smaller."""
    dim, keep = _dim(b, x), b.chance(0.5)
    _require_no_ties(x, dim)
    if b.chance(0.5):
        b.values += b.several(torch.kthvalue, x, b.random.randint(1, x.shape[dim]), dim, keep)
    else:
        b.values += b.several(torch.median, x, dim, keep)


@step(lambda x: x.rank > 0 and not x.is_bool, 0.6)
def running(b: Builder, x: Value) -> None:
    """What has passed by so far: its product, its logarithm summed as exponentials, its extremes."""
    dim = b.random.randrange(x.rank)
    kind = b.random.randrange(4)
    if kind == 0:
        b.call(torch.cumprod, b.quiet(torch.clamp, x, -1, 2), dim)
    elif kind == 1 and x.is_float:
        b.call(torch.logcumsumexp, x, dim)
    else:
        parts = b.several(b.random.choice([torch.cummax, torch.cummin]), x, dim)
        b.values += parts if x.is_float else parts[:1]


@step(floats, 0.4)
def search(b: Builder, x: Value) -> None:
    """Between which of some ascending numbers each element lies."""
    count = b.random.choice([1, 3, 8, 17])
    numbers = b.constant(b.normal((count,)).sort().values)
    if b.chance(0.5):
        b.call(torch.bucketize, x, numbers, right=b.chance(0.5))
    else:
        b.call(torch.searchsorted, numbers, b.quiet(torch.Tensor.contiguous, x), right=b.chance(0.5))


@step(lambda x: x.tensor.dtype == torch.int64 and x.size <= 200 and x.rank < 4)
def one_hot(b: Builder, x: Value) -> None:
    classes = b.random.choice([2, 5, 9])
    if x.size * classes > 1000:
        raise Rejected
    hot = b.quiet(torch.nn.functional.one_hot, b.quiet(torch.remainder, x, classes), classes)
    b.call(torch.Tensor.to, hot, b.random.choice([torch.float32, torch.int64, torch.bool]))
