"""The bytes that this machine moves from and to its memory in a second, measured with a plain copy."""

from __future__ import annotations

import ctypes
import os
import statistics
import time

from dlp.targets import Target
from dlp.toolchain import build_shared

BYTES = 128 << 20
"""Of what is copied: more than caches hold."""

_COPIES = 5

_SOURCE = """\
void copy(void *const *args, int threads) {
  const float *restrict source = args[0];
  float *restrict destination = args[1];
  long count = *(const long *)args[2];
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long i = 0; i < count; i++)
    destination[i] = source[i];
}
"""


def memory_bandwidth(target: Target, threads: int) -> float:
    """GB/s of a copy of a large array, reads and writes counted.

    Raises:
        DlpError: there is no compiler.
    """
    build = build_shared({"copy.c": _SOURCE}, target)
    function = ctypes.CDLL(os.fspath(build))["copy"]
    source, destination = ctypes.create_string_buffer(BYTES), ctypes.create_string_buffer(BYTES)
    count = ctypes.c_long(BYTES // 4)
    places = (ctypes.c_void_p * 3)(*map(ctypes.addressof, (source, destination, count)))
    seconds: list[float] = []
    for _ in range(1 + _COPIES):
        started = time.perf_counter()
        function(places, threads)
        seconds.append(time.perf_counter() - started)
    return 2 * BYTES / statistics.median(seconds[1:]) / 1e9
