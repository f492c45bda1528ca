"""Division by what is broadcast, as a multiplication by its reciprocal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from xdsl.context import Context
from xdsl.dialects.builtin import Float32Type, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dlp.dialects.dlp.elementwise import DivOp, ExpOp, MulOp, ReciprocalOp, SqrtOp, SubOp
from dlp.dialects.dlp.reduction import MaxOp, SumOp
from dlp.dialects.dlp.structured import GraphBuilder
from dlp.statistics import count

from ._carried_views import shape_of


@dataclass(frozen=True)
class ReciprocalDivision(ModulePass):
    """Multiply by the reciprocal where many elements are divided by one.

    ```mlir
    %t = dlp.sum ins(%e : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
    %y = dlp.div ins(%e, %t : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    ```
    becomes, for the exponentials of a softmax,
    ```mlir
    %r = dlp.reciprocal ins(%t : tensor<4x1xf32>) -> tensor<4x1xf32>
    %y = dlp.mul ins(%e, %r : tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    ```
    A division takes as long as eight multiplications. The result is rounded twice: it differs by 1 ulp at most.

    Left alone: divisors whose reciprocal might overflow or lose bits, that is all but square roots and the sum of a
    softmax, which is 1 at least and no more than there are elements; divisors that are not broadcast; integers and f64.
    """

    name = "reciprocal-division"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for division in [o for o in op.walk() if isinstance(o, DivOp) and o.res]:
            divisor = division.ins[1]
            if not isinstance(division.element_type, Float32Type) or not _is_broadcast(division):
                continue
            if isinstance(divisor.owner, SqrtOp) or _is_softmax_sum(divisor):
                b = GraphBuilder(division)
                product = b(MulOp, division.ins[0], b(ReciprocalOp, divisor))
                product.name_hint = division.result.name_hint
                division.result.replace_all_uses_with(product)
                division.detach()
                division.erase()
                count("divisions that became multiplications")


def _is_broadcast(division: DivOp) -> bool:
    """Whether an element of the divisor divides several elements."""
    pairs = zip_longest(reversed(division.shape), reversed(shape_of(division.ins[1])), fillvalue=1)
    return any(of == 1 and n != 1 for n, of in pairs)


def _is_softmax_sum(value: SSAValue) -> bool:
    """Whether a value is sum(exp(x - max(x))) along the same dimensions."""
    total = value.owner
    if not isinstance(total, SumOp) or not isinstance(exponential := total.ins[0].owner, ExpOp):
        return False
    shifted = exponential.ins[0].owner
    if not isinstance(shifted, SubOp) or not isinstance(largest := shifted.ins[1].owner, MaxOp):
        return False
    return largest.ins[0] is shifted.ins[0] and largest.dims == total.dims
