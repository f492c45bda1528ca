"""What the interpreter raises."""

from dlp.errors import DlpError


class InterpreterError(DlpError):
    """IR that cannot be run, or that does something undefined when it runs; the text names the operation."""
