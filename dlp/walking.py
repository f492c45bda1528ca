"""All operations below one, as a list: several times as fast as `Operation.walk`, which resumes a generator for every
level of nesting, and safe while they change."""

from __future__ import annotations

from typing import TypeVar, cast

from xdsl.ir import Block, Operation

_Op = TypeVar("_Op", bound=Operation)


def walk(root: Operation) -> list[Operation]:
    """An operation and all in its regions, in order."""
    found: list[Operation] = []
    _collect(root, found)
    return found


def walk_of(root: Operation, kind: type[_Op]) -> list[_Op]:
    """Those of `walk` that are of one class: `isinstance` is slow on IR, whose classes are abstract."""
    known: dict[type[Operation], bool] = {}
    found: list[_Op] = []
    for op in walk(root):
        type_ = type(op)
        if type_ not in known:
            known[type_] = issubclass(type_, kind)
        if known[type_]:
            found.append(cast(_Op, op))
    return found


def walk_blocks(root: Operation) -> list[Block]:
    """The blocks of an operation and of all operations in them, those of an outer operation first."""
    return [block for op in walk(root) if op.regions for region in op.regions for block in region.blocks]


def _collect(root: Operation, found: list[Operation]) -> None:
    found.append(root)
    for region in root.regions:
        for block in region.blocks:
            op = block.first_op
            while op is not None:
                if op.regions:
                    _collect(op, found)
                else:
                    found.append(op)
                op = op.next_op
