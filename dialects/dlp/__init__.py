"""The `dlp` dialect: neural-network ops on tensors, on buffers and on tiles of them."""

from xdsl.ir import Dialect

from . import composite, contraction, elementwise, graph, indexing, reduction, view
from .dim import DimsAttr

Dlp = Dialect(
    "dlp",
    [
        *elementwise.OPS,
        *contraction.OPS,
        *reduction.OPS,
        *view.OPS,
        *indexing.OPS,
        *composite.OPS,
        *graph.OPS,
    ],
    [DimsAttr],
)
