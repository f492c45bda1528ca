"""What an import gives: the module, and how the tensors of the framework map to its arguments, weights and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal, Self

import torch
from xdsl.dialects.builtin import ModuleOp

from dlp.frontends.torch.symbols import sizes_of


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of the framework, and the row-major tensor that holds its memory.

    A dense tensor with its dimensions in another order in memory (channels-last, a transposed matrix) is passed to
    the compiled function as it lies: as the *physical* tensor, whose dimension i is dimension `permutation[i]` of
    the framework's. Nothing is copied; a `dlp.transpose` in the graph puts the dimensions in order.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """As the framework has them; those of a result are to be kept (`torch.empty_strided(shape, strides)`)."""
    dtype: torch.dtype
    permutation: tuple[int, ...]
    contiguous_first: bool = False
    """The tensor has gaps or overlaps: the caller makes it contiguous, and `permutation` is the identity."""

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Self:
        """The spec of a tensor or fake tensor."""
        shape, strides = sizes_of(tensor.shape), sizes_of(tensor.stride())
        order = _memory_order(shape, strides)
        identity = tuple(range(len(shape)))
        return cls(shape, strides, tensor.dtype, order or identity, contiguous_first=order is None)

    @property
    def physical_shape(self) -> tuple[int, ...]:
        return tuple(self.shape[d] for d in self.permutation)

    @property
    def is_row_major(self) -> bool:
        return self.permutation == tuple(range(len(self.shape)))

    @property
    def to_logical(self) -> tuple[int, ...]:
        """The permutation that turns the physical tensor into the framework's."""
        return tuple(self.permutation.index(d) for d in range(len(self.permutation)))

    def physical(self, tensor: torch.Tensor) -> torch.Tensor:
        """The physical tensor of a tensor that this describes, without a copy unless it has gaps or overlaps."""
        return tensor.permute(self.permutation).contiguous()


def _memory_order(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...] | None:
    """The dimensions from outermost to innermost in memory; None where the tensor has gaps or overlaps."""
    if prod(shape) == 0:
        return tuple(range(len(shape)))
    row_major, step = True, 1
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        row_major &= n == 1 or stride == step
        step *= n
    if row_major:
        return tuple(range(len(shape)))
    order = sorted(range(len(shape)), key=lambda d: -strides[d])
    step = 1
    for d in reversed(order):
        if shape[d] != 1 and strides[d] != step:
            return None
        step *= shape[d]
    return tuple(order)


@dataclass(frozen=True)
class WeightSpec:
    """A weight of the module: the symbol of its `dlp.weight`, which has the physical type."""

    name: str
    placeholder: int | None
    """Its place among the graph's inputs; None for a tensor that the graph itself holds (`ImportedGraph.constants`)."""
    spec: TensorSpec


@dataclass(frozen=True)
class InputSpec:
    """An argument of `@forward`."""

    name: str
    placeholder: int
    spec: TensorSpec


@dataclass(frozen=True)
class OutputSpec:
    """One output of the graph.

    `kind` "result": result `index` of `@forward`. "input" and "weight": the framework returns the very tensor that
    came in, which `index` names among `ImportedGraph.inputs` or `weights`. "empty": a tensor without elements, of which
    there is nothing but `spec`. "literal": the Python value `literal`.
    """

    kind: Literal["result", "input", "weight", "empty", "literal"]
    index: int = -1
    spec: TensorSpec | None = None
    literal: object = None


@dataclass
class ImportedGraph:
    """A network in the dlp dialect.

    `module` holds `func.func @forward(inputs...) -> results` over physical tensors; weights are `dlp.weight` ops.
    """

    module: ModuleOp
    weights: list[WeightSpec]
    inputs: list[InputSpec]
    outputs: list[OutputSpec]
    constants: dict[str, torch.Tensor] = field(default_factory=dict)
    """Tensors that the graph itself holds, by weight name."""

    @property
    def weight_names(self) -> list[str]:
        return [weight.name for weight in self.weights]

    @property
    def results(self) -> list[TensorSpec]:
        """The results of `@forward`, in order."""
        by_index = {o.index: o.spec for o in self.outputs if o.kind == "result" and o.spec is not None}
        return [by_index[i] for i in range(len(by_index))]
