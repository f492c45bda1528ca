"""Rows of tables that are brought to a length before they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def embedding_renorm(table: Tensor, index: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """The table with those of the chosen rows shortened that are longer than `max_norm`."""
    index = index.reshape(-1)
    rows = table[index]
    norms = torch.linalg.vector_norm(rows, norm_type, 1, keepdim=True)
    rows = torch.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)
    return table.index_put((index,), rows)


EMBEDDING: dict[torch._ops.OperatorBase, Callable[..., Any]] = {
    torch.ops.aten.embedding_renorm.default: embedding_renorm,
}
"""Decompositions, by operation."""
