"""A captured network as two files: IR that prints and parses, and weights beside it; `dlp.program_files` reads them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from xdsl.dialects.builtin import StringAttr

from dlp.frontends.torch.capture import CapturedProgram
from dlp.ir_text import ir_text
from dlp.program_files import WEIGHTS_FILE


def write_program(captured: CapturedProgram, path: str | Path) -> Path:
    """Write `net.mlir`, and its weights as `net.safetensors`.

    Each file appears whole or not at all; the module comes last, so that it never names weights that are not there.

    Returns:
        The file of the weights, as the `dlp.weight` ops have them: row-major, of the physical shape.
    """
    path = Path(path)
    weights_path = path.with_suffix(".safetensors")
    tensors = _apart(captured.physical_weights())
    _write_whole(weights_path, lambda temporary: save_file(tensors, temporary))
    module = captured.imported.module
    module.attributes[WEIGHTS_FILE] = StringAttr(weights_path.name)
    _write_whole(path, lambda temporary: temporary.write_text(ir_text(module)))
    return weights_path


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors, none of which shares memory with another: safetensors refuses that."""
    taken: set[int] = set()
    result: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        address = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if address in taken else tensor
        taken.add(address)
    return result


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write to another name first, then move it into place."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
