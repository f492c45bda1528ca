"""Runs a module's C under sanitizers: every buffer an allocation of its own, all memory NaN before it is written.

An arena hides an overrun from one intermediate into the next, and a library inside Python hides the rest; so the C
becomes a program, and the buffers of the plan arguments that the program allocates one by one.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp

from dlp.cache import Cache
from dlp.codegen import print_c
from dlp.compiled_module import Signature, TensorSpec
from dlp.compiler import PIPELINE, lower_module
from dlp.dialects.dlp.dim import value_of
from dlp.interpreter.dtypes import Array
from dlp.lowering._buffers import bytes_of
from dlp.pass_pipeline import parse_passes, pipeline_text
from dlp.targets import Target
from dlp.toolchain import build_program

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1")

_NUMPY = {"f32": "float32", "f64": "float64", "i64": "int64", "i32": "int32", "i8": "int8", "i1": "bool"}

_MAIN = """\
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int dlp_forward(void *const *args, int threads);
{declare_prepare}
static void *buffer(size_t bytes, FILE *from) {{
  void *memory = NULL;
  if (posix_memalign(&memory, 64, bytes ? bytes : 1) != 0) abort();
  memset(memory, 0xFF, bytes);
  if (from != NULL && fread(memory, 1, bytes, from) != bytes) abort();
  return memory;
}}

int main(int argc, char **argv) {{
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (argc != 3 || in == NULL || out == NULL) return 2;
{body}
  fclose(in);
  fclose(out);
  return 0;
}}
"""


def run_sanitized(
    module: ModuleOp,
    inputs: Sequence[Array],
    weights: Mapping[str, Array],
    target: Target,
    folder: Path,
    *,
    flags: Sequence[str] = (),
    pipeline: str = PIPELINE,
    threads: int = 2,
) -> list[Array]:
    """Lower a module, run `@prepare` and `@forward` as a program under sanitizers, and return the outputs.

    Args:
        module: is changed.
        inputs: of one call.
        weights: by name.
        target: its C must run on this machine.
        folder: for the program and its data.
        flags: for the C compiler, after the sanitizers': `-O0` ...
        pipeline: its pass plan-arena is made to keep buffers apart.
        threads: of the call.

    Raises:
        AssertionError: a sanitizer complained; the text is what it said.
        ToolchainError: the C does not compile.
    """
    steps = parse_passes(pipeline, target=target.name.partition("-on-")[0])
    text = pipeline_text(steps).replace("plan-arena", "plan-arena{separate=true}")
    signature = lower_module(module, target=target, threads=threads, pipeline=text).signature
    sizes = signature.values_of([x.shape for x in inputs]) if signature.symbols else ()
    signature = _at(signature, module, dict(zip(signature.symbols, sizes, strict=True)))
    sources = {"module.c": print_c(module, target), "main.c": _main(signature, sizes, threads)}
    program, data, results = folder / "program", folder / "in.bin", folder / "out.bin"
    # The program's objects are of no use to anybody else.
    build_program(sources, target, program, extra_flags=(*SANITIZE, *flags), cache=Cache(folder / "cache"))
    given = [weights[w.name] for w in signature.weights] + list(inputs)
    data.write_bytes(b"".join(np.ascontiguousarray(a).tobytes() for a in given))
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [program, data, results], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:4000]
    return _arrays(results.read_bytes(), signature.outputs)


def _at(signature: Signature, module: ModuleOp, symbols: Mapping[str, int]) -> Signature:
    """The signature, with numbers for the sizes that only a run knows."""
    forward = next(f for f in module.ops if isinstance(f, FuncOp) and f.sym_name.data == "forward")
    buffers = [t for t in forward.function_type.inputs if isinstance(t, MemRefType)]
    lent = buffers[len(buffers) - len(signature.forward_buffers) :]

    def sized(specs: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
        return tuple(dataclasses.replace(spec, shape=spec.sizes(symbols)) for spec in specs)

    return dataclasses.replace(
        signature,
        inputs=sized(signature.inputs),
        outputs=sized(signature.outputs),
        forward_buffers=tuple(value_of(bytes_of(buffer), symbols) for buffer in lent),
    )


def _main(signature: Signature, sizes: Sequence[int], threads: int) -> str:
    """Reads weights and inputs, packs, runs twice, and writes the outputs of the second run."""
    lines: list[str] = []
    if sizes:
        lines.append(f"int64_t sizes[] = {{{', '.join(map(str, sizes))}}};")
        lines.append(f"void *symbols[] = {{{', '.join(f'&sizes[{i}]' for i in range(len(sizes)))}}};")

    def declare(name: str, sizes: Sequence[int], source: str) -> None:
        items = ", ".join(f"buffer({n}, {source})" for n in sizes) or "NULL"
        lines.append(f"void *{name}[] = {{{items}}};")

    def call(function: str, parts: Sequence[tuple[str, int]]) -> str:
        pointers = ", ".join(f"{name}[{i}]" for name, count in parts for i in range(count))
        return f"{function}((void *[]){{{pointers}}}, {threads});"

    declare("weights", [w.nbytes for w in signature.weights], "in")
    declare("inputs", [x.nbytes for x in signature.inputs], "in")
    packed = [
        f"weights[{alias}]" if alias >= 0 else f"buffer({spec.nbytes}, NULL)"
        for alias, spec in zip(signature.aliases, signature.packed, strict=True)
    ]
    lines.append(f"void *packed[] = {{{', '.join(packed) or 'NULL'}}};")
    declare("prepare_lent", signature.prepare_buffers, "NULL")
    weights = ("weights", len(signature.weights))
    given = ("packed", len(signature.packed))
    if signature.needs_prepare:
        lines.append(call("dlp_prepare", [weights, given, ("prepare_lent", len(signature.prepare_buffers))]))
    for run in ("first", "second"):
        declare(f"{run}_outputs", [y.nbytes for y in signature.outputs], "NULL")
        declare(f"{run}_lent", signature.forward_buffers, "NULL")
        outputs = (f"{run}_outputs", len(signature.outputs))
        lent = (f"{run}_lent", len(signature.forward_buffers))
        inputs, symbols = ("inputs", len(signature.inputs)), ("symbols", len(sizes))
        lines.append(call("dlp_forward", [inputs, given, outputs, symbols, lent]))
    lines += [f"fwrite(second_outputs[{i}], 1, {y.nbytes}, out);" for i, y in enumerate(signature.outputs)]
    lines += ["(void)weights, (void)inputs, (void)packed, (void)prepare_lent;"]
    declared = "int dlp_prepare(void *const *args, int threads);\n" if signature.needs_prepare else ""
    return _MAIN.format(declare_prepare=declared, body="\n".join(f"  {line}" for line in lines))


def _arrays(data: bytes, specs: Sequence[TensorSpec]) -> list[Array]:
    arrays: list[Array] = []
    for spec in specs:
        array = np.frombuffer(data[: spec.nbytes], _NUMPY[spec.element]).reshape(spec.shape)
        data = data[spec.nbytes :]
        arrays.append(array)
    return arrays
