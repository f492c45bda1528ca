"""Running a compiler: its process, its folder, its files."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlp.errors import ToolchainError

_TIMEOUT = 600  # seconds; a compiler that takes longer for one unit hangs


def run(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program with messages in English.

    Raises:
        ToolchainError: it cannot be started, or does not end.
    """
    variables = {**(os.environ if environment is None else environment), "LC_ALL": "C"}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolchainError(f"{command[0]} cannot be run: {error.strerror}") from None
    with process:
        try:
            output, errors = process.communicate(timeout=_TIMEOUT)
        except BaseException as error:
            # A compiler is a driver and the programs that it starts: none of them is to go on alone.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolchainError(f"{command[0]} did not end within {_TIMEOUT} s") from None
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="dlp-build-")
    except OSError as error:
        raise ToolchainError(f"no place for temporary files: {error.strerror}; set TMPDIR") from None


def write_file(path: Path, data: str | bytes) -> None:
    """Write what the compiler reads.

    Raises:
        ToolchainError: the disk is full, or the like.
    """
    try:
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise ToolchainError(f"cannot write {path}: {error.strerror}; set TMPDIR to another place") from None


def first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[0]
