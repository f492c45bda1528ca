"""IR as text: whole modules, and the few lines around one operation."""

from __future__ import annotations

from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.printer import Printer


def ir_text(module: Operation, *, generic: bool = False, locations: bool = False) -> str:
    """The text of `module`, ending in a newline.

    Args:
        module: usually the whole module; any operation will do.
        generic: the form that needs no dialect to be read.
        locations: with `loc(...)` after every operation.
    """
    stream = StringIO()
    Printer(stream=stream, print_generic_format=generic, print_debuginfo=locations).print_op(module)
    return stream.getvalue() + "\n"


def excerpt(culprit: Operation, around: int = 4) -> str:
    """The lines around `culprit` in the text of its module, numbered, its own marked with `>`.

    The generic form is used where the own syntax of an operation cannot print broken IR.
    """
    top = culprit.get_toplevel_object()
    root = top if isinstance(top, Operation) else culprit
    try:
        lines, first, last = _text_with_place(root, culprit, generic=False)
    except Exception:  # a custom printer may rely on what is broken: any exception can come
        try:
            lines, first, last = _text_with_place(root, culprit, generic=True)
        except Exception as error:
            return f"(the IR cannot be printed: {type(error).__name__}: {error})\n"

    if not isinstance(culprit, ModuleOp) and last - first > 2 * around:
        last = first + around
    shown = range(max(0, first - around), min(len(lines), last + around + 1))
    width = len(str(shown.stop))
    # The function around the culprit is said even when it begins further up.
    head = [number for number in _enclosing_heads(lines, first) if number < shown.start]
    numbered = [f"  {number + 1:>{width}} | {lines[number]}" for number in head]
    if head and head[0] + 1 < shown.start:
        numbered.append(f"  {'':>{width}} | ...")
    for number in shown:
        mark = ">" if number == first else " "
        numbered.append(f"{mark} {number + 1:>{width}} | {lines[number]}")
    return "\n".join(numbered) + "\n"


def _text_with_place(root: Operation, culprit: Operation, *, generic: bool) -> tuple[list[str], int, int]:
    stream = StringIO()
    printer = _PlacePrinter(stream=stream, print_generic_format=generic)
    printer.culprit = culprit
    printer.print_op(root)
    first, last = printer.place or (0, 0)
    return stream.getvalue().split("\n"), first, last


class _PlacePrinter(Printer):
    """A printer that remembers on which lines it printed one operation."""

    culprit: Operation | None = None
    place: tuple[int, int] | None = None

    def print_op(self, op: Operation) -> None:
        first = self._current_line
        super().print_op(op)
        if op is self.culprit:
            self.place = first, self._current_line


def _enclosing_heads(lines: list[str], line: int) -> list[int]:
    """The line of the function that encloses `line`, by indentation."""
    indent = len(lines[line]) - len(lines[line].lstrip())
    for number in range(line - 1, -1, -1):
        text = lines[number]
        own = len(text) - len(text.lstrip())
        if text.strip() and own < indent:
            indent = own
            if "func.func" in text:
                return [number]
    return []
