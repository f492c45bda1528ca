"""Sizes that only a run knows, as values: a function takes its symbols as arguments and computes the rest from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from xdsl.dialects import affine, arith, func
from xdsl.dialects.builtin import AffineMapAttr, DictionaryAttr, IndexType, IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from dlp.dialects.dlp.dim import Atom, Dim, Size, Symbol
from dlp.errors import PassError

SYMBOLS = "dlp.symbols"
"""Attribute of a function: symbol -> number of the argument that brings it."""

_INDEX = IndexType()


def symbols_of(function: func.FuncOp) -> dict[str, SSAValue]:
    """The arguments that bring symbols, by name."""
    attribute = function.attributes.get(SYMBOLS)
    if not isinstance(attribute, DictionaryAttr):
        return {}
    arguments = function.body.block.args
    return {name: arguments[cast(IntegerAttr, n).value.data] for name, n in attribute.data.items()}


class Sizes:
    """Sizes as numbers or SSA values, each computed once.

    Args:
        symbols: the values of the symbols.
        add: puts an op behind those before it.
    """

    def __init__(self, symbols: Mapping[str, SSAValue], add: Callable[[Operation], object]) -> None:
        self._symbols = symbols
        self._add = add
        self._known: dict[Dim, SSAValue] = {}

    @staticmethod
    def of(function: func.FuncOp) -> Sizes:
        """On top of a function."""

        def add(op: Operation) -> None:
            block = function.body.block
            anchor = block.first_op
            while isinstance(anchor, arith.ConstantOp | affine.ApplyOp | arith.MuliOp):
                anchor = anchor.next_op
            assert anchor is not None
            block.insert_op_before(op, anchor)

        return Sizes(symbols_of(function), add)

    def value(self, size: Size) -> int | SSAValue:
        """The number, or the value that holds it."""
        if not isinstance(size, Dim):
            return size
        if size not in self._known:
            self._known[size] = self._computed(size)
        return self._known[size]

    def _computed(self, dim: Dim) -> SSAValue:
        values: list[SSAValue] = []
        expression: AffineExpr | None = None
        for product, k in dim.terms.items():
            term = AffineExpr.constant(k)
            if product:
                value = self._atom(product[0])
                for atom in product[1:]:
                    value = self._op(arith.MuliOp(value, self._atom(atom)))
                values.append(value)
                term = AffineExpr.dimension(len(values) - 1)
                term = term * k if k != 1 else term
            expression = term if expression is None else expression + term
        assert expression is not None
        if len(values) == 1 and expression == AffineExpr.dimension(0):
            return values[0]
        return self._apply(values, expression)

    def _atom(self, atom: Atom) -> SSAValue:
        if isinstance(atom, Symbol):
            if atom.name not in self._symbols:
                raise PassError(f"no argument brings the size {atom.name}")
            return self._symbols[atom.name]
        inner = self.value(atom.of)
        assert isinstance(inner, SSAValue)
        return self._apply([inner], AffineExpr.dimension(0) // atom.by)

    def _apply(self, values: list[SSAValue], expression: AffineExpr) -> SSAValue:
        return self._op(affine.ApplyOp(values, AffineMapAttr(AffineMap(len(values), 0, (expression,)))))

    def _op(self, op: Operation) -> SSAValue:
        self._add(op)
        return op.results[0]
