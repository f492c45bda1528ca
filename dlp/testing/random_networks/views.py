"""Steps that move elements, or repeat them."""

from __future__ import annotations

from math import prod

import torch

from .builder import Builder, Rejected, Value
from .steps import anything, floats, not_scalar, step


@step(not_scalar, 1.5)
def transpose(b: Builder, x: Value) -> None:
    if x.rank > 1 and b.chance(0.5):
        b.call(torch.transpose, x, *b.random.sample(range(-x.rank, 0), 2))
    else:
        b.call(torch.permute, x, b.random.sample(range(x.rank), x.rank))


@step(anything, 2)
def reshape(b: Builder, x: Value) -> None:
    """Merge neighbours, split a dimension, add ones or drop them."""
    shape = list(x.shape)
    for _ in range(b.random.randint(1, 3)):
        d = b.random.randrange(len(shape) + 1)
        if d + 1 < len(shape) and b.chance(0.5):
            shape[d : d + 2] = [shape[d] * shape[d + 1]]
        elif (
            d < len(shape) and len(shape) < 5 and (factors := [k for k in (2, 3, 5, 8) if shape[d] % k == 0])
        ):
            k = b.random.choice(factors)
            shape[d : d + 1] = b.random.choice([[k, shape[d] // k], [shape[d] // k, k]])
        elif len(shape) < 5:
            shape.insert(d, 1)
    b.call(torch.reshape, x, shape)


@step(anything, 0.5)
def ones(b: Builder, x: Value) -> None:
    if x.rank < 5 and b.chance(0.5):
        b.call(torch.unsqueeze, x, b.random.randrange(x.rank + 1))
    else:
        b.call(torch.squeeze, x)


@step(not_scalar, 1.5)
def part(b: Builder, x: Value) -> None:
    """A slice, with a step or without, or one place."""
    d = b.random.randrange(x.rank)
    n = x.shape[d]
    kind = b.random.randrange(4)
    start = b.random.randrange(n)
    if kind == 0:
        b.call(torch.select, x, d, start)
    elif kind == 1:
        b.call(torch.narrow, x, d, start, b.random.randint(1, n - start))
    else:
        index = [slice(None)] * x.rank
        index[d] = slice(min(start, 1), None, b.random.choice([1, 2, 3]))
        if x.rank > 1 and b.chance(0.5):
            index[d - 1] = slice(0, max(1, x.shape[d - 1] - 1))
        b.call(_getitem, x, tuple(index))


def _getitem(x: torch.Tensor, index: tuple[slice, ...]) -> torch.Tensor:
    return x[index]


@step(not_scalar)
def split(b: Builder, x: Value) -> None:
    """Parts, all of which may be used."""
    d = b.random.randrange(x.rank)
    if x.shape[d] > 1:
        parts = b.several(torch.chunk, x, b.random.choice([2, 3]), d)
        b.values += b.random.sample(parts, min(2, len(parts)))


@step(not_scalar, 0.3)
def unbind(b: Builder, x: Value) -> None:
    short = [d for d, n in enumerate(x.shape) if n <= 5]
    if short:
        b.values += b.several(torch.unbind, x, b.random.choice(short))[:3]


@step(not_scalar, 1.5)
def concat(b: Builder, x: Value) -> None:
    d = b.random.randrange(x.rank)
    others = [v for v in b.values if v.rank == x.rank and v.tensor.dtype == x.tensor.dtype]
    others = [
        v
        for v in others
        if all(i == d or m == n for i, (m, n) in enumerate(zip(v.shape, x.shape, strict=True)))
    ]
    chosen = [x, *b.random.choices(others, k=b.random.choice([1, 1, 2]))]
    b.random.shuffle(chosen)
    if all(v.shape == x.shape for v in chosen) and x.rank < 5 and b.chance(0.25):
        b.call(torch.stack, chosen, b.random.randrange(x.rank + 1))
    else:
        b.call(torch.cat, chosen, d)


@step(anything)
def expand(b: Builder, x: Value) -> None:
    shape = [b.random.choice([2, 3, 7]) if n == 1 and b.chance(0.6) else n for n in x.shape]
    if x.rank < 5 and b.chance(0.4):
        shape.insert(0, b.random.choice([2, 3]))
    if shape == list(x.shape) or prod(shape) > 2000:
        raise Rejected
    b.call(torch.Tensor.expand, x, shape)


@step(not_scalar, 0.5)
def repeat(b: Builder, x: Value) -> None:
    b.call(torch.Tensor.repeat, x, [b.random.choice([1, 1, 2]) for _ in x.shape])


@step(not_scalar)
def pad(b: Builder, x: Value) -> None:
    """A constant around it, or less than nothing."""
    amounts = [b.random.choice([0, 0, 1, 2, -1]) for _ in range(2 * b.random.randint(1, x.rank))]
    if any(n + sum(amounts[2 * i : 2 * i + 2]) < 1 for i, n in enumerate(reversed(x.shape))):
        raise Rejected
    value = b.random.choice([0.0, 0.0, 1.0, -0.5]) if x.is_float else b.random.choice([0, 1])
    b.call(torch.nn.functional.pad, x, amounts, "constant", value)


@step(lambda x: x.is_float and x.rank in (2, 3, 4) and min(x.shape[-2:]) > 2, 0.5)
def pad_with_itself(b: Builder, x: Value) -> None:
    """Reflected at its border, repeated there, or around."""
    amounts = [b.random.choice([0, 1, 2]) for _ in range(2 * (x.rank - 2) or 2)]
    if x.rank == 2:
        amounts = amounts[:2]
    b.call(torch.nn.functional.pad, x, amounts, b.random.choice(["reflect", "replicate", "circular"]))


@step(not_scalar)
def flip_or_roll(b: Builder, x: Value) -> None:
    dims = b.random.sample(range(x.rank), b.random.randint(1, min(2, x.rank)))
    if b.chance(0.6):
        b.call(torch.flip, x, dims)
    else:
        b.call(torch.roll, x, [b.random.choice([-2, -1, 1, 3]) for _ in dims], dims)


@step(floats, 0.3)
def triangle(b: Builder, x: Value) -> None:
    if x.rank < 2:
        raise Rejected
    b.call(b.random.choice([torch.tril, torch.triu]), x, b.random.choice([-1, 0, 1]))
