"""The seam between the dispatch and the compiler: what a compile function gets, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch

from dlp.compile_statistics import CompileStatistics
from dlp.progress import Progress


@dataclass(frozen=True)
class Options:
    """What `dlp.optimize` was asked for; one object a model, never process-wide."""

    target: str | None = None
    """Name of a target description; `None` is the machine's own."""
    dynamic: bool | None = None
    threads: int = 1
    strict: bool = False
    dump_dir: str | None = None
    numerics: Literal["fast", "strict"] = "fast"

    @property
    def pipeline(self) -> str:
        """The pipeline of `dlp.pipeline` that compiles."""
        return "strict" if self.numerics == "strict" else "default"


RunFunction = Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor]], list[torch.Tensor]]
"""`CompiledGraph.run`."""


class CompiledGraph(Protocol):
    """One graph as machine code. Both functions may be called from several threads at once."""

    @property
    def statistics(self) -> CompileStatistics: ...

    @property
    def prepare_key(self) -> Hashable | None:
        """Graphs with equal keys pack equal weights alike and share the packed copies; `None` shares nothing."""
        ...

    def prepare(self, weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Pack weights, in the order of the graph's inputs; their strides may be any.

        A result may be one of the weights (nothing to pack); otherwise it is memory of its own.
        """
        ...

    def run(self, packed: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run on inputs with the shapes and strides of the examples, at any address.

        Every result is new memory that no later call touches; with the strides that eager gives it, or
        contiguous: the caller puts those into eager's.
        """
        ...

    def bind(self, packed: Sequence[torch.Tensor]) -> RunFunction:
        """`run`, with what can be made ready for these packed weights; it is called with the same, and owns none."""
        ...


class CompileFunction(Protocol):
    """From an FX graph to machine code."""

    def __call__(
        self,
        graph: torch.fx.GraphModule,
        example_inputs: Sequence[torch.Tensor],
        *,
        is_parameter: Sequence[bool],
        names: Sequence[str],
        options: Options,
        progress: Progress,
    ) -> CompiledGraph:
        """Compile `graph`.

        Args:
            graph: functional ATen after the decompositions of `decompositions.py`; inputs and outputs are tensors;
                constants are inputs; every node has `meta["val"]` (a fake tensor) and `meta["stack_trace"]`.
            example_inputs: a fake tensor an input: shape, strides and dtype are fixed.
            is_parameter: which inputs are weights: they go to `prepare`, the others to `run`, both in order.
            names: of all inputs; a weight is called as in the module: `layer1.0.conv.weight`.
            options: what the user asked for.
            progress: to be told of stages.

        Raises:
            UnsupportedOpsError: lists every operation that cannot be compiled; the graph runs in the framework.
        """
        ...


def compile_graph(
    graph: torch.fx.GraphModule,
    example_inputs: Sequence[torch.Tensor],
    *,
    is_parameter: Sequence[bool],
    names: Sequence[str],
    options: Options,
    progress: Progress,
) -> CompiledGraph:
    """The compile function that users get: import to the dlp dialect, then `dlp.compiler`."""
    from dlp.frontends.torch.compile import compile_fx

    return compile_fx(
        graph, example_inputs, is_parameter=is_parameter, names=names, options=options, progress=progress
    )
