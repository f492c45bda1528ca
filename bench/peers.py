"""Other tools as candidates; each is optional. `python -m bench.environments` installs what is not torch's own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.candidates import Ready, candidate

if TYPE_CHECKING:
    import torch


def _inductor(model: torch.nn.Module, args: tuple[torch.Tensor, ...], *, frozen: bool) -> Ready:
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = frozen
    compiled = torch.compile(model)
    started = time.perf_counter()
    compiled(*args)
    return Ready(lambda: compiled(*args), {"compile_seconds": time.perf_counter() - started})


@candidate("inductor")
def _inductor_default(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    return _inductor(model, args, frozen=False)


@candidate("inductor_frozen")
def _inductor_frozen(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    """Weights are constants of the compiled code: it does not see new ones."""
    return _inductor(model, args, frozen=True)


def _arrays(args: tuple[torch.Tensor, ...]) -> list[Any]:
    return [a.contiguous().numpy() for a in args]


@candidate("onnxruntime", "runtimes")
def _onnxruntime(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    import tempfile

    import onnxruntime  # pyright: ignore[reportMissingImports]
    import torch

    with torch.inference_mode(False), torch.no_grad():
        program = torch.onnx.export(model, tuple(a.clone() for a in args), dynamo=True, verbose=False)
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory(prefix="dlp-bench-") as folder:
        program.save(f"{folder}/network.onnx")
        started = time.perf_counter()
        session = onnxruntime.InferenceSession(
            f"{folder}/network.onnx", options, providers=["CPUExecutionProvider"]
        )
        seconds = time.perf_counter() - started
    given = dict(zip((i.name for i in session.get_inputs()), _arrays(args), strict=True))
    wanted = [session.get_outputs()[0].name]
    return Ready(lambda: session.run(wanted, given)[0], {"compile_seconds": seconds})


@candidate("openvino", "runtimes")
def _openvino(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    import openvino  # pyright: ignore[reportMissingImports]
    import torch

    with torch.inference_mode(False), torch.no_grad():
        program = torch.export.export(model, tuple(a.clone() for a in args))
        converted = openvino.convert_model(program)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
    }
    started = time.perf_counter()
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    seconds = time.perf_counter() - started
    request = compiled.create_infer_request()
    for place, array in enumerate(_arrays(args)):
        request.set_input_tensor(place, openvino.Tensor(array))

    def run() -> Any:
        request.infer()
        return request.get_output_tensor(0).data

    return Ready(run, {"compile_seconds": seconds})


@candidate("executorch", "executorch")
def _executorch(model: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> Ready:
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import (  # pyright: ignore[reportMissingImports]
        XnnpackPartitioner,
    )
    from executorch.exir import to_edge_transform_and_lower  # pyright: ignore[reportMissingImports]
    from executorch.extension.pybindings import portable_lib  # pyright: ignore[reportMissingImports]

    started = time.perf_counter()
    with torch.inference_mode(False), torch.no_grad():
        program = torch.export.export(model, tuple(a.clone() for a in args))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    seconds = time.perf_counter() - started
    loaded = portable_lib._load_for_executorch_from_buffer(lowered.buffer)
    given = list(args)
    return Ready(lambda: loaded.forward(given)[0], {"compile_seconds": seconds})
