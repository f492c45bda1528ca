"""dlp: a deep-learning compiler in Python on xDSL.

```python
import dlp
model = dlp.optimize(model)      # any torch.nn.Module; nothing else changes
```

Importing dlp imports neither torch nor xDSL: each public name loads what it needs when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dlp.frontends.torch.capture import capture
    from dlp.frontends.torch.optimize import optimize, refresh
    from dlp.frontends.torch.report import report

__all__ = ["__version__", "capture", "optimize", "refresh", "report"]

_HOMES = {
    "capture": "dlp.frontends.torch.capture",
    "optimize": "dlp.frontends.torch.optimize",
    "refresh": "dlp.frontends.torch.optimize",
    "report": "dlp.frontends.torch.report",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'dlp' has no attribute '{name}'")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
