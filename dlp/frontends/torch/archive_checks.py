"""What may be in a `.pt2` file that nobody vouches for.

Such a file is a zip archive: the graph as JSON, the weights' bytes with a table of their sizes, and parts that are
pickled or compiled. What is refused here is what could run code, or make its reader allocate much more than the file
is long; what is merely damaged the loader finds itself.
"""

from __future__ import annotations

import json
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from torch._export.serde.serialize import deserialize_scalar_type

_ROOT_FILES = ("archive_format", "archive_version")
_FOLDERS = ("models", "data/weights", "data/constants", "data/sample_inputs")
_OF_THE_WRITER = re.compile(r"byteorder|version|\.(data|format_version|storage_alignment)(/.*)?|extra/.*")
"""Written anew, or of no use."""

_RAW = re.compile(r"(weight|tensor)_\d+")
"""Members that are the bytes of a tensor."""
_TABLES = re.compile(r"\w+_(weights|constants)_config\.json")

_OPERATION = re.compile(r"torch\.ops(\.[A-Za-z]\w*){2,3}|_operator\.[a-z]\w*|torch\.sym_\w+|math\.[a-z]\w*")

REPEATED = 1 << 24
"""Elements that a file's tensors may have beyond those that it holds, by repeating them (strides of 0)."""


class Untrusted(Exception):
    """A file that is loaded only if its origin is trusted; the text says what is in it."""


class Damaged(Exception):
    """A file that contradicts itself."""


def member_names(archive: zipfile.ZipFile, file_bytes: int) -> dict[str, str]:
    """Name of a part -> name of the member of the archive, for the parts that the loader needs.

    Raises:
        Untrusted: there are members that could run code, or that hide others.
        Damaged: the members cannot all be in a file of `file_bytes`.
    """
    names: dict[str, str] = {}
    seen: set[str] = set()
    roots: set[str] = set()
    total = 0
    for info in archive.infolist():
        root, _, name = info.filename.partition("/")
        if info.filename.lower() in seen or not _is_plain(info):
            raise Untrusted(f"the archive has a strange member {info.filename!r}")
        if info.compress_type != zipfile.ZIP_STORED:
            raise Damaged("members are compressed")
        seen.add(info.filename.lower())
        roots.add(root)
        total += info.file_size
        if _OF_THE_WRITER.fullmatch(name):
            continue
        folder, _, file = name.rpartition("/")
        if name not in _ROOT_FILES and folder not in _FOLDERS:
            raise Untrusted(f"it holds {name!r}")
        if folder in ("data/weights", "data/constants") and not (
            _RAW.fullmatch(file) or _TABLES.fullmatch(file)
        ):
            raise Untrusted(f"{name!r} is a pickled object")
        names[name] = info.filename
    if "archive_format" not in names:
        raise Untrusted("a file of an old version")
    if len(roots) != 1:
        raise Damaged("the archive has more than one folder")
    if total > file_bytes:
        raise Damaged("the archive is shorter than what it says it holds")
    return names


def _is_plain(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.split("/")
    mode = info.external_attr >> 16
    return (
        all(part not in ("", ".", "..") for part in parts)
        and not re.search(r"[\\\0:]", info.filename)
        and stat.S_IFMT(mode) in (0, stat.S_IFREG)
        and not info.flag_bits & 1  # encrypted
    )


def check_config(data: bytes, folder: str, sizes: Mapping[str, int]) -> None:
    """Look at a table of tensors.

    Args:
        folder: of the table and of the members that it names.
        sizes: bytes of the archive's members.

    Raises:
        Untrusted: a tensor is a pickled object.
        Damaged: a tensor is larger than the bytes that are there for it.
    """
    repeated = 0
    for name, entry in json.loads(data)["config"].items():
        meta = entry["tensor_meta"]
        if entry["use_pickle"] or meta is None or not _RAW.fullmatch(entry["path_name"]):
            raise Untrusted("weights or constants are pickled objects")
        held = sizes[f"{folder}/{entry['path_name']}"] // deserialize_scalar_type(meta["dtype"]).itemsize
        shape, strides = _numbers(meta["sizes"]), _numbers(meta["strides"])
        offset = _numbers([meta["storage_offset"]])[0]
        elements = 1
        for n in shape:
            elements *= n
        reach = offset + 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if elements else 0
        if reach > held:
            raise Damaged(f"{name} has more elements than the file holds")
        repeated += max(0, elements - held)
        if repeated > REPEATED:
            raise Damaged(f"{name} repeats few elements very often")


def _numbers(values: Any) -> list[int]:
    numbers = [value["as_int"] for value in values]
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in numbers):
        raise Damaged("a size is no number")
    return numbers


def check_model(data: bytes) -> None:
    """Look at a graph.

    Raises:
        Untrusted: it holds formulas, names that are code, or calls of what is not an operation.
    """
    model = json.loads(data)
    if model.get("guards_code"):
        raise Untrusted("it checks its inputs by code")
    for key, value in _items(model):
        if key == "as_expr":
            raise Untrusted("sizes are formulas")
        if key in ("__enum__", "default_factory_module"):
            raise Untrusted("its inputs or outputs are of types that must be imported")
        if key == "name" and isinstance(value, str) and value and not value.isidentifier():
            raise Untrusted(f"{value!r} is used as a name")
        if key == "target" and isinstance(value, str) and not _OPERATION.fullmatch(value):
            raise Untrusted(f"the graph calls {value}, which is no operation")


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of dictionaries with their values, also those inside of JSON that is written as a string."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and value[:1] in ("{", "[", '"'):
            try:
                waiting.append(json.loads(value))
            except ValueError:
                continue  # a text that only looks like it
