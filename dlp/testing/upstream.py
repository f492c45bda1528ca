"""Modules compiled and run by MLIR's own tools: an oracle that shares no code with ours beyond the IR."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import MemRefType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from dlp.dialects.dlp.structured import shape_of
from dlp.errors import ToolchainError
from dlp.interpreter.dtypes import Array, dtype_of
from dlp.ir_text import ir_text
from dlp.toolchain.process import run

TOOLS = ("mlir-opt-22", "mlir-translate-22", "clang-22")
"""What must be installed."""

_PASSES = (
    "--one-shot-bufferize=bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map",
    "--buffer-results-to-out-params=modify-public-functions",
    "--llvm-request-c-wrappers",
    "--convert-linalg-to-loops",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm",
    "--convert-arith-to-llvm",
    "--convert-cf-to-llvm",
    "--reconcile-unrealized-casts",
)


class UpstreamModule:
    """The functions of a module of upstream dialects (linalg, tensor, memref, scf, arith, math), compiled.

    Args:
        module: its functions take and return tensors or memrefs of known sizes.
        folder: for the intermediate files.

    Raises:
        ToolchainError: a tool refuses the module; the text is what it says.
    """

    def __init__(self, module: ModuleOp, folder: Path) -> None:
        self._functions = {op.sym_name.data: op for op in module.walk() if isinstance(op, FuncOp)}
        text, lowered, llvm, library = (
            folder / f"module{s}" for s in (".mlir", ".lowered.mlir", ".ll", ".so")
        )
        text.write_text(ir_text(module, generic=True))
        _tool(["mlir-opt-22", str(text), *_PASSES, "-o", str(lowered)])
        _tool(["mlir-translate-22", "--mlir-to-llvmir", str(lowered), "-o", str(llvm)])
        options = ["-O1", "-fPIC", "-shared", "-Wno-override-module"]
        runtime = _runtime()
        libraries = [str(runtime), f"-Wl,-rpath,{runtime.parent}", "-lm"]
        _tool(["clang-22", *options, str(llvm), *libraries, "-o", str(library)])
        self._library = ctypes.CDLL(str(library))

    def call(self, name: str, *arguments: Array) -> list[Array]:
        """The results of a function on tensors; one on memrefs writes into its arguments."""
        type_ = self._functions[name].function_type
        results = [np.empty(shape_of(t), dtype_of(_element(t))) for t in type_.outputs]
        arrays = [*arguments, *results]
        for array, expected in zip(arrays, [*type_.inputs, *type_.outputs], strict=True):
            assert array.shape == shape_of(expected)
            assert array.dtype == dtype_of(_element(expected))
        descriptors = [_descriptor(a) for a in arrays]
        getattr(self._library, f"_mlir_ciface_{name}")(*(ctypes.byref(d) for d in descriptors))
        return results


def _tool(command: Sequence[str]) -> None:
    done = run(command, None)
    if done.returncode:
        raise ToolchainError(f"{command[0]} failed:\n{done.stderr[:4000]}")


def _runtime() -> Path:
    """MLIR's library of helper functions, which is installed beside its tools."""
    tool = shutil.which("mlir-opt-22")
    folder = Path(tool).resolve().parents[1] / "lib" if tool else Path()
    found = sorted(folder.glob("libmlir_c_runner_utils.so*"))
    if not found:
        raise ToolchainError(f"libmlir_c_runner_utils.so is not in {folder}")
    return found[0]


def _element(shaped: Attribute) -> Attribute:
    return cast(TensorType[Any] | MemRefType[Any], shaped).element_type


def _descriptor(array: Array) -> ctypes.Structure:
    """The struct that MLIR passes a ranked memref as: allocated and aligned pointer, offset, sizes, strides."""
    rank = array.ndim
    sizes = [("sizes", ctypes.c_int64 * rank), ("strides", ctypes.c_int64 * rank)] if rank else []

    class Descriptor(ctypes.Structure):
        _fields_ = [
            ("allocated", ctypes.c_void_p),
            ("aligned", ctypes.c_void_p),
            ("offset", ctypes.c_int64),
            *sizes,
        ]

    steps = [s // array.itemsize for s in array.strides]
    place = array.ctypes.data
    values: list[Any] = [place, place, 0]
    if rank:
        values += [(ctypes.c_int64 * rank)(*array.shape), (ctypes.c_int64 * rank)(*steps)]
    return Descriptor(*values)
