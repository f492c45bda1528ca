"""The road from an imported network to C: stages in their order, each named by what it produces.

`dlp-opt net.mlir --target=avx2 -p kernels` runs one stage, `-p default` all of them; `--start-before`, `--stop-after`
and their siblings enter and leave the road at any stage or pass. An option `target` that is not written here is
that of the command line or of the compiler; so is `threads`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

STAGES: Mapping[str, Sequence[str]] = {
    # dlp ops on tensors in the order and layout in which they will be computed; weights packed by @prepare.
    "graph": (
        "canonicalize",
        "fold-batch-norm",
        "decompose{attention=false}",
        "reciprocal-division",
        "cse",
        "dce",
        "channels-last",
        "winograd",
        "flatten-contractions",
        "pack-weights",
        "loop-invariant-code-motion",
        "simplify-views",
        "share-padding",
        "canonicalize",
        "cse",
        "dce",
        "split-prepare",
    ),
    # A private function for each distinct group of ops that is computed together.
    "kernels": ("fuse", "outline-kernels", "order-calls"),
    # Kernels write into buffers that they are given; views are strides.
    "buffers": ("bufferize", "fold-destination-views", "lower-pad{trailing=true}"),
    # Loops over the tasks of the threads, and in them over tiles that fit the registers.
    "tiles": ("tile-attention", "tile-tasks", "lower-pad", "promote-operands", "tile-registers"),
    # Vectors within the tiles, loops over scalars for the rest.
    "vectors": ("vectorize", "prefetch-weights", "prefetch-tasks", "convert-dlp-to-loops"),
    # One arena for all intermediates; kernels allocate nothing.
    "arena": ("hoist-allocations", "plan-arena"),
    # Exponentials and the like as functions over arith and vector.
    "math": ("outline-math",),
}
"""Stage name -> its passes."""

CHANGES_ROUNDING = ("fold-batch-norm", "reciprocal-division", "winograd")
"""Passes that change results by more than the order of a sum: `numerics="strict"` does without them."""

NAMED: Mapping[str, str] = {
    "default": ",".join(STAGES),
    "strict": ",".join("strict-graph" if stage == "graph" else stage for stage in STAGES),
    "strict-graph": ",".join(name for name in STAGES["graph"] if name not in CHANGES_ROUNDING),
}
"""Pipelines with a name of their own."""
