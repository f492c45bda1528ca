"""Steps that replace some elements of a value, or add to them: scatters, and assignments to a part."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .builder import Builder, Rejected, Value
from .elements import partner
from .steps import not_scalar, step


def assigned(x: Tensor, part: tuple[Any, ...], y: Tensor | float) -> Tensor:
    """A copy of `x` in which `part` is `y`."""
    result = x.clone()
    result[part] = y
    return result


def added(x: Tensor, part: tuple[Any, ...], y: Tensor) -> Tensor:
    """A copy of `x` to whose `part` `y` has been added in place."""
    result = x.clone()
    result[part].add_(y)
    return result


def _like(b: Builder, x: Value, shape: tuple[int, ...]) -> Value:
    """New elements for a value."""
    if x.is_float:
        return b.weight(*shape)
    return b.constant(b.integers(shape, 5).to(x.tensor.dtype))


def _distinct(b: Builder, count: int, n: int) -> Tensor:
    return torch.tensor(b.random.sample(range(n), count))


@step(not_scalar)
def assign(b: Builder, x: Value) -> None:
    """A slice becomes something else, or a value is added to it."""
    d = b.random.randrange(x.rank)
    n = x.shape[d]
    start = b.random.randrange(n)
    stop = b.random.randint(start + 1, n)
    where = start if b.chance(0.3) else slice(start, stop, b.random.choice([1, 1, 2]))
    part = (slice(None),) * d + (where,)
    shape = tuple(x.tensor[part].shape)
    fitting = [v for v in b.values if v.shape == shape and v.tensor.dtype == x.tensor.dtype]
    y = b.random.choice(fitting) if fitting and b.chance(0.7) else _like(b, x, shape)
    b.call(added if x.is_float and b.chance(0.3) else assigned, x, part, y)


@step(not_scalar)
def scatter(b: Builder, x: Value) -> None:
    """Places along one dimension, each at most once in a line, or as often as it comes where elements are added."""
    d = b.random.randrange(x.rank)
    shape = tuple(n if i == d or b.chance(0.7) else b.random.randint(1, n) for i, n in enumerate(x.shape))
    kind = b.random.randrange(4)
    if kind < 2:
        order = torch.argsort(b.normal(shape), d)
        index = b.constant(order.narrow(d, 0, b.random.randint(1, x.shape[d])).contiguous())
        if kind == 0:
            b.call(torch.scatter, x, d, index, _like(b, x, index.shape))
        else:
            b.call(torch.scatter, x, d, index, 1)
        return
    if x.is_bool:
        raise Rejected
    index = b.constant(b.integers(shape, x.shape[d]))
    if kind == 2:
        b.call(torch.scatter_add, x, d, index, _like(b, x, shape))
    else:
        how = b.random.choice(
            ["sum", "amax", "amin", "prod", "mean"] if x.is_float else ["sum", "amax", "amin"]
        )
        source = _like(b, x, shape)
        b.call(torch.scatter_reduce, x, d, index, source, how, include_self=b.chance(0.5))


@step(not_scalar)
def whole_slices(b: Builder, x: Value) -> None:
    d = b.random.randrange(x.rank)
    n = x.shape[d]
    count = b.random.randint(1, n)
    source = _like(b, x, (*x.shape[:d], count, *x.shape[d + 1 :]))
    kind = b.random.randrange(3)
    if kind == 0:
        b.call(torch.index_copy, x, d, b.constant(_distinct(b, count, n)), source)
    elif kind == 1:
        b.call(torch.index_fill, x, d, b.constant(_distinct(b, count, n)), 1)
    elif x.is_bool:
        raise Rejected
    else:
        b.call(torch.index_add, x, d, b.constant(b.integers((count,), n)), source)


@step(not_scalar)
def index_put(b: Builder, x: Value) -> None:
    """Places by index tensors, or by a mask."""
    kind = b.random.randrange(3)
    if kind == 0:
        masks = [v for v in b.values if v.is_bool and v.shape == x.shape]
        if not masks:
            raise Rejected
        b.call(
            torch.index_put, x, (b.random.choice(masks),), b.constant(torch.ones((), dtype=x.tensor.dtype))
        )
        return
    count = b.random.randint(1, x.shape[0])
    leading = min(x.rank, b.random.choice([1, 1, 2]))
    source = _like(b, x, (count, *x.shape[leading:]) if b.chance(0.7) else tuple(x.shape[leading:]))
    if kind == 1:
        places = [_distinct(b, count, x.shape[0])]
        places += [b.integers((count,), n, -n) for n in x.shape[1:leading]]
        b.call(torch.index_put, x, tuple(map(b.constant, places)), source)
    elif not x.is_bool:
        places = [b.integers((count,), n) for n in x.shape[:leading]]
        b.call(torch.index_put, x, tuple(map(b.constant, places)), source, True)


@step(lambda x: x.rank > 1, 0.5)
def diagonal(b: Builder, x: Value) -> None:
    """Read, written, or made into one."""
    offset = b.random.choice([-1, 0, 0, 1])
    kind = b.random.randrange(3)
    if kind == 0:
        b.call(torch.diagonal, x, offset, -2, -1)
    elif kind == 1:
        shape = torch.diagonal(x.tensor, offset, 0, 1).shape
        if not all(shape):
            raise Rejected
        b.call(torch.diagonal_scatter, x, _like(b, x, tuple(shape)), offset, 0, 1)
    elif x.rank < 4 and x.size * x.shape[-1] <= 1000:
        b.call(torch.diag_embed, x, offset)


@step(lambda x: x.rank > 0 and x.is_float, 0.4)
def take_along(b: Builder, x: Value) -> None:
    """Places that were computed."""
    d = b.random.randrange(x.rank)
    numbers = [v for v in b.values if v.tensor.dtype == torch.int64 and v.rank == x.rank]
    fitting = [
        v
        for v in numbers
        if all(i == d or m == n for i, (m, n) in enumerate(zip(v.shape, x.shape, strict=True)))
    ]
    if not fitting:
        raise Rejected
    places = b.quiet(torch.remainder, b.random.choice(fitting), x.shape[d])
    if b.chance(0.5):
        b.call(torch.take_along_dim, x, places, d)
    else:
        b.call(torch.scatter_add, x, d, places, partner(b, x)) if places.shape == x.shape else None
