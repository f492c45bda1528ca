"""The description of a target, and how it is read from its TOML file."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from dlp.errors import TargetError

_FOLDER = Path(__file__).parent
_ELEMENT_BYTES = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "i16": 2, "i8": 1, "i1": 1}
_SCALARS = {
    "f64": "double",
    "i64": "int64_t",
    "f32": "float",
    "i32": "int32_t",
    "i16": "int16_t",
    "i8": "int8_t",
    "i1": "int8_t",
}


@dataclass(frozen=True)
class RegisterTile:
    """A block of accumulators held in registers: scalars of `lines` x `rows` pixels (of a product: rows) x vectors."""

    rows: int
    vectors: int
    lines: int = 1

    @property
    def pixels(self) -> int:
        return self.lines * self.rows

    def registers(self, *, broadcast_needs_register: bool) -> int:
        """Vector registers live in the inner loop: accumulators, one row of vectors, the broadcast."""
        return self.pixels * self.vectors + self.vectors + (1 if broadcast_needs_register else 0)


@dataclass(frozen=True)
class CSpelling:
    """How vectors are spelled in C; templates for `str.format`, see the `c_*` methods of `Target`."""

    headers: tuple[str, ...]
    vector_type: str
    vector_typedef: str
    unaligned_typedef: str
    load: str
    store: str
    splat: str
    fma: str
    greater: tuple[tuple[str, str | tuple[tuple[str, str], ...]], ...]
    """(vector type, C) of `a > b ? a : b`, so that NaN gives `b`, where one instruction does that: compilers do not
    find it behind a comparison and a selection by bits. Where they disagree on its name, C by kind of compiler."""
    lesser: tuple[tuple[str, str | tuple[tuple[str, str], ...]], ...]
    """The same of `a < b ? a : b`."""


@dataclass(frozen=True)
class Target:
    """What passes, the printer and the toolchain need to know about a machine.

    Lanes are counted in f32 elements; `lanes(element)` gives the count for another element type.
    """

    name: str
    description: str

    vector_lanes: int
    """f32 elements of a full vector; 1: no vectors."""
    vector_registers: int
    scalef: bool
    """Whether full vectors of f32 have an instruction for a * 2**n, `x86vector.avx512.mask.scalef`."""
    tail: Literal["narrow", "vl"]
    """How the rest that fills no vector is cut: into `tail_lanes` ("narrow") or by any length ("vl")."""
    tail_lanes: tuple[int, ...]
    """Narrower f32 vectors in falling order, the last is 1; empty for "vl" and without vectors."""
    broadcast_needs_register: bool
    """Whether the scalar factor of a multiply-add occupies a vector register."""
    vectorize_dimension: Literal["channels", "longest"]
    vectorize_minimum: int
    """Where the preferred dimension is shorter than this, another one is the better vector."""

    register_tile: RegisterTile
    register_tile_alternatives: tuple[RegisterTile, ...]

    fma_per_cycle: int
    fma_latency: int
    loads_per_cycle: int
    stores_per_cycle: int
    l2_bytes_per_cycle: int
    """What one core draws from its second-level cache while it multiplies; the rest of the time it waits for it."""
    l1_bytes: int
    l2_bytes: int
    l3_bytes: int
    cache_line_bytes: int
    prefetch: Literal["none", "l1", "l2"]
    """Which cache the code asks to bring data to before it is needed; "none": it does not ask."""
    alignment: int
    """Bytes; of buffers, of packed weights and of offsets in the arena."""
    layout: Literal["channels_last", "channels_first"]
    threads: Literal["openmp", "none"]
    needs: tuple[str, ...]
    """Feature flags, as in /proc/cpuinfo, that a CPU must have to run the code."""

    c: CSpelling
    compiler_flags: tuple[tuple[str, tuple[str, ...]], ...]
    """(kind of compiler, its flags), in the order in which compilers are tried."""

    @property
    def vector_bytes(self) -> int:
        return self.vector_lanes * _ELEMENT_BYTES["f32"]

    @property
    def vector_bits(self) -> int:
        return 8 * self.vector_bytes

    @property
    def compilers(self) -> tuple[str, ...]:
        """Kinds of compiler ("gcc", "clang") that can compile for the target, preferred first."""
        return tuple(kind for kind, _ in self.compiler_flags)

    def flags(self, compiler: str) -> tuple[str, ...]:
        """Flags for a kind of compiler.

        Raises:
            TargetError: the target is not compiled by such a compiler.
        """
        for kind, flags in self.compiler_flags:
            if kind == compiler:
                return flags
        raise TargetError(
            f"target {self.name} is compiled by {' or '.join(self.compilers)}, not by {compiler}"
        )

    @property
    def prefetch_locality(self) -> int | None:
        """The locality of a `memref.prefetch`; None where there should be none."""
        return {"none": None, "l1": 3, "l2": 2}[self.prefetch]

    def lanes(self, element: str) -> int:
        """Elements of type `element` ("f32", "f64", "i8" ...) in a full vector, at least 1."""
        return max(1, self.vector_bytes // _ELEMENT_BYTES[element])

    def tile_fits(self, tile: RegisterTile) -> bool:
        """Whether a register tile leaves nothing to spill."""
        live = tile.registers(broadcast_needs_register=self.broadcast_needs_register)
        return live <= self.vector_registers

    def vector_cuts(self, extent: int) -> list[int]:
        """f32 vector lengths that cover `extent` elements without touching a further one.

        AVX-512: 39 -> [16, 16, 4, 2, 1]; VE: 600 -> [256, 256, 88]; scalar: 2 -> [1, 1].
        """
        cuts = [self.vector_lanes] * (extent // self.vector_lanes)
        rest = extent % self.vector_lanes
        if self.tail == "vl":
            return [*cuts, rest] if rest else cuts
        for lanes in self.tail_lanes:
            cuts += [lanes] * (rest // lanes)
            rest %= lanes
        return cuts

    def c_vector_type(self, element: str, lanes: int) -> str:
        """C name of a vector type: ("f32", 16) -> "f32x16"."""
        return self.c.vector_type.format(**_c_fields(self.c, element, lanes))

    def c_typedefs(self, element: str, lanes: int) -> list[str]:
        """C declarations that the vector type needs: the type, and its twin for unaligned access."""
        fields = _c_fields(self.c, element, lanes)
        return [t.format(**fields) for t in (self.c.vector_typedef, self.c.unaligned_typedef) if t]

    def c_load(self, element: str, lanes: int, address: str) -> str:
        """C expression that loads a vector from any address of an element."""
        return self.c.load.format(**_c_fields(self.c, element, lanes), address=address)

    def c_store(self, element: str, lanes: int, address: str, value: str) -> str:
        """C statement, without its semicolon, that stores a vector to any address of an element."""
        return self.c.store.format(**_c_fields(self.c, element, lanes), address=address, value=value)

    def c_splat(self, element: str, lanes: int, value: str) -> str:
        """C expression for a vector whose lanes all hold `value`, bit for bit."""
        return self.c.splat.format(**_c_fields(self.c, element, lanes), value=value)

    def c_extremum(self, element: str, lanes: int, *, greater: bool) -> str | Mapping[str, str] | None:
        """C of `a > b ? a : b`, or `a < b ? a : b`, if it is one instruction that C's operators cannot say.

        A template with the fields `a` and `b`, or one for each kind of compiler.
        """
        spelled = dict(self.c.greater if greater else self.c.lesser).get(self.c_vector_type(element, lanes))
        return dict(spelled) if isinstance(spelled, tuple) else spelled

    def key(self) -> str:
        """Hash of everything that the description says; part of the keys of caches."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def _c_fields(spelling: CSpelling, element: str, lanes: int) -> dict[str, str | int]:
    size = _ELEMENT_BYTES[element]
    fields: dict[str, str | int] = {
        "element": element,
        "scalar": _SCALARS[element],
        "lanes": lanes,
        "bytes": lanes * size,
        "element_bytes": size,
    }
    return {**fields, "vector": spelling.vector_type.format(**fields)}


def names() -> list[str]:
    """Names of the targets that come with dlp."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load(name_or_path: str | os.PathLike[str]) -> Target:
    """The target of a name that comes with dlp, or of a TOML file.

    Raises:
        TargetError: no such target (the message has the nearest name), or a wrong description.
    """
    text = os.fspath(name_or_path)
    if text.endswith(".toml") or os.sep in text:
        return _read(Path(text).resolve())
    if text not in names():
        near = difflib.get_close_matches(text.lower(), names(), n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}? " if near else ""
        raise TargetError(
            f"unknown target {text!r}: {hint}known are {', '.join(names())}, or the path of a .toml file"
        )
    return _read(_FOLDER / f"{text}.toml")


@functools.cache
def _read(path: Path) -> Target:
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise TargetError(f"cannot read the target {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path}: {error}") from None
    try:
        return _target(data)
    except KeyError as error:
        raise TargetError(f"{path}: {error.args[0]}") from None


def _target(data: Mapping[str, Any]) -> Target:
    fields = {
        "name": _take(data, "name", str),
        "description": _take(data, "description", str),
        **_section(data, "vector", _VECTOR),
        **_section(data, "machine", _MACHINE),
    }
    tile = _section(data, "register_tile", {"rows": int, "vectors": int, "alternatives": list})
    flags = _take(data, "flags", dict)
    return Target(
        **fields,
        register_tile=RegisterTile(tile["rows"], tile["vectors"]),
        register_tile_alternatives=tuple(RegisterTile(*pair) for pair in tile["alternatives"]),
        c=CSpelling(**_section(data, "c", {f.name: _C_TYPES.get(f.name, str) for f in _C_FIELDS})),
        compiler_flags=tuple((kind, tuple(words)) for kind, words in flags.items()),
    )


# Keys of a section of the file and their types; a field of another name stands behind the key.
_VECTOR: Mapping[str, type | tuple[type, str]] = {
    "lanes": (int, "vector_lanes"),
    "registers": (int, "vector_registers"),
    "scalef": bool,
    "tail": str,
    "tail_lanes": list,
    "broadcast_needs_register": bool,
    "dimension": (str, "vectorize_dimension"),
    "dimension_minimum": (int, "vectorize_minimum"),
}
_MACHINE: Mapping[str, type | tuple[type, str]] = {
    "fma_per_cycle": int,
    "fma_latency": int,
    "loads_per_cycle": int,
    "stores_per_cycle": int,
    "l2_bytes_per_cycle": int,
    "l1_bytes": int,
    "l2_bytes": int,
    "l3_bytes": int,
    "cache_line_bytes": int,
    "prefetch": str,
    "alignment": int,
    "layout": str,
    "threads": str,
    "needs": list,
}
_C_FIELDS = dataclasses.fields(CSpelling)
_C_TYPES: Mapping[str, type] = {"headers": list, "greater": dict, "lesser": dict}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "tail": ("narrow", "vl"),
    "dimension": ("channels", "longest"),
    "prefetch": ("none", "l1", "l2"),
    "layout": ("channels_last", "channels_first"),
    "threads": ("openmp", "none"),
}


def _section(
    data: Mapping[str, Any], section: str, keys: Mapping[str, type | tuple[type, str]]
) -> dict[str, Any]:
    table = _take(data, section, dict)
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise KeyError(f"unknown key {key!r} in [{section}]{hint}")
    values: dict[str, Any] = {}
    for key, kind in keys.items():
        wanted, field = kind if isinstance(kind, tuple) else (kind, key)
        value = _take(table, key, wanted, f"[{section}] ")
        if key in _CHOICES and value not in _CHOICES[key]:
            raise KeyError(f"[{section}] {key} is {value!r}, not one of {', '.join(_CHOICES[key])}")
        if wanted is dict:
            value = [(k, tuple(v.items()) if isinstance(v, dict) else v) for k, v in value.items()]
        values[field] = (
            tuple(cast("list[Any]", value)) if isinstance(value, list) and key != "alternatives" else value
        )
    return values


def _take(table: Mapping[str, Any], key: str, wanted: type, where: str = "") -> Any:
    if key not in table:
        raise KeyError(f"{where}{key} is missing")
    if type(table[key]) is not wanted:
        raise KeyError(f"{where}{key} must be of type {wanted.__name__}, not {table[key]!r}")
    return table[key]
