"""Steps that look at windows without multiplying: pooling."""

from __future__ import annotations

from torch.nn import functional as F

from .builder import Builder, Rejected, Value
from .products import windows_fit
from .steps import floats_of_rank, step


@step(floats_of_rank(3, 4, 5), 3)
def pool(b: Builder, x: Value) -> None:
    spatial = x.rank - 2
    kernel = [min(n, b.random.choice([1, 2, 3])) for n in x.shape[2:]]
    stride = [b.random.choice([1, k]) for k in kernel]
    padding = [k // 2 if b.chance(0.4) else 0 for k in kernel]
    ceil = b.chance(0.2)
    if b.chance(0.5):
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[spatial - 1]
        dilation = [b.random.choice([1, 1, 2]) for _ in kernel]
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
        if not windows_fit(x, padding, reach):
            raise Rejected
        if b.chance(0.3):
            b.values += b.several(function, x, kernel, stride, padding, dilation, ceil, return_indices=True)
        else:
            b.call(function, x, kernel, stride, padding, dilation, ceil)
    else:
        function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[spatial - 1]
        b.call(function, x, kernel, stride, padding, ceil, b.chance(0.5))


@step(floats_of_rank(3, 4, 5), 0.3)
def pool_by_norm(b: Builder, x: Value) -> None:
    kernel = [min(n, b.random.choice([1, 2, 3])) for n in x.shape[2:]]
    function = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[x.rank - 3]
    b.call(function, x, 2.0, kernel[0] if x.rank == 3 else kernel)


@step(floats_of_rank(3, 4, 5))
def pool_to_size(b: Builder, x: Value) -> None:
    sizes = [b.random.choice([1, 1, 2, 3, 5]) for _ in x.shape[2:]]
    if b.chance(0.6):
        function = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[x.rank - 3]
    else:
        function = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[x.rank - 3]
    b.call(function, x, sizes)
