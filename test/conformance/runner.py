"""Runs samples through the same capture as a model's, then the reference interpreter or machine code."""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import torch
from conformance.outcome import RIGHT, Kind, Outcome, difference
from conformance.samples import ANY_PLACE, UNDEFINED, Sample
from torch._guards import TracingContext, tracing
from torch._subclasses.fake_tensor import FakeTensorMode

from dlp.compile_statistics import CompileStatistics
from dlp.errors import UnsupportedOpsError
from dlp.frontends.torch.graph_backend import GraphBackend
from dlp.frontends.torch.imported_graph import ImportedGraph, TensorSpec
from dlp.frontends.torch.importer import import_graph
from dlp.frontends.torch.seam import Options
from dlp.frontends.torch.session import Session
from dlp.interpreter import Interpreter
from dlp.progress import Progress

Run = Callable[[Sequence[Any]], Sequence[Any]]
"""From arrays, the arguments of `@forward`, to its results."""


class ImportedSample:
    """A `CompiledGraph` that is run by `self.runner`; weights are arguments like all others."""

    def __init__(self, imported: ImportedGraph, is_parameter: Sequence[bool]) -> None:
        self.imported = imported
        self.statistics = CompileStatistics(kernels=1)
        self.prepare_key: Hashable | None = None
        self.runner: Run = lambda arrays: Interpreter(imported.module).call("forward", *arrays)
        self.arguments: Sequence[Any] = []
        """Of the last run."""
        self._is_parameter = is_parameter

    def prepare(self, weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return list(weights)

    def run(self, packed: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> list[Any]:
        weights, others = iter(packed), iter(inputs)
        given = [next(weights if yes else others) for yes in self._is_parameter]
        specs = self.imported.inputs
        self.arguments = [_array(i.spec.physical(given[i.placeholder])) for i in specs]
        results = self.runner(self.arguments)
        outputs: list[Any] = []
        for output in self.imported.outputs:
            match output.kind:
                case "result":
                    assert output.spec is not None
                    outputs.append(_tensor(results[output.index], output.spec))
                case "empty":
                    assert output.spec is not None
                    outputs.append(torch.empty(output.spec.shape, dtype=output.spec.dtype))
                case "input":
                    outputs.append(given[specs[output.index].placeholder])
                case _:
                    outputs.append(output.literal)
        return outputs


def _array(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    array = tensor.detach().numpy()
    return array.view(np.int8) if array.dtype == np.uint8 else array


def _tensor(array: np.ndarray[Any, Any], spec: TensorSpec) -> torch.Tensor:
    physical = torch.from_numpy(np.array(array).reshape(spec.physical_shape))
    if spec.dtype == torch.uint8:
        physical = physical.view(torch.uint8)
    return physical.permute(spec.to_logical)


class Attempt:
    """One sample, captured and imported once, run as often as wanted.

    Attributes:
        graph: what was imported; None where there is nothing to run.
        outcome: so far: of the capture, then of each run.
    """

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.graph: ImportedSample | None = None
        self._crash = ""
        self._expected: list[torch.Tensor] = []
        self._function: Callable[..., Any] | None = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.outcome = self._capture() or self.run()

    def _capture(self) -> Outcome | None:
        try:
            self._expected = self.sample.call(*self.sample.tensors)
        except Exception as error:
            return Outcome(Kind.SKIPPED, f"eager raises {type(error).__name__}")
        if not self._expected:
            return Outcome(Kind.SKIPPED, "no results")
        session = Session(Options(), self._import)
        tensors = self.sample.tensors
        try:
            with tracing(TracingContext(FakeTensorMode())):
                function = GraphBackend(session)(_graph_of(self.sample, len(self._expected)), tensors)
        except Exception as error:
            return Outcome(Kind.CRASH, _first_line(error))
        if self._crash:
            return Outcome(Kind.CRASH, self._crash)
        if session.fallbacks:
            return Outcome(Kind.LEFT, "; ".join(sorted({_normal(f.reason) for f in session.fallbacks})))
        self._function = function
        self._session = session  # the backend holds it weakly
        return None

    def _import(
        self,
        graph: torch.fx.GraphModule,
        example_inputs: Sequence[torch.Tensor],
        *,
        is_parameter: Sequence[bool],
        names: Sequence[str],
        options: Options,
        progress: Progress,
    ) -> ImportedSample:
        """A `CompileFunction` that imports."""
        try:
            imported = import_graph(graph, {})
            imported.module.verify()
        except UnsupportedOpsError:
            raise
        except Exception as error:
            self._crash = f"import: {type(error).__name__}: {_first_line(error)}"
            raise
        self.graph = ImportedSample(imported, is_parameter)
        return self.graph

    def run(self) -> Outcome:
        """Run what was captured, and compare with eager."""
        assert self._function is not None
        try:
            actual = self._function(*self.sample.tensors)
        except Exception as error:
            return Outcome(Kind.CRASH, f"run: {type(error).__name__}: {_first_line(error)}")
        name = self.sample.op.partition(".")[0]
        reason = difference(
            list(actual), self._expected, values=name not in UNDEFINED, places=name not in ANY_PLACE
        )
        return Outcome(Kind.WRONG, reason) if reason else RIGHT


def _graph_of(sample: Sample, results: int) -> torch.fx.GraphModule:
    """The sample's call as a captured graph: one node, and one for each of its results."""
    graph = torch.fx.Graph()
    arguments = [graph.placeholder(f"x{i}") for i in range(len(sample.tensors))]
    call = graph.call_function(sample.call, tuple(arguments))
    graph.output(tuple(graph.call_function(operator.getitem, (call, i)) for i in range(results)))
    return torch.fx.GraphModule(torch.nn.Module(), graph)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _normal(reason: str) -> str:
    """A reason without what differs from sample to sample: sizes and other numbers."""
    reason = reason.splitlines()[0]
    return re.sub(r"\b-?\d+(\.\d+)?(e-?\d+)?\b", "N", reason.replace("  ", " "))[:160]
