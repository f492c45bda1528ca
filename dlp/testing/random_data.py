"""Random data for the arguments and weights of a module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod, sqrt
from typing import cast

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, MemRefType, ModuleOp, StringAttr, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from dlp.dialects.dlp.graph import WeightOp
from dlp.interpreter.dtypes import Array, dtype_of

OPEN_SIZE = 5
"""What sizes become that a type leaves open."""


def random_array(of: Attribute, rng: np.random.Generator) -> Array:
    """Data for a tensor or memref type: normal floats, integers 0 to 2 (which index small tables), fair bools.

    For a memref with strides the array has them.
    """
    shaped = cast(TensorType[Attribute] | MemRefType[Attribute], of)
    shape = tuple(OPEN_SIZE if n < 0 else n for n in shaped.get_shape())
    dtype = dtype_of(shaped.element_type)
    values = (
        rng.standard_normal(shape).astype(dtype)
        if dtype.kind == "f"
        else rng.integers(0, 3, shape).astype(dtype)
    )
    return values if isinstance(shaped, TensorType) else with_strides(values, shaped)


def with_strides(values: Array, of: MemRefType[Attribute]) -> Array:
    """The same elements laid out as a memref type says; what lies between them is NaN or zero."""
    strides = of.get_strides()
    if strides is None or any(not isinstance(s, int) or s < 0 for s in strides):
        return values
    steps = cast(Sequence[int], strides)
    extent = 1 + sum((n - 1) * s for n, s in zip(values.shape, steps, strict=True)) if values.size else 0
    flat = np.full(extent, np.nan if values.dtype.kind == "f" else 0, values.dtype)
    view = np.lib.stride_tricks.as_strided(flat, values.shape, [s * flat.itemsize for s in steps])
    view[...] = values
    return view


def random_inputs(types: Sequence[Attribute], seed: int = 0) -> list[Array]:
    """Data for each type."""
    rng = np.random.default_rng(seed)
    return [random_array(t, rng) for t in types]


def random_weights(module: ModuleOp, seed: int = 0) -> dict[str, Array]:
    """Data for every weight of a module, by symbol: `dlp.weight` ops, or the arguments that `dlp.weights` names.

    Floats of more than one dimension are normal and keep the variance of what they multiply; one-dimensional ones lie
    between 0.5 and 1.5, as some of them are variances.
    """
    rng = np.random.default_rng([seed, 1])
    weights: dict[str, Array] = {}
    for symbol, of in _weights(module):
        if symbol not in weights:
            values = random_array(of, rng)
            if values.dtype.kind == "f":
                few = values.ndim < 2
                scale = 1 / sqrt(max(1, prod(values.shape[1:])))
                values[...] = rng.uniform(0.5, 1.5, values.shape) if few else values * scale
            weights[symbol] = values
    return weights


def _weights(module: ModuleOp) -> Iterator[tuple[str, Attribute]]:
    for op in module.walk():
        if isinstance(op, WeightOp):
            yield op.symbol.data, op.res.type
        elif isinstance(op, FuncOp) and isinstance(names := op.attributes.get("dlp.weights"), ArrayAttr):
            for name, of in zip(names, op.function_type.inputs, strict=False):
                yield cast(StringAttr, name).data, of
