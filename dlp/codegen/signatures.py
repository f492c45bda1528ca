"""What callers of a function need to know: its C name, parameters, and which buffers it writes."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import cast

from xdsl.dialects import func, memref
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IntegerAttr, MemRefType, VectorType
from xdsl.ir import BlockArgument, Operation, OpResult, SSAValue

from dlp.codegen.c_library import is_library_name
from dlp.codegen.c_types import BYTES, element
from dlp.codegen.names import identifier
from dlp.walking import walk

VIEWS = (
    "memref.subview",
    "memref.cast",
    "memref.view",
    "memref.reinterpret_cast",
    "memref.expand_shape",
    "memref.collapse_shape",
    "memref.memory_space_cast",
    "memref.assume_alignment",
)
"""Operations whose result is their first operand's memory."""


@dataclass
class Signature:
    """A function as its callers see it.

    Attributes:
        operations: all of its body, in order.
        written: numbers of the memref arguments that it stores through.
        aliased: numbers of the arguments that some call lets overlap a written one.
        is_value: takes and gives values only, no memory: printed inline.
        is_called: somebody in the module calls it.
        needs_threads: has a parallel loop, itself or in what it calls.
        needs_status: checks something, itself or in what it calls.
        written_values: memrefs in its body that something is stored through.
    """

    function: func.FuncOp
    operations: tuple[Operation, ...]
    written: frozenset[int] = frozenset()
    aliased: frozenset[int] = frozenset()
    is_value: bool = False
    is_called: bool = False
    needs_threads: bool = False
    needs_status: bool = False
    written_values: frozenset[SSAValue] = frozenset()

    @property
    def extra_arguments(self) -> tuple[str, ...]:
        """What C passes behind the arguments that the IR has, by names that are the same everywhere."""
        return (*(("threads",) if self.needs_threads else ()), *(("status",) if self.needs_status else ()))

    @property
    def name(self) -> str:
        return self.function.sym_name.data

    @property
    def c_name(self) -> str:
        """The name in C, out of the way of C's library."""
        name = identifier(self.name)
        return f"{name}_kernel" if is_library_name(name) else name

    @property
    def has_entry(self) -> bool:
        """Whether the library lets others call it: public, and all that it gives goes into buffers."""
        visibility = self.function.sym_visibility
        is_public = visibility is None or visibility.data == "public"
        types = self.function.function_type
        return (
            is_public
            and not self.function.is_declaration
            and not types.outputs.data
            and not any(isinstance(type_, VectorType) for type_ in types.inputs)
        )


def signatures(
    functions: Iterable[Operation],
    *,
    parallel: bool,
    known: Mapping[str, Signature] = MappingProxyType({}),
    callers: Iterable[func.CallOp] = (),
) -> dict[str, Signature]:
    """Signature of every function, callees before their callers.

    Args:
        functions: whose signatures are asked for; other operations are passed over.
        parallel: whether the target runs parallel loops on threads.
        known: of functions that these ones call.
        callers: calls that stand elsewhere.
    """
    named = {op.sym_name.data: op for op in functions if isinstance(op, func.FuncOp)}
    found: dict[str, Signature] = {}
    everything = ChainMap(found, cast("dict[str, Signature]", known))

    def visit(name: str) -> None:
        operations = tuple(walk(named[name]))
        for call in _calls(operations):
            callee = callee_of(call)
            if callee in named and callee not in found:
                visit(callee)
        found[name] = _signature(named[name], operations, everything, parallel)

    for name in named:
        if name not in found:
            visit(name)
    calls = [call for signature in found.values() for call in _calls(signature.operations)]
    for call in chain(calls, callers):
        if callee := found.get(callee_of(call)):
            callee.is_called = True
            callee.aliased |= _overlaps(call, callee)
    return found


def _signature(
    function: func.FuncOp, operations: tuple[Operation, ...], known: Mapping[str, Signature], parallel: bool
) -> Signature:
    arguments = tuple(function.function_type.inputs)
    signature = Signature(function, operations)
    signature.is_value = not any(isinstance(type_, MemRefType) for type_ in arguments) and bool(
        function.function_type.outputs.data
    )
    if function.is_declaration:
        signature.written = frozenset(range(len(arguments)))
        return signature
    signature.needs_threads = (parallel and any(op.name == "scf.parallel" for op in operations)) or any(
        known[name].needs_threads for call in _calls(operations) if (name := callee_of(call)) in known
    )
    signature.needs_status = any(op.name == "cf.assert" for op in operations) or any(
        known[name].needs_status for call in _calls(operations) if (name := callee_of(call)) in known
    )
    written: set[SSAValue] = set()
    for op in operations:
        for value in _stored_through(op, known):
            while value not in written:
                written.add(value)
                if isinstance(value, OpResult) and value.op.name in VIEWS:
                    value = value.op.operands[0]
    signature.written_values = frozenset(written)
    signature.written = frozenset(
        number for number, argument in enumerate(function.body.block.args) if argument in written
    )
    return signature


def _calls(operations: Iterable[Operation]) -> Iterator[func.CallOp]:
    return (op for op in operations if type(op) is func.CallOp)


def callee_of(call: func.CallOp) -> str:
    """The name of the function that is called."""
    return call.callee.string_value()


_STORES = {
    "memref.store": 1,
    "memref.copy": 1,
    "vector.store": 1,
    "vector.maskedstore": 0,
    "vector.transfer_write": 1,
}
"""Which operand of an operation is the memref that it writes."""


def _stored_through(op: Operation, known: Mapping[str, Signature]) -> list[SSAValue]:
    if (number := _STORES.get(op.name)) is not None:
        return [op.operands[number]]
    if op.name in ("memref.alloc", "memref.alloca"):
        return [op.results[0]]
    if isinstance(op, func.CallOp):
        callee = known.get(callee_of(op))
        return [
            value
            for number, value in enumerate(op.arguments)
            if isinstance(value.type, MemRefType) and (callee is None or number in callee.written)
        ]
    return []


def _overlaps(call: func.CallOp, callee: Signature) -> frozenset[int]:
    """Arguments that may share bytes with another one, where the callee writes one of the two."""
    places = {
        number: _place(value)
        for number, value in enumerate(call.arguments)
        if isinstance(value.type, MemRefType)
    }
    found: set[int] = set()
    for a, (root, low, high) in places.items():
        for b, (other, start, end) in places.items():
            if a >= b or root is not other or not {a, b} & callee.written:
                continue
            if low < end and start < high:
                found |= {a, b}
    return frozenset(found)


_FAR = 1 << 62

_PLANNED = "dlp.bytes"
"""Attribute of a view that has a place in an arena, by a plan."""


def _place(value: SSAValue) -> tuple[SSAValue, int, int]:
    """(root memref, first byte, end): bytes that a memref may touch; of views at unknown places, all."""
    low, high = 0, _FAR
    while isinstance(value, OpResult) and value.op.name in VIEWS:
        op = value.op
        if isinstance(op, memref.ViewOp) and high == _FAR:
            shift = _constant(op.byte_shift)
            size = _static_bytes(value.type)
            source = op.source
            if shift is not None and size is not None and isinstance(source, BlockArgument):
                low, high = shift, shift + size
            elif _PLANNED in op.attributes:
                return op.result, 0, _FAR  # places that one call uses lie apart: all of them are alive then
        value = op.operands[0]
    return value, low, high


def _static_bytes(type_: object) -> int | None:
    if not isinstance(type_, MemRefType) or not type_.has_static_shape() or type_.layout.name == "strided":
        return None
    count = BYTES[element(type_)]
    for size in type_.get_shape():
        count *= size
    return count


def _constant(value: SSAValue) -> int | None:
    op = value.owner
    if isinstance(op, ConstantOp) and isinstance(op.value, IntegerAttr):
        return op.value.value.data
    return None
