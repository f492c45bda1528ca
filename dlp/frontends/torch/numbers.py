"""Numbers among the results of a captured graph: sizes that the model hands on, computed beside its tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

_Function = Callable[..., Sequence[Any]]


def separate_numbers(captured: GraphModule) -> tuple[GraphModule, Callable[[_Function], _Function] | None]:
    """The graph with its tensors as the only results, and what adds the numbers to what it returns.

    ```
    before:  f(n, x): y = relu(x); m = n * 2; return y, m
    after:   f(n, x): y = relu(x); return y
    ```
    `None` where there are no numbers among the results, or nothing else.
    """
    results = captured.graph.output_node().args[0]
    assert isinstance(results, Sequence)
    is_number = [
        isinstance(r, Node) and isinstance(r.meta.get("example_value"), torch.SymInt) for r in results
    ]
    if not any(is_number) or all(is_number):
        return captured, None
    tensors = _only(captured, [not yes for yes in is_number])
    numbers = _only(captured, is_number)

    def with_numbers(function: _Function) -> _Function:
        def run(*args: Any) -> Sequence[Any]:
            given, computed = iter(function(*args)), iter(numbers.forward(*args))
            return [next(computed) if yes else next(given) for yes in is_number]

        return run

    return tensors, with_numbers


def _only(captured: GraphModule, kept: Sequence[bool]) -> GraphModule:
    """The graph that computes some of the results."""
    graph = copy.deepcopy(captured.graph)
    output = graph.output_node()
    results = output.args[0]
    assert isinstance(results, Sequence)
    output.args = (tuple(r for r, keep in zip(results, kept, strict=True) if keep),)
    graph.eliminate_dead_code()
    return GraphModule(captured, graph)
