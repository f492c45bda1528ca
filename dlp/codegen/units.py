"""Prints a module as several C files that compile in parallel, function by function: compilers start before the last
one is ready.

Every file stands for itself: vector types, helpers and inlined functions that it uses, declarations of the kernels that
it calls, and its own kernels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xdsl.dialects import cf, func
from xdsl.dialects.builtin import ModuleOp

from dlp.codegen.helpers import HELPERS
from dlp.codegen.module import FunctionTexts, functions_only
from dlp.codegen.prelude import Prelude
from dlp.codegen.signatures import Signature, callee_of, signatures
from dlp.targets import Target
from dlp.walking import walk_of

_SMALLEST, _LARGEST = 25_000, 100_000
"""Characters of a file: each costs a start of the compiler. Short ones come first, that compilers soon have work, and
last, that nobody waits long for the last of them."""


@dataclass(frozen=True)
class CUnit:
    """One C file."""

    name: str
    text: str


@dataclass
class _OpenUnit:
    """A file to which functions are still added."""

    prelude: Prelude
    functions: list[Signature] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    length: int = 0


class UnitPrinter:
    """The files of a module, one after the other.

    ```python
    printer = UnitPrinter(module, target)
    for kernels in parts:  # of the module; may be lowered one by one
        for unit in printer.add(kernels):
            start_compiler(unit)
    for unit in printer.finish():
        start_compiler(unit)
    ```
    Args:
        module: as in `print_c`; its public functions may change while the others are printed, but for the buffers
            that they pass from call to call.
        target: as in `print_c`.
        size: characters of the shortest files, and of the longest.

    Attributes:
        messages: number of what a check says when it fails, from 1.
    """

    def __init__(
        self,
        module: ModuleOp,
        target: Target,
        *,
        size: tuple[int, int] = (_SMALLEST, _LARGEST),
    ) -> None:
        self._module = module
        self._target = target
        self._size = size
        self._known: dict[str, Signature] = {}
        self._texts: dict[str, str] = {}
        self._called: dict[str, list[str]] = {}
        self._open: _OpenUnit | None = None
        self._printed = 0
        self._units = 0
        self.messages: dict[str, int] = {}
        functions_only(module)
        functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
        self._expected = len(functions)
        # Nobody calls an entry: what else a module has of them does not change the text of a function.
        self._names = {s.c_name for f in functions if not (s := Signature(f, ())).has_entry}
        entries = [f for f in functions if Signature(f, ()).has_entry]
        self._callers = [call for entry in entries for call in walk_of(entry, func.CallOp)]

    def add(self, functions: Iterable[func.FuncOp]) -> Iterator[CUnit]:
        """Print functions that have not been; the files that this completes.

        Raises:
            CodegenError: as `print_c`.
        """
        parallel = self._target.threads == "openmp"
        new = [f for f in functions if f.sym_name.data not in self._known]
        found = signatures(new, parallel=parallel, known=self._known, callers=self._callers)
        self._known.update(found)
        self._names.update(signature.c_name for signature in found.values() if not signature.has_entry)
        for name, signature in found.items():
            called: dict[str, None] = {}
            for op in signature.operations:
                if type(op) is func.CallOp:
                    called[callee_of(op)] = None
                elif type(op) is cf.AssertOp:
                    self.messages.setdefault(op.msg.data, len(self.messages) + 1)
            self._called[name] = list(called)
        printer = self._printer()
        for signature in found.values():
            if not _in_every_file(signature):
                yield from self._print(signature, printer)

    def finish(self) -> Iterator[CUnit]:
        """Print what has not been, the public functions above all; the files that are left."""
        yield from self.add(f for f in self._module.ops if isinstance(f, func.FuncOp))
        if self._open is not None:
            yield self._closed(self._open)

    def text_of(self, name: str) -> str:
        """The text of a function and of all that it calls, when they have been printed."""
        return "\n".join(self._texts[called] for called in sorted(self._reached([name])))

    def _printer(self) -> FunctionTexts:
        return FunctionTexts(self._target, self._known, self.messages, self._names, split=True)

    def _print(self, signature: Signature, printer: FunctionTexts) -> Iterator[CUnit]:
        unit = self._open = self._open or _OpenUnit(Prelude(self._target, HELPERS))
        text = self._texts[signature.name] = printer.function(signature, unit.prelude)
        unit.functions.append(signature)
        unit.texts.append(text)
        unit.length += len(text)
        self._printed += len(text)
        if unit.length >= self._enough():
            yield self._closed(unit)

    def _enough(self) -> float:
        """Characters of a file."""
        smallest, largest = self._size
        left = self._printed / len(self._texts) * max(0, self._expected - len(self._texts))
        return max(smallest, min(largest, smallest + self._printed / 8, left / 3))

    def _closed(self, unit: _OpenUnit) -> CUnit:
        """A file with all that its functions need."""
        self._open = None
        printer = self._printer()
        own = [signature.name for signature in unit.functions]
        called = {callee for name in own for callee in self._called[name] if callee in self._known}
        helpers: list[str] = []
        for name in self._reached(called):
            if _in_every_file(self._known[name]):
                text = self._texts[name] = printer.function(self._known[name], unit.prelude)
                helpers.append(text)
        declared = [
            s for name, s in self._known.items() if (name in own or name in called) and not _in_every_file(s)
        ]
        heads = "".join(f"{printer.head(s)};\n" for s in declared)
        hidden = f"#pragma GCC visibility push(hidden)\n{heads}#pragma GCC visibility pop\n"
        name = f"kernels_{self._units}.c"
        self._units += 1
        return CUnit(name, "\n".join([unit.prelude.text(), *helpers, hidden, *unit.texts]))

    def _reached(self, names: Iterable[str]) -> list[str]:
        """Functions that the named ones call, and they themselves: callees first."""
        reached: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in self._known and name not in reached:
                for callee in self._called[name]:
                    visit(callee)
                reached[name] = None

        for name in sorted(names):
            visit(name)
        return list(reached)


def _in_every_file(signature: Signature) -> bool:
    """Functions on values are inlined where they are called; what comes from outside is declared there."""
    return signature.is_value or signature.function.is_declaration
