"""Samples of the contents of tensors, to notice writes that no version counter shows.

What a fingerprint sees: any change of one of the sampled elements, bit for bit. About 750 elements are sampled
over all tensors of a parameter set, 4 to 32 a tensor, evenly spread, the first and the last included; tensors of up
to that many elements are compared whole. What it misses: a write that bumps no version and changes only elements
between the samples, as `weight.data[3, 5] = 0` may. `dlp.refresh(model)` is for those.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

SAMPLES = 768
FEWEST, MOST = 4, 32

_SOURCE = """\
#include <stdint.h>

/* Whether each sampled word still has the bits it had. */
int dlp_words_unchanged(const uint32_t *const *addresses, const uint32_t *expected, int64_t count) {
    uint32_t different = 0;
    for (int64_t i = 0; i < count; i++)
        different |= *addresses[i] ^ expected[i];
    return different == 0;
}

int dlp_bytes_unchanged(const uint8_t *const *addresses, const uint8_t *expected, int64_t count) {
    uint8_t different = 0;
    for (int64_t i = 0; i < count; i++)
        different |= *addresses[i] ^ expected[i];
    return different == 0;
}
"""

_Compare = Callable[[object, object, int], int]


class Fingerprint:
    """The sampled contents of some tensors, which the caller keeps alive and at their addresses."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        each = max(FEWEST, min(MOST, SAMPLES // max(1, len(tensors))))
        words: list[int] = []
        odd: list[int] = []
        for tensor in tensors:
            size = tensor.element_size()
            for address in sample_addresses(tensor, each):
                if address % 4 == 0 and size % 4 == 0:
                    words.extend(range(address, address + size, 4))
                else:
                    odd.extend(range(address, address + size))
        self._words, self._word_values = _snapshot(words, ctypes.c_uint32)
        self._bytes, self._byte_values = _snapshot(odd, ctypes.c_uint8)
        self._compare = _comparisons()
        self._samples = None if self._compare else _samples(tensors, each)

    @property
    def arrays(self) -> tuple[Any, Any, Any, Any]:
        """Addresses and contents of the sampled words, then of bytes, as arrays of C."""
        return self._words, self._word_values, self._bytes, self._byte_values

    def unchanged(self) -> bool:
        """Whether all samples still have the bits that they had."""
        if self._compare is None:
            assert self._samples is not None
            views, values = self._samples
            return all(torch.equal(torch.cat(view), value) for view, value in zip(views, values, strict=True))
        words_unchanged, bytes_unchanged = self._compare
        return bool(
            words_unchanged(self._words, self._word_values, len(self._words))
            and (not self._bytes or bytes_unchanged(self._bytes, self._byte_values, len(self._bytes)))
        )


def sample_addresses(tensor: torch.Tensor, count: int) -> Iterable[int]:
    """Addresses of up to `count` elements, evenly spread in logical order, first and last included."""
    elements = tensor.numel()
    if elements == 0:
        return
    picked = (
        range(elements) if elements <= count else [i * (elements - 1) // (count - 1) for i in range(count)]
    )
    start, size = tensor.data_ptr(), tensor.element_size()
    shape, strides = tensor.shape, tensor.stride()
    for index in picked:
        offset = 0
        for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
            index, position = divmod(index, extent)
            offset += position * stride
        yield start + offset * size


def _snapshot(addresses: list[int], kind: type[ctypes.c_uint32] | type[ctypes.c_uint8]):
    values = (kind * len(addresses))(*(kind.from_address(address).value for address in addresses))
    return (ctypes.c_void_p * len(addresses))(*addresses), values


def _samples(
    tensors: Sequence[torch.Tensor], each: int
) -> tuple[list[list[torch.Tensor]], list[torch.Tensor]]:
    """Views on samples, one list a width in bytes, and their present contents: for machines without a compiler."""
    by_width: dict[torch.dtype, list[torch.Tensor]] = {}
    integers = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    for tensor in tensors:
        if not tensor.numel():
            continue
        dimension = max(range(tensor.dim()), key=lambda d: tensor.shape[d], default=None)
        flat = tensor.detach()
        if dimension is not None and not flat.is_contiguous():
            flat = flat.as_strided((flat.shape[dimension],), (flat.stride(dimension),))
        flat = flat.reshape(-1).view(integers[tensor.element_size()])
        step = max(1, (flat.numel() - 1) // (each - 1))
        by_width.setdefault(flat.dtype, []).extend((flat[::step], flat[-1:]))
    views = list(by_width.values())
    return views, [torch.cat(view) for view in views]


@functools.cache
def _comparisons() -> tuple[_Compare, _Compare] | None:
    """The two comparisons as machine code, or `None` without a C compiler."""
    from dlp.errors import DlpError
    from dlp.targets import host
    from dlp.toolchain import build_shared

    try:
        library = ctypes.CDLL(str(build_shared({"fingerprint.c": _SOURCE}, host()).path))
    except DlpError:
        return None
    functions = []
    for name in ("dlp_words_unchanged", "dlp_bytes_unchanged"):
        function = library[name]
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        function.restype = ctypes.c_int
        functions.append(function)
    return functions[0], functions[1]
