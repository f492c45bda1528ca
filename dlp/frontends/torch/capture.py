"""Capture through `torch.export`: whole networks, ahead of time, for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from dlp.errors import InputError, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch.decompositions import export_decompositions
from dlp.frontends.torch.imported_graph import ImportedGraph
from dlp.frontends.torch.importer import import_graph
from dlp.frontends.torch.tracing_rules import tracing_rules

_WEIGHTS = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


@dataclass
class CapturedProgram:
    """A network with its weights."""

    imported: ImportedGraph
    weights: dict[str, torch.Tensor]
    """Values by name, as the module has them (`ImportedGraph.weights` says how each lies in memory)."""

    def physical_weights(self) -> dict[str, torch.Tensor]:
        """Values by name as the `dlp.weight` ops have them: row-major, of the physical shape."""
        return {
            weight.name: weight.spec.physical(self.weights[weight.name].detach())
            for weight in self.imported.weights
        }


def capture(
    model: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
) -> CapturedProgram:
    """Export a module as it is for inference and import it into the dlp dialect.

    Args:
        model: in eval mode, or as the caller wants it; its weights are shared, not copied.
        args, kwargs: example inputs, which fix all sizes but those of
        dynamic_shapes: which stay open, as `torch.export.export` takes it.

    Raises:
        UnsupportedOpsError: lists every operation that dlp does not compile.
    """
    with torch.no_grad():
        with tracing_rules():
            program = torch.export.export(
                model, tuple(args), dict(kwargs or {}), dynamic_shapes=dynamic_shapes
            )
        return import_program(program)


def import_program(program: ExportedProgram) -> CapturedProgram:
    """Import an exported program.

    Raises:
        UnsupportedOpsError: lists every operation that dlp does not compile.
        InputError: the program is not a function of its tensors.
    """
    with torch.no_grad(), tracing_rules():
        program = program.run_decompositions(export_decompositions())
    signature = program.graph_signature
    names: dict[int, str] = {}
    for index, item in enumerate(signature.input_specs):
        if item.kind in _WEIGHTS:
            assert item.target is not None
            names[index] = item.target
        elif item.kind != InputKind.USER_INPUT:
            raise InputError(f"the exported program takes an input of the kind {item.kind.name.lower()}")
    changed = [o for o in signature.output_specs if o.kind != OutputKind.USER_OUTPUT]
    if changed:
        raise UnsupportedOpsError(
            [UnsupportedOp("copy_", f"the model writes to {o.target or 'its state'}") for o in changed]
        )
    imported = import_graph(program.graph_module, names)
    values = {**program.state_dict, **program.constants}
    return CapturedProgram(imported, {w.name: values[w.name] for w in imported.weights})
