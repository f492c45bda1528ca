"""The table that fixes which ATen operations a captured graph may hold, whichever way it was captured.

Everything that the framework can express by simpler operations is decomposed, except what dlp knows as a whole
(`KEPT`): a convolution, a normalisation or an attention is one operation, for the passes, and for training, whose
backward operations come whole as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

import torch
from torch._decomp import (
    _core_aten_decompositions_post_autograd,
    core_aten_decompositions,
    get_decompositions,
)
from torch._prims_common import suggest_memory_format

from dlp.frontends.torch.decomposed import DECOMPOSED as DECOMPOSED_HERE
from dlp.frontends.torch.fast_paths import FAST_PATHS

KEPT = (
    "_native_batch_norm_legit_no_training",
    "_prelu_kernel",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_unsafe_index",
    "baddbmm",
    "convolution",
    "dot",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "index_add",
    "index_copy",
    "gru.input",
    "lstm.input",
    "mv",
    "native_group_norm",
    "native_layer_norm",
    "one_hot",
    "ones",
    "ones_like",
    "rnn_relu.input",
    "rnn_tanh.input",
    "roll",
    "select_scatter",
    "silu",
    "slice_scatter",
    "square",
    "squeeze.default",
    "squeeze.dim",
    "stack",
    "std.correction",
    "sum.default",
    "threshold",
    "transpose.int",
    "t.default",
    "tril",
    "triu",
    "unbind",
    "zeros",
    "zeros_like",
)
"""Operations that stay: an ATen operation, or one overload of it."""


DECOMPOSED = (
    "_batch_norm_with_update_functional",
    "_native_batch_norm_legit_functional",
    "addmv",
    "as_strided_copy",
    "dist",
    "grid_sampler_2d",
    "ldexp",
    "max_pool2d_with_indices_backward",
    "narrow_copy",
    "permute_copy",
    "tril_indices",
    "triu_indices",
    "unbind_copy",
    "_upsample_nearest_exact1d",
    "_upsample_nearest_exact2d",
    "_upsample_nearest_exact3d",
    "upsample_bicubic2d",
    "upsample_bilinear2d",
    "upsample_linear1d",
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "upsample_trilinear3d",
)
"""Operations that are decomposed although the framework does not count them among the simpler ones."""


def _overloads(name: str) -> Iterable[torch._ops.OpOverload]:
    packet, _, overload = name.partition(".")
    operation = getattr(torch.ops.aten, packet)
    return [getattr(operation, o) for o in ([overload] if overload else operation.overloads())]


@cache
def _kept() -> frozenset[torch._ops.OpOverload]:
    return frozenset(overload for name in KEPT for overload in _overloads(name))


@cache
def _more() -> dict[torch._ops.OperatorBase, Callable[..., Any]]:
    known = get_decompositions([overload for name in DECOMPOSED for overload in _overloads(name)])
    return {**known, **FAST_PATHS, **DECOMPOSED_HERE, torch.ops.aten.max_unpool2d.default: _max_unpool2d}


def _max_unpool2d(x: torch.Tensor, indices: torch.Tensor, size: list[int]) -> torch.Tensor:
    """The framework's decomposition forgets that the result is channels-last where `x` is."""
    (decompose,) = get_decompositions([torch.ops.aten.max_unpool2d.default]).values()
    return decompose(x, indices, size).contiguous(memory_format=suggest_memory_format(x))


@cache
def decomposition_table() -> dict[torch._ops.OperatorBase, Callable[..., Any]]:
    """For AOTAutograd (`decompositions=`)."""
    table = {**_core_aten_decompositions_post_autograd(), **_more()}
    return {op: rule for op, rule in table.items() if op not in _kept()}


def export_decompositions() -> dict[torch._ops.OperatorBase, Callable[..., Any]]:
    """For `torch.export`'s `run_decompositions`: the same set."""
    table = core_aten_decompositions()
    table.update(_more())
    for op in _kept():
        table.pop(op, None)
    return cast("dict[torch._ops.OperatorBase, Callable[..., Any]]", table)
