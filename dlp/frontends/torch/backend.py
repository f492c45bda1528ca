"""`torch.compile(model, backend="dlp")`, which finds `dlp_backend` through the entry point."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Sequence
from typing import Any

import torch

from dlp.errors import InputError
from dlp.frontends.torch.captured_graph import inputs_of
from dlp.frontends.torch.gradients import GraphFunction
from dlp.frontends.torch.graph_backend import GraphBackend
from dlp.frontends.torch.parameters import ParameterSets
from dlp.frontends.torch.seam import CompileFunction, Options, compile_graph
from dlp.frontends.torch.session import Session

_sets_under_torch_compile: weakref.WeakValueDictionary[Hashable, ParameterSets] = (
    weakref.WeakValueDictionary()
)
"""There each graph is a session of its own."""


_OPTIONS = ("target", "threads", "strict", "dump_dir", "numerics")


def dlp_backend(
    captured: torch.fx.GraphModule,
    inputs: Sequence[Any],
    options: dict[str, Any] | None = None,
    mode: str | None = None,
    *,
    compile_function: CompileFunction = compile_graph,
) -> GraphFunction:
    """The backend behind `torch.compile(model, backend="dlp", options={"threads": 2})`.

    Options are those of `dlp.optimize`: target, threads, strict, dump_dir, numerics.

    Raises:
        InputError: an unknown option.
    """
    from dlp.frontends.torch.report import remember_graph

    options = dict(options or {})
    if unknown := set(options) - set(_OPTIONS):
        raise InputError(
            f"unknown option {sorted(unknown)[0]!r} of the backend dlp; it has {', '.join(_OPTIONS)}"
        )
    if mode not in (None, "default"):
        raise InputError(f"the backend dlp has no mode {mode!r}")
    options.setdefault("threads", torch.get_num_threads())
    session = Session(Options(**options), compile_function, _sets_under_torch_compile)
    with session.show_progress("torch.compile") as progress:
        progress.stage("compile")
        function = GraphBackend(session)(captured, inputs)
    _, is_parameter = inputs_of(captured)
    remember_graph(session, [value for value, mine in zip(inputs, is_parameter, strict=True) if mine])
    return function
