"""PyTorch's own compiler as candidates."""

from __future__ import annotations

import time

from bench.candidates import Ready, Work, candidate

_CACHE = "TORCHINDUCTOR_CACHE_DIR"


def _inductor(work: Work, *, frozen: bool) -> Ready:
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = frozen
    compiled, args = torch.compile(work.model), work.args
    started = time.perf_counter()
    compiled(*args)
    return Ready(lambda: compiled(*args), {"compile_seconds": time.perf_counter() - started})


@candidate("inductor", cache=_CACHE)
def _default(work: Work) -> Ready:
    return _inductor(work, frozen=False)


@candidate("inductor_frozen", cache=_CACHE)
def _frozen(work: Work) -> Ready:
    """Weights are constants of the compiled code: it does not see new ones."""
    return _inductor(work, frozen=True)
