"""Functions of <math.h>, on scalars and lane by lane."""

from __future__ import annotations

import re

from dlp.codegen.prelude import INLINE, HelperText, Prelude

LIBRARY = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "fmod",
    "log",
    "log10",
    "log1p",
    "log2",
    "pow",
    "rint",
    "round",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
]
"""Functions of <math.h> that operations are spelled with."""

BINARY = ("atan2", "fmod", "pow")
"""Those of two operands."""

CALLED = frozenset(f"{name}{suffix}" for name in (*LIBRARY, "copysign", "fabs") for suffix in ("", "f"))
"""What code may call: no variable that hides it may have such a name."""


_MATH_H = re.compile(
    r"""(acosh?|asinh?|atan[2h]?|cbrt|ceil|copysign|cosh?|erfc?|exp(2|10|m1)?|fabs|fdim|floor|fma|fmax|fmin|fmod|frexp
    |hypot|ilogb|[jy][01n]|ldexp|l?gamma(_r)?|logb?|log(10|1p|2)|l?lr(int|ound)|modf|nan|nearbyint|next(after|toward)
    |pow|remainder|remquo|rint|round(even)?|scalbl?n|sinh?|sincos|sqrt|tanh?|tgamma|trunc)[fl]?""",
    re.VERBOSE,
)
_OTHERS = frozenset(
    """abort abs alloca atexit bcmp bcopy bzero calloc div exit ffs free getenv imaxabs index isalnum isalpha isascii
    isblank iscntrl isdigit isfinite isgraph isinf islower isnan isnormal isprint ispunct isspace isupper isxdigit labs
    ldiv llabs malloc memchr memcmp memcpy memmove memset printf putchar puts qsort rand realloc rindex scanf signbit
    srand strcat strchr strcmp strcpy strlen toascii tolower toupper""".split()  # noqa: SIM905
)


def is_library_name(name: str) -> bool:
    """Whether C's library, or a compiler's built-in functions, have a function of this name."""
    return name in _OTHERS or _MATH_H.fullmatch(name) is not None


def lanewise(function: str) -> HelperText:
    """A function of C's library on every lane; compilers turn sqrt, floor and the like into vector instructions."""

    def text(prelude: Prelude, name: str, element: str, lanes: int) -> str:
        arity = 2 if function in BINARY else 1
        vector = prelude.type(element, lanes)
        call = function + ("f" if element == "f32" else "")
        parameters = ", ".join(f"{vector} {x}" for x in "xy"[:arity])
        arguments = ", ".join(f"{x}[lane]" for x in "xy"[:arity])
        return (
            f"{INLINE} {vector} {name}({parameters}) {{\n  {vector} r = x;\n"
            f"  for (int lane = 0; lane < {lanes}; lane++)\n    r[lane] = {call}({arguments});\n  return r;\n}}\n"
        )

    return text


LANEWISE: dict[str, HelperText] = {f"{function}_lanes": lanewise(function) for function in LIBRARY}
"""Helpers by name."""
