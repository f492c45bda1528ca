"""Minimal filtering is filtering: exactly, for every transform that there is."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from xdsl.dialects.builtin import f32

from dlp.dialects.dlp.toom_cook import LARGEST, Matrix, apply, matrices
from dlp.interpreter.body_builder import NumpyBodyBuilder

PAIRS = [(m, r) for m, r in product(range(1, LARGEST), range(1, LARGEST)) if 2 <= m + r - 1 <= LARGEST]


def _times(matrix: Matrix, values: list[Fraction]) -> list[Fraction]:
    return [sum((f * v for f, v in zip(row, values, strict=True)), Fraction(0)) for row in matrix]


@pytest.mark.parametrize(("tile", "window"), PAIRS)
def test_minimal_filtering_is_filtering(tile: int, window: int) -> None:
    data = [Fraction(7 * k * k - 3 * k + 1, k + 2) for k in range(tile + window - 1)]
    taps = [Fraction(5 * k - 3, 2 * k + 1) for k in range(window)]
    m = matrices(tile, window)
    products = [a * b for a, b in zip(_times(m.data, data), _times(m.filter, taps), strict=True)]
    expected = [sum(taps[k] * data[i + k] for k in range(window)) for i in range(tile)]
    assert _times(m.output, products) == expected


@pytest.mark.parametrize(("tile", "window"), PAIRS)
def test_application_is_the_product_with_the_matrix(tile: int, window: int) -> None:
    m = matrices(tile, window)
    for matrix in (m.data, m.filter, m.output):
        values = [np.float32(3 * k * k - 5 * k + 2) for k in range(len(matrix[0]))]
        found = apply(NumpyBodyBuilder([]), matrix, values, f32)
        expected = _times(matrix, [Fraction(float(v)) for v in values])
        assert np.allclose(found, [float(v) for v in expected], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("tile", "window"), [(0, 3), (4, 0), (1, 1), (LARGEST, 2)])
def test_what_there_are_no_points_for(tile: int, window: int) -> None:
    with pytest.raises(ValueError, match="no transform for"):
        matrices(tile, window)


def test_rounding_stays_near_that_of_a_plain_sum() -> None:
    """The points matter: with 0, 1, -1, 2, -2 the largest error is three times as large, and this fails."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((200, 6, 6, 64)).astype(np.float32)
    taps = (rng.standard_normal((3, 3, 64, 8)) / 24).astype(np.float32)
    expected = np.zeros((200, 4, 4, 8))
    for i, j in product(range(3), range(3)):
        expected += np.einsum(
            "tabc,co->tabo", data[:, i : i + 4, j : j + 4].astype(np.float64), taps[i, j].astype(np.float64)
        )
    d, g, a = (
        np.array([[float(v) for v in row] for row in matrix], np.float32)
        for matrix in (matrices(4, 3).data, matrices(4, 3).filter, matrices(4, 3).output)
    )
    v = np.einsum("ai,tibc->tabc", d, np.einsum("bj,tijc->tibc", d, data))
    u = np.einsum("ai,ibco->abco", g, np.einsum("bj,ijco->ibco", g, taps))
    m = np.einsum("tabc,abco->tabo", v, u)
    y = np.einsum("xa,tayo->txyo", a, np.einsum("yb,tabo->tayo", a, m))
    assert np.abs(y - expected).max() / np.abs(expected).max() < 3.5e-6
