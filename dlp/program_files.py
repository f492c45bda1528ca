"""Reading a network from files: IR, and its weights beside it as safetensors (`dlp import` writes them).

Neither format can run code, so files may come from anywhere; what does not fit together is refused.
"""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from xdsl.dialects.builtin import ModuleOp, StringAttr

from dlp.context import make_context
from dlp.dialects.dlp.graph import WeightOp
from dlp.errors import InputError
from dlp.interpreter.dtypes import Array, dtype_of
from dlp.opt.source import Source, SyntaxInputError
from dlp.verification import InvalidOperation, verify

WEIGHTS_FILE = "dlp.weights_file"
"""Attribute of the module: the file of its weights, in the module's own folder."""


def read_program(path: str | Path) -> tuple[ModuleOp, dict[str, Array]]:
    """The module of a file, and the data of its weights by name.

    Raises:
        InputError: a file is missing, damaged, or does not fit the other; the text says which and why.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    try:
        module = Source(str(path), text).parse(make_context())
        verify(module)
    except SyntaxInputError as error:
        raise InputError(f"{path}:{error.line}:{error.column}: {error.message}") from None
    except InvalidOperation as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    weights = [op for op in module.walk() if isinstance(op, WeightOp)]
    if not weights:
        return module, {}
    return module, _read_weights(_weights_path(path, module), weights)


def _weights_path(path: Path, module: ModuleOp) -> Path:
    name = module.attributes.get(WEIGHTS_FILE)
    if not isinstance(name, StringAttr):
        raise InputError(f"{path}: the module has weights, but does not name their file ({WEIGHTS_FILE})")
    # A module may not make its reader look anywhere else.
    if name.data != Path(name.data).name or name.data in ("", "..") or "\\" in name.data or "\0" in name.data:
        raise InputError(f"{path}: {WEIGHTS_FILE} is to be the name of a file beside it, not {name.data!r}")
    return path.with_name(name.data)


def _read_weights(path: Path, weights: list[WeightOp]) -> dict[str, Array]:
    """The reader checks the header against the length of the file; here it is checked against the module."""
    found: dict[str, Array] = {}
    try:
        with safe_open(str(path), framework="numpy") as file:
            names = set(file.keys())
            for op in weights:
                name = op.symbol.data
                if name in found:
                    continue
                if name not in names:
                    raise InputError(f"{path}: there is no weight {name!r}")
                shape = tuple(file.get_slice(name).get_shape())
                if shape != op.res.type.get_shape():
                    raise InputError(
                        f"{path}: {name!r} has the shape {shape}, the module wants {op.res.type}"
                    )
                found[name] = file.get_tensor(name)
                if found[name].dtype != dtype_of(op.res.type.element_type):
                    raise InputError(
                        f"{path}: {name!r} is {found[name].dtype}, the module wants {op.res.type}"
                    )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'no such file'}") from None
    except (SafetensorError, TypeError, ValueError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: not a safetensors file, or a damaged one ({text})") from None
    return found
