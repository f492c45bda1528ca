"""Steps that compute element by element: on floats, integers and bools, with values, weights and numbers."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .builder import Builder, Rejected, Value
from .steps import anything, floats, step

# Functions that take any float and keep its size.
TAME = [torch.relu, torch.tanh, torch.sigmoid, torch.abs, torch.neg, torch.sin, torch.cos, torch.erf, F.relu6]
TAME += [F.gelu, F.silu, F.elu, F.leaky_relu, F.hardswish, F.hardsigmoid, F.softplus, F.mish, F.softsign]
TAME += [
    F.celu,
    F.selu,
    F.hardtanh,
    F.softshrink,
    F.tanhshrink,
    F.logsigmoid,
    torch.atan,
    torch.asinh,
    torch.erfc,
]
TAME += [torch.sinc, torch.nan_to_num]

# Functions that need tamed arguments, with what tames them.
WILD = (
    (torch.tanh, torch.exp),
    (torch.tanh, torch.exp2),
    (torch.tanh, torch.expm1),
    (torch.abs, torch.log1p),
    (torch.abs, torch.sqrt),
    (torch.sigmoid, torch.rsqrt),
    (torch.sigmoid, torch.log),
    (torch.exp, torch.reciprocal),
    (torch.tanh, torch.square),
    (torch.tanh, torch.asin),
    (torch.tanh, torch.acos),
    (torch.tanh, torch.sinh),
    (torch.tanh, torch.cosh),
    (torch.tanh, torch.tan),
    (torch.sin, torch.erfinv),
    (torch.sin, torch.atanh),
    (torch.sigmoid, torch.logit),
    (torch.exp, torch.acosh),
)

STEPPED = (torch.floor, torch.ceil, torch.round, torch.trunc, torch.sign)

BINARY = (torch.add, torch.add, torch.add, torch.sub, torch.sub, torch.mul, torch.mul, torch.mul)
BINARY += (torch.maximum, torch.minimum, torch.maximum, torch.minimum)
BINARY += (torch.fmax, torch.fmin, torch.atan2, torch.hypot, torch.logaddexp, torch.copysign)

COMPARISONS = (torch.gt, torch.lt, torch.ge, torch.le, torch.ne, torch.eq)


@step(floats, 4)
def unary(b: Builder, x: Value) -> None:
    b.call(b.random.choice(TAME), x)


@step(floats, 1.5)
def tamed(b: Builder, x: Value) -> None:
    tame, function = b.random.choice(WILD)
    b.call(function, b.quiet(tame, x))


@step(floats, 0.5)
def stepped(b: Builder, x: Value) -> None:
    b.call(b.random.choice(STEPPED), x)


@step(floats, 0.7)
def clamp(b: Builder, x: Value) -> None:
    low, high = b.random.choice([(-0.5, 0.5), (0.0, 6.0), (None, 0.25), (-1.0, None), (-0.1, 1.5)])
    b.call(torch.clamp, x, low, high)


@step(floats, 5)
def binary(b: Builder, x: Value) -> None:
    y = partner(b, x)
    operands = [x, y] if b.chance(0.5) else [y, x]
    if b.chance(0.15):
        b.call(torch.div, x, b.quiet(torch.add, b.quiet(torch.abs, y), 1.0))
    else:
        function = b.random.choice(BINARY)
        if function is torch.copysign:  # of a NaN's sign nobody says what it is
            operands[1] = b.quiet(torch.nan_to_num, operands[1])
        b.call(function, *operands)


@step(floats, 0.8)
def of_three(b: Builder, x: Value) -> None:
    """With two other values, or one and a number."""
    y, z = partner(b, x), partner(b, x)
    if not _broadcast(y, z):
        raise Rejected
    kind = b.random.randrange(4)
    if kind == 0:
        b.call(torch.lerp, x, y, b.random.choice([0.25, 0.75]))
    elif kind == 1:
        b.call(torch.addcmul, x, y, z, value=b.random.choice([1, -0.5]))
    elif kind == 2:
        b.call(torch.addcdiv, x, y, b.quiet(torch.exp, b.quiet(torch.tanh, z)), value=0.5)
    else:
        b.call(torch.clamp, x, b.quiet(torch.minimum, y, z), b.quiet(torch.maximum, y, z))


@step(lambda x: x.is_float and x.rank > 1, 0.5)
def gate(b: Builder, x: Value) -> None:
    """One half of the channels or of each row gates the other; or channels have slopes of their own."""
    dim = b.random.choice([1, -1])
    if x.shape[dim] % 2 == 0 and b.chance(0.6):
        b.call(F.glu, x, dim)
    else:
        b.call(F.prelu, x, b.weight(x.shape[1]))


@step(floats)
def with_number(b: Builder, x: Value) -> None:
    number = b.random.choice([0.0, 1.0, -1.0, 2, 0.3, 3])
    kind = b.random.randrange(5)
    if kind == 0:
        b.call(torch.pow, x, b.random.choice([2, 3, 2.0]))
    elif kind == 1:
        b.call(torch.div, x, b.random.choice([2, 3.0, -0.7]))
    elif kind == 2:
        b.call(torch.add, x, x, alpha=b.random.choice([2, -0.5]))
    else:
        b.call(b.random.choice([torch.add, torch.sub, torch.mul]), x, number)


@step(floats, 0.4)
def remainder(b: Builder, x: Value) -> None:
    b.call(b.random.choice([torch.remainder, torch.fmod]), x, b.random.choice([0.7, -1.5, 2.0]))


@step(floats, 2)
def compare(b: Builder, x: Value) -> None:
    y = partner(b, x) if b.chance(0.5) else b.random.choice([0.1, 0.5, -0.25])
    b.call(b.random.choice(COMPARISONS), x, y)


@step(floats, 0.2)
def classify(b: Builder, x: Value) -> None:
    b.call(b.random.choice([torch.isnan, torch.isinf, torch.isfinite]), x)


@step(lambda x: x.is_bool, 5)
def logic(b: Builder, x: Value) -> None:
    """Bools with bools, as masks, as numbers."""
    kind = b.random.randrange(4)
    if kind == 0:
        others = [v for v in b.values if v.is_bool and _broadcast(v, x)]
        function = b.random.choice(
            [torch.logical_and, torch.logical_or, torch.logical_xor, torch.bitwise_and]
        )
        b.call(function, x, b.random.choice(others))
    elif kind == 1:
        b.call(torch.logical_not, x)
    elif kind == 2:
        b.call(torch.Tensor.to, x, b.random.choice([torch.float32, torch.int64, torch.int32]))
    else:
        b.call(b.random.choice([torch.any, torch.all]), x, b.random.randrange(x.rank)) if x.rank else None


@step(anything, 2)
def select(b: Builder, x: Value) -> None:
    masks = [v for v in b.values if v.is_bool and _broadcast(v, x)]
    if not masks:
        raise Rejected
    mask = b.random.choice(masks[-3:])
    if x.is_float and b.chance(0.5):
        other = partner(b, x)
        if not _broadcast(mask, other):
            raise Rejected
        b.call(torch.where, mask, x, other)
    elif x.is_float:
        b.call(torch.masked_fill, x, mask, b.random.choice([0.0, -1.0, 2.0]))
    else:
        b.call(torch.masked_fill, x, mask, 1)


@step(lambda x: not x.is_float and not x.is_bool, 5)
def integers(b: Builder, x: Value) -> None:
    kind = b.random.randrange(9)
    same = [v for v in b.values if v.tensor.dtype == x.tensor.dtype and _broadcast(v, x)]
    if kind == 0:
        b.call(b.random.choice([torch.add, torch.sub, torch.mul, torch.maximum]), x, b.random.choice(same))
    elif kind == 1:
        b.call(torch.remainder, x, b.random.choice([2, 3, 7, -5]))
    elif kind == 2:
        mode = b.random.choice(["floor", "trunc"])
        b.call(torch.div, x, b.random.choice([2, 3, -4]), rounding_mode=mode)
    elif kind == 3:
        b.call(b.random.choice([torch.bitwise_and, torch.bitwise_or, torch.bitwise_xor]), x, 5)
    elif kind == 4:
        b.call(b.random.choice(COMPARISONS), x, b.random.choice([0, 1, 3]))
    elif kind == 5:
        b.call(torch.bitwise_left_shift, b.quiet(torch.bitwise_and, x, 63), b.random.choice([1, 2]))
    elif kind == 6:
        divisor = b.quiet(torch.add, b.quiet(torch.remainder, b.random.choice(same), 5), 1)
        b.call(b.random.choice([torch.remainder, torch.floor_divide, torch.fmod]), x, divisor)
    elif kind == 7:
        other = b.random.choice([v for v in b.values if _broadcast(v, x)])
        b.call(b.random.choice([torch.add, torch.mul]), x, other)  # of another type, perhaps
    else:
        b.call(torch.Tensor.to, b.quiet(torch.clamp, x, -9, 9), torch.float32)


@step(floats, 0.5)
def to_integers(b: Builder, x: Value) -> None:
    scaled = b.quiet(torch.clamp, b.quiet(torch.mul, x, 3.0), -50.0, 50.0)
    b.call(torch.Tensor.to, scaled, b.random.choice([torch.int64, torch.int32]))


def partner(b: Builder, x: Value) -> Value:
    """Floats that broadcast with `x`: another value, or a weight."""
    fitting = [v for v in b.values if v.is_float and _broadcast(v, x)]
    if b.chance(0.6):
        return b.random.choice(fitting)
    trailing = x.shape[b.random.randrange(x.rank + 1) :]
    return b.weight(*(n if b.chance(0.7) else 1 for n in trailing))


def _broadcast(a: Value, b: Value) -> bool:
    pairs = zip(reversed(a.shape), reversed(b.shape), strict=False)
    return all(m == n or 1 in (m, n) for m, n in pairs)
