"""Runtimes of exported networks as candidates; each is optional. `python -m bench.environments` installs them.

Where a tool has several ways in, all that work are tried for a moment and the fastest one is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.candidates import Ready, Work, candidate

ONNX_FORMS = ("dynamo", "script")
"""The framework has two exporters: of the captured graph, and of a trace."""


@contextmanager
def exporting() -> Iterator[None]:
    """The mode in which networks are exported."""
    import torch

    torch.backends.mha.set_fastpath_enabled(False)  # one operation that no exporter knows
    with torch.inference_mode(False), torch.no_grad():
        yield


def example(work: Work) -> tuple[Any, ...]:
    """The inputs as tensors that any mode takes."""
    return tuple(a.clone() for a in work.args)


def onnx_file(work: Work, form: str) -> Path:
    """The network in ONNX, exported unless another candidate has done it."""
    import torch

    path = work.folder / form / "network.onnx"
    if path.exists():
        return path
    partial = path.parent.with_name(f"{form}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    with exporting():
        if form == "dynamo":
            program = torch.onnx.export(work.model, example(work), dynamo=True, verbose=False)
            assert program is not None
            program.save(partial / path.name)
        else:
            torch.onnx.export(work.model, example(work), partial / path.name, dynamo=False, opset_version=18)
    partial.rename(path.parent)
    return path


def fastest(ways: Mapping[str, Callable[[], Ready]]) -> Ready:
    """Of several ways to make a network ready, the one whose calls are the fastest.

    Raises:
        RuntimeError: none works.
    """
    found: dict[str, tuple[float, Ready]] = {}
    problems: dict[str, str] = {}
    for name, prepare in ways.items():
        try:
            ready = prepare()
            found[name] = _quick(ready.run), ready
        except Exception as error:  # of another tool: anything
            problems[name] = f"{name}: {type(error).__name__}: {str(error).strip()[:150]}"
    if not found:
        raise RuntimeError("; ".join(problems.values()))
    best = min(found, key=lambda name: found[name][0])
    ready = found[best][1]
    ready.facts |= {"way": best, "ways_ms": {name: ms for name, (ms, _) in found.items()}}
    if problems:
        ready.facts["ways_failed"] = list(problems.values())
    return ready


def _quick(run: Callable[[], Any]) -> float:
    times: list[float] = []
    run()
    end = time.perf_counter() + 0.3
    while len(times) < 3 or time.perf_counter() < end:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def _arrays(work: Work) -> list[Any]:
    return [a.contiguous().numpy() for a in work.args]


@candidate("onnxruntime", "runtimes")
def _onnxruntime(work: Work) -> Ready:
    import onnxruntime  # pyright: ignore[reportMissingImports]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = work.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    arrays = _arrays(work)

    def way(form: str) -> Ready:
        path = onnx_file(work, form)
        started = time.perf_counter()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        seconds = time.perf_counter() - started
        given = dict(zip((i.name for i in session.get_inputs()), arrays, strict=True))
        wanted = [session.get_outputs()[0].name]
        return Ready(lambda: session.run(wanted, given)[0], {"compile_seconds": seconds})

    return fastest({form: lambda form=form: way(form) for form in ONNX_FORMS})


@candidate("openvino", "runtimes")
def _openvino(work: Work) -> Ready:
    import openvino  # pyright: ignore[reportMissingImports]
    import torch

    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": work.threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    arrays = _arrays(work)

    def way(form: str) -> Ready:
        if form == "torch":
            with exporting():
                source: Any = torch.export.export(work.model, example(work))
        else:
            source = str(onnx_file(work, form))
        started = time.perf_counter()
        compiled = core.compile_model(openvino.convert_model(source), "CPU", settings)
        seconds = time.perf_counter() - started
        request = compiled.create_infer_request()
        for place, array in enumerate(arrays):
            request.set_input_tensor(place, openvino.Tensor(array))

        def run() -> Any:
            request.infer()
            return request.get_output_tensor(0).data

        return Ready(run, {"compile_seconds": seconds})

    return fastest({form: lambda form=form: way(form) for form in (*ONNX_FORMS, "torch")})


@candidate("executorch", "executorch")
def _executorch(work: Work) -> Ready:
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import (  # pyright: ignore[reportMissingImports]
        XnnpackPartitioner,
    )
    from executorch.exir import to_edge_transform_and_lower  # pyright: ignore[reportMissingImports]
    from executorch.extension.pybindings import portable_lib  # pyright: ignore[reportMissingImports]

    path = work.folder / "network.pte"
    if not path.exists():
        with exporting():
            program = torch.export.export(work.model, example(work))
            lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
        path.with_suffix(".partial").write_bytes(lowered.buffer)
        path.with_suffix(".partial").rename(path)
    started = time.perf_counter()
    loaded = portable_lib._load_for_executorch(str(path))
    facts: dict[str, Any] = {"compile_seconds": time.perf_counter() - started}
    portable_lib._unsafe_reset_threadpool(work.threads)
    facts["threads"] = portable_lib._threadpool_get_thread_count()
    given = list(example(work))
    return Ready(lambda: loaded.forward(given)[0], facts)


@candidate("ncnn", "ncnn")
def _ncnn(work: Work) -> Ready:
    """Images one at a time: the batch is not a dimension of its networks."""
    import subprocess
    import sys

    import ncnn  # pyright: ignore[reportMissingImports]
    import numpy as np
    import torch

    (image,) = work.args
    if image.ndim != 4 or image.shape[0] != 1:
        raise ValueError("runs networks of one image")
    folder = work.folder / "ncnn"
    if not (folder / "network.ncnn.param").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with exporting():
            torch.jit.trace(work.model, example(work)).save(folder / "network.pt")  # type: ignore[no-untyped-call]
        shape = ",".join(map(str, image.shape))
        command = [
            str(Path(sys.executable).with_name("pnnx")),
            "network.pt",
            f"inputshape=[{shape}]",
            "fp16=0",
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pnnx: {done.stderr.strip()[-200:]}")
    started = time.perf_counter()
    network = ncnn.Net()
    network.opt.num_threads = work.threads
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(network.opt, option, False)
    network.load_param(str(folder / "network.ncnn.param"))
    network.load_model(str(folder / "network.ncnn.bin"))
    seconds = time.perf_counter() - started
    array = image[0].contiguous().numpy()
    given = ncnn.Mat(array)  # refers to the array

    def run() -> Any:
        extractor = network.create_extractor()
        extractor.input("in0", given)
        return np.array(extractor.extract("out0")[1], copy=False)

    def alive(kept: object = array) -> Any:
        return run()[None]

    return Ready(alive, {"compile_seconds": seconds})
