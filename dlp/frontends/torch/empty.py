"""Operations on tensors without elements: what they give depends on sizes alone, so it is known when they are imported.

Where the result has elements, of a mean of nothing, or a product of matrices without columns, the framework is asked
for them, once.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch.fx import Node
from torch.fx.node import map_arg
from torch.utils._python_dispatch import _disable_current_modes

from dlp.dialects.dlp.dim import is_static
from dlp.frontends.torch.emitter import NotSupported
from dlp.frontends.torch.symbols import sizes_of


def is_empty(value: object) -> bool:
    """Whether a value is a tensor without elements; sizes that stay open are never 0."""
    return isinstance(value, torch.Tensor) and 0 in [n for n in sizes_of(value.shape) if isinstance(n, int)]


def depends_on_sizes(node: Node) -> bool:
    """Whether sizes alone determine what an operation gives: no used result has elements, or no operand."""
    if not isinstance(node.target, torch._ops.OpOverload) or is_random(node.target):
        return False
    results = used_results(node)
    if results and all(map(is_empty, results)):
        return True
    operands = [n.meta.get("val") for n in node.all_input_nodes]
    static = all(is_static(sizes_of(t.shape)) for t in (*results, *operands) if isinstance(t, torch.Tensor))
    return bool(operands) and static and all(map(is_empty, operands))


def used_results(node: Node) -> list[Any]:
    """The fake tensors of a node's results; of several, those that something uses."""
    results = node.meta.get("val")
    if not isinstance(results, tuple | list):
        return [results]
    return [
        results[i] for i in sorted({u.args[1] for u in node.users if u.users and isinstance(u.args[1], int)})
    ]


def known_results(node: Node) -> Any:
    """A number that all elements of a result are; a tuple of them for several results.

    Raises:
        NotSupported: the elements of a result differ, or the framework refuses to compute it.
    """
    results = node.meta["val"]
    if all(map(is_empty, used_results(node))):
        return (0,) * len(results) if isinstance(results, tuple | list) else 0
    with _disable_current_modes(), torch.no_grad():
        args, kwargs = map_arg((node.args, node.kwargs), _stand_in)
        try:
            results = cast("torch._ops.OpOverload", node.target)(*args, **kwargs)
        except Exception as error:  # a run in the framework raises it too
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise NotSupported(f"the framework refuses a tensor without elements: {text}") from None
        if isinstance(results, tuple | list):
            return tuple(map(_only_element, results))
        return _only_element(results)


def _only_element(result: Any) -> float | int | bool:
    if not isinstance(result, torch.Tensor) or not result.numel():
        return 0
    elements = result.reshape(-1)
    if not elements.equal(elements[:1].expand_as(elements)) and not bool(elements.isnan().all()):
        raise NotSupported("elements that differ, of a tensor that no data determines")
    return elements[0].item()


def _stand_in(node: Node) -> Any:
    """The operand itself, as it were: it has no elements."""
    value = node.meta["val"]
    if not isinstance(value, torch.Tensor):
        return value
    return torch.empty_strided(tuple(value.shape), value.stride(), dtype=value.dtype)


def is_random(target: torch._ops.OpOverload) -> bool:
    """Whether an operation draws random numbers."""
    return torch.Tag.nondeterministic_seeded in target.tags
