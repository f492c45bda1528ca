"""The framework's own samples of its operations, each as a function of tensors."""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

DTYPES = {"f32": torch.float32, "i64": torch.int64, "i32": torch.int32, "b1": torch.bool}
"""The element types that are tried, by the names that the table of rows and the command line have for them."""

UNDEFINED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided")
"""Operations whose results hold anything."""

ANY_PLACE = ("kthvalue", "median", "mode", "nanmedian", "topk")
"""Operations that give places of elements, any of which will do where elements are equal."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One call of an operation.

    Attributes:
        op: its name, "variant" behind a dot where there are several.
        dtype: a key of `DTYPES`.
        index: its place among the operation's samples of that dtype.
    """

    op: str
    dtype: str
    index: int
    function: Callable[..., Any]
    leaves: Sequence[Any]
    structure: Any

    def __str__(self) -> str:
        return f"{self.op} {self.dtype} {self.index}"

    @property
    def tensors(self) -> list[torch.Tensor]:
        """Fresh copies of the tensors that the call gets, strides, gaps and shared memory as in the sample."""
        return copy.deepcopy([leaf for leaf in self.leaves if isinstance(leaf, torch.Tensor)])

    def call(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        """Run the operation; its results that are tensors."""
        given = iter(tensors)
        leaves = [next(given) if isinstance(leaf, torch.Tensor) else leaf for leaf in self.leaves]
        args, kwargs = pytree.tree_unflatten(leaves, self.structure)
        results = pytree.tree_leaves(self.function(*args, **kwargs))
        return [result for result in results if isinstance(result, torch.Tensor)]

    @property
    def arguments(self) -> str:
        """The call in short, for messages."""
        return ", ".join(
            f"{str(leaf.dtype).removeprefix('torch.')}{list(leaf.shape)}"
            + ("" if leaf.is_contiguous() else f" strides {list(leaf.stride())}")
            if isinstance(leaf, torch.Tensor)
            else repr(leaf)
            for leaf in self.leaves
        )


@cache
def operations() -> dict[str, Any]:
    """The framework's table of operations, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    return {name_of(op): op for op in op_db}


def name_of(op: Any) -> str:
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


def dtypes_of(name: str) -> list[str]:
    """Which of `DTYPES` an operation takes."""
    supported = operations()[name].supported_dtypes("cpu")
    return [key for key, dtype in DTYPES.items() if dtype in supported]


def samples_of(name: str, dtype: str, *, reference: bool = False) -> Iterator[Sample]:
    """The samples of an operation: the same ones in every process.

    Args:
        reference: the larger set, with extreme values, odd strides and broadcasts, where the operation has one.
    """
    op = operations()[name]
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    make = op.reference_inputs if reference else op.sample_inputs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index, sample in enumerate(make("cpu", DTYPES[dtype], requires_grad=False)):
            leaves, structure = pytree.tree_flatten(((sample.input, *sample.args), sample.kwargs))
            yield Sample(name, dtype, index, op.op, leaves, structure)
