"""Helper functions that reduce the lanes of a vector: the upper half onto the lower half, until one lane is left."""

from __future__ import annotations

from dlp.codegen.c_types import SCALARS, power_of_two, unsigned_of
from dlp.codegen.prelude import INLINE, HelperText, Prelude

_COMBINE = {
    "add": "{0} + {1}",
    "mul": "{0} * {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "xor": "{0} ^ {1}",
}
_COMBINE_HELPERS = {
    "maximumf": "maximum",
    "minimumf": "minimum",
    "maxnumf": "maximum_number",
    "minnumf": "minimum_number",
    "maxsi": "maximum_signed",
    "minsi": "minimum_signed",
    "maxui": "maximum_unsigned",
    "minui": "minimum_unsigned",
}
REDUCTIONS = (*_COMBINE, *_COMBINE_HELPERS)


def combine(prelude: Prelude, kind: str, element: str, lanes: int, a: str, b: str) -> str:
    """Expression that combines two values as a reduction does."""
    if kind in _COMBINE:
        if element[0] == "i" and kind in ("add", "mul"):
            type_, unsigned = prelude.type(element, lanes), prelude.type(unsigned_of(element), lanes)
            return f"({type_})(" + _COMBINE[kind].format(f"({unsigned}){a}", f"({unsigned}){b}") + ")"
        return _COMBINE[kind].format(a, b)
    return f"{prelude.helper(_COMBINE_HELPERS[kind], element, lanes)}({a}, {b})"


def _reduction(kind: str) -> HelperText:
    def text(prelude: Prelude, name: str, element: str, lanes: int) -> str:
        """A tree: the upper half onto the lower half, until one lane is left."""
        vector, scalar = prelude.type(element, lanes), SCALARS[element]
        head = f"{INLINE} {scalar} {name}({vector} v) {{\n"
        if lanes != power_of_two(lanes):
            lower = 1 << (lanes.bit_length() - 1)
            return head + _reduce_uneven(prelude, kind, element, lanes, lower)
        if lanes == 2:
            return f"{head}  return {combine(prelude, kind, element, 1, 'v[0]', 'v[1]')};\n}}\n"
        half = lanes // 2
        half_type = prelude.type(element, half)
        rest = prelude.helper(f"reduce_{kind}", element, half)
        low, high = (", ".join(map(str, range(start, start + half))) for start in (0, half))
        return (
            f"{head}"
            f"  {half_type} low = __builtin_shufflevector(v, v, {low});\n"
            f"  {half_type} high = __builtin_shufflevector(v, v, {high});\n"
            f"  return {rest}({combine(prelude, kind, element, half, 'low', 'high')});\n}}\n"
        )

    return text


def _reduce_uneven(prelude: Prelude, kind: str, element: str, lanes: int, lower: int) -> str:
    """The longest power of two by its tree, the other lanes one by one."""
    scalar = SCALARS[element]
    lines = []
    if lower == 1:
        lines.append(f"{scalar} r = v[0];")
    else:
        part = prelude.type(element, lower)
        numbers = ", ".join(map(str, range(lower)))
        rest = prelude.helper(f"reduce_{kind}", element, lower)
        lines.append(f"{part} low = __builtin_shufflevector(v, v, {numbers});")
        lines.append(f"{scalar} r = {rest}(low);")
    lines += [f"r = {combine(prelude, kind, element, 1, 'r', f'v[{lane}]')};" for lane in range(lower, lanes)]
    return "".join(f"  {line}\n" for line in lines) + "  return r;\n}\n"


REDUCE: dict[str, HelperText] = {f"reduce_{kind}": _reduction(kind) for kind in REDUCTIONS}
"""Helpers by name."""
