"""Memory of tensors as NumPy arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike, alignment: int = 64) -> NDArray[Any]:
    """An uninitialised C-contiguous array whose first element is aligned to `alignment` bytes."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    raw = np.empty(size + alignment, np.uint8)
    offset = -address_of(raw) % alignment
    return raw[offset : offset + size].view(kind).reshape(shape)


def address_of(array: NDArray[Any]) -> int:
    """Address of the first element."""
    return array.ctypes.data
