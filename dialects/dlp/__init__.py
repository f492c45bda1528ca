"""The `dlp` dialect: neural-network ops on tensors, on buffers and on tiles of them."""

from xdsl.ir import Dialect

from . import checking, composite, contraction, elementwise, graph, indexing, library, reduction, view

Dlp = Dialect(
    "dlp",
    [
        *elementwise.OPS,
        *contraction.OPS,
        *reduction.OPS,
        *view.OPS,
        *indexing.OPS,
        *library.OPS,
        *checking.OPS,
        *composite.OPS,
        *graph.OPS,
    ],
)
