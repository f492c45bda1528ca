"""IR from a file: split into parts, parsed, with errors that say file, line and column."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import AttributeCovT, Operation, SSAValue
from xdsl.parser import UnresolvedOperand
from xdsl.parser.core import ForwardDeclaredValue
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Span
from xdsl.utils.mlir_lexer import MLIRTokenKind

from dlp.errors import InputError
from dlp.ir_parser import IRParser

SPLIT_MARK = "// -----"


@dataclass
class Source:
    """The text of one module.

    Attributes:
        name: of the file it is from.
        text: of this part.
        first_line: number in the file of the first line of `text`, from 1.
        lines: where each operation that was read stands in the file.
    """

    name: str
    text: str
    first_line: int = 1
    lines: dict[Operation, int] = field(default_factory=dict)

    def split(self) -> Iterator[Source]:
        """The parts between lines that begin with `// -----`."""
        line = self.first_line
        start = 0
        for mark in re.finditer(rf"^{SPLIT_MARK}.*\n?", self.text, re.MULTILINE):
            yield Source(self.name, self.text[start : mark.start()], line)
            line += self.text.count("\n", start, mark.end())
            start = mark.end()
        yield Source(self.name, self.text[start:], line)

    def parse(self, context: Context) -> ModuleOp:
        """The module that the text stands for; an empty one when there are only comments.

        Raises:
            SyntaxInputError: the text is not IR.
        """
        if not re.sub(r"//[^\n]*", "", self.text).strip():
            return ModuleOp([])
        try:
            parser = _LineParser(context, self.text, self.name)
        except ParseError as error:  # it has read the first token
            place = error.span.get_location()
            raise self._error(error.msg, place.line, place.col, len(error.span)) from error
        try:
            module = parser.parse_module()
        except ParseError as error:
            span = parser.undefined_use() or error.span
            place = span.get_location()
            raise self._error(error.msg, place.line, place.col, len(span)) from error
        except Exception as error:
            # Constructors of attributes and operations raise all kinds of errors, which know no place.
            place = parser.unfinished_operation().get_location()
            raise self._error(str(error) or type(error).__name__, place.line, place.col, 1) from error
        starts = [match.end() for match in re.finditer("^|\n", self.text)]
        self.lines = {
            op: self.first_line - 1 + bisect.bisect_right(starts, position)
            for op, position in parser.positions.items()
        }
        return module

    def _error(self, message: str, line: int, column: int, length: int) -> SyntaxInputError:
        shown = self.text.split("\n")[line - 1]
        underline = " " * (column - 1) + "^" * max(1, min(length, len(shown) - column + 1))
        return SyntaxInputError(
            " ".join(message.split()), self.first_line - 1 + line, column, f"{shown}\n{underline}\n"
        )


class SyntaxInputError(InputError):
    """Text that is not IR.

    Attributes:
        message: what is wrong, in one line.
        line: line in the file, from 1.
        column: column, from 1.
        shown: the source line, and the place in it underlined.
    """

    def __init__(self, message: str, line: int, column: int, shown: str) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.shown = shown


class _LineParser(IRParser):
    """A parser that remembers where operations began, and where values were used that are not defined yet."""

    def __init__(self, context: Context, text: str, name: str) -> None:
        super().__init__(context, text, name)
        self.positions: dict[Operation, int] = {}
        self._open: list[Span] = []
        self._early_uses: dict[str, Span] = {}

    def parse_operation(self) -> Operation:
        self._open.append(self._current_token.span)
        op = super().parse_operation()
        self.positions[op] = self._open.pop().start
        return op

    def resolve_operand(self, operand: UnresolvedOperand, type: AttributeCovT) -> SSAValue[AttributeCovT]:
        value = super().resolve_operand(operand, type)
        if isinstance(value, ForwardDeclaredValue):
            self._early_uses.setdefault(operand.span.text.removeprefix("%"), operand.span)
        return value

    def unfinished_operation(self) -> Span:
        """The first token of the innermost operation that has been begun and not finished."""
        return self._open[-1] if self._open else self._current_token.span

    def undefined_use(self) -> Span | None:
        """The first use of a value that nothing defines, once everything has been read; None before that."""
        if self._current_token.kind != MLIRTokenKind.EOF:
            return None
        return next(
            (span for name, span in self._early_uses.items() if name in self.forward_ssa_references), None
        )
