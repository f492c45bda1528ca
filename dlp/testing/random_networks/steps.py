"""The table of steps: functions that add a few nodes to a network, filled by the decorator `step`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .builder import Builder, Value

Step = Callable[[Builder, Value], Any]
"""Continues a network from one of its values; a result is ignored. Raises `Rejected` where that cannot be."""

STEPS: list[tuple[Step, Callable[[Value], bool], float]] = []
"""Steps, when they apply, and how likely they are beside each other."""


def step(when: Callable[[Value], bool], likely: float = 1.0) -> Callable[[Step], Step]:
    """Register a step.

    Args:
        when: on which values it can be taken.
        likely: how often it is chosen, relative to others.
    """

    def register(function: Step) -> Step:
        STEPS.append((function, when, likely))
        return function

    return register


def anything(_x: Value) -> bool:
    return True


def floats(x: Value) -> bool:
    return x.is_float


def floats_of_rank(*ranks: int) -> Callable[[Value], bool]:
    """Floats of one of these ranks."""
    return lambda x: x.is_float and x.rank in ranks


def not_scalar(x: Value) -> bool:
    return x.rank > 0
