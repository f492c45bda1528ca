"""How far two sets of results are apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlp.interpreter.dtypes import Array


def relative_error(actual: Array, expected: Array) -> float:
    """max|a - b| / max|b| over the finite elements of a floating-point array, with no absolute term.

    Infinite when shapes, dtypes, or the places and signs of NaN and Inf differ; of other dtypes every element counts.
    """
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return np.inf
    if expected.dtype.kind != "f":
        return 0.0 if np.array_equal(actual, expected) else np.inf
    finite = np.isfinite(expected)
    if not np.array_equal(
        np.where(finite, 0, expected), np.where(np.isfinite(actual), 0, actual), equal_nan=True
    ):
        return np.inf
    if not finite.any():
        return 0.0
    a, b = actual[finite].astype(np.float64), expected[finite].astype(np.float64)
    difference, scale = float(np.abs(a - b).max()), float(np.abs(b).max())
    return 0.0 if difference == 0 else difference / scale if scale else np.inf


def assert_same(
    actual: Sequence[Array], expected: Sequence[Array], *, rtol: float = 1e-5, what: str = "results"
) -> None:
    """Fail when there are not as many results, or one has a `relative_error` above `rtol`; the text says which."""
    assert len(actual) == len(expected), f"{what}: {len(actual)} instead of {len(expected)}"
    for k, (a, b) in enumerate(zip(actual, expected, strict=True)):
        error = relative_error(a, b)
        if not error <= rtol:
            raise AssertionError(f"{what} {k}: {_difference(a, b, error, rtol)}")


def _difference(a: Array, b: Array, error: float, rtol: float) -> str:
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype} of shape {a.shape} instead of {b.dtype} of shape {b.shape}"
    with np.errstate(all="ignore"):
        wrong = ~((a == b) | ((a != a) & (b != b)))
        if b.dtype.kind == "f" and np.isfinite(error):
            wrong = np.abs(a - b) > rtol * np.abs(b[np.isfinite(b)]).max()
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"relative error {error:.3g} is above {rtol:.3g}; {np.count_nonzero(wrong)} of {b.size} elements of shape "
        f"{b.shape} differ, first at {place}: {a[place]} instead of {b[place]}"
    )
