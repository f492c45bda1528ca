"""Reading `.pt2` files of `torch.export.save`, which may come from anywhere."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive._package import load_pt2

from dlp.errors import InputError
from dlp.frontends.torch.archive_checks import Untrusted, check_config, check_model, member_names

_UNTRUSTED = (
    "loading it could run code that is in the file; load it only if you trust its origin (trust=True)"
)


def load_program(path: str | Path, *, trust: bool = False) -> ExportedProgram:
    """Load an exported program.

    torch's loader unpickles parts of such a file, evaluates formulas of its sizes, loads libraries that it holds, and
    prints names that it holds into code that it runs. Without `trust` the loader therefore gets a copy of those parts
    that are needed and cannot do that; where there are others, the file is refused.

    Args:
        trust: load whatever is in the file.

    Raises:
        InputError: there is no such file, it is damaged, or it must not be loaded without `trust`.
    """
    path = Path(path)
    try:
        if trust:
            return torch.export.load(path)
        # torch.export.load, without what it does when this fails: looking for older formats, with messages of its own.
        program = load_pt2(_harmless_copy(path)).exported_programs["model"]
        _check_targets(program)
        return program
    except Untrusted as error:
        raise InputError(f"{path}: {error}: {_UNTRUSTED}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # the loader raises anything at all on a damaged file
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: not a file of torch.export.save, or a damaged one ({text})") from error


def _harmless_copy(path: Path) -> io.BytesIO:
    """An archive of what was looked at, byte for byte: two readers of one file may see two things in it."""
    copy = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(copy)
    writer.set_min_version(6)
    with zipfile.ZipFile(path) as archive:
        names = member_names(archive, path.stat().st_size)
        sizes = {name: archive.getinfo(member).file_size for name, member in names.items()}
        for name, member in names.items():
            if name.startswith("data/sample_inputs/"):
                data = b""  # pickled, and of no use here
            else:
                data = archive.read(member)
            folder = name.rpartition("/")[0]
            if name.endswith("_config.json"):
                check_config(data, folder, sizes)
            elif folder == "models":
                check_model(data)
            writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    copy.seek(0)
    return copy


def _check_targets(program: ExportedProgram) -> None:
    """Refuse a graph that calls anything but operations: names in the file are looked up in torch."""
    for module in program.graph_module.modules():
        if not isinstance(module, torch.fx.GraphModule):
            continue
        for node in module.graph.nodes:
            operation = isinstance(node.target, torch._ops.OpOverload | torch._ops.HigherOrderOperator)
            if node.op == "call_function" and not operation and not _is_of_numbers(node.target):
                raise Untrusted(f"the graph calls {node.target}, which is no operation")
            if node.op in ("call_method", "call_module"):
                raise Untrusted(f"the graph has a node of the kind {node.op}")


def _is_of_numbers(target: object) -> bool:
    """Python's and torch's functions of sizes, and the selection of one of several results."""
    return getattr(target, "__module__", None) in ("_operator", "math") or (
        getattr(target, "__module__", None) == "torch" and getattr(target, "__name__", "").startswith("sym_")
    )
