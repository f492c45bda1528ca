"""The rule for local buffers: each element has one writer, and nothing is read before it is written.

Passes lean on it: whoever moves, fuses or drops a producer looks for *the* writer of a buffer. Breaking it does not
crash, it computes something else at full speed; so it is checked with the verifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from xdsl.dialects import func, memref, vector
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, ModuleOp
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue

from dlp.dialects.dlp.structured import DestinationOp

_VIEWS = (
    memref.SubviewOp,
    memref.ReinterpretCastOp,
    memref.CastOp,
    memref.ExpandShapeOp,
    memref.CollapseShapeOp,
)
_ALLOCATIONS = (memref.AllocOp, memref.AllocaOp)
_LARGEST_MAP = 1 << 20
"""Elements of a buffer up to which writes are counted element by element."""


@dataclass(frozen=True)
class _Access:
    """One operand of an op that reads or writes memory."""

    op: Operation
    buffer: SSAValue
    reads: bool
    writes: bool
    accumulates: bool = False


@dataclass
class _Effects:
    """Numbers of the arguments that a function reads and writes."""

    read: set[int] = field(default_factory=set)
    written: set[int] = field(default_factory=set)


def buffer_violation(module: ModuleOp) -> tuple[Operation, str] | None:
    """The first op that breaks the rule, and how; None where all keep it.

    Buffers that are accessed as wholes or by static parts in straight-line code are checked element by element; of
    buffers that loops access by parts, only that the first access in the order of the text is a write.
    """
    effects: dict[str, _Effects] = {}
    for function in module.body.block.ops:
        if isinstance(function, func.FuncOp) and not function.is_declaration:
            _effects_of(function, module, effects)
    for function in module.body.block.ops:
        if isinstance(function, func.FuncOp) and not function.is_declaration:
            found = _check(function, effects)
            if found is not None:
                return found
    return None


def _check(function: func.FuncOp, effects: dict[str, _Effects]) -> tuple[Operation, str] | None:
    states: dict[SSAValue, _State] = {}
    roots: dict[SSAValue, SSAValue] = {}
    for op in function.walk():
        if isinstance(op, _ALLOCATIONS):
            states[op.memref] = _State(op)
            roots[op.memref] = op.memref
        elif isinstance(op, _VIEWS):
            if op.operands[0] in roots:
                roots[op.results[0]] = roots[op.operands[0]]
        else:
            accesses = [a for a in _accesses(op, effects) if a.buffer in roots]
            for access in sorted(accesses, key=lambda a: a.writes):  # an op reads before it writes
                message = states[roots[access.buffer]].add(access)
                if message is not None:
                    return op, f"{message} {_named(roots[access.buffer])}"
    return None


class _State:
    """What has been written of one buffer so far."""

    def __init__(self, allocation: memref.AllocOp | memref.AllocaOp) -> None:
        self.block = allocation.parent
        type_ = cast("MemRefType[Attribute]", allocation.memref.type)
        shape = type_.get_shape()
        self.touched = False
        known = DYNAMIC_INDEX not in shape and prod(shape) <= _LARGEST_MAP
        self.written: NDArray[np.bool_] | None = np.zeros(prod(shape), np.bool_) if known else None

    def add(self, access: _Access) -> str | None:
        """Note an access. Returns what is wrong with it, to be followed by the buffer's name."""
        first, self.touched = not self.touched, True
        if first and access.reads:
            return "reads before anything is written to"
        part = self._part(access)
        if part is None:
            self.written = None  # accessed by parts that are not known: nothing more can be told
        elif access.reads and not part.all():
            return "reads elements that nothing has written of"
        elif access.writes:
            if part.any() and not access.accumulates:
                return "is a second writer of elements of"
            part[...] = True
        return None

    def _part(self, access: _Access) -> NDArray[np.bool_] | None:
        if self.written is None or access.op.parent is not self.block or not isinstance(access.op, _WHOLE):
            return None
        type_ = cast("MemRefType[Attribute]", access.buffer.type)
        offset, strides, shape = type_.get_offset(), type_.get_strides(), type_.get_shape()
        if offset is None or strides is None or None in strides or DYNAMIC_INDEX in shape:
            return None
        return as_strided(self.written[offset:], shape, cast(Any, strides), writeable=True)


_WHOLE = (DestinationOp, memref.CopyOp, func.CallOp)
"""Ops that access all of their operands, not single elements."""


def _accesses(op: Operation, effects: dict[str, _Effects]) -> Iterator[_Access]:
    match op:
        case DestinationOp():
            accumulates = getattr(op, "accumulate", None) is not None
            yield from (_Access(op, x, True, False) for x in op.ins)
            yield from (_Access(op, x, accumulates, True, accumulates) for x in op.outs)
        case func.CallOp():
            callee = effects.get(op.callee.string_value(), _Effects())
            for i, x in enumerate(op.arguments):
                # What a function writes it may read back: that it writes first is checked where it is scratch.
                if i in callee.read or i in callee.written:
                    yield _Access(op, x, i not in callee.written, i in callee.written)
        case memref.CopyOp():
            yield _Access(op, op.source, True, False)
            yield _Access(op, op.destination, False, True)
        case memref.StoreOp():
            yield _Access(op, op.memref, False, True)
        case memref.LoadOp():
            yield _Access(op, op.memref, True, False)
        case vector.StoreOp():
            yield _Access(op, op.base, False, True)
        case vector.LoadOp():
            yield _Access(op, op.base, True, False)
        case _:
            pass


def _effects_of(function: func.FuncOp, module: ModuleOp, known: dict[str, _Effects]) -> _Effects:
    """Which arguments a function reads and writes, itself or through what it calls."""
    name = function.sym_name.data
    if name in known:
        return known[name]
    effects = known[name] = _Effects()
    for call in function.walk():
        if isinstance(call, func.CallOp):
            for callee in module.body.block.ops:
                if isinstance(callee, func.FuncOp) and callee.sym_name.data == call.callee.string_value():
                    _effects_of(callee, module, known)
    roots: dict[SSAValue, SSAValue] = {}
    for op in function.walk():
        if isinstance(op, _VIEWS):
            roots[op.results[0]] = roots.get(op.operands[0], op.operands[0])
        for access in _accesses(op, known):
            root = roots.get(access.buffer, access.buffer)
            if isinstance(root, BlockArgument) and root.owner is function.body.block:
                (effects.written if access.writes else effects.read).add(root.index)
    return effects


def _named(value: SSAValue) -> str:
    return f"%{value.name_hint}" if value.name_hint else f"a buffer of type {value.type}"
