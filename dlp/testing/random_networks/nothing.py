"""Steps on their way through a tensor without elements, back to one that has some."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .builder import Builder, Value
from .steps import step


@step(lambda x: x.is_float and x.rank > 0, 0.6)
def through_nothing(b: Builder, x: Value) -> None:
    """No part of a value, computed with as if it were one, then put beside the value again."""
    d = b.random.randrange(x.rank)
    empty = b.quiet(torch.narrow, x, d, b.random.randint(0, x.shape[d]), 0)
    for _ in range(b.random.randint(0, 2)):
        empty = _computed(b, empty)
    kind = b.random.randrange(4)
    if kind == 0:
        parts = [x, empty]
        b.random.shuffle(parts)
        b.call(torch.cat, parts, d)
    elif kind == 1:
        function = b.random.choice([torch.sum, torch.prod])
        b.call(torch.add, x, b.quiet(function, empty, d, keepdim=True))
    elif kind == 2:
        amounts = [0, 0] * (x.rank - 1 - d) + [1, x.shape[d] - 1]
        b.call(torch.sub, x, b.quiet(F.pad, empty, amounts, "constant", 0.5))
    else:
        rows, columns = b.random.choice([1, 3, 8]), x.shape[-1]
        nothing = b.quiet(torch.narrow, b.weight(rows, 2), 1, 0, 0)
        b.call(torch.add, x, b.quiet(torch.sum, b.quiet(torch.matmul, nothing, _no_rows(b, columns)), 0))


def _no_rows(b: Builder, columns: int) -> Value:
    return b.quiet(torch.narrow, b.weight(3, columns), 0, 3, 0)


def _computed(b: Builder, x: Value) -> Value:
    """Without elements, and of the same shape."""
    width = x.shape[-1]
    kind = b.random.randrange(5)
    if kind == 0:
        return b.quiet(b.random.choice([torch.relu, torch.tanh, torch.neg]), x)
    if kind == 1:
        return b.quiet(torch.mul, x, b.weight(width))
    if kind == 2:
        return b.quiet(F.softmax, x, -1)
    if kind == 3 and width:
        return b.quiet(F.linear, x, b.matrix(width, width, fan_in=width), b.weight(width))
    return b.quiet(torch.transpose, b.quiet(torch.transpose, x, 0, -1), 0, -1)
