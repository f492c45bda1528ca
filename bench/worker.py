"""One candidate with one network, in a process of its own; the driver tells it when to run.

Reads one JSON object a line, answers each with one line: `{"do": "prepare", ...}` first, then `{"do": "chunk", ...}`.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench import peers  # noqa: F401  (they enter the table of candidates)
from bench.candidates import CANDIDATES, ROOT, Ready
from bench.quiet import Watch, set_priority


def main() -> None:
    # Whatever libraries print goes to stderr: stdout belongs to the driver.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    ready: Ready | None = None
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        try:
            if order["do"] == "prepare":
                ready, answer = _prepare(order)
            else:
                assert ready is not None
                answer = _chunk(ready, order["seconds"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=answers)


def _prepare(order: dict[str, Any]) -> tuple[Ready, dict[str, Any]]:
    import numpy as np
    import torch

    sys.path.insert(0, str(ROOT / "test"))
    from networks import network

    torch.set_num_threads(order["threads"])
    built = network(order["network"], order["size"], seed=order["seed"])
    started = time.perf_counter()
    # Stays on for the life of the process.
    torch.inference_mode().__enter__()
    ready = CANDIDATES[order["candidate"]].prepare(built.model, built.args)
    output = ready.run()
    first_call = time.perf_counter() - started
    output = output[0] if isinstance(output, tuple) else output
    np.save(Path(order["output"]), np.asarray(output))
    for _ in range(3):
        ready.run()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return ready, {"first_call_seconds": first_call, "peak_memory_bytes": memory, **ready.facts}


def _chunk(ready: Ready, seconds: float) -> dict[str, Any]:
    """Run for a while: the median time of a call, and how many cores others used meanwhile."""
    set_priority(-19)
    try:
        ready.run()  # what the candidates before it left in the caches is not its own
        watch, times = Watch(), []
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            started = time.perf_counter()
            ready.run()
            times.append(time.perf_counter() - started)
        others = watch.others()
    finally:
        set_priority(0)
    return {"ms": statistics.median(times) * 1e3, "runs": len(times), "others": others}


if __name__ == "__main__":
    main()
