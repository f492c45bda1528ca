"""The PyTorch frontend: `optimize`, `report`, `refresh` and `capture`, and the backend of `torch.compile`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlp.frontends.torch.capture import capture
    from dlp.frontends.torch.optimize import optimize, refresh
    from dlp.frontends.torch.report import report

__all__ = ["capture", "optimize", "refresh", "report"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    home = "optimize" if name == "refresh" else name
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    # Importing the submodule `report` has put the module under this name; the function is what is meant.
    globals()[name] = value
    return value
