"""Gradients through a compiled graph: the forward is dlp's, the backward the framework's.

The compiled forward saves its inputs only. A backward runs the captured graph once more in the framework, under
autograd, and differentiates that (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", with one
segment): a call whose backward nobody asks for costs what it costs without gradients, no operation needs to be
supported twice, and gradients of any order are the framework's own. As in eager, writing to a saved input between
forward and backward is an error when backward runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

GraphFunction = Callable[..., Sequence[Any]]


class CompiledForward(torch.autograd.Function):
    """Runs `compiled(*inputs)`; differentiates `captured(*inputs)`."""

    @staticmethod
    def forward(
        ctx: Any,
        compiled: GraphFunction,
        captured: GraphFunction,
        differentiable: Sequence[bool],
        *inputs: torch.Tensor | int,
    ) -> tuple[torch.Tensor, ...]:
        """`differentiable` says which results carry gradients in eager."""
        ctx.captured, ctx.differentiable = captured, differentiable
        ctx.numbers = [None if isinstance(value, torch.Tensor) else value for value in inputs]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*(value for value in inputs if isinstance(value, torch.Tensor)))
        outputs = tuple(compiled(*inputs))
        ctx.mark_non_differentiable(
            *(o for o, wanted in zip(outputs, differentiable, strict=True) if not wanted)
        )
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        needed = ctx.needs_input_grad[3:]
        tensors = iter(ctx.saved_tensors)
        saved = [next(tensors) if number is None else number for number in ctx.numbers]
        # A double backward differentiates what happens here: then, and only then, gradients are enabled.
        create_graph = torch.is_grad_enabled()
        with torch.enable_grad():
            # Views, so that hooks on the inputs themselves do not run here and once more outside.
            inputs = [t.view_as(t) if wanted else t for t, wanted in zip(saved, needed, strict=True)]
            outputs = ctx.captured(*inputs)
        chosen = [
            (output, grad)
            for output, grad, wanted in zip(outputs, grads, ctx.differentiable, strict=True)
            if wanted and grad is not None
        ]
        wanted_inputs = [t for t, wanted in zip(inputs, needed, strict=True) if wanted]
        found = iter(
            torch.autograd.grad(
                [output for output, _ in chosen],
                wanted_inputs,
                [grad for _, grad in chosen],
                allow_unused=True,
                create_graph=create_graph,
            )
            if chosen
            else [None] * len(wanted_inputs)
        )
        return (None, None, None, *(next(found) if wanted else None for wanted in needed))
