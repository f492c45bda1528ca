"""The framework's symbolic sizes as the IR's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils._sympy.functions import (
    CeilToInt,
    FloorDiv,
    FloorToInt,
    IntTrueDiv,
    Max,
    Min,
    Mod,
    ModularIndexing,
    PythonMod,
    ToFloat,
    TruncToInt,
)

from dlp.dialects.dlp.dim import LEAST, Size, known_not_below, symbol
from dlp.errors import StaticShapeRequired


def size_of(value: int | torch.SymInt) -> Size:
    """A size of a fake tensor.

    Raises:
        StaticShapeRequired: it is no polynomial of symbols and their quotients.
    """
    if not isinstance(value, torch.SymInt):
        return int(value)
    return _size(value.node.expr, value.node.shape_env)


def has_symbols(value: object) -> bool:
    """Whether a graph input is a symbolic number, or a tensor with symbolic sizes."""
    sizes = value.shape if isinstance(value, torch.Tensor) else (value,)
    return any(isinstance(n, torch.SymInt) and bool(n.node.expr.free_symbols) for n in sizes)


def follows_from_sizes(value: torch.SymFloat) -> bool:
    """Whether the sizes of the inputs say what a number is."""
    known = value.node.shape_env.backed_var_to_val
    return all(symbol in known for symbol in value.node.expr.free_symbols)


def sizes_of(values: Iterable[int | torch.SymInt]) -> tuple[Any, ...]:
    """As `size_of`, for each of them; none may be 0 in some runs only.

    Raises:
        StaticShapeRequired: one may.
    """
    sizes = tuple(map(size_of, values))
    for n in sizes:
        bool(n)
    return sizes


def require_equal_sizes(graph: torch.fx.GraphModule) -> None:
    """Make guards of the equalities that operations need and the framework's fake tensors do not ask for.

    An attention's keys and values have the same rows; where they come from a cache, each brings a symbol of its own,
    and from here on both are one.
    """
    for node in graph.graph.nodes:
        if node.target is torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default:
            keys, values = (argument.meta["val"].shape for argument in node.args[1:3])
            for a, b in zip(keys[:-1], values[:-1], strict=True):
                bool(a == b)


def require_least(graph: torch.fx.GraphModule, least: Mapping[str, int]) -> bool:
    """Make guards of it that symbols are not less than that; False where it is known of all of them."""
    found: dict[str, torch.SymInt] = {}
    for node in graph.graph.nodes:
        value = node.meta.get("val")
        for n in value.shape if isinstance(value, torch.Tensor) else (value,):
            if isinstance(n, torch.SymInt) and n.node.expr.is_Symbol:
                found.setdefault(str(n.node.expr), n)
    new = False
    for name, number in least.items():
        n = found.get(name)
        if n is not None and n.node.shape_env.var_to_range[n.node.expr].lower < number:
            new = True
            bool(n >= number)
    return new


def _size(expression: Any, environment: ShapeEnv) -> Size:
    if expression.is_Integer:
        return int(expression)
    if expression.is_Symbol:
        least = environment.var_to_range[expression].lower
        if expression not in environment.backed_var_to_val or not least >= LEAST:
            raise StaticShapeRequired(f"the framework's symbol {expression}")
        return symbol(str(expression), int(environment.backed_var_to_val[expression]), int(least))
    if isinstance(expression, TruncToInt | FloorToInt | CeilToInt):
        return _rounded(expression, environment)
    parts = [_size(e, environment) for e in expression.args] if expression.args else []
    result: Any = None
    if expression.is_Add:
        result = sum(parts)
    elif expression.is_Mul:
        result = 1
        for part in parts:
            result = result * part
    elif expression.is_Pow and isinstance(parts[1], int) and parts[1] > 0:
        result = 1
        for _ in range(parts[1]):
            result = result * parts[0]
    elif isinstance(expression, FloorDiv):
        result = parts[0] // parts[1]
    elif isinstance(expression, Mod | PythonMod):
        result = parts[0] % parts[1]
    elif isinstance(expression, ModularIndexing):
        result = parts[0] // parts[1] % parts[2]
    elif isinstance(expression, Max | Min):
        result = reduce(_larger if isinstance(expression, Max) else _smaller, parts)
    if result is None:
        raise StaticShapeRequired(f"the framework's size {expression}")
    return result


def _larger(a: Any, b: Any) -> Any:
    """The larger size, where one is known never to be less than the other; else a question that raises."""
    return a if known_not_below(a, b) else b if known_not_below(b, a) else max(a, b)


def _smaller(a: Any, b: Any) -> Any:
    """As `_larger`."""
    return b if known_not_below(a, b) else a if known_not_below(b, a) else min(a, b)


_LARGEST_DENOMINATOR = 1000
_ROUNDED_AWAY = Fraction(1, 2**54)


def _rounded(expression: Any, environment: ShapeEnv) -> Size:
    """A size times a number of double precision, rounded down or up to an integer: `s * 1.5` is `s * 3 // 2`.

    The number must be so near a fraction p / q that where `s * p / q` is an integer the product rounds to it; elsewhere
    it is at least 1 / q away from any.
    """
    size: Any = 1
    factor, inexact = Fraction(1), 0
    (product,) = expression.args
    for part in product.args if product.is_Mul else (product,):
        if part.is_Float:
            factor, inexact = factor * Fraction(float(part)), inexact + 1
        elif isinstance(part, IntTrueDiv) and part.args[1].is_Integer:
            dividend, divisor = part.args
            size, inexact = size * _size(dividend, environment), inexact + 1
            factor /= Fraction(str(divisor))
        else:
            size = size * _size(part.args[0] if isinstance(part, ToFloat) else part, environment)
    near = factor.limit_denominator(_LARGEST_DENOMINATOR)
    if inexact > 1 or near <= 0 or abs(factor / near - 1) >= _ROUNDED_AWAY or not size >= 0:
        raise StaticShapeRequired(f"the framework's size {expression}")
    up = near.denominator - 1 if isinstance(expression, CeilToInt) else 0
    return (size * near.numerator + up) // near.denominator
