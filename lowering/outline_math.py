"""Exponentials and the like as functions of their own, which kernels call."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, math
from xdsl.dialects.builtin import Float32Type, ModuleOp, VectorType
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from dlp.lowering._math_functions import FUNCTIONS, Lanes
from dlp.pass_scope import Scope
from dlp.statistics import count
from dlp.targets import Target, load
from dlp.tiling.arith_builder import ArithBuilder
from dlp.walking import walk


@dataclass(frozen=True)
class OutlineMath(ModulePass):
    """Replace `math.exp`, `log`, `tanh` and `erf` on f32 by calls of functions that this pass writes as IR.

    One function for each name and width, within 2 ulp; the printed C inlines it. Where the target scales a vector by a
    power of two in one instruction (`x86vector.avx512.mask.scalef`), `exp` ends with it. `math.rsqrt` becomes 1 / sqrt.
    Other functions and other types keep their operations, which are spelled with C's library.

    Before:
    ```mlir
    %y = math.exp %x : vector<8xf32>
    ```
    After:
    ```mlir
    %y = func.call @exp_f32x8(%x) : (vector<8xf32>) -> vector<8xf32>
    ...
    func.func private @exp_f32x8(%x: vector<8xf32>) -> vector<8xf32> {
      ... polynomial in arith and vector operations
    }
    ```
    """

    name = "outline-math"
    scope = Scope.FUNCTION

    target: str = "avx2"
    """Target description: whether full vectors are scaled by 2**n in one instruction."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = load(self.target)
        known = {f.sym_name.data for f in op.ops if isinstance(f, func.FuncOp)}
        for inner in walk(op):
            if not inner.name.startswith("math."):
                continue
            if isinstance(inner, math.RsqrtOp) and not _is_single_lane(inner.operand.type):
                _replace_rsqrt(inner)
                continue
            name = inner.name.removeprefix("math.")
            if name not in FUNCTIONS or not _is_known(inner.operands[0].type):
                continue
            type_ = inner.operands[0].type
            callee = f"{name}_f32x{_lanes(type_)}" if isinstance(type_, VectorType) else f"{name}_f32"
            if callee not in known:
                known.add(callee)
                op.body.block.add_op(_function(callee, name, type_, target))
                count("functions written")
            Rewriter.replace_op(inner, func.CallOp(callee, [inner.operands[0]], [type_]))
            count("operations that became calls")


def _is_known(type_: Attribute) -> bool:
    if isinstance(type_, VectorType):
        return isinstance(type_.element_type, Float32Type) and not _is_single_lane(type_)
    return isinstance(type_, Float32Type)


def _is_single_lane(type_: Attribute) -> bool:
    """Vectors of one lane keep their operations: C has them as scalars."""
    return isinstance(type_, VectorType) and _lanes(type_) == 1


def _lanes(type_: Attribute) -> int:
    return type_.get_shape()[0] if isinstance(type_, VectorType) else 1


def _function(callee: str, name: str, type_: Attribute, target: Target) -> func.FuncOp:
    """The private function that computes `name` on scalars or vectors of f32."""
    block = Block(arg_types=[type_])
    block.args[0].name_hint = "x"

    def add(op: Operation) -> Operation:
        block.add_op(op)
        return op

    lanes = _lanes(type_)
    scalef = target.scalef and lanes == target.vector_lanes
    result = FUNCTIONS[name](Lanes(add, lanes, scalef=scalef), block.args[0])
    block.add_op(func.ReturnOp(result))
    return func.FuncOp(callee, ([type_], [type_]), Region(block), visibility="private")


def _replace_rsqrt(op: math.RsqrtOp) -> None:
    ops: list[Operation] = []

    def add(new: Operation) -> Operation:
        ops.append(new)
        return new

    type_ = op.operand.type
    b = ArithBuilder(add, _lanes(type_))
    b.div(b.constant(1.0, b.type_of(op.operand)), b.sqrt(op.operand))
    Rewriter.replace_op(op, ops)
    count("rsqrt that became 1 / sqrt")
