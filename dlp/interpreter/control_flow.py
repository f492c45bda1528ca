"""scf: loops and conditionals; cf: assertions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects import cf, scf

from dlp.errors import run_error

from .handlers import handles

if TYPE_CHECKING:
    from .interpreter import Frame


@handles("scf.for")
def _for(frame: Frame, op: scf.ForOp, operands: Sequence[Any]) -> Sequence[Any]:
    low, high, step, *carried = operands
    if int(step) <= 0:
        raise ValueError(f"the step is {step}")
    for i in range(int(low), int(high), int(step)):
        carried = list(frame.run_block(op.body.block, [np.int64(i), *carried]))
    return carried


@handles("scf.if")
def _if(frame: Frame, op: scf.IfOp, operands: Sequence[Any]) -> Sequence[Any]:
    region = op.true_region if operands[0] else op.false_region
    return frame.run_block(region.block, []) if region.blocks else ()


@handles("scf.parallel")
def _parallel(frame: Frame, op: scf.ParallelOp, operands: Sequence[Any]) -> Sequence[Any]:
    rank = len(op.lowerBound)
    bounds = [[int(v) for v in operands[k * rank : (k + 1) * rank]] for k in range(3)]
    results = list(operands[3 * rank :])
    iterations = list(product(*(range(*b) for b in zip(*bounds, strict=True))))
    block = op.body.block
    reduce_op = block.last_op
    for iteration in reversed(iterations):
        values = frame.run_block(block, [np.int64(i) for i in iteration])
        if isinstance(reduce_op, scf.ReduceOp):
            for k, (region, value) in enumerate(zip(reduce_op.reductions, values, strict=True)):
                (results[k],) = frame.run_block(region.block, [results[k], value])
    return results


@handles("scf.execute_region")
def _execute_region(frame: Frame, op: scf.ExecuteRegionOp, operands: Sequence[Any]) -> Sequence[Any]:
    return frame.run_block(op.region.block, [])


@handles("cf.assert")
def _assert(frame: Frame, op: cf.AssertOp, operands: Sequence[Any]) -> Sequence[Any]:
    if not operands[0]:
        raise run_error(op.msg.data)
    return ()
