"""Steps that look at many elements for one: reductions, running sums, normalisations, softmax, look-ups."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .builder import Builder, Rejected, Value
from .steps import anything, floats, not_scalar, step


def _some_dims(b: Builder, x: Value) -> list[int]:
    count = b.random.randint(1, min(3, x.rank))
    if b.chance(0.4):
        return list(range(x.rank - count, x.rank))
    return b.random.sample(range(x.rank), count)


@step(lambda x: x.is_float and x.rank > 0, 4)
def reduce(b: Builder, x: Value) -> None:
    function = b.random.choice([torch.sum, torch.mean, torch.mean, torch.amax, torch.amin, torch.logsumexp])
    if b.chance(0.1):
        b.call(torch.prod, b.quiet(torch.tanh, x), b.random.randrange(x.rank), keepdim=b.chance(0.5))
    else:
        b.call(function, x, _some_dims(b, x), keepdim=b.chance(0.5))


@step(lambda x: x.is_float and x.rank > 0)
def spread(b: Builder, x: Value) -> None:
    dims, keep = _some_dims(b, x), b.chance(0.5)
    kind = b.random.randrange(3)
    if kind == 0:
        b.call(torch.linalg.vector_norm, x, b.random.choice([2, 2, 1, 3, torch.inf]), dims, keepdim=keep)
    elif kind == 1:
        b.call(torch.var, x, dims, correction=0, keepdim=keep)
    else:
        b.call(torch.std, x, dims, correction=0, keepdim=keep)


@step(anything, 0.3)
def reduce_all(b: Builder, x: Value) -> None:
    if x.is_float:
        b.call(b.random.choice([torch.mean, torch.amax, torch.min]), x)
    elif x.is_bool:
        b.call(b.random.choice([torch.any, torch.all, torch.sum]), x)
    else:
        b.call(b.random.choice([torch.sum, torch.max]), x)


@step(lambda x: not x.is_float and not x.is_bool and x.rank > 0)
def reduce_integers(b: Builder, x: Value) -> None:
    dim = b.random.randrange(x.rank)
    if b.chance(0.5):
        b.call(torch.sum, x, dim)
    else:
        b.call(b.random.choice([torch.amax, torch.amin]), x, dim, b.chance(0.5))


@step(lambda x: x.is_float and x.rank > 0, 0.5)
def place_of_extreme(b: Builder, x: Value) -> None:
    b.call(b.random.choice([torch.argmax, torch.argmin]), x, b.random.randrange(x.rank), b.chance(0.5))


@step(not_scalar, 0.5)
def running_sum(b: Builder, x: Value) -> None:
    if x.is_bool:
        raise Rejected
    b.call(torch.cumsum, x, b.random.randrange(x.rank))


@step(lambda x: x.is_float and x.rank > 0, 2)
def softmax(b: Builder, x: Value) -> None:
    function = F.softmax if b.chance(0.8) else F.log_softmax
    b.call(function, x, b.random.choice([-1, -1, b.random.randrange(x.rank)]))


@step(lambda x: x.is_float and x.rank > 1 and x.shape[-1] > 2, 2)
def layer_norm(b: Builder, x: Value) -> None:
    shape = x.shape[b.random.choice([-1, -1, -2]) :]
    parts = [b.weight(*shape, scale=0.3, around=1.0), b.weight(*shape, scale=0.5)]
    b.call(F.layer_norm, x, list(shape), *parts[: b.random.choice([0, 1, 2, 2])])


@step(lambda x: x.is_float and x.rank > 1 and x.shape[-1] > 2, 0.7)
def rms_norm(b: Builder, x: Value) -> None:
    b.call(F.rms_norm, x, [x.shape[-1]], b.weight(x.shape[-1], scale=0.3, around=1.0), 1e-5)


@step(lambda x: x.is_float and 3 <= x.rank <= 5 and x.shape[1] > 1, 2)
def norm_of_channels(b: Builder, x: Value) -> None:
    channels = x.shape[1]
    gain, shift = b.weight(channels, scale=0.3, around=1.0), b.weight(channels, scale=0.5)
    kind = b.random.randrange(4)
    if kind == 0 and x.size > channels * 4:
        groups = b.random.choice([g for g in range(1, channels + 1) if channels % g == 0])
        b.call(F.group_norm, x, groups, gain, shift)
    elif kind == 1 and x.size > x.shape[0] * channels * 4:
        b.call(F.instance_norm, x, weight=gain, bias=shift)
    else:
        mean = b.weight(channels, scale=0.5)
        variance = b.constant(b.normal((channels,)).abs() + 0.5)
        b.call(F.batch_norm, x, mean, variance, gain, shift)


@step(lambda x: x.rank > 0, 1)
def look_up(b: Builder, x: Value) -> None:
    """Places given by a constant, or by integers that were computed."""
    d = b.random.randrange(x.rank)
    n = x.shape[d]
    kind = b.random.randrange(3)
    if kind == 0:
        b.call(torch.index_select, x, d, b.constant(b.integers((b.random.randint(1, 9),), n)))
    elif kind == 1:
        b.call(torch.gather, x, d, b.constant(b.integers(x.shape, n)))
    else:
        numbers = [v for v in b.values if v.tensor.dtype == torch.int64 and v.size <= 60 and 0 < v.rank < 4]
        if not numbers:
            raise Rejected
        places = b.quiet(torch.remainder, b.random.choice(numbers), n)
        table = x if d == 0 else b.quiet(torch.transpose, x, 0, d)
        b.call(torch.Tensor.__getitem__, table, places)


@step(lambda x: x.tensor.dtype == torch.int64 and x.size < 100 and x.rank < 4, 2)
def embedding(b: Builder, x: Value) -> None:
    rows, width = b.random.choice([5, 11]), b.random.choice([7, 8, 9, 16])
    b.call(F.embedding, b.quiet(torch.remainder, x, rows), b.weight(rows, width))


@step(floats, 0.3)
def positions(b: Builder, x: Value) -> None:
    """A row of numbers that no input has a part in."""
    if not x.rank:
        raise Rejected
    n = x.shape[-1]
    b.call(torch.add, x, b.quiet(torch.linspace, -1.0, 1.0, n))
