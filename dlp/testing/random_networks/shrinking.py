"""Makes a network that fails smaller, for as long as it fails in the same way, and prints what is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import map_aggregate

from .checking import Failure
from .generator import RandomNetwork, network_of

Check = Callable[[RandomNetwork], Failure | None]


def shrink(network: RandomNetwork, failure: Failure, check: Check, *, tries: int = 150) -> RandomNetwork:
    """A smaller network with a failure of the same kind.

    Outputs are dropped; a node becomes one of its operands of the same type, or an input; and a size that occurs
    anywhere becomes a smaller one everywhere. Each change that leaves the failure is kept.

    Args:
        check: finds the failure of a network.
        tries: how many networks are checked at most.
    """
    changed = True
    while changed:
        changed = False
        for candidate in _candidates(network):
            if tries == 0:
                return network
            tries -= 1
            found = check(candidate)
            if found is not None and found.kind == failure.kind:
                network, changed = candidate, True
                break
    return network


def reproducer(network: RandomNetwork, failure: Failure) -> str:
    """The network as code that runs by itself, and what is wrong with it."""
    lines = [f"# {line}" for line in str(failure).splitlines()]
    lines += ["import torch", ""]
    for name, tensor in network.weights.items():
        lines.append(f"{name} = {_made(tensor)}")
    body = network.graph.code.strip().replace("self.", "")
    body = re.sub(r"^def forward\(self, ?", "def network(", body, flags=re.MULTILINE)
    body = re.sub(r"torch_Tensor_(\w+)", r"torch.Tensor.\1", body)
    # What is not needed any more is set to None at the end of a line, and weights are read on lines of their own.
    body = re.sub(r";? *(\w+ = )+None *$", "", body, flags=re.MULTILINE)
    body = re.sub(r"^ +(\w+) = \1\n|^ *\n", "", body, flags=re.MULTILINE)
    inputs = ", ".join(map(_made, network.inputs))
    return "\n".join([*lines, body, "", f"inputs = ({inputs},)", ""])


def _candidates(network: RandomNetwork) -> Iterator[RandomNetwork]:
    """Networks that are a little smaller and run in the framework; the largest steps first."""
    for change in (*_fewer_outputs(network), *_shorter(network), *_smaller(network)):
        try:
            candidate = change()
            if candidate is not None:
                candidate.eager()
        except Exception:
            continue  # the change does not fit this network
        if candidate is not None:
            yield candidate


_Change = Callable[[], RandomNetwork | None]


def _output(graph: fx.Graph) -> fx.Node:
    return next(n for n in graph.nodes if n.op == "output")


def _copied(network: RandomNetwork) -> tuple[fx.Graph, dict[fx.Node, fx.Node]]:
    graph = fx.Graph()
    nodes: dict[fx.Node, fx.Node] = {}
    graph.output(graph.graph_copy(network.graph.graph, nodes))
    return graph, nodes


def _fewer_outputs(network: RandomNetwork) -> Iterator[_Change]:
    outputs = _output(network.graph.graph).args[0]
    assert isinstance(outputs, tuple)

    def keep(kept: Sequence[Any]) -> RandomNetwork:
        graph, nodes = _copied(network)
        _output(graph).args = (tuple(nodes[n] for n in kept),)
        return _without_unused_inputs(graph, network.weights, network.inputs)

    if len(outputs) > 1:
        for output in outputs:
            yield lambda output=output: keep([output])
        for i in range(len(outputs)):
            yield lambda i=i: keep([*outputs[:i], *outputs[i + 1 :]])


def _shorter(network: RandomNetwork) -> Iterator[_Change]:
    """Cut before a node (it becomes an input), or leave it out (it becomes one of its operands)."""
    values = _Recorder(network.graph).record(network.inputs)
    calls = [n for n in network.graph.graph.nodes if n.op == "call_function"]

    def as_input(node: fx.Node) -> RandomNetwork:
        graph, nodes = _copied(network)
        with graph.inserting_before(next(iter(graph.nodes))):
            fresh = graph.placeholder(f"v_{node.name}")
        nodes[node].replace_all_uses_with(fresh)
        return _without_unused_inputs(graph, network.weights, [values[node].clone(), *network.inputs])

    def as_operand(node: fx.Node, operand: fx.Node) -> RandomNetwork:
        graph, nodes = _copied(network)
        nodes[node].replace_all_uses_with(nodes[operand])
        return _without_unused_inputs(graph, network.weights, network.inputs)

    for node in reversed(calls):
        found = values[node]
        if not isinstance(found, Tensor):
            continue
        for operand in node.all_input_nodes:
            other = values[operand]
            if isinstance(other, Tensor) and other.shape == found.shape and other.dtype == found.dtype:
                yield lambda node=node, operand=operand: as_operand(node, operand)
    for node in reversed(calls):
        # What only inputs and weights lead to cannot become shorter by this but by the node itself.
        if isinstance(values[node], Tensor) and node.users and _output(network.graph.graph) not in node.users:
            yield lambda node=node: as_input(node)


def _smaller(network: RandomNetwork) -> Iterator[_Change]:
    """A size that occurs in inputs becomes another one wherever the number occurs."""
    tensors = [*network.inputs, *network.weights.values()]
    sizes = sorted({n for tensor in tensors for n in tensor.shape if n > 1}, reverse=True)

    def become(size: int, new: int) -> RandomNetwork | None:
        graph, _ = _copied(network)
        for node in graph.nodes:
            if node.op == "call_function":
                node.args = map_aggregate(node.args, lambda a: _replaced(a, size, new))
                node.kwargs = map_aggregate(node.kwargs, lambda a: _replaced(a, size, new))
        weights = {name: _cut(t, size, new) for name, t in network.weights.items()}
        return network_of(graph, weights, [_cut(t, size, new) for t in network.inputs])

    for size in sizes:
        for new in (1, 2, size // 2, size - 1):
            if 1 <= new < size:
                yield lambda size=size, new=new: become(size, new)


def _replaced(argument: Any, size: int, new: int) -> Any:
    return new if type(argument) is int and argument == size else argument


def _cut(tensor: Tensor, size: int, new: int) -> Tensor:
    for d, n in enumerate(tensor.shape):
        if n == size:
            tensor = tensor.narrow(d, 0, new)
    return tensor.contiguous()


def _without_unused_inputs(
    graph: fx.Graph, tensors: dict[str, Tensor], inputs: Sequence[Tensor]
) -> RandomNetwork:
    graph.eliminate_dead_code()
    kept: list[Tensor] = []
    placeholders = [n for n in graph.nodes if n.op == "placeholder"]
    for node, tensor in zip(placeholders, inputs, strict=True):
        if node.users:
            kept.append(tensor)
        else:
            graph.erase_node(node)
    return network_of(graph, tensors, kept)


class _Recorder(fx.Interpreter):
    """Keeps what every node is."""

    def record(self, inputs: Sequence[Tensor]) -> dict[fx.Node, Any]:
        self.values: dict[fx.Node, Any] = {}
        with torch.no_grad():
            self.run(*inputs)
        return self.values

    def run_node(self, n: fx.Node) -> Any:
        self.values[n] = super().run_node(n)
        return self.values[n]


def _made(tensor: Tensor) -> str:
    """An expression for a tensor like this one."""
    shape = tuple(tensor.shape)
    if tensor.numel() <= 6 or not tensor.is_floating_point():
        return f"torch.tensor({tensor.tolist()}, dtype={tensor.dtype})"
    if tensor.is_contiguous():
        return f"torch.randn({shape})"
    return f"torch.randn({tensor.numel()}).as_strided({shape}, {tensor.stride()})"
