"""Verification that names the culprit: xDSL's verifier, then dominance, with the IR around what is wrong."""

from __future__ import annotations

import functools

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnregisteredOp,
)
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import VerifyException

from dlp.dialects.dlp.dim import Dim
from dlp.dialects.dlp.structured import dims_of
from dlp.dominance import undominated_use
from dlp.errors import StaticShapeRequired, VerificationError
from dlp.ir_text import excerpt

# What xDSL's verifier raises: its own exception, and ValueError where the structure itself is broken.
_BROKEN = (VerifyException, ValueError)


class InvalidOperation(VerificationError):
    """One operation is wrong.

    Attributes:
        culprit: the operation.
        message: what is wrong with it, in one line.
    """

    def __init__(self, culprit: Operation, message: str) -> None:
        super().__init__(message)
        self.culprit = culprit
        self.message = message

    def excerpt(self) -> str:
        """The lines of IR around the culprit, its own marked."""
        return excerpt(self.culprit)


def verify(module: ModuleOp) -> None:
    """Check every operation by its own rules, that definitions dominate uses, and the rule for local buffers.

    Raises:
        InvalidOperation: the first operation found to be wrong.
    """
    _verify_open_sizes(module)
    try:
        module.verify()
    except _BROKEN as error:
        culprit = _culprit(module)
        raise InvalidOperation(culprit, f"'{_name(culprit)}': {_one_line(error)}") from error
    found = undominated_use(module)
    if found is not None:
        culprit, number = found
        hint = culprit.operands[number].name_hint
        value = f"%{hint}" if hint else f"number {number}"
        message = f"operand {value} does not dominate this use: it is defined later or not on every path"
        raise InvalidOperation(culprit, f"'{_name(culprit)}': {message}")
    if any(op.name in ("memref.alloc", "memref.alloca") for op in module.walk()):
        from dlp.buffer_rules import buffer_violation  # it needs NumPy

        wrong = buffer_violation(module)
        if wrong is not None:
            raise InvalidOperation(wrong[0], f"'{_name(wrong[0])}': {wrong[1]}")


def _verify_open_sizes(module: ModuleOp) -> None:
    """Check that what says which sizes the `?` of a type are fits the type."""
    for op in module.walk():
        arguments = (a for region in op.regions for block in region.blocks for a in block.args)
        for value in (*op.results, *arguments):
            if isinstance(value.type, TensorType | MemRefType) and dims_of(value.type) is not None:
                wrong = _wrong_sizes(value.type)
                if wrong:
                    raise InvalidOperation(op, f"'{_name(op)}': {value.type}: {wrong}")


@functools.lru_cache(maxsize=4096)
def _wrong_sizes(shaped: TensorType[Attribute] | MemRefType[Attribute]) -> str:
    dims = dims_of(shaped)
    assert dims is not None
    if not all(isinstance(n, StringAttr | IntegerAttr) for n in (*dims.sizes, *dims.strides)):
        return "a size is neither a number nor an expression"
    try:
        sizes, strides = dims.get_sizes(), dims.get_strides()
    except (ValueError, StaticShapeRequired) as error:
        return str(error)
    shape = shaped.get_shape()
    if len(sizes) != len(shape) or len(strides) != len(shape):
        return f"{len(sizes)} sizes and {len(strides)} strides for {len(shape)} dimensions"
    for d, (size, n) in enumerate(zip(sizes, shape, strict=True)):
        if size != n if not isinstance(size, Dim) else n != DYNAMIC_INDEX:
            return f"dimension {d} is {'?' if n == DYNAMIC_INDEX else n} in the type and {size} beside it"
        if isinstance(size, Dim) and _is_negative(size):
            return f"the size {size} of dimension {d} is negative"
    return ""


def _is_negative(size: Dim) -> bool:
    """Whether it is known to be so for all values of its symbols."""
    try:
        return size.most is not None and size.most < 0
    except StaticShapeRequired:
        return False


def _culprit(module: ModuleOp) -> Operation:
    """The innermost operation that fails alone; only searched for when verification has failed."""
    for op in module.walk(region_first=True):
        try:
            op.verify(verify_nested_ops=False)
        except _BROKEN:
            return op
    return module


def _name(op: Operation) -> str:
    return op.op_name.data if isinstance(op, UnregisteredOp) else op.name


def _one_line(error: BaseException) -> str:
    text = str(error).removeprefix("Operation does not verify: ")
    return " ".join(text.split())
