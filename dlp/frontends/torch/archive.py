"""Reading `.pt2` files of `torch.export.save`, which may come from anywhere."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import torch
from torch.export import ExportedProgram

from dlp.errors import InputError

_UNTRUSTED = (
    "loading it could run code that is in the file; load it only if you trust its origin (trust=True)"
)


def load_program(path: str | Path, *, trust: bool = False) -> ExportedProgram:
    """Load an exported program.

    torch's loader unpickles parts of such a file and evaluates formulas of its sizes, and both can run code. The file
    is therefore looked at first, and refused where that could happen.

    Args:
        trust: load whatever is in the file.

    Raises:
        InputError: there is no such file, it is damaged, or it must not be loaded without `trust`.
    """
    path = Path(path)
    try:
        if not trust and (reason := _danger(path)):
            raise InputError(f"{path}: {reason}: {_UNTRUSTED}")
        return torch.export.load(path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # the loader raises anything at all on a damaged file
        text = (str(error).strip() or "no message").splitlines()[0]
        raise InputError(f"{path}: not a file of torch.export.save, or a damaged one ({text})") from error


def _danger(path: Path) -> str:
    """What in the file could run code when it is loaded, or an empty string."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if not any(name.endswith("/archive_format") for name in names):
            return "a file of an old version"
        for name in names:
            folder, _, file = name.partition("/")[2].rpartition("/")
            if folder in ("data/weights", "data/constants") and file.endswith("_config.json"):
                entries = json.loads(archive.read(name))["config"].values()
                if any(entry.get("use_pickle") or entry.get("tensor_meta") is None for entry in entries):
                    return "weights or constants are pickled objects"
            elif folder == "data/sample_inputs":
                try:
                    torch.load(io.BytesIO(archive.read(name)), weights_only=True)
                except Exception:
                    return "the sample inputs are pickled objects"
            elif folder == "models" and b'"as_expr"' in archive.read(name):
                return "sizes are formulas"
    return ""
