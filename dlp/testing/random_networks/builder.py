"""Grows an FX graph node by node, each of them evaluated at once, and only as long as its results can be compared.

Results of two correct programs differ by rounding, which some functions magnify (a difference of near equals, a
quotient by nearly nothing) and others turn into something else altogether (a comparison of near equals, the place of
a maximum). Every value is therefore computed twice: as it is, and as a *shadow* that starts from disturbed inputs and
is disturbed again by every node, by more than what rounding does. A node whose value and shadow drift apart is not
added. Nor is one whose values would hide errors: huge, tiny, or ruled by a few large elements.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, fx

LARGEST = 3000
"""Elements of a value, at most."""

NOISE = 3e-6
"""What each node of the shadow is disturbed by, relative to its largest element."""
DRIFT = 3e-5
"""How far value and shadow may be apart, relative to the largest element: well below what a comparison allows."""
SCALE = (1e-2, 1e3)
"""Bounds of the largest element."""
ALIVE = 0.2
"""At least this part of the elements is above a thousandth of the largest."""

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 23, 31, 32, 33)
"""One, primes, and around the lengths of vectors."""


class Rejected(Exception):
    """What was about to be added is not; the network goes on without it."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor in the graph, with what it is for the inputs at hand."""

    node: fx.Node
    tensor: Tensor
    shadow: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def rank(self) -> int:
        return self.tensor.dim()

    @property
    def size(self) -> int:
        return self.tensor.numel()

    @property
    def is_float(self) -> bool:
        return self.tensor.is_floating_point()

    @property
    def is_bool(self) -> bool:
        return self.tensor.dtype == torch.bool


class Builder:
    """The graph so far.

    Attributes:
        random: decides everything but the data.
        values: what later nodes may use, oldest first.
        tensors: weights and constants, by the name that the graph has for them.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.graph = fx.Graph()
        self.values: list[Value] = []
        self.inputs: list[Value] = []
        self.tensors: dict[str, Tensor] = {}
        self._noise = torch.Generator().manual_seed(seed)
        self._data = torch.Generator().manual_seed(seed + 1)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def input(self, tensor: Tensor) -> Value:
        """An argument of the network; all of them come before the first call."""
        node = self.graph.placeholder(f"x{len(self.inputs)}")
        value = Value(node, tensor, self._disturbed(tensor))
        self.inputs.append(value)
        self.values.append(value)
        return value

    def weight(self, *shape: int, scale: float = 1.0, around: float = 0.0) -> Value:
        """A weight of normal elements, times `scale`, plus `around`."""
        return self.constant(self.normal(shape) * scale + around, "w")

    def matrix(self, *shape: int, fan_in: int) -> Value:
        """A weight that keeps the size of what it is multiplied with."""
        return self.weight(*shape, scale=1 / sqrt(fan_in))

    def constant(self, tensor: Tensor, prefix: str = "c") -> Value:
        """A tensor that the graph holds."""
        name = f"{prefix}{len(self.tensors)}"
        self.tensors[name] = tensor
        return Value(self.graph.get_attr(name), tensor, self._disturbed(tensor))

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=self._data)

    def integers(self, shape: Sequence[int], below: int, low: int = 0) -> Tensor:
        return torch.randint(low, below, tuple(shape), generator=self._data)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Value:
        """Add a node, whose result later nodes may use.

        Raises:
            Rejected: the result is too large, or not fit to be compared.
        """
        value = self.quiet(function, *args, **kwargs)
        if not value.size or (value.is_float and not value.tensor.any()):
            raise Rejected
        self.values.append(value)
        return value

    def quiet(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Value:
        """As `call`, for a result that only the caller goes on with, and that may be zero or without elements."""
        (value,) = self.several(function, *args, **kwargs)
        return value

    def several(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Value]:
        """As `quiet`, for a function that may have several results."""
        results, shadows = (function(*_all(args, of), **_all(kwargs, of)) for of in ("tensor", "shadow"))
        single = isinstance(results, Tensor)
        if single:
            results, shadows = [results], [shadows]
        shadows = [self._disturbed(shadow) for shadow in shadows]
        for result, shadow in zip(results, shadows, strict=True):
            _require_comparable(result, shadow)
        node = self.graph.call_function(function, _all(args, "node"), _all(kwargs, "node"))
        nodes = [node]
        if not single:
            nodes = [self.graph.call_function(operator.getitem, (node, i)) for i in range(len(results))]
        return [Value(*parts) for parts in zip(nodes, results, shadows, strict=True)]

    def _disturbed(self, tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point() or not tensor.isfinite().any():
            return tensor
        noise = torch.rand(tensor.shape, generator=self._noise) * 2 - 1
        return tensor + noise * (NOISE * tensor[tensor.isfinite()].abs().max())


def _all(argument: Any, attribute: str) -> Any:
    """The arguments of a call with every value replaced by one of its attributes."""
    if isinstance(argument, Value):
        return getattr(argument, attribute)
    if isinstance(argument, list | tuple):
        return type(argument)(_all(a, attribute) for a in argument)
    if isinstance(argument, dict):
        return {name: _all(a, attribute) for name, a in argument.items()}
    return argument


def _require_comparable(value: Tensor, shadow: Tensor) -> None:
    if value.numel() > LARGEST:
        raise Rejected
    if not value.numel() or not (value.any() or shadow.any()):
        return
    if not value.is_floating_point():
        if not torch.equal(value, shadow):
            raise Rejected
        return
    finite = value.isfinite()
    unusual = (torch.where(finite, 0.0, v) for v in (value, shadow))
    if not torch.equal(finite, shadow.isfinite()) or not torch.equal(*(u.nan_to_num(7.0) for u in unusual)):
        raise Rejected
    sizes = value[finite].abs()
    if sizes.numel() < ALIVE * value.numel():
        raise Rejected
    largest = float(sizes.max())
    drift = float((value - shadow)[finite].abs().max())
    alive = float((sizes > 1e-3 * largest).sum())
    if not SCALE[0] <= largest <= SCALE[1] or drift > DRIFT * largest or alive < ALIVE * sizes.numel():
        raise Rejected
