"""The errors that dlp raises on purpose; everything else is a bug of dlp."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DlpError(Exception):
    """Base of all errors that dlp raises on purpose. The text is one that a user can act on."""


class InputError(DlpError):
    """What the user gave (IR, a pass name, an option, a file) is wrong; the text says where and what would be right."""


class VerificationError(DlpError):
    """IR breaks a rule of its own: of an operation, or that values are defined before they are used."""


class PassError(DlpError):
    """A pass failed on the IR that it was given."""


def nearest(wrong: str, right: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` with the candidate nearest to `wrong`, or nothing when none is near."""
    found = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.5)
    return f"; did you mean '{found[0]}'?" if found else ""


class ToolchainError(DlpError):
    """No compiler that works, or one that refused the generated C."""


class TargetError(DlpError):
    """No such target, a wrong description of one, or one that this machine cannot run."""
