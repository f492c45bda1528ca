"""Algorithms by NumPy's own: what the loops that the ops bring are checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from dlp.dialects.dlp.algorithm import AlgorithmOp
from dlp.dialects.dlp.cumulative import CumulateOp
from dlp.dialects.dlp.pool_places import MaxPoolPlacesOp
from dlp.dialects.dlp.scatter import ScatterOp
from dlp.dialects.dlp.sorting import ArgsortOp, SearchSortedOp, TopKOp
from dlp.dialects.dlp.structured import int_list

from .dtypes import Array
from .errors import InterpreterError

_COMBINE: Mapping[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logaddexp": np.logaddexp,
}


def scatter(op: ScatterOp, x: Array, index: Array, updates: Array) -> Array:
    result, d = x.copy(), op.dimension.value.data
    index = np.broadcast_to(index, updates.shape)
    if index.size and (index.min() < 0 or index.max() >= x.shape[d]):
        raise InterpreterError(
            f"{op.name}: writes at {index.min()} to {index.max()} of {x.shape[d]} elements"
        )
    others = np.ogrid[tuple(slice(n) for k, n in enumerate(updates.shape) if k != d)]
    for i in range(updates.shape[d]):
        place = (*others[:d], index.take(i, d), *others[d:])
        new = updates.take(i, d)
        result[place] = new if op.combine is None else _COMBINE[op.combine.data](result[place], new)
    return result


def cumulate(op: CumulateOp, x: Array) -> Array:
    wide = x.astype(np.float64) if x.dtype == np.float32 else x
    totals = _COMBINE[op.kind.data].accumulate(wide, axis=op.dimension.value.data)
    return totals.astype(x.dtype)


def argsort(op: ArgsortOp | TopKOp, x: Array) -> Array:
    axis = op.dimension.value.data
    if op.descending is None:
        return np.argsort(x, axis=axis, kind="stable").astype(np.int64)
    # Backwards twice: equal elements keep their order.
    backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return (x.shape[axis] - 1 - np.flip(backwards, axis)).astype(np.int64)


def top_k(op: TopKOp, x: Array) -> Array:
    return argsort(op, x).take(range(op.k.value.data), axis=op.dimension.value.data)


def search_sorted(op: SearchSortedOp, rows: Array, values: Array) -> Array:
    side = "left" if op.right is None else "right"
    result = np.empty(values.shape, np.int64)
    for place in np.ndindex(*rows.shape[:-1]):
        result[place] = np.searchsorted(rows[place], values[place], side)
    return result


def max_pool_places(op: MaxPoolPlacesOp, x: Array) -> Array:
    kernel, strides, dilations, low = (int_list(p) for p in (op.kernel, op.strides, op.dilations, op.low))
    plane = x.shape[2:]
    result = np.empty(op.shape, np.int64)
    for at in np.ndindex(*op.shape):
        best: tuple[Any, int] | None = None
        for window in product(*(range(n) for n in kernel)):
            place = [
                a * s + k * e - p
                for a, s, k, e, p in zip(at[2:], strides, window, dilations, low, strict=True)
            ]
            if all(0 <= i < n for i, n in zip(place, plane, strict=True)):
                value = x[(*at[:2], *place)]
                if best is None or value > best[0] or value != value:
                    best = value, int(np.ravel_multi_index(place, plane))
        if best is None:
            raise InterpreterError(
                f"{op.name}: the window at {at} holds nothing but what lies around the plane"
            )
        result[at] = best[1]
    return result


_ALGORITHMS: Mapping[type[AlgorithmOp], Callable[..., Array]] = {
    ScatterOp: scatter,
    CumulateOp: cumulate,
    ArgsortOp: argsort,
    TopKOp: top_k,
    SearchSortedOp: search_sorted,
    MaxPoolPlacesOp: max_pool_places,
}


def evaluate_algorithm(op: AlgorithmOp, ins: Sequence[Array]) -> Array:
    """The result of an algorithm of the dialect.

    Raises:
        InterpreterError: it is of another package.
    """
    algorithm = _ALGORITHMS.get(type(op))
    if algorithm is None:
        raise InterpreterError(f"the interpreter does not know the operation '{op.name}'")
    return algorithm(op, *ins)
