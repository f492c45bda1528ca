"""Checks an import: the module verifies, prints and parses back, and computes what torch computes.

With `DLP_TEST_COMPILED=1` in the environment the module is compiled as well, which takes seconds each time, and the
machine code is checked in the same way, in memory that holds NaN wherever nothing was written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from dlp.compiler import compile_module
from dlp.context import make_context
from dlp.frontends.torch.capture import CapturedProgram, capture
from dlp.frontends.torch.imported_graph import OutputSpec
from dlp.interpreter import Interpreter
from dlp.ir_text import ir_text
from dlp.targets import host

Array: TypeAlias = np.ndarray[Any, Any]
Run: TypeAlias = Callable[[ModuleOp, dict[str, Array], list[Array]], Sequence[Array]]
"""Runs a module on weights and inputs."""


class Call(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        return self.function(*args)


def check(function: Callable[..., Any], *args: torch.Tensor, tolerance: float = 1e-5) -> CapturedProgram:
    """Import a function or a module, and compare what becomes of it with torch.

    Args:
        tolerance: of floating-point results, relative to the largest element.
    """
    model = function if isinstance(function, torch.nn.Module) else Call(function)
    captured = capture(model.eval(), args)
    module = captured.imported.module
    module.verify()
    parsed = Parser(make_context(), ir_text(module)).parse_module()
    parsed.verify()
    assert ir_text(parsed) == ir_text(module)
    with torch.no_grad():
        expected = torch.utils._pytree.tree_leaves(model(*args))
    compare(captured, outputs(captured, args, interpret), expected, tolerance)
    if os.environ.get("DLP_TEST_COMPILED") == "1":
        compare(captured, outputs(captured, args, compile_and_run), expected, tolerance)
    return captured


def interpret(module: ModuleOp, weights: dict[str, Array], inputs: list[Array]) -> Sequence[Array]:
    return Interpreter(module, weights).call("forward", *inputs)


def compile_and_run(module: ModuleOp, weights: dict[str, Array], inputs: list[Array]) -> Sequence[Array]:
    compiled = compile_module(module.clone(), target=host(), threads=2)
    compiled.poison = True
    packed = compiled.pack_arrays([weights[spec.name] for spec in compiled.signature.weights])
    return compiled.run_arrays(inputs, packed, threads=2)


def outputs(captured: CapturedProgram, args: Sequence[torch.Tensor], run: Run) -> list[Any]:
    """What a program gives for arguments, with the framework's shapes and strides."""
    imported = captured.imported
    first = min((i.placeholder for i in imported.inputs), default=0)
    used = [args[i.placeholder - first] for i in imported.inputs]
    weights = {name: _signless(value.numpy()) for name, value in captured.physical_weights().items()}
    inputs = [_signless(i.spec.physical(a).numpy()) for i, a in zip(imported.inputs, used, strict=True)]
    results = run(imported.module, weights, inputs)
    return [_output(o, results, used, captured) for o in imported.outputs]


def _signless(array: Array) -> Array:
    return array.view(np.int8) if array.dtype == np.uint8 else array


def _output(
    output: OutputSpec, results: Sequence[Array], inputs: list[torch.Tensor], captured: CapturedProgram
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
    if output.kind == "empty":
        return torch.empty_strided(spec.shape, spec.strides, dtype=spec.dtype)
    physical = torch.from_numpy(np.array(results[output.index]).reshape(spec.physical_shape))
    if spec.dtype == torch.uint8:
        physical = physical.view(torch.uint8)
    return physical.permute(spec.to_logical)


def compare(
    captured: CapturedProgram, found: Sequence[Any], expected: Sequence[Any], tolerance: float
) -> None:
    """Compare outputs: values, shapes, types, and strides where the framework's have no gaps."""
    for a, b, output in zip(found, expected, captured.imported.outputs, strict=True):
        if not isinstance(b, torch.Tensor):
            assert a == b
            continue
        assert a.shape == b.shape and a.dtype == b.dtype
        if output.spec is not None and not output.spec.contiguous_first:
            assert all(x == y or n == 1 for x, y, n in zip(a.stride(), b.stride(), b.shape, strict=True))
        if b.dtype.is_floating_point:
            finite = b[b.isfinite()].abs()
            scale = float(finite.max()) if finite.numel() else 0.0
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
        else:
            assert torch.equal(a, b)
