"""A compiled network: what it takes and gives, and how to run it.

Tensors are addresses here, so no framework is needed.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Self

from dlp.codegen.c_types import BYTES
from dlp.compile_statistics import CompileStatistics
from dlp.dialects.dlp.dim import Dim, Symbol, parse_dim, value_of
from dlp.errors import InputError, run_error
from dlp.runtime import ArenaPool, Library, aligned_empty, pack_pointers
from dlp.runtime.memory import address_of


@dataclass(frozen=True)
class TensorSpec:
    """A row-major tensor in memory.

    Attributes:
        name: of a weight as the framework calls it; of others what the IR calls them.
        shape: its sizes; a `Dim` where only a run knows it.
        element: "f32", "f64", "i64", "i32", "i8" or "i1" (one byte).
    """

    name: str
    shape: tuple[int, ...]
    element: str

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * BYTES[self.element]

    def sizes(self, symbols: Mapping[str, int]) -> tuple[int, ...]:
        """The shape in a run."""
        return tuple(value_of(n, symbols) for n in self.shape)


@dataclass(frozen=True)
class Signature:
    """What a module takes and gives.

    Attributes:
        inputs: of a run.
        weights: in the order in which `prepare` takes them; raw, as the framework has them.
        packed: what `prepare` makes of the weights, for every run.
        outputs: of a run.
        aliases: for each packed tensor the weight that it is, byte for byte, or -1 where `prepare` writes it.
        prepare_buffers, forward_buffers: bytes of the memory that the caller lends the two functions: one arena, or
            every intermediate by itself.
        symbols: the sizes that only a run knows, by name, in the order in which a run takes their values. Of
            `forward_buffers` the one is then what the sizes need that the code was made with in mind.
    """

    inputs: tuple[TensorSpec, ...]
    weights: tuple[TensorSpec, ...]
    packed: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    aliases: tuple[int, ...]
    prepare_buffers: tuple[int, ...]
    forward_buffers: tuple[int, ...]
    symbols: Mapping[str, Symbol] = field(default_factory=dict)

    def values_of(self, shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
        """What the symbols are in a run on inputs of these shapes.

        Raises:
            InputError: the shapes are none of this module.
        """
        found: dict[str, int] = {}
        for spec, shape in zip(self.inputs, shapes, strict=True):
            for size, n in zip(spec.shape, shape, strict=True):
                if isinstance(size, Dim) and (name := str(size)) in self.symbols:
                    found.setdefault(name, n)
        for spec, shape in zip(self.inputs, shapes, strict=True):
            if spec.sizes(found) != tuple(shape):
                raise InputError(f"the input {spec.name} is {spec.shape}, not {tuple(shape)}")
        for name, n in found.items():
            if n < self.symbols[name].least:
                raise InputError(
                    f"the size {name} is {n}, and the code is for {self.symbols[name].least} or more"
                )
        return tuple(found[name] for name in self.symbols)

    @property
    def needs_prepare(self) -> bool:
        """Whether there is anything to pack."""
        return any(alias < 0 for alias in self.aliases)


@dataclass(frozen=True)
class Metadata:
    """What is stored beside the library: the signature and the figures of the compilation."""

    signature: Signature
    prepare_key: str
    """Modules with equal keys pack equal weights alike."""
    kernels: int
    kernel_calls: int
    arena_bytes: int
    intermediate_bytes: int
    largest_live_bytes: int
    checks: tuple[str, ...] = ()
    """What the checks of the code say when they fail, in the order of their numbers."""
    timed: tuple[str, ...] = ()
    """Kernels whose times the last output holds, if the code was instrumented for that."""

    def to_json(self) -> str:
        return json.dumps(_plain(self), separators=(",", ":"), default=str)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        data: dict[str, Any] = json.loads(text)
        fields = dict(data.pop("signature"))
        symbols = fields["symbols"] = {name: Symbol(**of) for name, of in fields["symbols"].items()}
        for name in ("inputs", "weights", "packed", "outputs"):
            fields[name] = tuple(
                TensorSpec(t["name"], tuple(_read_size(n, symbols) for n in t["shape"]), t["element"])
                for t in fields[name]
            )
        for name in ("aliases", "prepare_buffers", "forward_buffers"):
            fields[name] = tuple(fields[name])
        for name in ("checks", "timed"):
            data[name] = tuple(data[name])
        return cls(Signature(**fields), **data)


RunFunction = Callable[[Sequence[int], Sequence[int], tuple[int, ...]], None]
"""Runs a network on inputs, outputs (addresses) and the values of its symbols."""


@dataclass
class CompiledModule:
    """A library with its signature. Any number of threads may call it at once.

    Attributes:
        metadata: what it was compiled to.
        library: the code.
        statistics: of this compilation, for the report.
        poison: fill the memory of intermediates with NaN before each run, so that a read before the first write shows.
    """

    metadata: Metadata
    library: Library
    statistics: CompileStatistics = field(default_factory=CompileStatistics)
    poison: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _pool: ArenaPool | None = field(default=None, init=False, repr=False)
    _sizes: dict[tuple[int, ...], tuple[array[int], tuple[int, ...], int]] = field(
        default_factory=dict, init=False, repr=False
    )
    _places: dict[int, bytes] = field(default_factory=dict, init=False, repr=False)
    """By the address of an arena, which the pool keeps: the pointers to what is in it."""

    @property
    def signature(self) -> Signature:
        return self.metadata.signature

    def prepare(self, weights: Sequence[int], packed: Sequence[int], threads: int) -> None:
        """Pack the weights.

        Args:
            weights: addresses, in the order of `signature.weights`.
            packed: addresses of what to write, in the order of `signature.packed`; those of aliases are not used.
            threads: how many to run on.

        Raises:
            RunError: a check of the weights failed.
        """
        if not self.signature.needs_prepare:
            return
        pool = ArenaPool(_lent(self.signature.prepare_buffers), cap=1, poison=self.poison)
        with pool.lease() as arena:
            lent = _places(arena.address, self.signature.prepare_buffers)
            status = self.library.call("dlp_prepare", [*weights, *packed, *lent], threads)
        if status:
            raise run_error(self.metadata.checks[status - 1])

    def run(
        self,
        inputs: Sequence[int],
        packed: Sequence[int],
        outputs: Sequence[int],
        threads: int,
        symbols: tuple[int, ...] = (),
    ) -> None:
        """Run the network.

        Args:
            inputs: addresses, in the order of `signature.inputs`.
            packed: addresses of what `prepare` wrote, and of the weights themselves where they are aliases.
            outputs: addresses of what to write, in the order of `signature.outputs`.
            threads: how many to run on.
            symbols: the values of `signature.symbols`.

        Raises:
            RunError: a check of the inputs failed, as of an index; the outputs hold nothing of use.
        """
        self.bind(packed, threads)(inputs, outputs, symbols)

    def bind(self, packed: Sequence[int], threads: int) -> RunFunction:
        """`run` for packed tensors at these addresses: a function of the inputs, outputs and symbols."""
        entry, places = self.library.entry("dlp_forward"), self._places
        packed_pointers = pack_pointers(packed)

        def run(inputs: Sequence[int], outputs: Sequence[int], symbols: tuple[int, ...] = ()) -> None:
            if symbols:
                self._run_sized(inputs, packed, outputs, threads, symbols)
                return
            pool = self._pool or self._make_pool()
            arena = pool.acquire()
            try:
                base = arena.address
                lent = places.get(base) or places.setdefault(
                    base, pack_pointers(_places(base, self.signature.forward_buffers))
                )
                pointers = pack_pointers(inputs) + packed_pointers + pack_pointers(outputs) + lent
                status = entry(pointers, threads)
            finally:
                pool.release(arena)
            if status:
                raise run_error(self.metadata.checks[status - 1])

        return run

    def _run_sized(
        self,
        inputs: Sequence[int],
        packed: Sequence[int],
        outputs: Sequence[int],
        threads: int,
        symbols: tuple[int, ...],
    ) -> None:
        known = self._sizes.get(symbols)
        if known is None:
            if len(self._sizes) >= _REMEMBERED_SIZES:
                self._sizes.clear()
            known = self._sizes[symbols] = self._look_at(symbols)
        _, sizes, nbytes = known  # which keeps the memory that the addresses are of
        pool = self._pool
        if pool is None or pool.nbytes < nbytes:
            pool = self._make_pool(nbytes)
        arena = pool.acquire()
        try:
            pointers = pack_pointers([*inputs, *packed, *outputs, *sizes, arena.address])
            status = self.library.entry("dlp_forward")(pointers, threads)
        finally:
            pool.release(arena)
        if status:
            raise run_error(self.metadata.checks[status - 1])

    def _look_at(self, symbols: tuple[int, ...]) -> tuple[array[int], tuple[int, ...], int]:
        """The values of the symbols in memory, the address of each, and the bytes of the arena."""
        numbers, found = array("q", symbols), array("q", [0])
        base = numbers.buffer_info()[0]
        addresses = tuple(base + 8 * i for i in range(len(symbols)))
        self.library.call("dlp_arena", [*addresses, found.buffer_info()[0]], 1)
        return numbers, addresses, found[0]

    def pack_arrays(self, weights: Sequence[Any], threads: int = 1) -> list[Any]:
        """`prepare` on NumPy arrays: the packed tensors, aliases being the given arrays."""
        signature = self.signature
        packed: list[Any] = []
        for alias, spec in zip(signature.aliases, signature.packed, strict=True):
            fresh = alias < 0
            packed.append(_empty(spec) if fresh else weights[alias].reshape(spec.shape))
        self.prepare([address_of(w) for w in weights], [address_of(p) for p in packed], threads)
        return packed

    def run_arrays(self, inputs: Sequence[Any], packed: Sequence[Any], threads: int = 1) -> list[Any]:
        """`run` on C-contiguous NumPy arrays: the outputs."""
        symbols = self.signature.values_of([x.shape for x in inputs]) if self.signature.symbols else ()
        named = dict(zip(self.signature.symbols, symbols, strict=True))
        outputs = [
            _empty(dataclasses.replace(spec, shape=spec.sizes(named))) for spec in self.signature.outputs
        ]
        self.run(
            [address_of(x) for x in inputs],
            [address_of(p) for p in packed],
            [address_of(y) for y in outputs],
            threads,
            symbols,
        )
        return outputs

    def _make_pool(self, nbytes: int = 0) -> ArenaPool:
        """The pool, whose arenas have at least so many bytes; a quarter more, as sizes that grow go on growing."""
        with self._lock:
            if self._pool is None:
                self._pool = ArenaPool(max(nbytes, _lent(self.signature.forward_buffers)), poison=self.poison)
            elif self._pool.nbytes < nbytes:
                self._pool = ArenaPool(nbytes + nbytes // 4, poison=self.poison)
            return self._pool


_NUMPY = {"f32": "float32", "f64": "float64", "i64": "int64", "i32": "int32", "i8": "int8", "i1": "bool"}

_ALIGNMENT = 64

_REMEMBERED_SIZES = 1024
"""Values of the symbols for which what a run needs to know of them is remembered."""


def _plain(metadata: Metadata) -> dict[str, Any]:
    """As `dataclasses.asdict`, which copies what is in it."""
    data = dict(vars(metadata))
    signature = dict(vars(metadata.signature))
    for name in ("inputs", "weights", "packed", "outputs"):
        signature[name] = [vars(spec) for spec in signature[name]]
    signature["symbols"] = {name: vars(of) for name, of in signature["symbols"].items()}
    return {**data, "signature": signature}


def _read_size(size: int | str, symbols: Mapping[str, Symbol]) -> Any:
    return parse_dim(size, symbols) if isinstance(size, str) else size


def _empty(spec: TensorSpec) -> Any:
    return aligned_empty(spec.shape, _NUMPY[spec.element])


def _lent(buffers: Sequence[int]) -> int:
    """Bytes of an arena that holds all buffers one behind the other."""
    return sum(_aligned(n) for n in buffers)


def _places(base: int, buffers: Sequence[int]) -> list[int]:
    """The address of each buffer in an arena."""
    places: list[int] = []
    for n in buffers:
        places.append(base)
        base += _aligned(n)
    return places


def _aligned(n: int) -> int:
    return -(-n // _ALIGNMENT) * _ALIGNMENT
