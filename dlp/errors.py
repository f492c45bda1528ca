"""The errors that dlp raises on purpose; everything else is a bug of dlp."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


class DlpError(Exception):
    """Base of all errors that dlp raises on purpose. The text is one that a user can act on."""


class InputError(DlpError):
    """What the user gave (IR, a pass name, an option, a file) is wrong; the text says where and why."""


class VerificationError(DlpError):
    """IR breaks a rule of its own: of an operation, or that values are defined before they are used."""


class PassError(DlpError):
    """A pass failed on the IR that it was given."""


class StaticShapeRequired(DlpError):
    """A size that only a run knows stands where a number is needed.

    Whoever catches it compiles for larger sizes alone, or for fixed ones.
    """

    op: UnsupportedOp | None = None
    """What asks for the number, where that is known."""
    least: Mapping[str, int]
    """Least values of symbols with which there would be an answer; empty where none are known."""

    def __init__(self, question: str, least: Mapping[str, int] | None = None) -> None:
        super().__init__(f"not known for all sizes: {question}")
        self.least = least or {}


class CodegenError(DlpError):
    """IR has no spelling in C: an operation, a type or a form of them; the text names it."""


def nearest(wrong: str, right: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` with the candidate nearest to `wrong`, or nothing when none is near."""
    found = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.5)
    return f"; did you mean '{found[0]}'?" if found else ""


class ToolchainError(DlpError):
    """No compiler that works, or one that refused the generated C."""


class TargetError(DlpError):
    """No such target, a wrong description of one, or one that this machine cannot run."""


@dataclass(frozen=True)
class UnsupportedOp:
    """One operation of a user's model that dlp leaves to the framework."""

    name: str
    """As the framework calls it: `aten.cumsum.default`."""
    reason: str
    location: str = ""
    """`file:line` of the user's code, empty where the framework does not know it."""
    node: str = field(default="", compare=False, repr=False)
    """The operation's name in the captured graph; empty for what concerns the graph as a whole."""

    def __str__(self) -> str:
        return f"{self.location or '?'}: {self.name}: {self.reason}"


class UnsupportedOpsError(DlpError):
    """A graph holds operations that dlp does not compile; all of them are listed, not the first only."""

    def __init__(self, ops: Sequence[UnsupportedOp]) -> None:
        self.ops = tuple(ops)
        super().__init__("operations that dlp does not compile:\n" + "\n".join(f"  {op}" for op in self.ops))


class FallbackError(DlpError):
    """With `strict=True`: a part of the model would have run in the framework; says which line and why."""


class FallbackWarning(UserWarning):
    """A part of an optimised model runs in the framework; comes once a model."""


class RunError(DlpError, RuntimeError):
    """What a compiled network was given cannot be computed, as a division of an integer by zero; eager raises too."""


class IndexRangeError(RunError, IndexError):
    """An index lies outside of the dimension that it indexes."""


_RUN_ERRORS = {"IndexError": IndexRangeError}


def run_error(message: str) -> RunError:
    """The error for a check that failed. A message may begin with the error that eager raises: "IndexError: ..."."""
    kind, _, text = message.partition(": ")
    return _RUN_ERRORS[kind](text) if kind in _RUN_ERRORS else RunError(message)
