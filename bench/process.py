"""The process of a candidate, as the driver sees it: stopped unless it is its turn."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from bench.candidates import ROOT, Candidate


class Process:
    """Runs `bench.worker`; stands still between its turns, so that threads which tools leave spinning harm nobody."""

    def __init__(
        self, candidate: Candidate, stack: ExitStack, threads: int, environment: Mapping[str, str], log: Path
    ) -> None:
        """`environment` is added to that of this process; what the tools print goes to `log`."""
        self._buffer = b""
        self._process = stack.enter_context(
            subprocess.Popen(
                [candidate.python, "-m", "bench.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stack.enter_context(log.open("ab")),
                cwd=ROOT,
                env={
                    **os.environ,
                    "OMP_NUM_THREADS": str(threads),
                    "MKL_NUM_THREADS": str(threads),
                    "PYTHONPATH": str(ROOT),
                    **environment,
                },
                start_new_session=True,  # its priority is that of its session
            )
        )
        stack.callback(self.end)

    def ask(self, order: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Let it run until it has answered, at most so long; an answer `{"error": ...}` says what went wrong."""
        assert self._process.stdin is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            line = self._line(seconds)
        except BrokenPipeError:
            line = b""
        except TimeoutError:
            self.end()
            return {"error": f"{order['do']} took longer than {seconds:.0f} seconds"}
        if not line:
            return {"error": f"the process ended with status {self._process.wait()}"}
        self._signal(signal.SIGSTOP)
        return json.loads(line)

    def end(self) -> None:
        """Kill it, and what it has started."""
        self._signal(signal.SIGKILL)

    def _line(self, seconds: float) -> bytes:
        assert self._process.stdout is not None
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise TimeoutError
                found = os.read(self._process.stdout.fileno(), 1 << 16)
                if not found:
                    return b""
                self._buffer += found
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
