"""What the framework asserts of values that only a run knows."""

from __future__ import annotations

import torch
from xdsl.ir import SSAValue

from dlp.frontends.torch.emitter import Emitter
from dlp.frontends.torch.registry import imports


@imports("aten._assert_async.default", "aten._assert_async.msg")
def assertion(g: Emitter, condition: SSAValue, message: str = "an assertion does not hold") -> None:
    g.require_later(g.cast(g.reshape(condition, ()), torch.bool), message)
