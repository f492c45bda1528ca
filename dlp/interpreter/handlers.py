"""The table from operation names to the functions that run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from xdsl.ir import Operation

if TYPE_CHECKING:
    from .interpreter import Frame

Handler: TypeAlias = Callable[["Frame", Any, Sequence[Any]], Sequence[Any]]
"""Takes the frame, the operation and the values of its operands; gives the values of its results."""

HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Enter a function into the table under the names of the operations that it runs."""

    def enter(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[name] = handler
        return handler

    return enter


def elementwise(name: str, function: Callable[..., Any]) -> None:
    """Enter an operation that computes its one result from its operands alone, on scalars and vectors alike."""

    def handler(frame: Frame, op: Operation, operands: Sequence[Any]) -> Sequence[Any]:
        return (function(*operands),)

    HANDLERS[name] = handler
