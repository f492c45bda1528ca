"""A compile function without a compiler: graphs run in the framework, through the same dispatch and packing.

For tests of the dispatch, and to tell whose a wrong result is: what is wrong here too is not code generation.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch

from dlp.compile_statistics import CompileStatistics
from dlp.errors import StaticShapeRequired
from dlp.frontends.torch.seam import Options, RunFunction
from dlp.progress import Progress


class ReferenceGraph:
    """Packs by copying, runs by interpreting."""

    def __init__(self, graph: torch.fx.GraphModule, is_parameter: Sequence[bool]) -> None:
        self._graph = graph
        self._is_parameter = tuple(is_parameter)
        self.statistics = CompileStatistics(kernels=1)
        self.prepare_key: Hashable | None = None

    def prepare(self, weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Copies, so that a stale one shows."""
        return [weight.clone() for weight in weights]

    def run(self, packed: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Interpret the graph."""
        weights, others = iter(packed), iter(inputs)
        return list(self._graph.forward(*(next(weights if yes else others) for yes in self._is_parameter)))

    def bind(self, packed: Sequence[torch.Tensor]) -> RunFunction:
        """There is nothing to make ready."""
        return self.run


def compile_reference(
    graph: torch.fx.GraphModule,
    example_inputs: Sequence[torch.Tensor],
    *,
    is_parameter: Sequence[bool],
    names: Sequence[str],
    options: Options,
    progress: Progress,
) -> ReferenceGraph:
    """A `CompileFunction`: accepts every graph of known sizes."""
    if any(isinstance(node.meta.get("val"), torch.SymInt) for node in graph.graph.nodes):
        raise StaticShapeRequired("a graph to interpret")
    return ReferenceGraph(graph, is_parameter)
