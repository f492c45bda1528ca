"""What a graph says about itself that Dynamo captured: its inputs, results, lines, and which graphs are alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch.fx.node import _get_qualified_name

from dlp.frontends.torch import source_lines
from dlp.frontends.torch.constants import attribute_name


def inputs_of(captured: torch.fx.GraphModule) -> tuple[list[str], list[bool]]:
    """Names of a captured graph's inputs, and which of them are weights of the model.

    Other tensors that a module holds, such as the state that one call leaves for the next, are inputs like those of
    the call: packing them would be repeated in every call.
    """
    names, weights = [], []
    for node in captured.graph.nodes:
        if node.op != "placeholder":
            continue
        argument = node.meta.get("grapharg")
        source = argument.source.name if argument is not None else ""
        weight = "._parameters[" in source or "._buffers[" in source
        weight = weight or isinstance(getattr(argument, "example", None), torch.nn.Parameter)
        names.append(attribute_name(source) if weight else node.name)
        weights.append(weight)
    return names, weights


def differentiable_results(captured: torch.fx.GraphModule) -> list[bool]:
    """Which results of a captured graph carry gradients in eager."""
    values = [
        node.meta.get("example_value") if isinstance(node, torch.fx.Node) else None
        for node in results_of(captured)
    ]
    return [isinstance(value, torch.Tensor) and value.requires_grad for value in values]


def results_of(graph: torch.fx.GraphModule) -> Sequence[Any]:
    results = graph.graph.output_node().args[0]
    assert isinstance(results, Sequence)
    return results


def structure_of(captured: torch.fx.GraphModule, inputs: list[Any]) -> Hashable | None:
    """Equal for graphs that compute the same from inputs of the same kind; `None` when that cannot be told."""
    names, is_parameter = inputs_of(captured)
    nodes = []
    for node in captured.graph.nodes:
        if node.op in ("get_attr", "call_module"):
            return None
        nodes.append((node.op, node.target, node.name, str(node.args), str(sorted(node.kwargs.items()))))
    kinds = tuple((v.dtype, tuple(v.shape), v.stride()) if isinstance(v, torch.Tensor) else v for v in inputs)
    return (tuple(nodes), kinds, tuple(names), tuple(is_parameter))


def code_of(captured: torch.fx.GraphModule) -> Hashable:
    """Equal for captures of one piece of code."""
    return tuple((node.op, str(node.target)) for node in captured.graph.nodes if node.op != "placeholder")


def first_location(captured: torch.fx.GraphModule) -> str:
    for node in captured.graph.nodes:
        if node.op.startswith("call") and (found := source_lines.of_node(node)):
            return found
    return ""


def target_name(node: torch.fx.Node) -> str:
    return node.target if isinstance(node.target, str) else _get_qualified_name(node.target)
