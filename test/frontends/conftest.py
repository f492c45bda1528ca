"""Models optimised with the reference compiler: what is tested here is the dispatch, not code generation.

With `DLP_TEST_COMPILER=dlp` in the environment the same tests run with generated code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch

from dlp.frontends.torch.optimize import optimize_with
from dlp.frontends.torch.reference import compile_reference
from dlp.frontends.torch.seam import Options, compile_graph

torch.set_num_threads(2)
COMPILE = compile_graph if os.environ.get("DLP_TEST_COMPILER") == "dlp" else compile_reference


@pytest.fixture
def optimize() -> Callable[..., Any]:
    """`dlp.optimize` with the compiler of the tests behind it."""

    def optimize(model: torch.nn.Module, example_inputs: Any = None, **options: Any) -> Any:
        options.setdefault("threads", 1)
        compile_function = options.pop("compile_function", COMPILE)
        return optimize_with(compile_function, model, Options(**options), example_inputs)

    return optimize


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
