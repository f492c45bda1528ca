"""Names for kernels, from what they compute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.ir import Operation

_LONGEST = 5
"""Parts of a name; a longer one says no more."""

_SILENT = frozenset(
    ("constant", "iota", "reshape", "broadcast", "copy", "slice", "transpose", "pad", "yield")
)
"""Ops that only prepare data for others: named where there is nothing else."""

_IDIOMS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("max", "sub", "exp", "sum", "div"), "softmax"),
    (("max", "sub", "exp", "sum", "log", "sub"), "log_softmax"),
    (("sum", "mul", "sub", "mul", "sum", "mul", "add", "rsqrt", "mul", "mul", "add"), "layer_norm"),
    (("sum", "mul", "sub", "mul", "sum", "mul", "add", "rsqrt", "mul"), "normalize"),
)
"""What well-known functions are decomposed into."""

_TAKEN_BY_C = {
    "abs", "acos", "asin", "atan", "ceil", "cos", "div", "erf", "exp", "floor", "fmod", "log", "pow", "rem",
    "round", "select", "sin", "sqrt", "tan", "tanh", "trunc", "forward", "prepare", "main",
}  # fmt: skip


class KernelNames:
    """Gives out names that are not in use: `conv_relu`, then `conv_relu_2`, `conv_relu_3` ..."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken) | _TAKEN_BY_C

    def name_of(self, ops: Sequence[Operation], kind: str | None = None) -> str:
        """A fresh name for a kernel of these ops; `kind` names it where there are too many of them."""
        parts = _parts([op.name.rpartition(".")[2] for op in ops])
        if len(parts) > _LONGEST:
            parts = [*([kind] if kind else parts[:_LONGEST]), "fused"]
        return self.fresh("_".join(parts) or "kernel")

    def fresh(self, base: str) -> str:
        """`base`, with a number where that is in use."""
        if base in _TAKEN_BY_C:
            base = f"{base}_kernel"
        name, n = base, 1
        while name in self._taken:
            n += 1
            name = f"{base}_{n}"
        self._taken.add(name)
        return name


def _parts(names: list[str]) -> list[str]:
    heard = [n for n in names if n not in _SILENT] or [n for n in names if n != "yield"]
    result: list[str] = []
    i = 0
    while i < len(heard):
        for idiom, name in _IDIOMS:
            if tuple(heard[i : i + len(idiom)]) == idiom:
                result.append(name)
                i += len(idiom)
                break
        else:
            if not result or result[-1] != heard[i]:
                result.append(heard[i])
            i += 1
    return result
