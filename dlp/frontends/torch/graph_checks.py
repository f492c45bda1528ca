"""What a captured graph must be like to be compiled, whatever its operations: one check for all frontends' graphs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from dlp.errors import UnsupportedOp
from dlp.frontends.torch import source_lines
from dlp.frontends.torch.symbols import follows_from_sizes


def reason_against_inputs(inputs: Sequence[object]) -> str:
    """Why these graph inputs rule compilation out, or an empty string."""
    for value in inputs:
        if isinstance(value, int | torch.SymInt):
            continue
        if isinstance(value, torch.SymFloat | torch.SymBool):
            return "a number that is known only at run time"
        if not isinstance(value, torch.Tensor):
            return f"an input of type {type(value).__name__}"
        if type(value) not in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
            return f"a tensor of the class {type(value).__name__}"
        if reason := _reason_against(value):
            return reason
        if value.is_neg():
            return "a tensor that is negated lazily"
    return ""


def unsupported_values(graph: torch.fx.GraphModule) -> list[UnsupportedOp]:
    """Operations with operands or results that dlp does not represent; which operations exist is the importer's."""
    found = []
    for node in graph.graph.nodes:
        if node.op not in ("placeholder", "call_function", "get_attr"):
            continue
        for value in _tensors(node.meta.get("val")):
            if reason := _reason_against(value):
                where = source_lines.of_node(node)
                found.append(UnsupportedOp(str(node.target), reason, where, _node_name(node)))
                break
    return found


def any_overlaps(values: Sequence[object], writes: Sequence[bool]) -> bool:
    """Whether the memory of a tensor that is written may hold elements of another one."""
    spans = [
        (*_span(value), write)
        for value, write in zip(values, writes, strict=True)
        if isinstance(value, torch.Tensor) and value.numel()
    ]
    return any(
        one is not other and one[0] < other[1] and other[0] < one[1]
        for one in spans
        if one[2]
        for other in spans
    )


def _span(tensor: torch.Tensor) -> tuple[int, int]:
    """The addresses from the first element to behind the last one."""
    start = tensor.data_ptr()
    reach = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    return start, start + (reach + 1) * tensor.element_size()


def _node_name(node: torch.fx.Node) -> str:
    """A name by which the rest of the graph can be compiled without the node; none for an input."""
    return node.name if node.op == "call_function" else ""


def _reason_against(value: torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool) -> str:
    if isinstance(value, torch.SymInt) or (isinstance(value, torch.SymFloat) and follows_from_sizes(value)):
        return ""
    if isinstance(value, torch.SymFloat | torch.SymBool):
        return "a number that is known only at run time"
    if value.device.type != "cpu":
        return f"on the device {value.device.type}"
    if value.layout is not torch.strided or value.is_mkldnn:
        return f"a tensor with the layout {str(value.layout).removeprefix('torch.')}"
    if value.is_quantized:
        return "a quantised tensor"
    if value.is_complex():
        return "complex numbers"
    return ""


def _tensors(value: object) -> Iterator[torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool]:
    if isinstance(value, torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
