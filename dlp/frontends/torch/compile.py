"""From an FX graph to machine code: import, compile, and torch tensors around the calls."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import torch

from dlp.cache import key_of
from dlp.compile_statistics import CompileStatistics
from dlp.compiled_module import CompiledModule
from dlp.compiler import compile_module
from dlp.dialects.dlp.dim import Dim, is_static, size_function
from dlp.errors import StaticShapeRequired, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch.allocation import empty_strided, row_major_strides
from dlp.frontends.torch.imported_graph import ImportedGraph, OutputSpec, TensorSpec
from dlp.frontends.torch.importer import import_graph
from dlp.frontends.torch.result_memory import ResultMemory, bytes_of
from dlp.frontends.torch.seam import Options, RunFunction
from dlp.ir_text import ir_text
from dlp.progress import Progress
from dlp.runtime.huge_pages import WORTH_HUGE_PAGES, use_huge_pages
from dlp.targets import Target, check_runs_here, host, load

# Bytes; vectors of weights are loaded from multiples of it.
_CACHE_LINE = 64
_DTYPES = {
    "f32": torch.float32,
    "f64": torch.float64,
    "i64": torch.int64,
    "i32": torch.int32,
    "i8": torch.int8,
    "i1": torch.bool,
}
_data_ptr = torch.Tensor.data_ptr


class TorchGraph:
    """A compiled module as the dispatch calls it (`seam.CompiledGraph`).

    Args:
        compiled: the code.
        imported: how the graph's tensors map to the module's.
        is_parameter: which of the graph's inputs are weights.
        threads: how many a call uses.
    """

    def __init__(
        self, compiled: CompiledModule, imported: ImportedGraph, is_parameter: Sequence[bool], threads: int
    ) -> None:
        self._compiled = compiled
        self._threads = threads
        self.statistics: CompileStatistics = compiled.statistics
        weight_places = _places(is_parameter, True)
        input_places = _places(is_parameter, False)
        by_name = {weight.name: weight for weight in imported.weights}
        self._weights: list[tuple[int | torch.Tensor, TensorSpec]] = []
        for spec in compiled.signature.weights:
            weight = by_name[spec.name]
            constant = weight.placeholder is None
            place = imported.constants[spec.name] if constant else weight_places[weight.placeholder]
            self._weights.append((place, weight.spec))
        self._inputs = [(input_places[i.placeholder], i.spec.contiguous_first) for i in imported.inputs]
        names = tuple(compiled.signature.symbols)
        self._results = [_maker(spec, names) for spec in imported.results]
        self._outputs = [_picker(o, imported, input_places, names) for o in imported.outputs]
        self._only_results = [o.index for o in imported.outputs if o.kind == "result"] == [
            *range(len(imported.outputs))
        ]
        self._symbols = [_symbol_place(name, imported, self._inputs) for name in names]
        used = tuple(place if isinstance(place, int) else -1 for place, _ in self._weights)
        self.prepare_key: Hashable | None = (
            None if -1 in used else (compiled.metadata.prepare_key, used, len(weight_places))
        )

    def prepare(self, weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Pack weights, in the order of the graph's inputs. A result may be the memory of a weight."""
        signature = self._compiled.signature
        values = [
            spec.physical(weights[place] if isinstance(place, int) else place)
            for place, spec in self._weights
        ]
        written = [s for alias, s in zip(signature.aliases, signature.packed, strict=True) if alias < 0]
        fresh = iter(_together([(spec.shape, _DTYPES[spec.element]) for spec in written]))
        packed = [
            next(fresh) if alias < 0 else values[alias].view(spec.shape)
            for alias, spec in zip(signature.aliases, signature.packed, strict=True)
        ]
        self._compiled.prepare([*map(_data_ptr, values)], [*map(_data_ptr, packed)], self._threads)
        return packed

    def run(self, packed: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> list[Any]:
        """Run on inputs with the sizes and strides of the examples. Every result is new memory."""
        return self.bind(packed)(packed, inputs)

    def bind(self, packed: Sequence[torch.Tensor]) -> RunFunction:
        """`run` for these packed weights, whose addresses it has; the caller keeps them alive."""
        call = self._compiled.bind([*map(_data_ptr, packed)], self._threads)
        places, makers, outputs, symbol_places = self._inputs, self._results, self._outputs, self._symbols

        def run(_: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> list[Any]:
            values = [inputs[place].contiguous() if gaps else inputs[place] for place, gaps in places]
            symbols = tuple([inputs[place].size(d) for place, d in symbol_places])
            results = [make(*symbols) for make in makers]
            call([*map(_data_ptr, values)], [*map(_data_ptr, results)], symbols)
            if self._only_results:
                return results
            return [pick(results, inputs, symbols) for pick in outputs]

        return run


def _together(tensors: Sequence[tuple[tuple[int, ...], torch.dtype]]) -> list[torch.Tensor]:
    """Tensors without contents, one behind the other: on huge pages streams through weights do not wait for the TLB."""
    places, end = [], 0
    for shape, dtype in tensors:
        places.append((end, end + prod(shape) * dtype.itemsize))
        end = -(-places[-1][1] // _CACHE_LINE) * _CACHE_LINE
    block = torch.empty(end + _CACHE_LINE, dtype=torch.uint8)
    use_huge_pages(block.data_ptr(), block.nbytes)
    start = -block.data_ptr() % _CACHE_LINE
    return [
        block[start + first : start + last].view(dtype).view(shape)
        for (first, last), (shape, dtype) in zip(places, tensors, strict=True)
    ]


def compile_fx(
    graph: torch.fx.GraphModule,
    example_inputs: Sequence[torch.Tensor],
    *,
    is_parameter: Sequence[bool],
    names: Sequence[str],
    options: Options,
    progress: Progress,
    compiler: Callable[..., CompiledModule] = compile_module,
) -> TorchGraph:
    """The compile function behind `dlp.optimize` (see `seam.CompileFunction`); `compiler` takes the imported module.

    Raises:
        UnsupportedOpsError: lists every operation that cannot be compiled.
        TargetError: the machine cannot run the target.
    """
    target = _target(options.target)
    statistics = CompileStatistics()
    progress.stage("import")
    with statistics.stage("import"):
        imported = import_graph(graph, _weight_names(is_parameter, names))
        if any(output.kind == "weight" for output in imported.outputs):
            raise UnsupportedOpsError([UnsupportedOp("output", "a weight that is handed through")])
    compiled = compiler(
        imported.module,
        target=target,
        threads=options.threads,
        pipeline=options.pipeline,
        dump_dir=_dump_folder(options.dump_dir, imported),
        progress=progress,
    )
    compiled.statistics.stage_seconds = {**statistics.stage_seconds, **compiled.statistics.stage_seconds}
    return TorchGraph(compiled, imported, is_parameter, options.threads)


_dumped: dict[tuple[Path, str], Path] = {}


def _dump_folder(directory: str | None, imported: ImportedGraph) -> Path | None:
    """Where a graph's IR goes: the first graph into the directory that the user gave, others into folders of it."""
    if directory is None:
        return None
    folder = Path(directory).absolute()
    earlier = sum(1 for place, _ in _dumped if place == folder)
    default = folder if not earlier else folder / f"graph{earlier + 1}"
    return _dumped.setdefault((folder, key_of(ir_text(imported.module))), default)


def _target(name: str | None) -> Target:
    if name is None:
        return host()
    target = load(name)
    check_runs_here(target)
    return target


def _weight_names(is_parameter: Sequence[bool], names: Sequence[str]) -> dict[int, str]:
    """Place among the graph's inputs -> name, each name once."""
    result: dict[int, str] = {}
    taken: set[str] = set()
    for place, (yes, name) in enumerate(zip(is_parameter, names, strict=True)):
        if yes:
            unique = name if name not in taken else f"{name}.{place}"
            taken.add(unique)
            result[place] = unique
    return result


def _places(is_parameter: Sequence[bool], kind: bool) -> dict[int | None, int]:
    """Place among all inputs -> place among the weights (or among the others)."""
    return {place: i for i, place in enumerate(p for p, yes in enumerate(is_parameter) if yes is kind)}


_Maker: TypeAlias = Callable[..., torch.Tensor]


def _maker(spec: TensorSpec, names: Sequence[str]) -> _Maker:
    """A function of the symbols, in the order of their names, that makes memory for a result.

    It is laid out as eager lays it out where that has no gaps.
    """
    shape, strides, dtype = spec.shape, spec.strides, spec.dtype
    row_major = spec.contiguous_first or spec.is_row_major
    if not is_static((*shape, *strides)):
        memory = ResultMemory()
        sizes, steps = size_function(shape, names), size_function(strides, names)
        if row_major:

            def make(*symbols: int) -> torch.Tensor:
                found = sizes(*symbols)
                return memory.take(found, row_major_strides(found), dtype)

            return make
        return lambda *symbols: memory.take(sizes(*symbols), steps(*symbols), dtype)
    if row_major:
        strides = row_major_strides(shape)
    if bytes_of(shape, strides, dtype) < WORTH_HUGE_PAGES:
        return lambda *_: empty_strided(shape, strides, dtype)
    memory = ResultMemory()
    return lambda *_: memory.take(shape, strides, dtype)


def _symbol_place(name: str, imported: ImportedGraph, inputs: Sequence[tuple[int, bool]]) -> tuple[int, int]:
    """An input and its dimension that is the symbol.

    Raises:
        StaticShapeRequired: there is none.
    """
    for argument, (place, _) in zip(imported.inputs, inputs, strict=True):
        for d, size in enumerate(argument.spec.shape):
            if isinstance(size, Dim) and str(size) == name:
                return place, d
    raise StaticShapeRequired(f"{name}, which is the size of no input")


_Picker: TypeAlias = Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor], Sequence[int]], Any]


def _picker(
    output: OutputSpec,
    imported: ImportedGraph,
    input_places: dict[int | None, int],
    names: Sequence[str],
) -> _Picker:
    """A function of results, inputs and symbols that gives an output."""
    match output.kind:
        case "result":
            return lambda results, _, __: results[output.index]
        case "input":
            place = input_places[imported.inputs[output.index].placeholder]
            return lambda _, inputs, __: inputs[place]
        case "empty":
            assert output.spec is not None
            make = _maker(output.spec, names)
            return lambda _, __, symbols: make(*symbols)
        case _:
            return lambda _, __, ___: output.literal
