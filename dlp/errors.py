"""The errors that dlp raises on purpose; everything else is a bug of dlp."""

from __future__ import annotations


class DlpError(Exception):
    """Base of all errors that dlp raises on purpose. The text is one that a user can act on."""


class InputError(DlpError):
    """What the user gave (IR, a pass name, an option, a file) is wrong; the text says where and what would be right."""


class TargetError(DlpError):
    """No such target, a wrong description of one, or one that this machine cannot run."""


class ToolchainError(DlpError):
    """No compiler that works, or one that refused the generated C."""
