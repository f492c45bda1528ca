"""Verification that names the culprit: xDSL's verifier, then dominance, with the IR around what is wrong."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp, UnregisteredOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from dlp.dominance import undominated_use
from dlp.errors import VerificationError
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
