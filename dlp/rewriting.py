"""Greedy pattern rewriting that ends, counts what it does, and removes nothing that no pattern removed.

All passes of dlp rewrite through `apply_patterns`. Compared with xDSL's walker it adds

- a budget: patterns that undo each other are cut off with their names, where xDSL's walker runs for ever;
- statistics: how often each pattern fired, under the pattern's name;
- no dead-code removal unless asked for: what a pass removes is what its patterns remove.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.ir import Operation, Region
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
)

from dlp.errors import PassError
from dlp.statistics import count

# Rewrites allowed for each operation that the driver starts with, and for a region however small. A pass that
# unrolls a register tile makes a few hundred operations of one; patterns that undo each other pass any bound.
REWRITES_PER_OPERATION = 100
REWRITES_AT_LEAST = 20_000


def apply_patterns(
    op: Operation,
    patterns: Sequence[RewritePattern],
    *,
    context: Context | None = None,
    fold: bool = False,
    remove_dead: bool = False,
    recursively: bool = True,
    regions_first: bool = False,
    backwards: bool = False,
) -> bool:
    """Rewrite everything inside `op` with `patterns` until none of them fires any more.

    Args:
        op: the operation whose regions are rewritten (`op` itself is not).
        patterns: tried in this order on each operation; the first that fires wins.
        context: needed for `fold`: where folded constants are built.
        fold: also fold operations that have a folder.
        remove_dead: also remove operations without effects whose results nobody uses.
        recursively: go on with what the patterns made, until nothing fires.
        regions_first: visit the inside of an operation before the operation.
        backwards: visit uses before definitions.

    Returns:
        Whether anything was rewritten.

    Raises:
        PassError: the patterns go round in circles; the text names them.
    """
    applier = GreedyRewritePatternApplier(
        list(patterns), ctx=context, folding_enabled=fold, dce_enabled=remove_dead
    )
    changed = False
    for region in op.regions:
        walker = PatternRewriteWalker(
            _counted(applier, _Budget.of(region)),
            apply_recursively=recursively,
            walk_regions_first=regions_first,
            walk_reverse=backwards,
        )
        changed |= walker.rewrite_region(region)
    return changed


@contextmanager
def all_rewriting_bounded() -> Iterator[None]:
    """Give every use of xDSL's walker inside the `with` block a budget too, for passes that are not ours.

    This swaps a method of xDSL's class, for the whole process: for `dlp-opt`, never inside a user's program.
    """
    original = PatternRewriteWalker.rewrite_region

    def bounded(self: PatternRewriteWalker, region: Region) -> bool:
        if isinstance(self.pattern, _Counted) or _is_counted(self.pattern):
            return original(self, region)
        unbounded = self.pattern
        self.pattern = _counted(unbounded, _Budget.of(region))
        try:
            return original(self, region)
        finally:
            self.pattern = unbounded

    PatternRewriteWalker.rewrite_region = bounded
    try:
        yield
    finally:
        PatternRewriteWalker.rewrite_region = original


@dataclass
class _Budget:
    """How many rewrites are left, and which patterns used them."""

    left: int
    rewrites: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, region: Region) -> _Budget:
        return cls(REWRITES_AT_LEAST + REWRITES_PER_OPERATION * sum(1 for _ in region.walk()))

    def spend(self, pattern: RewritePattern, op_name: str) -> None:
        name = type(pattern).__name__
        count(f"rewrites by {name}")
        self.rewrites[name, op_name] += 1
        self.left -= 1
        if self.left < 0:
            total = self.rewrites.total()
            worst = "; ".join(f"{n} on {on} ({k} times)" for (n, on), k in self.rewrites.most_common(4))
            raise PassError(f"rewriting does not end: {total} rewrites so far, most of them by {worst}")


@dataclass(eq=False, repr=False)
class _Counted(RewritePattern):
    """A pattern that pays from a budget each time it fires."""

    pattern: RewritePattern
    budget: _Budget

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        op_name = op.name
        self.pattern.match_and_rewrite(op, rewriter)
        if rewriter.has_done_action:
            self.budget.spend(self.pattern, op_name)


def _counted(pattern: RewritePattern, budget: _Budget) -> RewritePattern:
    if not isinstance(pattern, GreedyRewritePatternApplier):
        return _Counted(pattern, budget)
    return GreedyRewritePatternApplier(
        [_Counted(inner, budget) for inner in pattern.rewrite_patterns],
        ctx=pattern.ctx,
        folding_enabled=pattern.folding_enabled,
        dce_enabled=pattern.dce_enabled,
    )


def _is_counted(pattern: RewritePattern) -> bool:
    return isinstance(pattern, GreedyRewritePatternApplier) and any(
        isinstance(inner, _Counted) for inner in pattern.rewrite_patterns
    )
