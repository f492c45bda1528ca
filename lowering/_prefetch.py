"""What passes that ask for data ahead of its use share: where a view lies in its argument, how often a loop runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import prod
from typing import cast

from xdsl.dialects import affine, arith, memref, scf
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AffineMapAttr,
    ArrayAttr,
    IntegerAttr,
    MemRefType,
    NoneAttr,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap

from dlp.dialects.memref import PrefetchOp
from dlp.tiling.emitter import Emitter
from dlp.tiling.linear import Interval, Linear, NotAlignedError, evaluate

FIRST_LEVEL = 3
"""Locality of what is to come into the nearest cache, as `memref.prefetch` has it."""


def place_of(buffer: SSAValue) -> tuple[BlockArgument, Linear] | None:
    """The contiguous argument of a function that a view is part of, and where it begins in it."""
    start = Linear(0)
    while isinstance(view := buffer.owner, memref.SubviewOp):
        strides = cast("MemRefType[Attribute]", view.source.type).get_strides()
        assert strides is not None
        dynamic = iter(view.offsets)
        for offset, stride in zip(view.static_offsets.get_values(), strides, strict=True):
            if stride is None:
                return None
            given = Linear(offset) if offset != DYNAMIC_INDEX else linear_of(next(dynamic))
            start += given * stride
        buffer = view.source
    type_ = buffer.type
    if not isinstance(buffer, BlockArgument) or not isinstance(type_, MemRefType):
        return None
    contiguous = isinstance(type_.layout, NoneAttr) and all(n > 0 for n in type_.get_shape())
    return (buffer, start) if contiguous else None


def linear_of(value: SSAValue) -> Linear:
    """An index over the indices of loops, as far as it is linear in them."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        return Linear(owner.value.value.data)
    if isinstance(owner, affine.ApplyOp) and not owner.map.data.num_symbols:
        box = [Interval.of(linear_of(operand), 1) for operand in owner.operands]
        with suppress(NotAlignedError):
            return evaluate(owner.map.data.results[0], box).offset
    return Linear(0, [(value, 1)])


def trips_of(loop: Operation) -> int | None:
    """How often a loop from 0 with step 1 runs; None where it is another one, or only a run knows."""
    if not isinstance(loop, scf.ForOp):
        return None
    trips = open_trips_of(loop)
    return trips.constant if trips is not None and trips.is_constant else None


def open_trips_of(loop: scf.ForOp) -> Linear | None:
    """How often a loop from 0 with step 1 runs, as a number or a value; None where it is another one."""
    first, step = linear_of(loop.lb), linear_of(loop.step)
    if not (first.is_constant and step.is_constant and (first.constant, step.constant) == (0, 1)):
        return None
    last = linear_of(loop.ub)
    return last if last.is_constant else Linear(0, [(loop.ub, 1)])


def least(emitter: Emitter, values: list[Linear]) -> SSAValue:
    """affine.min of linear expressions."""
    operands = list(dict.fromkeys(v for value in values for v, _ in value.terms))
    results = []
    for value in values:
        terms = [AffineExpr.dimension(operands.index(v)) * k for v, k in value.terms]
        results.append(sum(terms, AffineExpr.constant(value.constant)))
    least = affine.MinOp(operands, AffineMapAttr(AffineMap(len(operands), 0, tuple(results))))
    return emitter.add(least).result


def flat(emitter: Emitter, argument: BlockArgument) -> SSAValue:
    """A contiguous argument of known sizes in one dimension."""
    type_ = cast("MemRefType[Attribute]", argument.type)
    if type_.get_num_dims() == 1:
        return argument
    dimensions = ArrayAttr([ArrayAttr([IntegerAttr(d, i64) for d in range(type_.get_num_dims())])])
    collapsed = memref.CollapseShapeOp.create(
        operands=[argument],
        result_types=[MemRefType(type_.element_type, [prod(type_.get_shape())])],
        properties={"reassociation": dimensions},
    )
    return emitter.add(collapsed).results[0]


def ask(
    outside: Emitter,
    inside: Emitter,
    nest: Sequence[scf.ForOp],
    buffer: SSAValue,
    places: list[Linear],
    stride: int,
    every: int,
    locality: int,
    name: str,
) -> None:
    """Prefetch, in each step of a nest of loops, the next part of a buffer.

    Args:
        outside: in front of the nest.
        inside: in the body of its innermost loop.
        nest: loops from the outermost to the innermost, each from 0 by a known number of steps of 1.
        buffer: one-dimensional.
        places: the least of them is the element from which on is asked.
        stride: elements for each step.
        every: elements of a cache line.
        locality: of the prefetches.
        name: of the part.
    """
    steps = prod(cast(int, trips_of(loop)) for loop in nest)
    start = Linear(0, [(least(outside, places), 1)])
    lines = outside.subview(buffer, [Interval.of(start, steps * stride)])
    lines.name_hint = name
    at, step = Linear(0), stride
    for loop in reversed(nest):
        at += Linear(0, [(loop.body.block.args[0], step)])
        step *= cast(int, trips_of(loop))
    for line in range(0, stride, every):
        inside.add(PrefetchOp.of(lines, [inside.value(at + line)], locality))
