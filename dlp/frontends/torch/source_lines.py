"""Which line of the user's code a node of a captured graph comes from."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable
from typing import Any

import torch

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_FRAMEWORK = os.path.dirname(torch.__file__) + os.sep
_OURS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def of_node(node: torch.fx.Node) -> str:
    """`file:line` of the innermost line outside the framework, or an empty string."""
    return _innermost(_FRAME.findall(node.meta.get("stack_trace") or ""))


def of_stack(frames: Iterable[traceback.FrameSummary]) -> str:
    """The same for a stack as Python's `traceback` gives it, outermost frame first."""
    return _innermost([(frame.filename, str(frame.lineno)) for frame in frames])


def of_code(code: object) -> str:
    """Where a function begins."""
    filename, line = getattr(code, "co_filename", ""), getattr(code, "co_firstlineno", "")
    return f"{filename}:{line}" if filename else ""


def run_in_framework(graph: torch.fx.GraphModule, *args: Any) -> Any:
    """`graph.forward(*args)`; an error has a note with the line of the operation that raised it."""
    try:
        return graph.forward(*args)
    except Exception as error:
        if line := _of_error(error, graph):
            error.add_note(f"raised by the operation of {line}")
        raise


def _of_error(error: BaseException, graph: torch.fx.GraphModule) -> str:
    code, places = getattr(graph.forward, "__code__", None), graph._lineno_map or {}
    nodes = list(graph.graph.nodes)
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        place = places.get(lineno - graph._prologue_start) if frame.f_code is code else None
        if place is not None and place < len(nodes):
            return of_node(nodes[place])
    return ""


def _innermost(frames: list[tuple[str, str]]) -> str:
    users = [frame for frame in frames if not frame[0].startswith((_FRAMEWORK, _OURS, "<"))]
    chosen = users or frames
    return f"{chosen[-1][0]}:{chosen[-1][1]}" if chosen else ""
