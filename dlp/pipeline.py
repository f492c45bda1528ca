"""The road from an imported network to loops: stages in their order, each a list of passes.

`dlp-opt -p STAGE` runs one of them; `dlp-opt -p default` runs all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

STAGES: Mapping[str, Sequence[str]] = {
    "kernels": ("outline-kernels",),
    "buffers": ("bufferize",),
    "loops": ("lower-pad", "convert-dlp-to-loops"),
    "arena": ("hoist-allocations", "plan-arena"),
}
"""Stage name -> its passes."""

NAMED: Mapping[str, str] = {"default": ",".join(STAGES)}
"""Pipelines with a name of their own."""
