"""Expressions on scalars and vectors: constants, comparisons, selection, lanes, reductions."""

from __future__ import annotations

from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    VectorType,
)
from xdsl.ir import Operation, SSAValue

from dlp.codegen import indexing
from dlp.codegen.c_types import BYTES, SCALARS, element, lane_element, lanes, power_of_two
from dlp.codegen.function import FunctionPrinter, Splat, is_mask, mask_width, parenthesised
from dlp.codegen.linear import Linear
from dlp.codegen.literals import float_literal, integer_literal
from dlp.codegen.reductions import REDUCTIONS, combine
from dlp.codegen.spelling import COMPARE_FLOATS, COMPARE_INTEGERS, EXPRESSIONS, WITHOUT_OVERFLOW
from dlp.errors import CodegenError

_GREATER, _LESS = 2, 4
"""Predicates of arith.cmpf, ordered."""
LARGEST_CONSTANT = 64
"""Lanes of a constant vector whose lanes differ."""


def constant(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, arith.ConstantOp)
    type_ = op.result.type
    if isinstance(op.value, IntegerAttr | FloatAttr):
        if isinstance(type_, IndexType):
            printer.bind(op.result, Linear(int(op.value.value.data)))
        else:
            printer.bind(op.result, literal(op.value.value.data, element(type_)))
        return
    if not isinstance(op.value, DenseIntOrFPElementsAttr) or not isinstance(type_, VectorType):
        raise CodegenError(f"the C printer writes numbers and vectors as constants, not {type_}")
    name = lane_element(element(type_))
    values = list(op.value.iter_values())
    if len(set(map(repr, values))) == 1:
        number = values[0]
        assert isinstance(number, int | float)
        text = literal(number, name)
        printer.bind(op.result, text if lanes(type_) == 1 else Splat(text, number))
        return
    if len(values) > LARGEST_CONSTANT:
        raise CodegenError(f"a constant of {len(values)} lanes is data, not text: {type_}")
    numbers = [literal(value, name) for value in values if isinstance(value, int | float)]
    if name == "i1":
        numbers = ["-1" if text == "1" else "0" for text in numbers]
    printer.define(op.result, f"({printer.type(op.result)}){{{', '.join(numbers)}}}", "lanes")


def literal(value: float | int, name: str) -> str:
    return float_literal(float(value), name) if name[0] == "f" else integer_literal(int(value), name)


def expression(printer: FunctionPrinter, op: Operation) -> None:
    """Whatever the table `EXPRESSIONS` spells."""
    result = op.results[0]
    if isinstance(result.type, IndexType) and indexing.arithmetic(printer, op):
        return
    spelling = EXPRESSIONS[op.name]
    if isinstance(op, arith.AddiOp | arith.SubiOp | arith.MuliOp):
        flags = op.overflow_flags
        if flags is not None and "nsw" in {flag.value for flag in flags.data}:
            spelling = WITHOUT_OVERFLOW[op.name]
    printer.define(result, printer.expression(op, spelling))


def logic(printer: FunctionPrinter, op: Operation) -> None:
    """arith.andi, ori, xori; on masks they need equal widths."""
    result = op.results[0]
    if lanes(result.type) == 1 or element(result.type) != "i1":
        expression(printer, op)
        return
    bits = next((printer.mask_bits(v) for v in op.operands if printer.splat(v) is None), 32)
    printer.set_mask_bits(result, bits)
    symbol = {"arith.andi": "&", "arith.ori": "|", "arith.xori": "^"}[op.name]
    a, b = (printer.mask(value, bits) for value in op.operands)
    printer.define(result, f"{a} {symbol} {b}", "mask")


def compare_floats(printer: FunctionPrinter, op: Operation) -> None:
    """arith.cmpf, with its ordered and unordered predicates."""
    template = COMPARE_FLOATS[_predicate(op)]
    if template is None:
        _bind_truth(printer, op.results[0], truth=_predicate(op) != 0)
        return
    uses = [use.operation for use in op.results[0].uses]
    if all(use.name == "arith.select" and _as_extremum(printer, use) is not None for use in uses):
        return
    _compare(printer, op, template, _comparable(printer, op))


def compare_integers(printer: FunctionPrinter, op: Operation) -> None:
    """arith.cmpi"""
    number = _predicate(op)
    operands = _comparable(printer, op)
    if number >= 6:
        lane = printer.lane(op.operands[0])
        unsigned = "unsigned long" if lane == "index" else None
        if unsigned is None and lane != "i1":
            unsigned = printer.prelude.type(f"u{lane[1:]}", lanes(op.operands[0].type))
            if not is_mask(op.operands[0]):
                operands = [printer.operand(value) for value in op.operands]
        operands = [f"({unsigned}){text}" if unsigned else text for text in operands]
    _compare(printer, op, f"{{0}} {COMPARE_INTEGERS[number]} {{1}}", operands)


def select(printer: FunctionPrinter, op: Operation) -> None:
    """arith.select: by bits where the condition is a mask."""
    condition, a, b = op.operands
    result = op.results[0]
    text = _as_extremum(printer, op)
    if text is not None:
        printer.define(result, text)
        return
    if lanes(condition.type) == 1:
        if element(result.type) == "i1" and lanes(result.type) > 1:
            printer.set_mask_bits(result, printer.mask_bits(a))
            operands = [printer.mask(value, printer.mask_bits(a)) for value in (a, b)]
        else:
            operands = [printer.text(value) for value in (a, b)]
        printer.define(result, f"{printer.operand(condition)} ? {operands[0]} : {operands[1]}")
        return
    count = lanes(result.type)
    if element(result.type) == "i1":
        bits = printer.mask_bits(condition)
        printer.set_mask_bits(result, bits)
        name, operands = f"i{bits}", [printer.mask(value, bits) for value in (a, b)]
    else:
        name = printer.lane(result)
        operands = [printer.text(value) for value in (a, b)]
    helper = printer.prelude.helper("select", name, count)
    mask = printer.mask(condition, 8 * BYTES[name])
    printer.define(result, f"{helper}({mask}, {operands[0]}, {operands[1]})")


def _as_extremum(printer: FunctionPrinter, op: Operation) -> str | None:
    """C of the selection between what its condition compares, if the target has an instruction for it."""
    condition, a, b = op.operands
    compare = condition.owner
    if not isinstance(compare, Operation) or compare.name != "arith.cmpf":
        return None
    if _predicate(compare) not in (_GREATER, _LESS):
        return None
    greater = _predicate(compare) == _GREATER
    if tuple(compare.operands) == (b, a):  # a < b ? b : a is b > a ? b : a
        greater = not greater
    elif tuple(compare.operands) != (a, b):
        return None
    return printer.prelude.extremum(
        printer.lane(a), lanes(a.type), printer.text(a), printer.text(b), greater=greater
    )


def extremum(printer: FunctionPrinter, op: Operation) -> None:
    """arith.maximumf, minimumf; cheaper where one operand is constant, as in ReLU."""
    result = op.results[0]
    a, b = op.operands
    lower = op.name == "arith.maximumf"
    for value, bound in ((a, b), (b, a)):
        splat = printer.splat(bound)
        number = splat.constant if splat is not None else None
        if splat is None or number is None or number != number or printer.splat(value) is not None:
            continue
        if number == 0 and (str(float(number)) == "-0.0") == lower:
            continue
        # NaN has to stay, and of zeros the sign is the bound's.
        text = number != 0 and printer.prelude.extremum(
            printer.lane(result), lanes(result.type), printer.text(bound), printer.text(value), greater=lower
        )
        if text:
            printer.define(result, text)
            return
        helper = "at_least" if lower else "at_most"
        name = printer.prelude.helper(helper, element(result.type), lanes(result.type))
        printer.define(result, f"{name}({printer.text(value)}, {splat.scalar})")
        return
    expression(printer, op)


def cast(printer: FunctionPrinter, op: Operation) -> None:
    """Casts; those from masks first widen to the lanes of the result."""
    source, result = op.operands[0], op.results[0]
    count = lanes(result.type)
    if count == 1 and element(source.type) == "i1" and op.name in ("arith.extsi", "arith.sitofp"):
        printer.define(result, f"{printer.operand(source)} ? -1 : 0")
        return
    if count == 1 or element(source.type) != "i1":
        expression(printer, op)
        return
    name = printer.lane(result)
    mask = printer.mask(source, 8 * BYTES[name])
    if op.name in ("arith.extui", "arith.uitofp"):
        mask = f"({mask} & 1)"
    if name[0] == "f":
        mask = f"__builtin_convertvector({mask}, {printer.type(result)})"
    printer.define(result, mask)


def truncate_integer(printer: FunctionPrinter, op: Operation) -> None:
    """arith.trunci; to i1 it is the lowest bit."""
    source, result = op.operands[0], op.results[0]
    if element(result.type) != "i1":
        expression(printer, op)
    elif lanes(result.type) == 1:
        printer.define(result, f"({printer.operand(source)} & 1) != 0")
    else:
        printer.set_mask_bits(result, mask_width(printer.lane(source)))
        printer.define(result, f"({printer.type(result)})(({printer.operand(source)} & 1) != 0)", "mask")


def bitcast(printer: FunctionPrinter, op: Operation) -> None:
    """arith.bitcast: a cast of vectors, a copy of bytes for scalars."""
    source, result = op.operands[0], op.results[0]
    if lanes(result.type) > 1:
        expression(printer, op)
        return
    before, after = element(source.type), element(result.type)
    if (before[0] == "f") == (after[0] == "f"):
        printer.bind(result, printer.text(source))
    elif before[0] == "f":
        printer.define(result, f"{printer.prelude.helper('bits', before, 1)}({printer.text(source)})", "bits")
    else:
        printer.define(result, f"{printer.prelude.helper('from_bits', after, 1)}({printer.text(source)})")


def index_cast(printer: FunctionPrinter, op: Operation) -> None:
    """arith.index_cast between index and integers."""
    source, result = op.operands[0], op.results[0]
    if isinstance(result.type, IndexType):
        printer.bind(result, Linear.atom(printer.text(source)))
    elif lanes(result.type) > 1:
        printer.define(result, f"__builtin_convertvector({printer.text(source)}, {printer.type(result)})")
    else:
        printer.define(result, f"({SCALARS[element(result.type)]}){printer.operand(source)}", "n")


def broadcast(printer: FunctionPrinter, op: Operation) -> None:
    """vector.broadcast: stays a scalar until C needs a vector."""
    assert isinstance(op, vector.BroadcastOp)
    if lanes(op.source.type) == lanes(op.vector.type):
        printer.bind(op.vector, printer.text(op.source))
    elif lanes(op.source.type) == 1:
        printer.bind(op.vector, Splat(printer.text(op.source)))
    else:
        raise CodegenError(f"the C printer broadcasts scalars, not {op.source.type}")


def fma(printer: FunctionPrinter, op: Operation) -> None:
    """vector.fma, math.fma: `c += a * b`, which compilers contract."""
    result = op.results[0]
    texts = [_scalar_or_vector(printer, value) for value in op.operands]
    if lanes(result.type) > 1 and all(printer.splat(value) is not None for value in op.operands):
        texts[2] = printer.text(op.operands[2])
    a, b, c = map(parenthesised, texts)
    text = printer.prelude.target.c.fma.format(a=a, b=b, c=c, lanes=lanes(result.type))
    printer.define(result, text, "acc")


def reduction(printer: FunctionPrinter, op: Operation) -> None:
    """vector.reduction, with an accumulator or without."""
    assert isinstance(op, vector.ReductionOp)
    kind, name, count = str(op.kind.data), element(op.vector.type), lanes(op.vector.type)
    if kind not in REDUCTIONS:
        raise CodegenError(f"the C printer has no spelling for '{op.name}' of kind {kind}")
    if name == "i1":
        bits = printer.mask_bits(op.vector)
        helper = printer.prelude.helper(f"reduce_{kind}", f"i{bits}", count)
        printer.define(op.dest, f"{helper}({printer.mask(op.vector, bits)}) != 0")
        return
    name = lane_element(name)
    text = printer.text(op.vector)
    if count > 1:
        text = f"{printer.prelude.helper(f'reduce_{kind}', name, count)}({text})"
    if op.acc is not None:
        text = combine(printer.prelude, kind, name, 1, printer.operand(op.acc), text)
    printer.define(op.dest, text, "total")


def extract(printer: FunctionPrinter, op: Operation) -> None:
    """vector.extract of one lane."""
    assert isinstance(op, vector.ExtractOp)
    if lanes(op.vector.type) == 1:
        printer.bind(op.result, printer.text(op.vector))
        return
    text = f"{printer.text(op.vector)}[{_position(printer, op.static_position.get_values(), op.dynamic_position)}]"
    printer.define(op.result, f"{text} != 0" if element(op.result.type) == "i1" else text)


def insert(printer: FunctionPrinter, op: Operation) -> None:
    """vector.insert of one lane."""
    assert isinstance(op, vector.InsertOp)
    if lanes(op.result.type) == 1:
        printer.bind(op.result, printer.text(op.source))
        return
    if element(op.result.type) == "i1":
        raise CodegenError(f"the C printer has no spelling for '{op.name}' on masks")
    helper = printer.prelude.helper("insert", printer.lane(op.result), lanes(op.result.type))
    lane = _position(printer, op.static_position.get_values(), op.dynamic_position)
    printer.define(op.result, f"{helper}({printer.text(op.dest)}, {printer.text(op.source)}, {lane})")


def shuffle(printer: FunctionPrinter, op: Operation) -> None:
    """vector.shuffle of vectors whose lengths are powers of two."""
    assert isinstance(op, vector.ShuffleOp)
    lengths = [lanes(op.v1.type), lanes(op.v2.type), lanes(op.result.type)]
    if 1 in lengths or any(length != power_of_two(length) for length in lengths) or lengths[0] != lengths[1]:
        raise CodegenError(f"the C printer has no spelling for '{op.name}' on {op.v1.type}, {op.v2.type}")
    if element(op.result.type) == "i1":
        raise CodegenError(f"the C printer has no spelling for '{op.name}' on masks")
    numbers = ", ".join(map(str, op.mask.get_values()))
    a, b = printer.text(op.v1), printer.text(op.v2)
    printer.define(op.result, f"__builtin_shufflevector({a}, {b}, {numbers})")


def create_mask(printer: FunctionPrinter, op: Operation) -> None:
    """vector.create_mask: the first lanes."""
    assert isinstance(op, vector.CreateMaskOp)
    (count,) = op.mask_dim_sizes
    helper = printer.prelude.helper("lane_mask", "i32", lanes(op.mask_vector.type))
    printer.define(op.mask_vector, f"{helper}({printer.text(count)})", "mask")


def _comparable(printer: FunctionPrinter, op: Operation) -> list[str]:
    """Operands of a comparison: a splat stays a scalar beside a vector; masks have one width."""
    if is_mask(op.operands[0]):
        bits = printer.mask_bits(op.operands[0])
        return [printer.mask(value, bits) for value in op.operands]
    if all(printer.splat(value) is not None for value in op.operands):
        return [printer.operand(value) for value in op.operands]
    return [parenthesised(_scalar_or_vector(printer, value)) for value in op.operands]


def _scalar_or_vector(printer: FunctionPrinter, value: SSAValue) -> str:
    splat = printer.splat(value)
    return printer.text(value) if splat is None else splat.scalar


def _compare(printer: FunctionPrinter, op: Operation, template: str, operands: list[str]) -> None:
    result = op.results[0]
    is_vector = lanes(result.type) > 1
    text = template.format(*operands, **{"not": "~" if is_vector else "!"})
    if is_vector:
        bits = mask_width(printer.lane(op.operands[0]))
        printer.set_mask_bits(result, bits)
        if bits != 32:
            text = f"({printer.type(result)})({text})"
    printer.define(result, text, "mask" if is_vector else "test")


def _predicate(op: Operation) -> int:
    predicate = op.properties["predicate"]
    assert isinstance(predicate, IntegerAttr)
    return predicate.value.data


def _bind_truth(printer: FunctionPrinter, value: SSAValue, *, truth: bool) -> None:
    text = "1" if truth else "0"
    printer.bind(value, text if lanes(value.type) == 1 else Splat(text, int(truth)))


def _position(printer: FunctionPrinter, static: tuple[int, ...], dynamic: tuple[SSAValue, ...]) -> str:
    (number,) = static
    return printer.text(dynamic[0]) if number == DYNAMIC_INDEX else str(number)
