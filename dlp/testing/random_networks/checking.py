"""Runs a network in the framework, in the interpreter and as C, and says where the results part.

The road has four stations, each compared with the framework: the imported module interpreted; the module interpreted
again when its kernels have been formed; and the C. A failure names the first station at which something is wrong.
With passes left out the same is done again: what is wrong then only shows that way, and what is right then names
the pass at fault.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch._functorch.aot_autograd import aot_export_module
from xdsl.dialects.builtin import ModuleOp

from dlp.cache import Cache
from dlp.codegen import print_c
from dlp.compiled_module import CompiledModule
from dlp.compiler import lower_module
from dlp.context import make_context
from dlp.frontends.torch.decompositions import decomposition_table
from dlp.frontends.torch.imported_graph import ImportedGraph
from dlp.frontends.torch.importer import import_graph
from dlp.frontends.torch.tracing_rules import tracing_rules
from dlp.interpreter.dtypes import Array
from dlp.ir_text import ir_text
from dlp.pass_manager import Instrument, PassFailure, PassManager, PassRecord, error_line
from dlp.pass_pipeline import Step, parse_passes, pipeline_text
from dlp.runtime import Library
from dlp.targets import Target, host
from dlp.testing.comparison import assert_same
from dlp.testing.network import Network
from dlp.testing.sanitized import run_sanitized
from dlp.toolchain import build_shared
from dlp.verification import verify

from .generator import RandomNetwork

TOLERANCE = 1e-4
"""Bound of max|a - b| / max|b|."""

ON_TENSORS = ("graph", "kernels")
"""Stages whose result is still on tensors, and quickly interpreted."""

FUSION_RULES = ("attention", "depth-first", "chain", "elementwise", "rows", "trailing")

NECESSARY = (
    *("decompose", "fuse", "outline-kernels", "bufferize", "lower-pad", "convert-dlp-to-loops"),
    "tile-attention",  # nothing else turns a fused attention into loops
    "tile-registers",  # whole kernels as one tile are unrolled: C that compiles for minutes
)
"""Passes without which there is no C, or none that can be compiled."""


def _omissible() -> tuple[str, ...]:
    names = dict.fromkeys(step.instance.name for step in parse_passes("default"))
    return (*(f"fuse:{rule}" for rule in FUSION_RULES), *(name for name in names if name not in NECESSARY))


OMISSIBLE = _omissible()
"""What can be left out: passes, and rules of the pass fuse as `fuse:chain`."""


@dataclass(frozen=True)
class Failure:
    """What is wrong with a network.

    Attributes:
        station: where: "import", "interpreter", "graph passes", "C" ...
        text: what, in a few words.
        without: what had been left out.
    """

    station: str
    text: str
    without: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What two failures have in common that are most likely one mistake: the station, and the words of the text."""
        return f"{self.station}: {re.split(r'[^ a-zA-Z:]', self.text)[0]}"

    def __str__(self) -> str:
        left_out = f" (without {', '.join(self.without)})" if self.without else ""
        return f"{self.station}{left_out}: {self.text}"


@dataclass(frozen=True)
class Road:
    """How networks are checked.

    Attributes:
        without: what is left out, of `OMISSIBLE`.
        compiled: go on to C, and run it; else stop at the kernels.
        sanitized: run the C as a program under sanitizers.
        flags: for the C compiler: little optimisation, as the code is run once.
        target: of the C.
    """

    without: tuple[str, ...] = ()
    compiled: bool = True
    sanitized: bool = False
    flags: tuple[str, ...] = ("-O1",)
    target: Target | None = None
    threads: int = 2


@dataclass(frozen=True)
class Imported:
    """A network in the dlp dialect, with its data and what the framework makes of it."""

    graph: ImportedGraph
    inputs: list[Array]
    weights: dict[str, Array]
    expected: list[Array]
    """In the layout of the results of `@forward`."""


class _Wrong(Exception):
    """Something failed at a station."""

    def __init__(self, station: str, cause: BaseException) -> None:
        # An assertion speaks for itself; of anything else the type and the place count.
        text = str(cause) if isinstance(cause, AssertionError) and str(cause) else error_line(cause)
        super().__init__(station, text)


def find_failure(network: RandomNetwork, *roads: Road) -> Failure | None:
    """The first station of the roads (by default of the whole one) at which something is wrong; None if nothing is."""
    return next(find_failures(network, *roads), None)


def find_failures(network: RandomNetwork, *roads: Road) -> Iterator[Failure]:
    """The first station of each road at which something is wrong. Roads that meet are taken once from there on."""
    try:
        imported = import_network(network)
        _interpret("interpreter", imported.graph.module, imported)
    except _Wrong as wrong:
        yield Failure(*wrong.args)
        return
    taken: set[object] = set()
    for road in roads or (Road(),):
        try:
            _take_road(imported, road, taken)
        except _Wrong as wrong:
            yield Failure(*wrong.args, without=road.without)


def blamed(network: RandomNetwork, failure: Failure, road: Road) -> list[str]:
    """What is known of the origin of a failure: what is right without, and the first pass whose result is wrong."""
    if failure.station in ("import", "interpreter"):
        return []
    found: list[str] = []
    for name in OMISSIBLE:
        if name not in road.without:
            other = find_failure(network, replace(road, without=(*road.without, name)))
            if other is None:
                found.append(f"nothing is wrong without {name}")
    imported = import_network(network)
    module = imported.graph.module
    target = (road.target or host()).name.partition("-on-")[0]
    steps = [s for part in _steps(road.without) for s in parse_passes(pipeline_text(part), target=target)]
    try:
        PassManager(steps, instruments=[_Interpreted(imported)]).run(make_context(), module)
    except _Wrong as wrong:
        found.append(f"the first wrong result is {wrong.args[0]}: {wrong.args[1]}")
    except PassFailure as error:
        found.append(str(error))
    else:
        found.append("the interpreter computes the right results after every pass")
    return found


class _Interpreted(Instrument):
    """Interprets what each pass leaves behind."""

    def __init__(self, imported: Imported) -> None:
        self.imported = imported

    def after_pass(self, record: PassRecord, module: ModuleOp) -> None:
        with _station(f"after {record.name}"):
            verify(module)
        _interpret(f"after {record.name}", module, self.imported)


def import_network(network: RandomNetwork) -> Imported:
    """Trace a network to ATen operations, and import those."""
    names = list(network.weights)
    tensors = [*network.weights.values(), *network.inputs]
    try:
        with torch.no_grad(), tracing_rules():
            table = cast("dict[torch._ops.OpOverload[..., Any], Callable[..., Any]]", decomposition_table())
            graph, _ = aot_export_module(
                network.graph, network.inputs, trace_joint=False, decompositions=table
            )
        imported = import_graph(cast(torch.fx.GraphModule, graph), dict(enumerate(names)))
        imported.module.verify()
    except Exception as error:
        raise _Wrong("import", error) from error
    data = {**imported.constants, **network.weights}
    outputs = zip(imported.outputs, network.eager(), strict=True)
    results = {o.index: tensor for o, tensor in outputs if o.kind == "result"}
    return Imported(
        imported,
        [_array(i.spec.physical(tensors[i.placeholder])) for i in imported.inputs],
        {w.name: _array(w.spec.physical(data[w.name])) for w in imported.weights},
        [
            _array(spec.physical(results[i]).reshape(spec.physical_shape))
            for i, spec in enumerate(imported.results)
        ],
    )


def _take_road(imported: Imported, road: Road, taken: set[object]) -> None:
    """Go on from the import, up to where another road was before: `taken` holds such places of one network.

    A pass that is left out often changes nothing, and what is the same then need not be computed again.
    """
    target = road.target or host()
    module = imported.graph.module.clone()
    early, late = (pipeline_text(steps) for steps in _steps(road.without))
    with _station("graph passes"):
        steps = parse_passes(early, target=target.name.partition("-on-")[0])
        PassManager(steps).run(make_context(), module)
    kernels = ir_text(module)
    if _first_met(taken, kernels):
        _interpret("interpreted kernels", module, imported)
    if not _first_met(taken, (kernels, late, target.name, replace(road, without=(), target=None))):
        return
    if road.sanitized:
        with _station("sanitized C"), tempfile.TemporaryDirectory(prefix="dlp-random-") as folder:
            whole = ",".join((early, late))
            found = run_sanitized(
                imported.graph.module.clone(),
                imported.inputs,
                imported.weights,
                target,
                Path(folder),
                flags=road.flags,
                pipeline=whole,
                threads=road.threads,
            )
            assert_same(found, imported.expected, rtol=TOLERANCE, what="output")
    elif road.compiled:
        compiled = _compiled(module, late, target, road, taken)
        if compiled is None:
            return
        for call in ("first", "second"):
            with _station("C"):
                packed = compiled.pack_arrays([imported.weights[s.name] for s in compiled.signature.weights])
                found = compiled.run_arrays(imported.inputs, packed, road.threads)
                assert_same(found, imported.expected, rtol=TOLERANCE, what=f"{call} call, output")


def _first_met(places: set[object], place: object) -> bool:
    """Whether a place is met for the first time."""
    if place in places:
        return False
    places.add(place)
    return True


def _compiled(
    module: ModuleOp, pipeline: str, target: Target, road: Road, taken: set[object]
) -> CompiledModule | None:
    """None where another road led to the same C."""
    with _station("lowering passes"):
        metadata = lower_module(module, target=target, threads=road.threads, pipeline=pipeline)
        verify(module)
    with _station("C printer"):
        sources = {"module.c": print_c(module, target)}
    if not _first_met(taken, (sources["module.c"], metadata.to_json(), target.name, road.flags)):
        return None
    # What was compiled is not met again; the code stays in memory when its file is gone.
    with _station("C compiler"), tempfile.TemporaryDirectory(prefix="dlp-random-") as folder:
        flags = (*road.flags, "-Wall", "-Wextra", "-Werror")
        build = build_shared(sources, target, extra_flags=flags, jobs=1, cache=Cache(Path(folder)))
        return CompiledModule(metadata, Library(build), poison=True)


def _steps(without: Sequence[str]) -> tuple[list[Step], list[Step]]:
    """The passes up to the kernels, and those to C, without some."""
    rules = tuple(name.removeprefix("fuse:") for name in without if name.startswith("fuse:"))
    early: list[Step] = []
    late: list[Step] = []
    for step in parse_passes("default"):
        if step.instance.name in without:
            continue
        if step.instance.name == "fuse" and rules:
            step = replace(step, instance=replace(step.instance, without=rules))
        (early if step.stage in ON_TENSORS else late).append(step)
    return early, late


def _interpret(station: str, module: ModuleOp, imported: Imported) -> None:
    with _station(station):
        found = Network(module, imported.weights)(*imported.inputs)
        assert_same(found, imported.expected, rtol=TOLERANCE, what="output")


@contextmanager
def _station(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _Wrong(name, error) from error


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().numpy().copy()
