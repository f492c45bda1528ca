"""From a module in the dlp dialect to machine code: the pipeline, C, the C compiler, and a cache around all of it.

```python
compiled = compile_module(module, target=host(), threads=2)
```
Needs no framework; what a front end adds is the import before and tensors around the calls.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerAttr, MemRefType, ModuleOp, StringAttr

import dlp
from dlp.cache import Cache, default_cache, key_of
from dlp.codegen import UnitPrinter
from dlp.codegen.c_types import element
from dlp.codegen.checks import messages
from dlp.codegen.units import CUnit
from dlp.compile_statistics import CompileStatistics
from dlp.compiled_module import CompiledModule, Metadata, Signature, TensorSpec
from dlp.context import DIALECT_GROUP, make_context
from dlp.dialects.dlp.dim import Symbol
from dlp.dialects.dlp.structured import dims_of, int_list, shape_of
from dlp.instruments import DumpIR
from dlp.ir_text import ir_text
from dlp.kernel_by_kernel import Lowering
from dlp.pass_pipeline import Step, parse_passes
from dlp.pass_registry import PASS_GROUP
from dlp.progress import SILENT, Progress
from dlp.runtime import Library
from dlp.targets import Target
from dlp.targets.machine import cpu_identity
from dlp.tiling.sizes import symbols_of
from dlp.toolchain import SharedBuild, find
from dlp.walking import walk_of

PIPELINE = "default"
"""The pipeline of `dlp.pipeline` that is run when none is given."""


def compile_module(
    module: ModuleOp,
    *,
    target: Target,
    threads: int = 1,
    pipeline: str = PIPELINE,
    dump_dir: str | Path | None = None,
    progress: Progress = SILENT,
    jobs: int | None = None,
    cache: Cache | None = None,
    extra_flags: Sequence[str] = (),
    verify: bool = False,
) -> CompiledModule:
    """Compile a module and load it.

    What was compiled before comes from the cache, without running a pass: the key is the text of the module, the
    target, the options, the compiler and dlp itself.

    Args:
        module: with a function `@forward` on tensors; it is changed in place.
        target: what to compile for.
        threads: that the code is scheduled for; a call may use fewer.
        pipeline: as `dlp-opt -p` takes it.
        dump_dir: where to write the IR after every pass that changed it, and the C; nothing is taken from the cache
            of modules then.
        progress: told of the stages.
        jobs: C compilers at a time.
        cache: `default_cache()` if not given.
        extra_flags: for the C compiler, after the target's.
        verify: check the module after every pass.

    Raises:
        DlpError: a pass failed, or the C compiler; the text says what.
    """
    statistics = CompileStatistics()
    cache = default_cache() if cache is None else cache
    with statistics.stage("look up"):
        key = _module_key(module, target, threads, pipeline, extra_flags)
        entry = cache.get(key) if dump_dir is None else None
        if entry is not None:
            metadata = Metadata.from_json(entry.path("metadata.json").read_bytes())
            library = Library(entry.path("module.so"))
            statistics.cache_hits += 1
            return _loaded(metadata, library, statistics)

    statistics.cache_misses += 1
    steps = _steps(pipeline, target, threads)
    names = _argument_names(module)
    instruments = [] if dump_dir is None else [DumpIR(Path(dump_dir), target.name)]
    lowering = Lowering(
        steps, target, verify=verify, instruments=instruments, statistics=statistics, progress=progress
    )
    with SharedBuild(target, extra_flags=extra_flags, jobs=jobs, cache=cache) as building:
        with _no_garbage_collection():
            for unit in lowering.units(make_context(), module):
                building.add(unit.name, unit.text)
                if dump_dir is not None:
                    _write_source(Path(dump_dir), unit)
        metadata = _metadata(module, names, lowering.printer)
        progress.stage("compile C")
        with statistics.stage("compile C"):
            build = building.finish(progress.update)
    statistics.cache_hits += build.units_cached
    statistics.cache_misses += build.units_compiled
    with statistics.stage("load"):
        # Loaded from where it was built: another process may evict the entry that is put here.
        library = Library(build)
        code = build.path.read_bytes()
        cache.put(key, {"module.so": code, "metadata.json": metadata.to_json().encode()})
    return _loaded(metadata, library, statistics)


def lower_module(
    module: ModuleOp, *, target: Target, threads: int = 1, pipeline: str = PIPELINE, verify: bool = False
) -> Metadata:
    """Run the pipeline alone: `module` is ready to be printed as C. Tests and tools start here.

    Raises:
        PassError: a pass failed.
    """
    names = _argument_names(module)
    with _no_garbage_collection():
        Lowering(_steps(pipeline, target, threads), target, verify=verify).run(make_context(), module)
    return _metadata(module, names, None)


def _steps(pipeline: str, target: Target, threads: int) -> list[Step]:
    """The passes, told of the target and of the threads."""
    # Passes read a description by name. An emulated target has the shape of the one that it stands for.
    name = target.name.partition("-on-")[0]
    return [_with_option(step, "threads", threads) for step in parse_passes(pipeline, target=name)]


def _loaded(metadata: Metadata, library: Library, statistics: CompileStatistics) -> CompiledModule:
    statistics.kernels = metadata.kernels
    statistics.kernel_calls = metadata.kernel_calls
    statistics.arena_bytes = metadata.arena_bytes
    statistics.intermediate_bytes = metadata.intermediate_bytes
    statistics.largest_live_bytes = metadata.largest_live_bytes
    return CompiledModule(metadata, library, statistics)


def _argument_names(module: ModuleOp) -> list[str]:
    forward = _function(module, "forward")
    assert forward is not None
    return [argument.name_hint or f"input{i}" for i, argument in enumerate(forward.body.block.args)]


def _metadata(module: ModuleOp, input_names: Sequence[str], printer: UnitPrinter | None) -> Metadata:
    """What a caller of the code needs to know; keys and numbers that depend on the C, if it has been printed."""
    forward, prepare = _function(module, "forward"), _function(module, "prepare")
    assert forward is not None
    lent = _integers(forward, "dlp.buffers")
    outputs = _integer(forward, "dlp.num_outputs")
    arguments = _specs(forward)[: -len(lent) or None]
    given, results = arguments[: len(arguments) - outputs], arguments[len(arguments) - outputs :]
    own_weights = _strings(forward, "dlp.weights")
    inputs = _integer(forward, "dlp.num_inputs", default=len(given) - len(own_weights))
    packed = given[inputs:]
    if prepare is not None:
        weight_names = _strings(prepare, "dlp.weights")
        weights = _specs(prepare)[: len(weight_names)]
        aliases = _integers(prepare, "dlp.aliases") or (-1,) * len(packed)
        prepare_lent = _integers(prepare, "dlp.buffers")
    else:  # nothing was packed: @forward takes the weights as they are
        weight_names, weights = own_weights, packed
        aliases, prepare_lent = tuple(range(len(packed))), ()
    signature = Signature(
        inputs=_named(given[:inputs], input_names[:inputs]),
        weights=_named(weights, weight_names),
        packed=tuple(packed),
        outputs=tuple(results),
        aliases=tuple(aliases),
        prepare_buffers=tuple(prepare_lent),
        forward_buffers=tuple(lent),
        symbols=_symbols(forward),
    )
    calls = walk_of(forward, func.CallOp)
    return Metadata(
        signature,
        prepare_key=_prepare_key(prepare is None, signature, printer),
        kernels=len({call.callee.string_value() for call in calls}),
        kernel_calls=len(calls),
        arena_bytes=sum(lent),
        intermediate_bytes=_integer(forward, "dlp.intermediate_bytes", default=0),
        largest_live_bytes=_integer(forward, "dlp.largest_live_bytes", default=0),
        checks=messages(module) if printer is None else tuple(printer.messages),
        timed=tuple(_strings(forward, "dlp.timed")),
    )


def _prepare_key(as_it_is: bool, signature: Signature, printer: UnitPrinter | None) -> str:
    """Hash of all that `prepare` does: its C, that of the functions that it calls, and which weights it takes."""
    code = "as it is" if as_it_is else "" if printer is None else printer.text_of("prepare")
    return key_of(code, repr(signature.weights), repr(signature.aliases))


def _function(module: ModuleOp, name: str) -> func.FuncOp | None:
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and op.sym_name.data == name:
            return op
    return None


def _symbols(function: func.FuncOp) -> dict[str, Symbol]:
    """Symbols in the order of the arguments that bring them."""
    known: dict[str, Symbol] = {}
    for argument in function.body.block.args:
        if isinstance(argument.type, MemRefType) and (dims := dims_of(argument.type)) is not None:
            known |= dims.get_symbols()
    return {name: known[name] for name in symbols_of(function)}


def _specs(function: func.FuncOp) -> list[TensorSpec]:
    specs: list[TensorSpec] = []
    for i, argument in enumerate(function.body.block.args):
        type_ = argument.type
        if isinstance(type_, MemRefType):
            specs.append(TensorSpec(argument.name_hint or f"arg{i}", shape_of(type_), element(type_)))
    return specs


def _named(specs: Sequence[TensorSpec], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    return tuple(dataclasses.replace(spec, name=name) for spec, name in zip(specs, names, strict=True))


def _integers(function: func.FuncOp, name: str) -> tuple[int, ...]:
    attribute = function.attributes.get(name)
    return int_list(attribute) if isinstance(attribute, DenseArrayBase) else ()


def _integer(function: func.FuncOp, name: str, default: int = 0) -> int:
    attribute = function.attributes.get(name)
    return attribute.value.data if isinstance(attribute, IntegerAttr) else default


def _strings(function: func.FuncOp, name: str) -> list[str]:
    attribute = function.attributes.get(name)
    return [cast(StringAttr, a).data for a in attribute.data] if isinstance(attribute, ArrayAttr) else []


def _with_option(step: Step, option: str, value: object) -> Step:
    """The step with an option set, if its pass has it."""
    if any(field.name == option for field in dataclasses.fields(step.instance)):
        return dataclasses.replace(step, instance=dataclasses.replace(step.instance, **{option: value}))
    return step


def _module_key(
    module: ModuleOp, target: Target, threads: int, pipeline: str, extra_flags: Sequence[str]
) -> str:
    return key_of(
        "module",
        ir_text(module),
        repr(target),
        str(threads),
        pipeline,
        *extra_flags,
        find(target).identity,
        cpu_identity(),
        _own_identity(),
    )


@functools.cache
def _own_identity() -> str:
    """Version and sources of dlp, and of the packages that bring it passes and dialects."""
    digest = hashlib.sha256(dlp.__version__.encode())
    for folder in [Path(dlp.__file__).parent, *_plugin_folders()]:
        for path in sorted(_sources(folder)):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    """Python and target files; folders that are links (`dlp/transforms` in a checkout) are followed."""
    for path in folder.iterdir():
        if path.is_dir():
            if path.name != "__pycache__":
                yield from _sources(path)
        elif path.suffix in (".py", ".toml"):
            yield path


def _plugin_folders() -> list[Path]:
    folders: dict[Path, None] = {}
    for group in (PASS_GROUP, DIALECT_GROUP):
        for point in importlib.metadata.entry_points(group=group):
            spec = importlib.util.find_spec(point.module.partition(".")[0])
            if spec is not None and spec.origin is not None:
                folders.setdefault(Path(spec.origin).parent)
    return list(folders)


def _write_source(folder: Path, unit: CUnit) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / unit.name).write_text(unit.text)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """IR is a graph full of cycles that stays alive: collecting while it grows costs time and frees nothing.

    What is left of it goes with the next full collection: to look for it now would hold up the first call.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():  # else these two would thaw what somebody has frozen
                gc.freeze()
                gc.unfreeze()
            gc.enable()
