"""A network at any stage of the road, behind one way of calling it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    i8,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from dlp.interpreter import Interpreter
from dlp.interpreter.dtypes import Array, dtype_of, poison_of
from dlp.interpreter.open_sizes import known_shape, symbols_in
from dlp.lowering._arena_sizes import ARENA
from dlp.tiling.sizes import symbols_of


class Network:
    """Interprets @forward, preceded by @prepare where there is one; hides at which stage the module is.

    On tensors the results are returned. Destination-passing functions get their outputs (and arena) allocated, full
    of NaN; the arena stays from call to call of one size, so that a second meets what the first left. A function on
    memrefs that says nothing about its outputs is called with an array for every argument, and all of them, as they
    are afterwards, are its results.

    Args:
        weights: data of the `dlp.weight` ops (or, bufferised, of the arguments that `dlp.weights` names).
        check_reads: see `Interpreter`.
    """

    def __init__(
        self,
        module: ModuleOp,
        weights: Mapping[str, Array] | None = None,
        *,
        function: str = "forward",
        check_reads: bool = False,
    ) -> None:
        self.weights = dict(weights or {})
        self.function = function
        self.interpreter = Interpreter(module, self.weights, check_reads=check_reads)
        self._arenas: dict[object, Array] = {}
        self._packed: list[Array] | None = None

    @property
    def packed(self) -> list[Array]:
        """What @prepare made of the weights; computed once."""
        if self._packed is None:
            self._packed = self._prepare()
        return self._packed

    @property
    def input_types(self) -> list[Attribute]:
        """The types of the arguments that a call takes."""
        function = self._function(self.function)
        types = list(function.function_type.inputs)
        if (known := function.attributes.get("dlp.num_inputs")) is not None:
            return types[: cast(IntegerAttr, known).value.data]
        outputs = _number(function, "dlp.num_outputs") or 0
        arena = outputs > 0 and function.body.block.args[-1].name_hint == "arena"
        return types[: len(types) - len(self.packed) - outputs - len(symbols_of(function)) - arena]

    def __call__(self, *inputs: Array) -> list[Array]:
        """The outputs; the inputs stay as they are."""
        return self._run(self.function, [*inputs, *self.packed])

    def _prepare(self) -> list[Array]:
        if self.function != "forward" or "prepare" not in self.interpreter.functions:
            return self._weights_of(self.function)  # bufferised before weights were split off
        return self._run("prepare", self._weights_of("prepare"))

    def _weights_of(self, function: str) -> list[Array]:
        names = self._function(function).attributes.get("dlp.weights", ArrayAttr([]))
        return [self.weights[cast(StringAttr, n).data] for n in cast(ArrayAttr[Attribute], names)]

    def _run(self, name: str, given: Sequence[Array]) -> list[Array]:
        function = self._function(name)
        types = list(function.function_type.inputs)
        outputs = _number(function, "dlp.num_outputs")
        if outputs is None:
            arrays = [
                _copy(a) if isinstance(t, MemRefType) else a for a, t in zip(given, types, strict=False)
            ]
            results = self.interpreter.call(name, *arrays)
            return results + [a for a, t in zip(arrays, types, strict=False) if isinstance(t, MemRefType)]
        symbols = symbols_in(types[: len(given)], [a.shape for a in given])
        behind = len(given) + outputs
        outs = [_poisoned(known_shape(t, symbols), t) for t in types[len(given) : behind]]
        sizes = [symbols[symbol] for symbol in symbols_of(function)]
        behind += len(sizes)
        lent = [self._lent(name, k, t, symbols) for k, t in enumerate(types[behind:])]
        arrays = [*(_copy(a) for a in given), *outs, *lent]
        self.interpreter.call(name, *arrays[: len(given) + outputs], *sizes, *lent)
        aliases = function.attributes.get("dlp.aliases")
        if isinstance(aliases, DenseArrayBase):
            outs = [
                out if a < 0 else arrays[cast(int, a)].reshape(out.shape)
                for out, a in zip(outs, aliases.get_values(), strict=True)
            ]
        return outs

    def _lent(self, name: str, number: int, of: Attribute, symbols: Mapping[str, int]) -> Array:
        """The memory that the caller lends: an arena, or a buffer."""
        shape = known_shape(of, symbols)
        if -1 in shape:
            shape = (self._arena_bytes(symbols),)
        key = (name, number, shape)
        if key not in self._arenas:
            self._arenas[key] = _poisoned(shape, of)
            if cast(MemRefType[Attribute], of).element_type == i8:
                self._arenas[key].fill(-1)  # all bits set: NaN whatever the bytes are read as
        return self._arenas[key]

    def _arena_bytes(self, symbols: Mapping[str, int]) -> int:
        """What the module's own function says that @forward's arena needs."""
        found = np.zeros(1, np.int64)
        sizes = [symbols[symbol] for symbol in symbols_of(self._function(ARENA))]
        self.interpreter.call(ARENA, *sizes, found)
        return int(found[0])

    def _function(self, name: str) -> FuncOp:
        function = self.interpreter.functions.get(name)
        if function is None:
            raise AssertionError(f"the module has no function @{name}")
        return function


def _number(function: FuncOp, attribute: str) -> int | None:
    value = function.attributes.get(attribute)
    return value.value.data if isinstance(value, IntegerAttr) else None


def _copy(array: Array) -> Array:
    """A copy with the same strides."""
    strides = [s // array.itemsize for s in array.strides]
    extent = 1 + sum((n - 1) * s for n, s in zip(array.shape, strides, strict=True)) if array.size else 0
    flat = np.lib.stride_tricks.as_strided(array, (extent,), (array.itemsize,)).copy()
    return np.lib.stride_tricks.as_strided(flat, array.shape, array.strides)


def _poisoned(shape: Sequence[int], of: Attribute) -> Array:
    dtype = dtype_of(cast(MemRefType[Attribute], of).element_type)
    return np.full(shape, poison_of(dtype), dtype)
