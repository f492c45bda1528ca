"""Helper functions of the printed C: what an operation needs beyond an expression.

Each entry of `HELPERS` writes one function for an element type and a number of lanes. A vector whose length is no
power of two lives in the next longer C vector; its further lanes hold anything and never reach memory or a
reduction.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlp.codegen.c_library import LANEWISE
from dlp.codegen.c_types import BYTES, SCALARS, power_of_two, signed_of, unsigned_of
from dlp.codegen.prelude import INLINE, HelperText, Prelude
from dlp.codegen.reductions import REDUCE


def _load(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, scalar = prelude.type(element, lanes), SCALARS[element]
    held = power_of_two(lanes)
    if lanes == held:
        body = f"return {_c_load(prelude, element, lanes, 'p')};"
    else:
        body = f"{vector} v = {{0}};\n  memcpy(&v, p, {lanes * BYTES[element]});\n  return v;"
    return f"{INLINE} {vector} {name}(const {scalar} *p) {{\n  {body}\n}}\n"


def _store(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, scalar = prelude.type(element, lanes), SCALARS[element]
    if lanes == power_of_two(lanes):
        body = f"{_c_store(prelude, element, lanes, 'p', 'v')};"
    else:
        body = f"memcpy(p, &v, {lanes * BYTES[element]});"
    return f"{INLINE} void {name}({scalar} *p, {vector} v) {{\n  {body}\n}}\n"


def _splat(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, scalar = prelude.type(element, lanes), SCALARS[element]
    if element[0] == "f":
        fields = {"vector": vector, "scalar": scalar, "lanes": lanes, "value": "value"}
        body = prelude.target.c.splat.format(**fields).replace(f"({scalar})(value)", "value")
        body = body.removeprefix("(").removesuffix(")") if body.startswith("(value") else body
    else:
        body = f"value + ({vector}){{0}}"
    return f"{INLINE} {vector} {name}({scalar} value) {{\n  return {body};\n}}\n"


def _load_mask(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """Bytes of 0 and 1 become lanes of 0 and -1."""
    vector = prelude.type("i8", lanes)
    load = prelude.helper("load", "i8", lanes)
    return f"{INLINE} {vector} {name}(const bool *p) {{\n  return ({vector})({load}((const int8_t *)p) != 0);\n}}\n"


def _store_mask(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector = prelude.type("i8", lanes)
    store = prelude.helper("store", "i8", lanes)
    return f"{INLINE} void {name}(bool *p, {vector} mask) {{\n  {store}((int8_t *)p, mask & 1);\n}}\n"


def _select(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, mask = prelude.type(element, lanes), prelude.type(signed_of(element), lanes)
    return (
        f"{INLINE} {vector} {name}({mask} mask, {vector} a, {vector} b) {{\n"
        f"  return ({vector})((mask & ({mask})a) | (~mask & ({mask})b));\n}}\n"
    )


def _maximum(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """NaN where either is NaN; +0 is greater than -0."""
    return _extremum(prelude, name, element, lanes, ">", "&")


def _minimum(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """NaN where either is NaN; -0 is less than +0."""
    return _extremum(prelude, name, element, lanes, "<", "|")


def _extremum(prelude: Prelude, name: str, element: str, lanes: int, better: str, zeros: str) -> str:
    """Equal operands differ in the sign of zero at most: their bits are combined."""
    type_, bits = prelude.type(element, lanes), prelude.type(signed_of(element), lanes)
    head = f"{INLINE} {type_} {name}({type_} a, {type_} b) {{\n"
    if lanes == 1:
        wins = "signbit(a) ? b : a" if better == ">" else "signbit(a) ? a : b"
        return f"{head}  if (a == b)\n    return {wins};\n  return a {better} b || a != a ? a : b;\n}}\n"
    select = prelude.helper("select", element, lanes)
    return (
        f"{head}"
        f"  {type_} equal = ({type_})(({bits})a {zeros} ({bits})b);\n"
        f"  {bits} first = ({bits})((a {better} b) | (a != a));\n"
        f"  return {select}(({bits})(a == b), equal, {select}(first, a, b));\n}}\n"
    )


def _at_least(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """The maximum with a number that is not -0: NaN stays, -0 becomes +0."""
    return _bound(prelude, name, element, lanes, "<=")


def _at_most(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """The minimum with a number that is not +0: NaN stays, +0 becomes -0."""
    return _bound(prelude, name, element, lanes, ">=")


def _bound(prelude: Prelude, name: str, element: str, lanes: int, beyond: str) -> str:
    type_, scalar = prelude.type(element, lanes), SCALARS[element]
    head = f"{INLINE} {type_} {name}({type_} x, {scalar} bound) {{\n"
    if lanes == 1:
        return f"{head}  return x {beyond} bound ? bound : x;\n}}\n"
    select, splat = (prelude.helper(helper, element, lanes) for helper in ("select", "splat"))
    mask = prelude.type(signed_of(element), lanes)
    return f"{head}  return {select}(({mask})(x {beyond} bound), {splat}(bound), x);\n}}\n"


def _instruction(*, greater: bool) -> HelperText:
    """One of two numbers, by an instruction that compilers call by different names."""

    def text(prelude: Prelude, name: str, element: str, lanes: int) -> str:
        type_ = prelude.type(element, lanes)
        spelled = prelude.target.c_extremum(element, lanes, greater=greater)
        assert isinstance(spelled, Mapping)
        clang, gcc = (f"  return {spelled[kind].format(a='a', b='b')};\n" for kind in ("clang", "gcc"))
        head = f"{INLINE} {type_} {name}({type_} a, {type_} b) {{\n"
        return f"{head}#ifdef __clang__\n{clang}#else\n{gcc}#endif\n}}\n"

    return text


def _maximum_number(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """The number where only one operand is one."""
    return _number(prelude, name, element, lanes, ">")


def _minimum_number(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    return _number(prelude, name, element, lanes, "<")


def _number(prelude: Prelude, name: str, element: str, lanes: int, better: str) -> str:
    type_ = prelude.type(element, lanes)
    head = f"{INLINE} {type_} {name}({type_} a, {type_} b) {{\n"
    if lanes == 1:
        return f"{head}  return a {better} b || b != b ? a : b;\n}}\n"
    select = prelude.helper("select", element, lanes)
    mask = prelude.type(signed_of(element), lanes)
    return f"{head}  return {select}(({mask})((a {better} b) | (b != b)), a, b);\n}}\n"


def _absolute(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, bits = prelude.type(element, lanes), prelude.type(signed_of(element), lanes)
    mask = "INT32_MAX" if BYTES[element] == 4 else "INT64_MAX"
    return f"{INLINE} {vector} {name}({vector} x) {{\n  return ({vector})(({bits})x & {mask});\n}}\n"


def _absolute_integer(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """The least integer stays as it is, as in two's complement."""
    type_, unsigned = prelude.type(element, lanes), prelude.type(unsigned_of(element), lanes)
    head = f"{INLINE} {type_} {name}({type_} x) {{\n  {type_} sign = x >> {8 * BYTES[element] - 1};\n"
    return f"{head}  return ({type_})((({unsigned})x ^ ({unsigned})sign) - ({unsigned})sign);\n}}\n"


def _integer_power(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """By squaring; a negative exponent leaves 0, but for the bases 1 and -1."""
    if lanes > 1:
        vector, one = prelude.type(element, lanes), prelude.helper("integer_power", element, 1)
        return (
            f"{INLINE} {vector} {name}({vector} x, {vector} n) {{\n"
            f"  for (int lane = 0; lane < {lanes}; lane++)\n    x[lane] = {one}(x[lane], n[lane]);\n"
            f"  return x;\n}}\n"
        )
    type_, unsigned = SCALARS[element], SCALARS[unsigned_of(element)]
    return (
        f"{INLINE} {type_} {name}({type_} x, {type_} n) {{\n"
        f"  if (n < 0)\n    return x == 1 ? 1 : x == -1 ? (n % 2 ? -1 : 1) : 0;\n"
        f"  {unsigned} power = 1, factor = ({unsigned})x;\n"
        f"  for (; n; n /= 2, factor *= factor)\n    if (n % 2)\n      power *= factor;\n"
        f"  return ({type_})power;\n}}\n"
    )


def _copy_sign(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, bits = prelude.type(element, lanes), prelude.type(signed_of(element), lanes)
    mask = "INT32_MAX" if BYTES[element] == 4 else "INT64_MAX"
    return (
        f"{INLINE} {vector} {name}({vector} x, {vector} sign) {{\n"
        f"  return ({vector})((({bits})x & {mask}) | (({bits})sign & ~{mask}));\n}}\n"
    )


def _bits(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """A scalar's bits as an integer."""
    return _reinterpret(name, element, signed_of(element))


def _from_bits(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """The scalar with these bits."""
    return _reinterpret(name, signed_of(element), element)


def _reinterpret(name: str, source: str, result: str) -> str:
    return (
        f"{INLINE} {SCALARS[result]} {name}({SCALARS[source]} x) {{\n"
        f"  {SCALARS[result]} y;\n  memcpy(&y, &x, sizeof y);\n  return y;\n}}\n"
    )


def _floor_divide(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    return _rounded_quotient(name, element, "- (a % b != 0 && (a < 0) != (b < 0))")


def _ceil_divide(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    return _rounded_quotient(name, element, "+ (a % b != 0 && (a < 0) == (b < 0))")


def _rounded_quotient(name: str, element: str, correction: str) -> str:
    type_ = SCALARS[element]
    return f"{INLINE} {type_} {name}({type_} a, {type_} b) {{\n  return a / b {correction};\n}}\n"


def _floor_modulo(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """The remainder has the sign of the (positive) divisor."""
    type_ = SCALARS[element]
    return f"{INLINE} {type_} {name}({type_} a, {type_} b) {{\n  return a % b + (a % b < 0 ? b : 0);\n}}\n"


def _insert(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, scalar = prelude.type(element, lanes), SCALARS[element]
    return (
        f"{INLINE} {vector} {name}({vector} v, {scalar} x, long lane) {{\n  v[lane] = x;\n  return v;\n}}\n"
    )


def _lane_mask(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """A mask whose first `count` lanes are set."""
    vector = prelude.type("i32", lanes)
    numbers = ", ".join(str(lane) for lane in range(power_of_two(lanes)))
    return (
        f"{INLINE} {vector} {name}(long count) {{\n  return (({vector}){{{numbers}}}) < (int32_t)count;\n}}\n"
    )


def _masked_load(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    """Lanes that are not set touch no memory and keep `rest`."""
    vector, mask, scalar = (
        prelude.type(element, lanes),
        prelude.type(signed_of(element), lanes),
        SCALARS[element],
    )
    return (
        f"{INLINE} {vector} {name}(const {scalar} *p, {mask} mask, {vector} rest) {{\n"
        f"  for (int lane = 0; lane < {lanes}; lane++)\n    if (mask[lane])\n      rest[lane] = p[lane];\n"
        f"  return rest;\n}}\n"
    )


def _masked_store(prelude: Prelude, name: str, element: str, lanes: int) -> str:
    vector, mask, scalar = (
        prelude.type(element, lanes),
        prelude.type(signed_of(element), lanes),
        SCALARS[element],
    )
    return (
        f"{INLINE} void {name}({scalar} *p, {mask} mask, {vector} v) {{\n"
        f"  for (int lane = 0; lane < {lanes}; lane++)\n    if (mask[lane])\n      p[lane] = v[lane];\n}}\n"
    )


def _integer_extremum(better: str, *, signed: bool) -> HelperText:
    def text(prelude: Prelude, name: str, element: str, lanes: int) -> str:
        type_ = prelude.type(element, lanes)
        view = "" if signed else f"({prelude.type(unsigned_of(element), lanes)})"
        test = f"{view}a {better} {view}b"
        head = f"{INLINE} {type_} {name}({type_} a, {type_} b) {{\n"
        if lanes == 1:
            return f"{head}  return {test} ? a : b;\n}}\n"
        return f"{head}  return {prelude.helper('select', element, lanes)}(({type_})({test}), a, b);\n}}\n"

    return text


HELPERS: dict[str, HelperText] = {
    "load": _load,
    "store": _store,
    "splat": _splat,
    "load_mask": _load_mask,
    "store_mask": _store_mask,
    "select": _select,
    "maximum": _maximum,
    "minimum": _minimum,
    "at_least": _at_least,
    "at_most": _at_most,
    "greater": _instruction(greater=True),
    "lesser": _instruction(greater=False),
    "maximum_number": _maximum_number,
    "minimum_number": _minimum_number,
    "maximum_signed": _integer_extremum(">", signed=True),
    "minimum_signed": _integer_extremum("<", signed=True),
    "maximum_unsigned": _integer_extremum(">", signed=False),
    "minimum_unsigned": _integer_extremum("<", signed=False),
    "absolute": _absolute,
    "absolute_integer": _absolute_integer,
    "integer_power": _integer_power,
    "copy_sign": _copy_sign,
    "bits": _bits,
    "from_bits": _from_bits,
    "floor_divide": _floor_divide,
    "ceil_divide": _ceil_divide,
    "floor_modulo": _floor_modulo,
    "insert": _insert,
    "lane_mask": _lane_mask,
    "masked_load": _masked_load,
    "masked_store": _masked_store,
    **REDUCE,
    **LANEWISE,
}


def _c_load(prelude: Prelude, element: str, lanes: int, address: str) -> str:
    fields = {"vector": prelude.type(element, lanes), "lanes": lanes, "address": address}
    return _plain(prelude.target.c.load.format(**fields), address)


def _c_store(prelude: Prelude, element: str, lanes: int, address: str, value: str) -> str:
    fields = {"vector": prelude.type(element, lanes), "lanes": lanes, "address": address, "value": value}
    return _plain(prelude.target.c.store.format(**fields), address)


def _plain(text: str, name: str) -> str:
    """Without the parentheses that a name does not need."""
    return text.replace(f"({name})", name)
