"""The `dlp` dialect: neural-network ops on tensors, on buffers and on tiles of them."""

from xdsl.ir import Dialect

from . import (
    checking,
    composite,
    contraction,
    cumulative,
    elementwise,
    graph,
    indexing,
    integer,
    library,
    loop,
    pool_places,
    reduction,
    scatter,
    sorting,
    transposed_convolution,
    view,
    winograd,
)
from .dim import DimsAttr

Dlp = Dialect(
    "dlp",
    [
        *elementwise.OPS,
        *contraction.OPS,
        *winograd.OPS,
        *reduction.OPS,
        *view.OPS,
        *indexing.OPS,
        *library.OPS,
        *integer.OPS,
        *checking.OPS,
        *scatter.OPS,
        *cumulative.OPS,
        *sorting.OPS,
        *pool_places.OPS,
        *composite.OPS,
        *transposed_convolution.OPS,
        *graph.OPS,
        *loop.OPS,
    ],
    [DimsAttr],
)
