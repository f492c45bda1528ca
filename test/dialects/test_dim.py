"""Sizes that only a run knows: expressions that answer what holds for all sizes, and refuse the rest."""

import pytest

from dlp.dialects.dlp.dim import DimsAttr, Symbol, parse_dim, symbol, value_of
from dlp.errors import StaticShapeRequired

S, T = symbol("s0", 8), symbol("s1", 5)


def test_expressions_are_numbers_where_nothing_else_is_left():
    assert S - S == 0
    assert (S * 12 + 4) // 4 == S * 3 + 1
    assert (S * T * 6) // T == S * 6
    assert (S * 12) % 4 == 0
    assert isinstance(S - S, int)


@pytest.mark.parametrize("n", range(2, 40))
def test_quotients_round_down_as_numbers_do(n):
    for divisor in (1, 2, 3, 7):
        for offset in (-2, 0, 1, 5):
            size = (S * 3 + offset) // divisor
            assert value_of(size, {"s0": n}) == (3 * n + offset) // divisor
            rest = (S * 3 + offset) % divisor
            assert value_of(rest, {"s0": n}) == (3 * n + offset) % divisor


def test_questions_with_one_answer():
    assert S > 1
    assert S * T >= S
    assert S != 1
    assert S - 1 > 0
    assert symbol("s0", 8) == S
    assert S != T  # not known to be equal
    assert S != 768
    assert S // 2 != 1  # nor this
    assert (S + 3 - (S + 1)) // 2 == 1


@pytest.mark.parametrize(
    "question",
    [
        lambda: S > 2,
        lambda: S < T,
        lambda: S - 2 == 0,
        lambda: S // 4 == 1,  # it may be 0
        lambda: int(S),
        lambda: range(S),  # pyright: ignore[reportArgumentType]
        lambda: [0] * S,
        lambda: 1 / S,
        lambda: max(S, T),
        lambda: 768 // S,
        lambda: T * S // (S + 1),
    ],
)
def test_other_questions_need_known_sizes(question):
    with pytest.raises(StaticShapeRequired):
        question()


def test_quotients_by_sizes():
    assert (S * T + T - 1) // T == S
    assert (S * T - 1) // T == S - 1
    assert (S * T * 6) // (T * 2) == S * 3
    assert (S + T - 2 - S) // T == 0
    for other in (S * T + S, S * T + T * 2 - 1):
        with pytest.raises(StaticShapeRequired):
            (other - S * 3) // T


def test_quotients_of_what_is_negative_are_rounded_down():
    padded = -S % 8
    assert padded == (S + 7) // 8 * 8 - S
    assert (padded.least, padded.most) == (0, 7)
    for n in range(2, 40):
        assert value_of(-S // 3, {"s0": n}) == -n // 3
        assert value_of(padded, {"s0": n}) == -n % 8


def test_quotients_of_quotients_are_one():
    assert ((S + 1) // 2 + 1) // 2 == (S + 3) // 4
    assert ((S - 1) // 2 + 1 - 1) // 2 + 1 == (S + 3) // 4
    assert ((S + 1) // 2 * 3) // 2 != (S + 1) * 3 // 4  # not the same number for all
    for n in range(2, 60):
        assert value_of(((S * 3 + 2) // 5 + 7) // 3, {"s0": n}) == ((3 * n + 2) // 5 + 7) // 3


def test_bounds_of_quotients():
    """Of differences of quotients too, which are nearly fractions."""
    rest = (S + 3) // 4 * 4 - S  # 0, 1, 2 or 3
    assert (rest.least, rest.most) == (0, 3)
    assert not rest > 3
    assert not (S + 3) // 4 * 2 - (S + 1) // 2 > 1
    for n in range(2, 30):
        for size in (rest, (S * 5) // 3 - S, (S // 2) * (S // 3) - T, T - S // 7):
            value = value_of(size, {"s0": n, "s1": 3})
            assert size.least is None or size.least <= value
            assert size.most is None or value <= size.most


def test_what_is_asked_for_says_from_which_size_on_it_is_known():
    seen = symbol("s0", 64)
    for question, least in (
        (lambda: seen // 8 == 1, 16),
        (lambda: seen - 20 > 0, 24),
        (lambda: seen - 40 > 0, 48),
        (lambda: seen - 100 > 0, None),
        (lambda: int(seen), None),
    ):
        with pytest.raises(StaticShapeRequired) as raised:
            question()
        assert raised.value.least == ({} if least is None else {"s0": least})
    large = symbol("s0", 64, 16)
    assert large // 8 != 1
    assert large // 8 > 1


def test_text_and_attributes_are_read_back():
    for size in (S, S * 12 + 1, S * T - 4, (S * 3 + 1) // 2 * T, (S - 1) // 2 + 1):
        assert parse_dim(str(size), {"s0": Symbol("s0", 8), "s1": Symbol("s1", 5)}) == size
    large = symbol("s2", 64, 16)
    assert DimsAttr.of((large + 1,)).get_sizes() == (large + 1,)
    assert DimsAttr.of((large,)).get_symbols() == {"s2": Symbol("s2", 64, 16)}
    attribute = DimsAttr.of((S * 2, 3, T))
    assert attribute.get_sizes() == (S * 2, 3, T)
    assert attribute.get_strides() == (T * 3, T, 1)
    with pytest.raises(ValueError, match="no size over the symbols s0"):
        parse_dim("s0 + s9", {"s0": Symbol("s0", 8)})
