"""The inputs of a captured graph: what it holds as attributes becomes one, what is a number none."""

from __future__ import annotations

import operator
from functools import reduce

import torch


def lift_constants(graph: torch.fx.GraphModule) -> list[torch.Tensor]:
    """Turn every tensor attribute that `graph` reads into an input, in place.

    ```
    before:  f(%x): %c = get_attr[_tensor_constant0]; %d = lift_fresh_copy(%c); add(%x, %d)
    after:   f(%x, %constant0): add(%x, %constant0)
    ```

    Returns:
        The tensors, in the order of the new inputs, which come after all others.
    """
    nodes = graph.graph
    inputs = [node for node in nodes.nodes if node.op == "placeholder"]
    lifted: dict[str, torch.fx.Node] = {}
    tensors: list[torch.Tensor] = []
    last = inputs[-1] if inputs else None
    for node in list(nodes.nodes):
        if node.op != "get_attr":
            continue
        value = reduce(getattr, node.target.split("."), graph)
        if not isinstance(value, torch.Tensor):
            continue
        if value.shape == (0,):
            _leave_out_of_concatenations(node)
            if not node.users:
                nodes.erase_node(node)
                continue
        if (placeholder := lifted.get(node.target)) is None:
            with nodes.inserting_after(last) if last else nodes.inserting_before(None):
                placeholder = nodes.placeholder(f"constant{len(lifted)}")
            placeholder.meta = dict(node.meta)
            lifted[node.target] = last = placeholder
            tensors.append(value)
        for user in list(node.users):
            # The graph is functional: a copy of a constant that nothing writes is the constant.
            if user.target is torch.ops.aten.lift_fresh_copy.default:
                user.replace_all_uses_with(placeholder)
                nodes.erase_node(user)
        node.replace_all_uses_with(placeholder)
        nodes.erase_node(node)
    if lifted:
        graph.recompile()
    return tensors


def _leave_out_of_concatenations(empty: torch.fx.Node) -> None:
    """A tensor of shape [0] adds nothing to any concatenation: caches of keys and values begin with one."""
    copies = [user for user in empty.users if user.target is torch.ops.aten.lift_fresh_copy.default]
    for node in (empty, *copies):
        for user in list(node.users):
            parts = user.args[0] if user.target is torch.ops.aten.cat.default else None
            if isinstance(parts, list | tuple) and len(parts) > 1:
                user.update_arg(0, [part for part in parts if part is not node])
    for node in copies:
        if not node.users:
            node.graph.erase_node(node)


def drop_numbers(graph: torch.fx.GraphModule) -> None:
    """Remove inputs that are numbers, in place: a trace has their values wherever it uses them."""
    for node in list(graph.graph.nodes):
        if node.op == "placeholder" and not isinstance(node.meta.get("val"), torch.Tensor) and not node.users:
            graph.graph.erase_node(node)
    graph.recompile()


def attribute_name(source: str) -> str:
    """The name of a weight in its module from where Dynamo found it.

    `L['self']._modules['layer1']._modules['0']._parameters['weight']` -> `layer1.0.weight`
    """
    name = source
    for step in ("_modules", "_parameters", "_buffers", "_non_persistent_buffers_set"):
        name = name.replace(f".{step}", "")
    parts = name.replace("]", "").replace("'", "").replace('"', "").replace("[", ".").split(".")
    return ".".join(part for part in operator.itemgetter(slice(2, None))(parts) if part)
