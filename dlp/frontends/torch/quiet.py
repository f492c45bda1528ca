"""Without what the framework prints of errors that reach the user anyway."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_LOGGERS = ("torch._subclasses.fake_tensor", "torch._dynamo.variables.tensor")
"""Of failed operations, with their stacks; of graph breaks, for which there is our warning."""


@contextmanager
def quiet_capture() -> Iterator[None]:
    """The framework's logs of a capture, unless `TORCH_LOGS` asks for logs."""
    if os.environ.get("TORCH_LOGS"):
        yield
        return
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False


def without_printed_errors(captured: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """A captured graph whose call raises errors, and does not print its text with them as well."""

    def call(module: torch.fx.GraphModule, *args: Any, **kwargs: Any) -> Any:
        return torch.nn.Module.__call__(module, *args, **kwargs)

    type(captured)._wrapped_call = staticmethod(call)  # type: ignore[attr-defined]
    return captured
