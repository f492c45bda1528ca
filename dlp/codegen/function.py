"""Prints one function: walks its operations and asks the table for each one's spelling."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from xdsl.dialects.builtin import IndexType, MemRefType, VectorType
from xdsl.ir import Block, Operation, SSAValue

from dlp.codegen.c_types import BYTES, SCALARS, element, lane_element, lanes, signed_of, unsigned_of
from dlp.codegen.linear import Atom, Linear, Range
from dlp.codegen.names import Names
from dlp.codegen.prelude import Prelude
from dlp.codegen.signatures import Signature
from dlp.codegen.spelling import Spelling
from dlp.errors import CodegenError


@dataclass(frozen=True)
class Splat:
    """A vector whose lanes all hold one scalar; becomes a vector only where C needs one."""

    scalar: str
    constant: float | int | None = None


@dataclass(frozen=True)
class Buffer:
    """A memref: the C pointer to its first element, and its strides and sizes in elements (None: not known)."""

    pointer: str
    strides: tuple[Linear | None, ...]
    sizes: tuple[Linear | None, ...]


Handler = Callable[["FunctionPrinter", Operation], None]


class FunctionPrinter:
    """State of printing one function body.

    Attributes:
        lines: the C text so far.
        placed: values that a loop carries on in its own variable instead of a new one.
        carried: the same for what an inner loop, and its number there, carries.
        results: variables that the terminators of the enclosing loops and branches assign.
        dead: operations that are not printed.
        messages: numbers of what checks say when they fail.
        written: memrefs through which something is stored.
    """

    def __init__(
        self,
        prelude: Prelude,
        signatures: Mapping[str, Signature],
        handlers: Mapping[str, Handler],
        reserved: frozenset[str],
        written: frozenset[SSAValue],
        dead: frozenset[Operation],
        messages: Mapping[str, int],
    ) -> None:
        self.prelude = prelude
        self.signatures = signatures
        self.written = written
        self.dead = dead
        self.messages = messages
        self.lines: list[str] = []
        self.names = Names(reserved)
        self.placed: dict[SSAValue, str] = {}
        self.carried: dict[tuple[Operation, int], str] = {}
        self.results: list[list[str]] = []
        self.variable_mask_bits: dict[str, int] = {}
        self.in_parallel = False
        self._handlers = handlers
        self._values: dict[SSAValue, str | Splat | Buffer | Linear] = {}
        self._mask_bits: dict[SSAValue, int] = {}
        self._indent = 1

    # Statements

    def emit(self, line: str) -> None:
        indent = "  " * self._indent
        self.lines.append(indent + line.replace("\n", f"\n{indent}"))

    @contextmanager
    def braces(self, head: str) -> Iterator[None]:
        """A block `head { ... }` with a scope of names."""
        self.emit(f"{head} {{")
        self._indent += 1
        with self.names.scope():
            yield
        self._indent -= 1
        self.emit("}")

    def block(self, block: Block) -> None:
        for op in block.ops:
            if op in self.dead:
                continue
            handler = self._handlers.get(op.name)
            if handler is None:
                raise CodegenError(f"the C printer has no spelling for '{op.name}'")
            handler(self, op)

    def define(self, value: SSAValue, text: str, default: str = "t") -> None:
        """A variable for a value, or the next value of the variable that a loop carries it in."""
        variable = self.placed.get(value)
        if variable is None:
            variable = self.names.fresh(value.name_hint or default)
            self.emit(f"{self.type(value)} {variable} = {text};")
        else:
            self.emit(assignment(variable, text))
        self.bind(value, variable)

    # Values

    def bind(self, value: SSAValue, held: str | Splat | Buffer | Linear) -> None:
        if isinstance(held, str) and isinstance(value.type, IndexType):
            held = Linear.atom(held)
        self._values[value] = held

    def bind_index(self, value: SSAValue, name: str, bounds: Range) -> None:
        self._values[value] = Linear(0, ((Atom(name, bounds), 1),))

    def index(self, value: SSAValue) -> Linear:
        if value.owner in self.dead:
            return Linear()  # nothing depends on which one it is
        held = self._values[value]
        return held if isinstance(held, Linear) else Linear.atom(self.text(value))

    def buffer(self, value: SSAValue) -> Buffer:
        held = self._values[value]
        assert isinstance(held, Buffer)
        return held

    def splat(self, value: SSAValue) -> Splat | None:
        held = self._values[value]
        return held if isinstance(held, Splat) else None

    def type(self, value: SSAValue) -> str:
        """C type of a value's variable."""
        if isinstance(value.type, MemRefType):
            const = "" if value in self.written else "const "
            return f"{const}{SCALARS[element(value.type)]} *"
        return self.prelude.type(self.lane(value), lanes(value.type))

    def lane(self, value: SSAValue) -> str:
        """Element of a value as C holds it: masks are integers, of the width that made them."""
        name = element(value.type)
        if lanes(value.type) == 1:
            return name
        return f"i{self.mask_bits(value)}" if name == "i1" else lane_element(name)

    def text(self, value: SSAValue) -> str:
        """C expression for a value; safe as an argument."""
        held = self._values[value]
        if isinstance(held, str):
            return held
        if isinstance(held, Buffer):
            return held.pointer
        if isinstance(held, Linear):
            return str(held)
        count = lanes(value.type)
        if count == 1:
            return held.scalar
        if element(value.type) == "i1":
            return self.mask(value, self.mask_bits(value))
        return f"{self.prelude.helper('splat', self.lane(value), count)}({held.scalar})"

    def operand(self, value: SSAValue) -> str:
        """C expression for a value; safe beside any operator."""
        held = self._values[value]
        if isinstance(held, Linear):
            return held.as_operand()
        return parenthesised(self.text(value))

    # Masks: vectors of i1

    def mask_bits(self, value: SSAValue) -> int:
        return self._mask_bits.get(value, 32)

    def set_mask_bits(self, value: SSAValue, bits: int) -> None:
        self._mask_bits[value] = bits

    def mask(self, value: SSAValue, bits: int) -> str:
        """A mask as integers of `bits`, as wide as what it selects."""
        count = lanes(value.type)
        held = self._values[value]
        if isinstance(held, Splat):
            scalar = {"1": "-1", "true": "-1", "0": "0", "false": "0"}.get(
                held.scalar, f"-(int){held.scalar}"
            )
            return f"{self.prelude.helper('splat', f'i{bits}', count)}({scalar})"
        text = self.text(value)
        if bits == self.mask_bits(value):
            return text
        return f"__builtin_convertvector({text}, {self.prelude.type(f'i{bits}', count)})"

    def text_for(self, variable: str, value: SSAValue) -> str:
        """C expression for a value that is assigned to a variable."""
        return (
            self.mask(value, self.variable_mask_bits.get(variable, 32))
            if is_mask(value)
            else self.text(value)
        )

    # Expressions

    def expression(self, op: Operation, spelling: Spelling) -> str:
        """The operation's C expression.

        Raises:
            CodegenError: the operation is not written on such types.
        """
        result = op.results[0]
        template = spelling.scalar if lanes(result.type) == 1 else spelling.vector
        if template is None:
            raise CodegenError(f"the C printer has no spelling for '{op.name}' on {result.type}")
        fields = Fields(self, op.operands[0], result)
        return string.Formatter().vformat(template, self._operands(op, spelling.mixes), fields)

    def _operands(self, op: Operation, mixes: bool) -> list[str]:
        """Operand texts; a splat stays a scalar where another operand is a vector already."""
        if lanes(op.results[0].type) == 1:
            return [self.operand(value) for value in op.operands]
        splats = [self.splat(value) for value in op.operands]
        if not mixes or all(splat is not None for splat in splats):
            return [self.operand(value) for value in op.operands]
        if op.name.startswith("arith.sh"):
            splats[0] = None
        return [
            self.operand(value) if splat is None else parenthesised(splat.scalar)
            for value, splat in zip(op.operands, splats, strict=True)
        ]


class Fields(Mapping[str, str]):
    """Named fields of a spelling's template, worked out when the template has them."""

    def __init__(self, printer: FunctionPrinter, operand: SSAValue, result: SSAValue) -> None:
        self._printer, self._operand, self._result = printer, operand, result

    def __getitem__(self, name: str) -> str:
        printer = self._printer
        match name:
            case "type":
                return printer.type(self._result)
            case "source":
                return printer.type(self._operand)
            case "unsigned":
                return printer.prelude.type(_unsigned(printer.lane(self._result)), lanes(self._result.type))
            case "source_unsigned":
                return printer.prelude.type(_unsigned(printer.lane(self._operand)), lanes(self._operand.type))
            case "f":
                return "f" if element(self._result.type) == "f32" else ""
            case _:
                return printer.prelude.helper(name, printer.lane(self._operand), lanes(self._operand.type))

    def __iter__(self) -> Iterator[str]:
        return iter(("type", "source", "unsigned", "source_unsigned", "f"))

    def __len__(self) -> int:
        return 5


def assignment(variable: str, text: str) -> str:
    """`acc += a * b;` for `acc + a * b`, else `acc = ...;`."""
    if text.startswith(f"{variable} + "):
        return f"{variable} += {text[len(variable) + 3 :]};"
    return f"{variable} = {text};"


def parenthesised(text: str) -> str:
    """In parentheses if it is a negative literal."""
    return f"({text})" if text.startswith("-") else text


def is_mask(value: SSAValue) -> bool:
    """Whether a value is a vector of i1."""
    return isinstance(value.type, VectorType) and lanes(value.type) > 1 and element(value.type) == "i1"


def _unsigned(name: str) -> str:
    return name if name == "i1" else unsigned_of(name)


def mask_width(name: str) -> int:
    """Bits of the mask that comparing elements of this type gives."""
    return 8 * BYTES[signed_of(name)]
