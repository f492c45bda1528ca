"""From a seed to a network: inputs of many shapes and layouts, then steps from the values that are there."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from . import elements, nothing, order, pooling, products, resampling, rows, updates, views
from .builder import SIZES, Builder, Rejected
from .steps import STEPS

FAMILIES = (views, elements, rows, products, pooling, resampling, order, updates, nothing)
"""The modules that fill the table of steps."""

UNUSUAL = 0.08
"""How often the inputs hold NaN and infinities."""

_IMAGE = (3, 5, 6, 7, 8, 9, 13)
_CHANNELS = (1, 2, 3, 4, 6, 7, 8, 9, 16, 17)


@dataclass(frozen=True)
class RandomNetwork:
    """A network with the inputs that it was grown on."""

    graph: fx.GraphModule
    """Takes `inputs`, gives a tuple of tensors; weights and constants are its buffers."""
    inputs: tuple[Tensor, ...]

    @property
    def weights(self) -> dict[str, Tensor]:
        """By name."""
        return dict(self.graph.named_buffers())

    def eager(self) -> tuple[Tensor, ...]:
        """What the framework computes."""
        with torch.no_grad():
            # Its __call__ prints to stderr where an operation fails.
            return self.graph.forward(*self.inputs)


def random_network(seed: int) -> RandomNetwork:
    """The network of a seed, always the same one."""
    with torch.no_grad():
        builder = Builder(seed)
        unusual = builder.chance(UNUSUAL)
        for shape in _input_shapes(builder):
            builder.input(_input(builder, shape, unusual))
        wanted = len(builder.values) + builder.random.randint(3, 14)
        for _ in range(60):
            if len(builder.values) >= wanted:
                break
            _take_step(builder)
    return _finished(builder)


def network_of(graph: fx.Graph, tensors: dict[str, Tensor], inputs: Sequence[Tensor]) -> RandomNetwork:
    """A graph as a module; tensors that it does not use are left out."""
    graph.eliminate_dead_code()
    graph.lint()
    root = nn.Module()
    for node in graph.nodes:
        if node.op == "get_attr":
            root.register_buffer(node.target, tensors[node.target])
    return RandomNetwork(fx.GraphModule(root, graph), tuple(inputs))


def _input_shapes(b: Builder) -> list[tuple[int, ...]]:
    pick = b.random.choice
    batch = pick((1, 1, 2, 3))
    shape = pick(
        (
            (batch, pick(_CHANNELS), pick(_IMAGE), pick(_IMAGE)),
            (batch, pick(_CHANNELS), pick(_IMAGE), pick(_IMAGE)),
            (batch, pick(_CHANNELS), pick(SIZES)),
            (batch, pick(SIZES), pick(SIZES)),
            (batch, pick((1, 2, 3)), pick((3, 4)), pick((3, 5)), pick((4, 5))),
            (pick(SIZES), pick(SIZES)),
            (pick(SIZES), pick(SIZES)),
            (pick(SIZES),),
        )
    )
    shapes: list[tuple[int, ...]] = [shape]
    for _ in range(pick((0, 0, 1, 1, 2))):
        trailing = shape[b.random.randrange(len(shape) + 1) :]
        shapes.append(pick((shape, shape, tuple(n if b.chance(0.6) else 1 for n in trailing))))
    return shapes


def _input(b: Builder, shape: tuple[int, ...], unusual: bool) -> Tensor:
    """Mostly floats; sometimes with dimensions in another order in memory, with gaps, or repeated."""
    kind = b.random.random()
    if kind < 0.08:
        return b.integers(shape, 9, -3).to(b.random.choice([torch.int64, torch.int64, torch.int32]))
    if kind < 0.12:
        return b.integers(shape, 2).bool()
    rank = len(shape)
    if kind < 0.2 and rank == 4:
        data = b.normal(shape).contiguous(memory_format=torch.channels_last)
    elif kind < 0.28 and rank > 1:
        order = b.random.sample(range(rank), rank)
        data = b.normal([shape[d] for d in order]).permute([order.index(d) for d in range(rank)])
    elif kind < 0.33 and rank > 0:
        data = b.normal((*shape[:-1], shape[-1] + 3))[..., 1:-2]
    elif kind < 0.38 and rank > 1:
        d = b.random.randrange(rank)
        data = b.normal([1 if i == d else n for i, n in enumerate(shape)]).expand(shape)
    else:
        data = b.normal(shape)
    if unusual and data.is_contiguous() and data.numel():
        for value in b.random.choices([torch.nan, torch.inf, -torch.inf], k=2):
            data.view(-1)[b.random.randrange(data.numel())] = value
    return data


def _take_step(b: Builder) -> None:
    """From a recent value mostly, so that long chains come about; from any other else, so that values are shared."""
    x = b.random.choice(b.values[-3:] if b.chance(0.75) else b.values)
    possible = [(function, likely) for function, when, likely in STEPS if when(x)]
    (function,) = b.random.choices([f for f, _ in possible], [likely for _, likely in possible])
    with contextlib.suppress(Rejected):
        function(b, x)


def _finished(b: Builder) -> RandomNetwork:
    """With what nothing uses as outputs, and now and then something that is used."""
    computed = b.values[len(b.inputs) :]
    ends = [v for v in computed if not v.node.users][-4:] or b.inputs[:1]
    inner = [v for v in computed if v.node.users]
    if inner and b.chance(0.3):
        ends.append(b.random.choice(inner))
    b.random.shuffle(ends)
    b.graph.output(tuple(v.node for v in ends))
    return network_of(b.graph, b.tensors, [v.tensor for v in b.inputs])
