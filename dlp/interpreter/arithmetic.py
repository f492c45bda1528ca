"""arith, math and affine on scalars and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from xdsl.dialects import affine, arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, VectorType
from xdsl.ir import Attribute, Operation

from dlp.dialects.dlp.elementwise import scalar_value

from .body_builder import FUNCTIONS, divide, error_function, fused_multiply_add, power
from .dtypes import dtype_of
from .errors import InterpreterError
from .handlers import elementwise, handles
from .structured import evaluate_expression

if TYPE_CHECKING:
    from .interpreter import Frame


def _unsigned(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` on the same bits read as unsigned integers."""

    def run(*operands: Any) -> Any:
        dtype = operands[0].dtype
        if dtype == np.bool_:
            return function(*operands)
        result = function(*(o.view(f"u{o.dtype.itemsize}") for o in operands))
        return result if result.dtype == np.bool_ else result.view(dtype)

    return run


def _wrapping(function: Callable[..., Any], on_bool: Callable[..., Any]) -> Callable[..., Any]:
    """`function` on integers; on i1, where NumPy saturates, arithmetic modulo 2."""

    def run(a: Any, b: Any) -> Any:
        return on_bool(a, b) if a.dtype == np.bool_ else function(a, b)

    return run


_TABLE: dict[str, Callable[..., Any]] = {
    "arith.addf": np.add,
    "arith.subf": np.subtract,
    "arith.mulf": np.multiply,
    "arith.divf": np.divide,
    "arith.remf": np.fmod,
    "arith.negf": np.negative,
    "arith.maximumf": np.maximum,
    "arith.minimumf": np.minimum,
    "arith.maxnumf": np.fmax,
    "arith.minnumf": np.fmin,
    "arith.addi": _wrapping(np.add, np.bitwise_xor),
    "arith.subi": _wrapping(np.subtract, np.bitwise_xor),
    "arith.muli": _wrapping(np.multiply, np.bitwise_and),
    "arith.divsi": divide,
    "arith.divui": _unsigned(np.floor_divide),
    "arith.floordivsi": np.floor_divide,
    "arith.ceildivsi": lambda a, b: -np.floor_divide(-a, b),
    "arith.remsi": np.fmod,
    "arith.remui": _unsigned(np.fmod),
    "arith.maxsi": np.maximum,
    "arith.minsi": np.minimum,
    "arith.maxui": _unsigned(np.maximum),
    "arith.minui": _unsigned(np.minimum),
    "arith.andi": np.bitwise_and,
    "arith.ori": np.bitwise_or,
    "arith.xori": np.bitwise_xor,
    "arith.shli": np.left_shift,
    "arith.shrsi": np.right_shift,
    "arith.shrui": _unsigned(np.right_shift),
    "arith.select": np.where,
    "vector.fma": fused_multiply_add,
    "math.fma": fused_multiply_add,
    "math.absf": np.abs,
    "math.absi": np.abs,
    "math.ceil": np.ceil,
    "math.floor": np.floor,
    "math.trunc": np.trunc,
    "math.roundeven": np.rint,
    "math.exp": np.exp,
    "math.log": np.log,
    "math.sqrt": np.sqrt,
    "math.rsqrt": lambda a: a.dtype.type(1) / np.sqrt(a),
    "math.tanh": np.tanh,
    "math.sin": np.sin,
    "math.cos": np.cos,
    "math.erf": error_function,
    "math.powf": power,
    "math.ipowi": power,
    "math.fpowi": lambda a, b: np.power(a, b).astype(a.dtype),
}

for _name, _function in FUNCTIONS.items():
    elementwise(f"math.{_name}", _function)

for _name, _function in _TABLE.items():
    elementwise(_name, _function)

# By the numbers of the predicates' enums; "u" comparisons of floats are true when either operand is NaN.
_CMPI: Sequence[Callable[..., Any]] = (
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    _unsigned(np.less),
    _unsigned(np.less_equal),
    _unsigned(np.greater),
    _unsigned(np.greater_equal),
)
_ORDERED: Sequence[Callable[..., Any]] = (
    np.equal,
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    lambda a, b: (a < b) | (a > b),
)


def compare_floats(predicate: int, a: Any, b: Any) -> Any:
    """`arith.cmpf`: 0 false, 1-6 ordered, 7 ord, 8-13 unordered, 14 uno, 15 true."""
    nan = np.isnan(a) | np.isnan(b)
    if predicate in (0, 15):
        return np.full_like(nan, predicate == 15)
    if predicate in (7, 14):
        return nan if predicate == 14 else ~nan
    if predicate < 7:
        return _ORDERED[predicate - 1](a, b) & ~nan
    return _ORDERED[predicate - 8](a, b) | nan


@handles("arith.cmpi")
def _cmpi(frame: Frame, op: arith.CmpiOp, operands: Sequence[Any]) -> Sequence[Any]:
    return (_CMPI[op.predicate.value.data](*operands),)


@handles("arith.cmpf")
def _cmpf(frame: Frame, op: arith.CmpfOp, operands: Sequence[Any]) -> Sequence[Any]:
    return (compare_floats(op.predicate.value.data, *operands),)


@handles("arith.constant")
def _constant(frame: Frame, op: arith.ConstantOp, operands: Sequence[Any]) -> Sequence[Any]:
    of = op.result.type
    if isinstance(op.value, DenseIntOrFPElementsAttr):
        shaped = cast(VectorType[Attribute], of)
        values = np.array(op.value.get_values(), dtype_of(shaped.element_type))
        return (
            np.broadcast_to(values, shaped.get_shape())
            if values.size == 1
            else values.reshape(shaped.get_shape()),
        )
    return (dtype_of(of).type(scalar_value(op.value)),)


@handles(
    "arith.index_cast",
    "arith.index_castui",
    "arith.fptosi",
    "arith.fptoui",
    "arith.sitofp",
    "arith.uitofp",
    "arith.extf",
    "arith.truncf",
    "arith.trunci",
    "arith.extsi",
    "arith.extui",
)
def _convert(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    """A conversion. NumPy's bool reads as 0 and 1, so that the sign of a signed one is put back."""
    of = op.results[0].type
    dtype = dtype_of(of.element_type if isinstance(of, VectorType) else of)
    value = operands[0]
    if value.dtype == np.bool_ and op.name in ("arith.extsi", "arith.sitofp", "arith.index_cast"):
        return (-value.astype(dtype),)
    if op.name in ("arith.extui", "arith.uitofp", "arith.index_castui") and value.dtype != np.bool_:
        value = value.view(f"u{value.dtype.itemsize}")
    if op.name == "arith.trunci" and dtype == np.bool_:
        return (np.bitwise_and(value, 1).astype(np.bool_),)
    return (value.astype(dtype),)


@handles("arith.bitcast")
def _bitcast(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
    of = op.results[0].type
    return (operands[0].view(dtype_of(of.element_type if isinstance(of, VectorType) else of)),)


@handles("affine.apply", "affine.min", "affine.max")
def _affine(frame: Frame, op: affine.ApplyOp | affine.MinOp, operands: Sequence[Any]) -> Sequence[Any]:
    attribute = op.properties.get("map")
    if attribute is None:
        raise InterpreterError(f"{op.name}: has no map")
    affine_map = cast(Any, attribute).data
    dims, symbols = operands[: affine_map.num_dims], operands[affine_map.num_dims :]
    values = [evaluate_expression(e, dims, symbols) for e in affine_map.results]
    return (max(values) if op.name == "affine.max" else min(values),)
