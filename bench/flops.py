"""Floating-point operations of a network, as the framework counts them: two for each product of a contraction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def count_flops(model: torch.nn.Module, args: tuple[Any, ...]) -> int:
    """Of one call. Attention and recurrent layers are counted as the products that they consist of."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    fast_attention = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            torch.backends.mkldnn.flags(enabled=False),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            model(*args)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_attention)
    return counter.get_total_flops()
