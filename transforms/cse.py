"""Common subexpression elimination."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.transforms.common_subexpression_elimination import CSEDriver

from dlp.statistics import count


@dataclass(frozen=True)
class CommonSubexpressionElimination(ModulePass):
    """Compute equal things once.

    ```mlir
    %0 = arith.mulf %a, %b : f32
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %0, %1 : f32
    ```
    becomes
    ```mlir
    %0 = arith.mulf %a, %b : f32
    %2 = arith.addf %0, %0 : f32
    ```
    Operations are equal when name, operands, attributes, result types and regions are. The first of them must
    dominate the others. Operations that write memory are never merged, those that only read it where nothing is
    written in between. Operations found dead on the way are removed.
    """

    name = "cse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        CSEDriver(_rewriter=_CountingRewriter()).simplify(op)


class _CountingRewriter(Rewriter):
    """Erases, and counts what it erased."""

    @staticmethod
    def erase_op(op: Operation, safe_erase: bool = True) -> None:
        count("operations removed")
        Rewriter.erase_op(op, safe_erase=safe_erase)
