"""What fusing needs to know of an op, read off its declaration: index maps, combiner, iteration space."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import cast

from xdsl.dialects.builtin import FixedBitwidthType
from xdsl.ir import SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
)

from dlp.dialects.dlp.algorithm import AlgorithmOp
from dlp.dialects.dlp.composite import AttentionOp
from dlp.dialects.dlp.structured import DestinationOp, IterationSpace, Shape, StructuredOp, shape_of


class Role(Enum):
    """What an op does to its operands, read off its index maps."""

    POINTWISE = auto()
    """No reduction."""
    REDUCTION = auto()
    """Combines whole dimensions; every element is read once."""
    WINDOW = auto()
    """Combines neighbourhoods, which overlap."""
    CONTRACTION = auto()
    """Combines two operands each of which lacks a dimension of the result: elements are read again and again."""
    PLACEMENT = auto()
    """Not a computation: puts its operands into parts of the result (pad, concatenation)."""
    BLOCKS = auto()
    """Brings loops over blocks of its own: nothing joins it but another order of its result."""
    ALONE = auto()
    """Cannot be cut into tiles: asks for its place in the iteration space, or is not structured."""


@dataclass(eq=False)
class Node:
    """A compute op and what its declaration says."""

    op: DestinationOp
    position: int

    @cached_property
    def ins(self) -> tuple[SSAValue, ...]:
        return tuple(self.op.ins)

    @cached_property
    def space(self) -> IterationSpace:
        return cast(StructuredOp, self.op).iteration_space()

    @cached_property
    def shape(self) -> Shape:
        return self.op.shape

    @cached_property
    def role(self) -> Role:
        if not isinstance(self.op, StructuredOp):
            if isinstance(self.op, AttentionOp):
                return Role.BLOCKS
            return Role.PLACEMENT if is_placement(self.op) else Role.ALONE
        if self.op.USES_INDEX:
            return Role.ALONE
        if self.op.COMBINER is None:
            return Role.POINTWISE
        if _is_contraction(self.space):
            return Role.CONTRACTION
        plain = all(isinstance(e, AffineDimExpr | AffineConstantExpr) for m in self.space.maps for e in m)
        return Role.REDUCTION if plain else Role.WINDOW

    @cached_property
    def is_indirect(self) -> bool:
        return any(self.space.is_indirect(i) for i in range(len(self.ins)))

    def aligned(self, operand: int) -> frozenset[int] | None:
        """Dimensions along which a tile of the result needs just that tile of the operand.

        None where the operand is not read by whole dimensions: through windows, permuted, indirectly.
        """
        if not isinstance(self.op, StructuredOp):
            return None
        source, result = shape_of(self.ins[operand].type), self.shape
        index = self.space.maps[operand]
        if len(source) != len(result):
            return None
        dimensions: set[int] = set()
        for d, e in enumerate(index):
            match e:
                case AffineDimExpr() if e.position == d and source[d] == result[d]:
                    dimensions.add(d)
                case AffineDimExpr() if e.position >= len(result):
                    pass
                case AffineConstantExpr() if source[d] == 1:
                    if result[d] == 1:
                        dimensions.add(d)
                case _:
                    return None
        return frozenset(dimensions)

    def slides(self, operand: int) -> frozenset[int] | None:
        """Like `aligned`, for an operand that is read through windows: each moves with its dimension of the result.

        None where an index is something else, or no window slides at all.
        """
        index = self.space.maps[operand]
        rank = len(self.shape)
        if len(index) != rank:
            return None
        dimensions: set[int] = set()
        for d, expression in enumerate(index):
            used = {e.position for e in expression.dfs() if isinstance(e, AffineDimExpr)}
            linear = all(
                e.kind in (AffineBinaryOpKind.Add, AffineBinaryOpKind.Mul)
                for e in expression.dfs()
                if isinstance(e, AffineBinaryOpExpr)
            )
            if not linear or {p for p in used if p < rank} != {d} or self.space.is_indirect(operand):
                return None
            if used == {d}:
                dimensions.add(d)
        return frozenset(dimensions) if len(dimensions) < rank else None

    @property
    def element_bytes(self) -> int:
        element = self.op.element_type
        return element.size if isinstance(element, FixedBitwidthType) else 8


def is_placement(op: DestinationOp) -> bool:
    """Whether an op computes nothing: it has neither a body, nor loops, nor a definition by others."""
    return not isinstance(op, StructuredOp | AlgorithmOp) and not hasattr(op, "decompose")


def _is_contraction(space: IterationSpace) -> bool:
    parallel = range(len(space.parallel))
    used = [
        {e.position for expression in m for e in expression.dfs() if isinstance(e, AffineDimExpr)}
        for m in space.maps
    ]
    lacks = [{d for d in parallel if d not in dimensions} for dimensions in used]
    return any(a - b and b - a for i, a in enumerate(lacks) for b in lacks[i + 1 :])
