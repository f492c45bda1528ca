"""A network at any stage of the road, behind one way of calling it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerAttr, MemRefType, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from dlp.interpreter import Interpreter
from dlp.interpreter.dtypes import Array, dtype_of, poison_of


class Network:
    """Interprets @forward, preceded by @prepare where there is one; hides at which stage the module is.

    On tensors the results are returned. Destination-passing functions get their outputs (and arena) allocated, full
    of NaN; the arena stays from call to call, so that a second call meets what the first one left. A function on
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
        self._arenas: dict[str, Array] = {}
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
        return types[: len(types) - len(self.packed) - outputs - arena]

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
        behind = len(given) + outputs
        outs = [_poisoned(t) for t in types[len(given) : behind]]
        arena = [self._arena(name, t) for t in types[behind:]]
        arrays = [*(_copy(a) for a in given), *outs, *arena]
        self.interpreter.call(name, *arrays)
        aliases = function.attributes.get("dlp.aliases")
        if isinstance(aliases, DenseArrayBase):
            outs = [
                out if a < 0 else arrays[cast(int, a)].reshape(out.shape)
                for out, a in zip(outs, aliases.get_values(), strict=True)
            ]
        return outs

    def _arena(self, name: str, of: Attribute) -> Array:
        if name not in self._arenas:
            self._arenas[name] = _poisoned(of)
            self._arenas[name].fill(-1)  # all bits set: NaN whatever the bytes are read as
        return self._arenas[name]

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


def _poisoned(of: Attribute) -> Array:
    shaped = cast(MemRefType[Attribute], of)
    dtype = dtype_of(shaped.element_type)
    return np.full(shaped.get_shape(), poison_of(dtype), dtype)
