"""A package as somebody else would install it, with passes that do what passes should not."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import Float64Type, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import Rewriter


@irdl_op_definition
class Marker(IRDLOperation):
    """An operation that does nothing."""

    name = "plugin.marker"
    assembly_format = "attr-dict"


PLUGIN = Dialect("plugin", [Marker])


class AddToMul(RewritePattern):
    """One half of a circle."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: arith.AddfOp, rewriter: PatternRewriter) -> None:
        rewriter.replace(op, arith.MulfOp(op.lhs, op.rhs))


class MulToAdd(RewritePattern):
    """The other half."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: arith.MulfOp, rewriter: PatternRewriter) -> None:
        rewriter.replace(op, arith.AddfOp(op.lhs, op.rhs))


@dataclass(frozen=True)
class SwapForEver(ModulePass):
    """Go round in circles, in the walker of xDSL."""

    name = "swap-for-ever"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(GreedyRewritePatternApplier([AddToMul(), MulToAdd()])).rewrite_module(op)


@dataclass(frozen=True)
class UseTooEarly(ModulePass):
    """Move the last addition of every function to its top."""

    name = "use-too-early"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.walk():
            if isinstance(function, FuncOp):
                last = [inner for inner in function.walk() if isinstance(inner, arith.AddfOp)][-1]
                last.detach()
                first = function.body.block.first_op
                assert first is not None
                function.body.block.insert_op_before(last, first)


@dataclass(frozen=True)
class BreakTypes(ModulePass):
    """Change the type of the first result of every addition."""

    name = "break-types"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.walk():
            if isinstance(inner, arith.AddfOp):
                Rewriter.replace_value_with_new_type(inner.result, Float64Type())


@dataclass(frozen=True)
class Crash(ModulePass):
    """Raise what no pass should raise."""

    name = "crash"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if any(isinstance(inner, arith.MulfOp) for inner in op.walk()):
            raise KeyError("lost")


@dataclass(frozen=True)
class SayTarget(ModulePass):
    """Write the name of the target on the module."""

    name = "say-target"
    target: str = "none"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        op.attributes["target"] = StringAttr(self.target)
