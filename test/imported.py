"""Checks an import: the module verifies, prints and parses back, and computes what torch computes."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np
import torch
from xdsl.parser import Parser
from xdsl.printer import Printer

from dlp.context import make_context
from dlp.frontends.torch.capture import CapturedProgram, capture
from dlp.frontends.torch.imported_graph import OutputSpec
from dlp.interpreter import Interpreter


class Call(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


def interpret(captured: CapturedProgram, args: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs of an imported program in the reference interpreter, with the framework's shapes and strides."""
    imported = captured.imported
    offset = len([w for w in imported.weights if w.placeholder is not None])
    assert offset <= min((i.placeholder for i in imported.inputs), default=offset)
    tensors = {i.placeholder: a for i, a in zip(imported.inputs, _used(captured, args), strict=True)}
    weights = {name: value.numpy() for name, value in captured.physical_weights().items()}
    arrays = [i.spec.physical(tensors[i.placeholder]).numpy() for i in imported.inputs]
    results = Interpreter(imported.module, {k: _signless(v) for k, v in weights.items()}).call(
        "forward", *map(_signless, arrays)
    )
    return [_output(o, results, list(tensors.values()), captured) for o in imported.outputs]


def _used(captured: CapturedProgram, args: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    first = min((i.placeholder for i in captured.imported.inputs), default=0)
    return [args[i.placeholder - first] for i in captured.imported.inputs]


def _signless(array: np.ndarray) -> np.ndarray:
    return array.view(np.int8) if array.dtype == np.uint8 else array


def _output(
    output: OutputSpec, results: list[np.ndarray], inputs: list[torch.Tensor], captured: CapturedProgram
) -> Any:
    match output.kind:
        case "literal":
            return output.literal
        case "input":
            return inputs[output.index]
        case "weight":
            return captured.weights[captured.imported.weights[output.index].name]
    spec = output.spec
    assert spec is not None
    physical = torch.from_numpy(np.array(results[output.index]).reshape(spec.physical_shape))
    if spec.dtype == torch.uint8:
        physical = physical.view(torch.uint8)
    return physical.permute(spec.to_logical)


def check(function: Any, *args: torch.Tensor, tolerance: float = 1e-5) -> CapturedProgram:
    """Import a function or module, and compare what the interpreter makes of it with torch."""
    model = function if isinstance(function, torch.nn.Module) else Call(function)
    captured = capture(model.eval(), args)
    module = captured.imported.module
    module.verify()
    text = StringIO()
    Printer(text).print_op(module)
    parsed = Parser(make_context(), text.getvalue()).parse_module()
    parsed.verify()
    assert str(parsed) == str(module)
    with torch.no_grad():
        expected = torch.utils._pytree.tree_leaves(model(*args))
    found = interpret(captured, args)
    assert len(found) == len(expected)
    for a, b, output in zip(found, expected, captured.imported.outputs, strict=True):
        if not isinstance(b, torch.Tensor):
            assert a == b
            continue
        assert a.shape == b.shape and a.dtype == b.dtype
        if output.spec is not None and not output.spec.contiguous_first:
            assert all(x == y or n == 1 for x, y, n in zip(a.stride(), b.stride(), b.shape, strict=True))
        if b.dtype.is_floating_point:
            torch.testing.assert_close(
                a, b, rtol=tolerance, atol=tolerance * float(_scale(b)), equal_nan=True
            )
        else:
            assert torch.equal(a, b)
    return captured


def _scale(b: torch.Tensor) -> torch.Tensor:
    finite = b[b.isfinite()].abs()
    return finite.max() if finite.numel() else torch.tensor(0.0)
