"""Targets: their files, the choice of the host's, and what a wrong description says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlp.targets.target
from dlp.errors import TargetError
from dlp.targets import RegisterTile, check_runs_here, emulated, host, load, names

AVX2 = {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"}
AVX512 = AVX2 | {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}
FILE = Path(dlp.targets.target.__file__).with_name("avx2.toml")

Pretend = Callable[[set[str]], None]


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Pretend to run on a CPU with these features."""
    monkeypatch.delenv("DLP_TARGET", raising=False)

    def pretend(features: set[str]) -> None:
        monkeypatch.setattr("dlp.targets.machine._cpu_features", lambda: frozenset(features))

    return pretend


def test_lanes_of_the_targets() -> None:
    assert {name: load(name).vector_lanes for name in names()} == {
        "avx512": 16,
        "avx2": 8,
        "scalar": 1,
        "ve": 256,
    }


@pytest.mark.parametrize("name", names())
def test_register_tiles_leave_nothing_to_spill(name: str) -> None:
    target = load(name)
    for tile in (target.register_tile, *target.register_tile_alternatives):
        assert target.tile_fits(tile), tile
    assert not target.tile_fits(RegisterTile(target.vector_registers, 1))


@pytest.mark.parametrize("name", names())
@given(extent=st.integers(0, 3000))
def test_vector_cuts_cover_every_extent_exactly(name: str, extent: int) -> None:
    target = load(name)
    cuts = target.vector_cuts(extent)
    assert sum(cuts) == extent
    assert all(0 < lanes <= target.vector_lanes for lanes in cuts)


def test_tails_are_narrow_vectors_or_any_length() -> None:
    assert load("avx512").vector_cuts(39) == [16, 16, 4, 2, 1]
    assert load("ve").vector_cuts(600) == [256, 256, 88]


def test_lanes_of_other_elements() -> None:
    assert load("avx512").lanes("f64") == 8
    assert load("avx512").lanes("i8") == 64
    assert load("scalar").lanes("f64") == 1


@pytest.mark.parametrize(
    ("features", "name"),
    [(AVX512, "avx512"), (AVX512 - {"avx512vl"}, "avx2"), (AVX2 - {"fma"}, "scalar"), (set(), "scalar")],
)
def test_host_is_the_best_that_runs(cpu: Pretend, features: set[str], name: str) -> None:
    cpu(features)
    assert host().name == name


def test_host_compiles_for_a_level_and_not_for_one_cpu(cpu: Pretend) -> None:
    cpu(AVX512)
    flags = host().flags("gcc")
    assert "-march=x86-64-v4" in flags
    assert "-march=native" not in flags


def test_environment_chooses_the_target(cpu: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu(AVX512)
    monkeypatch.setenv("DLP_TARGET", "scalar")
    assert host().name == "scalar"


def test_environment_cannot_choose_what_would_trap(cpu: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu(AVX2)
    monkeypatch.setenv("DLP_TARGET", "avx512")
    with pytest.raises(TargetError, match=r"avx512f.*best target that runs here is avx2"):
        host()


def test_ve_never_runs_here() -> None:
    with pytest.raises(TargetError, match="ve"):
        check_runs_here(load("ve"))


def test_emulated_keeps_the_shape_and_takes_the_compiler_of_the_host(cpu: Pretend) -> None:
    cpu(AVX2)
    wide, here = load("avx512"), load("avx2")
    target = emulated(wide)
    check_runs_here(target)
    assert (target.vector_lanes, target.register_tile) == (wide.vector_lanes, wide.register_tile)
    assert set(here.flags("gcc")) <= set(target.flags("gcc"))
    assert emulated(here) is here
    assert emulated(load("ve")).vector_cuts(300) == [256, 32, 8, 4]


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(TargetError, match="unknown target 'avx51': did you mean avx512"):
        load("avx51")


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        FILE.read_text().replace('name = "avx2"', 'name = "mine"').replace("rows = 6", "rows = 5")
    )
    assert load(path).register_tile == RegisterTile(5, 2)
    assert load(path).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("l1_bytes = 32768", "", "l1_bytes is missing"),
        ("l1_bytes = 32768", 'l1_bytes = "32K"', "l1_bytes must be of type int, not '32K'"),
        (
            "l1_bytes = 32768",
            "l1_byte = 32768",
            "unknown key 'l1_byte' in .machine., did you mean 'l1_bytes'",
        ),
        ('"channels_last"', '"nhwc"', "layout is 'nhwc', not one of channels_last"),
        ("[machine]", "[machine", "mine.toml: "),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(TargetError, match=message):
        load(path)


def test_a_missing_file() -> None:
    with pytest.raises(TargetError, match=r"cannot read the target .*nowhere.toml"):
        load("nowhere.toml")


def test_flags_of_a_compiler_that_does_not_fit() -> None:
    with pytest.raises(TargetError, match="compiled by clang, not by gcc"):
        load("ve").flags("gcc")


def test_c_spelling() -> None:
    target = load("avx2")
    assert target.c_vector_type("f32", 8) == "f32x8"
    assert target.c_typedefs("i8", 32)[0] == "typedef int8_t i8x32 __attribute__((vector_size(32)));"
    assert target.c_load("f32", 4, "x + 1") == "*(const f32x4_u *)(x + 1)"
    assert target.c_store("f32", 4, "y", "t") == "*(f32x4_u *)(y) = t"


def test_keys_tell_targets_apart() -> None:
    assert len({load(name).key() for name in names()}) == len(names())
