"""What every step of a loop would compute alike, computed once in front of it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.loop import ScanOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.statistics import count


@dataclass(frozen=True)
class LoopInvariantCodeMotion(ModulePass):
    """Move ops whose operands come from around a loop in front of it.

    ```mlir
    %h = dlp.scan ins(%xs : ...) init(%h0 : ...) -> (tensor<16x512xf32>) outputs() {
    ^bb0(%x: tensor<16x512xf32>, %s: tensor<16x512xf32>):
      %t = dlp.transpose ins(%w : tensor<512x512xf32>) -> tensor<512x512xf32> {permutation = array<i64: 1, 0>}
      %p = dlp.matmul ins(%s, %t : ...) -> tensor<16x512xf32>
      ...
    ```
    becomes
    ```mlir
    %t = dlp.transpose ins(%w : tensor<512x512xf32>) -> tensor<512x512xf32> {permutation = array<i64: 1, 0>}
    %h = dlp.scan ins(%xs : ...) init(%h0 : ...) -> (tensor<16x512xf32>) outputs() {
    ^bb0(%x: tensor<16x512xf32>, %s: tensor<16x512xf32>):
      %p = dlp.matmul ins(%s, %t : ...) -> tensor<16x512xf32>
      ...
    ```
    Weights that are packed or folded for a loop's body so reach `@prepare`. Out of nested loops an op moves as far as
    it can. Ops with effects beside their result, and whole loops, stay.
    """

    name = "loop-invariant-code-motion"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        # Inner loops come later in the walk, and what leaves them may leave the outer ones in turn.
        for loop in reversed([o for o in op.walk() if isinstance(o, ScanOp)]):
            _hoist(loop)


def _hoist(loop: ScanOp) -> None:
    for op in list(loop.body.ops):
        if isinstance(op, DestinationOp) and op.res and not any(_is_inside(v, loop) for v in op.operands):
            op.detach()
            assert loop.parent is not None
            loop.parent.insert_op_before(op, loop)
            count("ops moved out of loops")


def _is_inside(value: SSAValue, loop: ScanOp) -> bool:
    """Whether a value is made by the loop's body: an argument of it, or the result of an op in it."""
    owner = value.owner
    block = owner if isinstance(owner, Block) else owner.parent
    while block is not None:
        if block is loop.body:
            return True
        parent: Operation | None = block.parent_op()
        block = parent.parent if parent is not None else None
    return False
