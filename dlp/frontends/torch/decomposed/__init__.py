"""Operations in terms of simpler ones, where the framework itself does not say how; a file a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .embedding import EMBEDDING
from .floats import FLOATS
from .histograms import HISTOGRAMS
from .order import ORDER
from .places import PLACES
from .ranges import RANGES
from .resampling import RESAMPLING
from .sampling import SAMPLING
from .special import SPECIAL

DECOMPOSED: Mapping[torch._ops.OperatorBase, Callable[..., Any]] = {
    **SPECIAL,
    **ORDER,
    **SAMPLING,
    **EMBEDDING,
    **RESAMPLING,
    **PLACES,
    **RANGES,
    **FLOATS,
    **HISTOGRAMS,
}
"""Decompositions, by operation."""
