"""A graph of which dlp compiles parts: the operations that it does not know run between them, in the framework."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.fx.passes.infra.partitioner import CapabilityBasedPartitioner
from torch.fx.passes.operator_support import OperatorSupportBase
from torch.fx.passes.utils.fuser_utils import fuse_by_partitions

from dlp.frontends.torch.registry import moves_only

PartFunction = Callable[..., Sequence[torch.Tensor]]

CompilePart = Callable[[GraphModule, list[int]], PartFunction | None]
"""Compiles a part, whose inputs are these of the graph (-1: of another part); None leaves it to the framework."""


def compile_parts(
    graph: GraphModule, unsupported: Container[str], compile_part: CompilePart
) -> GraphModule | None:
    """Compile the largest parts of a graph that hold none of the unsupported nodes.

    ```
    before:  a = relu(x); b = fft(a); c = abs(b); d = exp(c); e = add(d, x)      (fft and abs are not supported)
    after:   a = part0(x); b = fft(a); c = abs(b); e = part1(c, x)
    ```
    A part that only moves elements is left to the framework, where it costs nothing.

    Args:
        graph: functional ATen; not changed.
        unsupported: names of the nodes that dlp does not compile.
        compile_part: called for each part.

    Returns:
        The graph with the parts that were compiled as modules; None where no part was compiled.
    """
    mixed = GraphModule(graph, copy.deepcopy(graph.graph))
    partitioner = CapabilityBasedPartitioner(
        mixed, _Supported(unsupported), allows_single_node_partition=True
    )
    parts = [p.nodes for p in partitioner.propose_partitions() if any(map(_computes, p.nodes))]
    if not parts:
        return None
    fuse_by_partitions(mixed, parts, prefix="part", always_return_tuple=True)
    places = {node: k for k, node in enumerate(n for n in mixed.graph.nodes if n.op == "placeholder")}
    compiled = False
    for node in mixed.graph.nodes:
        if node.op == "call_module":
            part = mixed.get_submodule(node.target)
            assert isinstance(part, GraphModule)
            function = compile_part(part, [places.get(n, -1) for n in node.all_input_nodes])
            if function is not None:
                setattr(mixed, node.target, _Part(function))
                compiled = True
    if not compiled:
        return None
    mixed.recompile()
    return mixed


class _Supported(OperatorSupportBase):
    def __init__(self, unsupported: Container[str]) -> None:
        self._unsupported = unsupported

    def is_node_supported(self, submodules: Mapping[str, torch.nn.Module], node: Node) -> bool:
        while node.target is operator.getitem:
            node = node.all_input_nodes[0]
        return node.op == "call_function" and node.name not in self._unsupported


class _Part(torch.nn.Module):
    """Calls the code of a part."""

    def __init__(self, function: PartFunction) -> None:
        super().__init__()
        self._function = function

    def forward(self, *args: Any) -> Sequence[torch.Tensor]:
        return self._function(*args)


def _computes(node: Node) -> bool:
    return node.target is not operator.getitem and not moves_only(str(node.target))
