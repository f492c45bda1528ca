"""Checks of what is known at run time only: a run that fails goes on, and says at its end what did not hold.

Every message has a number, counted over the whole module from 1. Kernels that check anything take `int *status`, in
which a check that fails leaves the number of its message; the entry point returns it, 0 where all checks held. So
there is nothing to unwind, no thread leaves a parallel loop, and a network without checks has no trace of them.
"""

from __future__ import annotations

from xdsl.dialects import cf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dlp.codegen.function import FunctionPrinter


def messages(module: ModuleOp) -> tuple[str, ...]:
    """The messages of a module's checks, each once; number n is the n-th, counted from 1."""
    found = (op.msg.data for op in module.walk() if isinstance(op, cf.AssertOp))
    return tuple(dict.fromkeys(found))


def assertion(printer: FunctionPrinter, op: Operation) -> None:
    """cf.assert"""
    assert isinstance(op, cf.AssertOp)
    number = printer.messages[op.msg.data]
    text = op.msg.data.replace("*/", "* /")
    printer.emit(f"if (!{printer.operand(op.arg)})")
    # Threads of one call may fail at once: any of their messages will do.
    printer.emit(f"  __atomic_store_n(status, {number}, __ATOMIC_RELAXED); /* {text} */")
