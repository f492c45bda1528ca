"""One candidate with one network, in a process of its own; the driver tells it when to run.

Reads one JSON object a line, answers each with one line: `{"do": "prepare", ...}` first, then `{"do": "memory"}` and
`{"do": "chunk", ...}`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import statistics
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import inductor, runtimes  # noqa: F401  (they enter the table of candidates)
from bench.candidates import Ready, Work, find
from bench.quiet import Watch, set_priority

_PR_SET_PDEATHSIG = 1


def main() -> None:
    # Whatever libraries print goes to stderr: stdout belongs to the driver.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    with suppress(
        OSError, AttributeError
    ):  # stopped between its turns, it could not see that the driver is gone
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    ready: Ready | None = None
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        try:
            if order["do"] == "prepare":
                ready, answer = _prepare(order)
            else:
                assert ready is not None
                answer = _memory(ready) if order["do"] == "memory" else _chunk(ready, order["seconds"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]}
        print(json.dumps(answer), file=answers)


def _prepare(order: dict[str, Any]) -> tuple[Ready, dict[str, Any]]:
    import numpy as np
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(order["threads"])
    built = _network(order)
    # Stays on for the life of the process.
    torch.inference_mode().__enter__()
    started = time.perf_counter()
    work = Work(built.model, built.args, order["threads"], Path(order["folder"]))
    ready = find(order["candidate"]).prepare(work)
    output = ready.run()
    facts = {"first_call_seconds": time.perf_counter() - started, **ready.facts}
    output = output[0] if isinstance(output, tuple | list) else output
    np.save(Path(order["output"]), np.asarray(output))
    return ready, facts


def _network(order: dict[str, Any]) -> Any:
    """The network, as the first process has built and left it for those that follow."""
    import torch

    from bench.rows import build

    path = Path(order["built"])
    if path.exists():
        from networks.definition import define_torchvision_operations

        define_torchvision_operations()
        return torch.load(path, weights_only=False)
    built = build(order["network"], order["size"], order["seed"], order["shapes"])
    try:
        torch.save(built, path)
    except Exception:  # not everything can be saved: the others build their own
        path.unlink(missing_ok=True)
    return built


def _memory(ready: Ready) -> dict[str, Any]:
    """The most memory that the process has while it runs the network, when all else is given back."""
    highest_before = _status("VmHWM")
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the highest mark from now on
    for _ in range(3):
        ready.run()
    return {"run_memory_bytes": _status("VmHWM"), "prepare_memory_bytes": highest_before}


def _status(name: str) -> int:
    """Bytes, of a line of what the system says about this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _chunk(ready: Ready, seconds: float) -> dict[str, Any]:
    """Run for a while: the median time of a call, and how many cores others used meanwhile."""
    set_priority(-19)
    try:
        watch, times = Watch(), [_timed(ready)]
        if times[0] < seconds:
            # What the candidates before it left in the caches is not its own.
            watch, times = Watch(), []
            end = time.perf_counter() + seconds
            while not times or time.perf_counter() < end:
                times.append(_timed(ready))
        others = watch.others()
    finally:
        set_priority(0)
    return {"ms": statistics.median(times) * 1e3, "runs": len(times), "others": others}


def _timed(ready: Ready) -> float:
    started = time.perf_counter()
    ready.run()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
