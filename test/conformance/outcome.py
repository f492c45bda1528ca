"""What becomes of a sample: compiled and right, left to the framework, wrong, or a crash of the compiler."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import torch

TOLERANCE = 1e-4


class Kind(enum.Enum):
    RIGHT = "right"
    LEFT = "left"
    WRONG = "wrong"
    CRASH = "crash"
    SKIPPED = "skipped"
    """The framework itself refuses the sample, or it has no results."""


@dataclass(frozen=True)
class Outcome:
    kind: Kind
    reason: str = ""


RIGHT = Outcome(Kind.RIGHT)


def difference(
    actual: Sequence[torch.Tensor],
    expected: Sequence[torch.Tensor],
    *,
    values: bool = True,
    places: bool = True,
) -> str:
    """How results differ from eager's; empty where they do not.

    Args:
        values: whether the elements count, or only what kind of tensors they are.
        places: whether those of the second result do, which says where the elements of the first were.
    """
    if len(actual) != len(expected):
        return f"{len(actual)} results instead of {len(expected)}"
    for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
        counts = values and (places or i == 0)
        if reason := _kind_difference(a, b) or (_value_difference(a, b) if counts else ""):
            return f"result {i}: {reason}"
    return ""


def _kind_difference(a: torch.Tensor, b: torch.Tensor) -> str:
    if a.dtype != b.dtype:
        return f"{a.dtype} instead of {b.dtype}"
    if a.shape != b.shape:
        return f"shape {tuple(a.shape)} instead of {tuple(b.shape)}"
    steps = [(x, y) for x, y, n in zip(a.stride(), b.stride(), b.shape, strict=True) if n > 1]
    if b.numel() and any(x != y for x, y in steps):
        return f"strides {a.stride()} instead of {b.stride()} of shape {tuple(b.shape)}"
    return ""


def _value_difference(a: torch.Tensor, b: torch.Tensor) -> str:
    if not b.numel():
        return ""
    if not b.dtype.is_floating_point:
        count = int((a != b).sum())
        return f"{count} of {b.numel()} elements differ" if count else ""
    finite = b.isfinite()
    if not torch.equal(a[~finite].nan_to_num(nan=0.5), b[~finite].nan_to_num(nan=0.5)) or not torch.equal(
        a.isfinite(), finite
    ):
        return f"NaN or infinity at {int((a.isfinite() != finite).sum())} other places of {b.numel()}"
    x, y = a[finite].double(), b[finite].double()
    scale = float(y.abs().max()) if y.numel() else 0.0
    error = float((x - y).abs().max()) if y.numel() else 0.0
    if error <= TOLERANCE * scale:
        return ""
    return f"off by {error:.3g}, largest element {scale:.3g}"
