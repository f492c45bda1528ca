"""The block of a contraction that is kept in registers, chosen from the target's description alone."""

from __future__ import annotations

import pytest

from dlp import targets
from dlp.cost.register_tile import choose_register_tile, step_cycles
from dlp.targets import RegisterTile


@pytest.mark.parametrize(
    ("target", "m", "n", "expected"),
    [
        ("avx2", 3136, 64, (6, 2)),
        ("avx2", 7, 512, (4, 3)),  # 7 rows are cut into 4 and 3: three vectors keep the multipliers busy
        ("avx512", 3136, 64, (14, 2)),
        ("avx512", 7, 512, (7, 2)),  # 7 x 4 would spill, 7 x 3 leaves part of a panel
        ("avx512", 1, 64, (1, 4)),
    ],
)
def test_tile_for_the_shape(target: str, m: int, n: int, expected: tuple[int, int]) -> None:
    assert choose_register_tile(targets.load(target), m, n) == RegisterTile(*expected)


@pytest.mark.parametrize("target", targets.names())
@pytest.mark.parametrize("m", [1, 2, 7, 14, 49, 3136])
@pytest.mark.parametrize("n", [1, 10, 64, 1000])
def test_tile_fits_and_is_not_beaten_by_the_default(target: str, m: int, n: int) -> None:
    machine = targets.load(target)
    tile = choose_register_tile(machine, m, n)
    assert machine.tile_fits(tile)
    width = -(-n // machine.vector_lanes)
    assert tile.rows <= m and tile.vectors <= width
    if machine.register_tile.rows <= m and machine.register_tile.vectors <= width:
        assert step_cycles(machine, tile, m, width) <= step_cycles(machine, machine.register_tile, m, width)


@pytest.mark.parametrize(
    ("target", "lines", "m", "n", "expected"),
    [
        ("avx512", 7, 7, 512, (7, 2, 2)),  # two lines of 7 pixels
        ("avx512", 56, 56, 64, (14, 2, 1)),  # four tiles a line, no pixel left
        ("avx512", 35, 35, 64, (7, 2, 2)),
        ("avx2", 112, 112, 64, (6, 2, 1)),
    ],
)
def test_lines(target: str, lines: int, m: int, n: int, expected: tuple[int, int, int]) -> None:
    assert choose_register_tile(targets.load(target), m, n, lines=lines) == RegisterTile(*expected)


def test_wider_elements_have_fewer_lanes() -> None:
    machine = targets.load("avx2")
    # 8 doubles are two vectors, 8 floats one.
    assert choose_register_tile(machine, 60, 8, "f64").vectors == 2
    assert choose_register_tile(machine, 60, 8, "f32").vectors == 1
