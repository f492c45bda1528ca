"""One or more small uses of every op of the dialect, for tests that want them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, TensorType, f32, f64, i1, i8, i32, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region

from dlp.dialects.dlp import (
    checking,
    composite,
    cumulative,
    elementwise,
    indexing,
    integer,
    library,
    pool_places,
    reduction,
    scatter,
    sorting,
    transposed_convolution,
    view,
    winograd,
)
from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.dim import DimsAttr
from dlp.dialects.dlp.structured import DestinationOp
from dlp.interpreter.dtypes import Array
from dlp.testing import op_module, random_inputs


@dataclass(frozen=True)
class OpCase:
    """An op on operands of these shapes and element types, with these properties."""

    op: type[DestinationOp]
    shapes: Sequence[tuple[int, ...]]
    elements: Sequence[Attribute] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    variant: str = ""

    @property
    def name(self) -> str:
        """A name that a function can have."""
        return f"{self.op.name.removeprefix('dlp.')}{'_' if self.variant else ''}{self.variant}"

    @property
    def types(self) -> list[TensorType[Attribute]]:
        elements = [*self.elements, *[self.elements[-1] if self.elements else f32] * len(self.shapes)]
        return [TensorType(e, s) for e, s in zip(elements, self.shapes, strict=False)]

    def inputs(self, seed: int = 0) -> list[Array]:
        """Random data that the op can compute with: variances are positive, and what is required holds."""
        arrays = random_inputs(self.types, seed)
        if self.op is composite.BatchNormOp:
            return [np.abs(a) for a in arrays]
        if self.op is checking.RequireOp:
            arrays[0][...] = True
        if self.op is checking.CheckIndexOp and "negative" in self.arguments:
            arrays[0] -= 2
        if self.op is sorting.SearchSortedOp:
            arrays[0].sort(axis=-1)
        return arrays

    def module(self, *, buffers: bool = False) -> ModuleOp:
        """A module whose @forward is the op."""
        return op_module(self.op, *self.types, buffers=buffers, **self.arguments)

    def function(self, *, buffers: bool = False) -> FuncOp:
        """The op as a function with the name of the case, to be put into a module with others."""
        function = self.module(buffers=buffers).body.block.first_op
        assert isinstance(function, FuncOp)
        function.detach()
        return FuncOp(self.name, function.function_type, function.detach_region(function.body))


def together(cases: Sequence[OpCase]) -> ModuleOp:
    """One @forward with the operands of all cases as arguments and the results of all as results."""
    types = [t for case in cases for t in case.types]
    block = Block(arg_types=types)
    arguments, results = iter(block.args), []
    for case in cases:
        op = case.op.of(*(next(arguments) for _ in case.shapes), **case.arguments)
        block.add_op(op)
        results.append(op.result)
    block.add_op(ReturnOp(*results))
    module = ModuleOp([FuncOp("forward", (types, [r.type for r in results]), Region(block))])
    module.verify()
    return module


def _elementwise() -> list[OpCase]:
    cases: list[OpCase] = []
    special = {
        elementwise.GeluOp: {"approximate": "none"},
        elementwise.ClampOp: {"low": -0.5, "high": 1.0},
        elementwise.CompareOp: {"predicate": "lt"},
        elementwise.CastOp: {"element_type": f64},
        elementwise.ConstantOp: {"value": FloatAttr(1.5, f32), "shape": (2, 3), "element_type": f32},
        elementwise.IotaOp: {"dimension": 1, "shape": (2, 3)},
        elementwise.SizeOp: {"size": DimsAttr.of([5])},
    }
    logical = (elementwise.AndOp, elementwise.OrOp, elementwise.XorOp)
    for op in (*elementwise.OPS, *library.OPS):
        shapes = [(2, 3), (3,), ()][: op.ARITY]
        elements = [i1] if op in logical else [i1, f32] if op is elementwise.SelectOp else [f32]
        cases.append(OpCase(op, shapes, elements, special.get(op, {})))
    for element, name in ((i64, "i64"), (i32, "i32"), (i8, "i8")):
        for op in (
            elementwise.AddOp,
            elementwise.MulOp,
            elementwise.MaximumOp,
            elementwise.SubOp,
            elementwise.AndOp,
        ):
            cases.append(OpCase(op, [(2, 3), (2, 1)], [element], variant=name))
        cases.append(OpCase(elementwise.ReluOp, [(4,)], [element], variant=name))
        cases.append(OpCase(elementwise.NegOp, [(4,)], [element], variant=name))
        cases.append(OpCase(elementwise.AbsOp, [(4,)], [element], variant=name))
    for predicate in ("eq", "ne", "le", "gt", "ge"):
        cases.append(
            OpCase(elementwise.CompareOp, [(4,), (4,)], [i64], {"predicate": predicate}, f"{predicate}_i64")
        )
        cases.append(
            OpCase(elementwise.CompareOp, [(4,), (4,)], [i1], {"predicate": predicate}, f"{predicate}_i1")
        )
    names = {"f32": f32, "f64": f64, "i64": i64, "i32": i32, "i8": i8, "i1": i1}
    for source in names:
        for target in names:
            cases.append(
                OpCase(
                    elementwise.CastOp,
                    [(5,)],
                    [names[source]],
                    {"element_type": names[target]},
                    f"{source}_to_{target}",
                )
            )
    cases.append(OpCase(elementwise.GeluOp, [(5,)], [f32], {"approximate": "tanh"}, "tanh"))
    cases.append(OpCase(elementwise.AddOp, [(2, 1, 3), (4, 1)], variant="both_broadcast"))
    return cases


_WINDOW = {"strides": (1, 1), "dilations": (1, 1), "groups": 1, "layout": "channels_last"}
_POOL = {"kernel": (3, 2), "strides": (2, 1), "dilations": (1, 1), "layout": "channels_last"}

_CONTRACTIONS = [
    OpCase(MatmulOp, [(3, 4), (4, 5)]),
    OpCase(MatmulOp, [(2, 1, 3, 4), (5, 4, 2)], variant="batched"),
    OpCase(MatmulOp, [(3, 4), (4, 5)], [i64], variant="i64"),
    OpCase(MatmulOp, [(3, 4), (2, 4, 4)], arguments={"panel": 4, "shape": (3, 6)}, variant="panels"),
    OpCase(
        MatmulOp,
        [(2, 3, 5, 4), (3, 2, 4, 4)],
        arguments={"panel": 4, "shape": (2, 3, 5, 6)},
        variant="batched_panels",
    ),
    OpCase(ConvOp, [(1, 5, 6, 3), (3, 3, 3, 4)], arguments=_WINDOW),
    OpCase(
        ConvOp,
        [(1, 3, 5, 6), (4, 3, 3, 3)],
        arguments={**_WINDOW, "layout": "channels_first"},
        variant="first",
    ),
    OpCase(
        ConvOp,
        [(1, 7, 7, 4), (3, 3, 2, 6)],
        arguments={**_WINDOW, "groups": 2, "strides": (2, 1), "dilations": (1, 2)},
        variant="grouped",
    ),
    OpCase(ConvOp, [(1, 5, 5, 4), (3, 3, 1, 4)], arguments={**_WINDOW, "groups": 4}, variant="depthwise"),
    OpCase(
        ConvOp,
        [(1, 5, 6, 3), (2, 3, 3, 3, 4)],
        arguments={**_WINDOW, "panel": 4, "shape": (1, 3, 4, 6)},
        variant="panels",
    ),
    OpCase(
        ConvOp,
        [(2, 8, 3), (3, 3, 4)],
        arguments={**_WINDOW, "strides": (2,), "dilations": (1,)},
        variant="one_d",
    ),
]

_REDUCTIONS = [
    *(OpCase(op, [(3, 4, 5)], arguments={"dims": (0, 2)}) for op in reduction.OPS[:4]),
    *(OpCase(op, [(3, 4)], [i64], {"dims": (1,)}, "i64") for op in reduction.OPS[:4]),
    *(OpCase(op, [(3, 4)], [i1], {"dims": (1,)}) for op in reduction.OPS[4:6]),
    *(OpCase(op, [(1, 7, 6, 3)], arguments=_POOL) for op in reduction.OPS[6:]),
    OpCase(
        reduction.MaxPoolOp, [(1, 3, 7, 6)], arguments={**_POOL, "layout": "channels_first"}, variant="first"
    ),
]

_VIEWS = [
    OpCase(view.CopyOp, [(2, 3)]),
    OpCase(view.TransposeOp, [(2, 3, 4)], arguments={"permutation": (2, 0, 1)}),
    OpCase(view.ReshapeOp, [(4, 6, 5)], arguments={"shape": (3, 8, 5)}),
    OpCase(view.ReshapeOp, [(2, 1, 6)], arguments={"shape": (12,)}, variant="flat"),
    OpCase(view.SliceOp, [(5, 7)], arguments={"offsets": (1, 0), "steps": (2, 3), "shape": (2, 3)}),
    OpCase(
        view.SliceOp, [(5,)], arguments={"offsets": (4,), "steps": (-2,), "shape": (3,)}, variant="backwards"
    ),
    OpCase(
        view.SliceOp,
        [(5, 7, 6)],
        arguments={"offsets": (0, 3, 1), "steps": (1, -1, 1), "shape": (3, 4, 2)},
        variant="front",
    ),
    OpCase(view.BroadcastOp, [(3, 1)], arguments={"shape": (2, 3, 4)}),
    OpCase(
        view.PadOp,
        [(2, 3)],
        arguments={"low": (1, 0), "high": (0, 2), "value": FloatAttr(float("-inf"), f32)},
    ),
    OpCase(
        view.PadOp, [(2,)], [i64], {"low": (1,), "high": (1,), "value": IntegerAttr(7, i64)}, variant="i64"
    ),
    OpCase(view.ConcatOp, [(2, 3), (2, 1), (2, 2)], arguments={"dimension": 1}),
]

_GATHERS = [
    OpCase(indexing.GatherOp, [(4, 5), (2, 3)], [f32, i64], {"dimension": 0}),
    OpCase(indexing.GatherOp, [(2, 5, 3), (4,)], [f32, i32], {"dimension": 1}, "inner_i32"),
]

_TAKES = [
    OpCase(indexing.TakeAlongOp, [(4, 5), (6, 4)], [f32, i64], {"dimension": 0}),
    OpCase(indexing.TakeAlongOp, [(3, 5), (2, 20)], [f32, i32], {"dimension": 1}, "last_i32"),
    OpCase(indexing.TakeAlongOp, [(9,), (40,)], [f32, i32], {"dimension": 0}, "one_d_i32"),
]

ALGORITHM_CASES = [
    OpCase(scatter.ScatterOp, [(5, 20), (4, 1), (4, 17)], [f32, i64, f32], {"dimension": 0}),
    OpCase(
        scatter.ScatterOp,
        [(2, 3, 4), (2, 6, 4), (2, 6, 4)],
        [f32, i32, f32],
        {"dimension": 1, "combine": "add"},
        "add_inside",
    ),
    OpCase(
        scatter.ScatterOp, [(6,), (9,), (9,)], [i64, i64, i64], {"dimension": 0, "combine": "mul"}, "mul_i64"
    ),
    OpCase(scatter.ScatterOp, [(6,), (3,), (3,)], [i1, i64, i1], {"dimension": 0, "combine": "add"}, "bits"),
    OpCase(
        scatter.ScatterOp,
        [(4, 3, 40), (4, 1, 1), (4, 3, 40)],
        [f32, i64, f32],
        {"dimension": 0, "combine": "maximum"},
        "maximum_rows",
    ),
    OpCase(cumulative.CumulateOp, [(3, 7)], arguments={"dimension": 1, "kind": "add"}),
    OpCase(cumulative.CumulateOp, [(3, 4, 5)], arguments={"dimension": 1, "kind": "mul"}, variant="inside"),
    OpCase(cumulative.CumulateOp, [(9,)], [i32], {"dimension": 0, "kind": "maximum"}, "maximum_i32"),
    OpCase(cumulative.CumulateOp, [(3, 7)], arguments={"dimension": 1, "kind": "logaddexp"}, variant="log"),
    OpCase(sorting.ArgsortOp, [(3, 70)], arguments={"dimension": 1}),
    OpCase(sorting.ArgsortOp, [(3, 7)], arguments={"dimension": 1}, variant="short"),
    OpCase(sorting.ArgsortOp, [(300, 2)], [i64], {"dimension": 0, "descending": True}, "descending_ties_i64"),
    OpCase(sorting.ArgsortOp, [(17,)], [i1], {"dimension": 0}, "bits"),
    OpCase(sorting.TopKOp, [(3, 40)], arguments={"dimension": 1, "k": 5, "descending": True}),
    OpCase(sorting.TopKOp, [(30, 2)], [i32], {"dimension": 0, "k": 30}, "all_i32"),
    OpCase(sorting.SearchSortedOp, [(5,), (3, 4)], [i64], {}),
    OpCase(sorting.SearchSortedOp, [(2, 1), (2, 4)], [i64], {"right": True}, "right"),
    OpCase(
        pool_places.MaxPoolPlacesOp,
        [(1, 3, 7, 6)],
        arguments={"kernel": (3, 2), "strides": (2, 1), "dilations": (1, 2), "low": (1, 0), "high": (1, 1)},
    ),
    OpCase(
        pool_places.MaxPoolPlacesOp,
        [(2, 1, 9)],
        [i64],
        {"kernel": (3,), "strides": (3,), "dilations": (1,), "low": (0,), "high": (0,)},
        "one_d_i64",
    ),
]
"""Ops with loops of their own."""

_INTEGERS = [
    OpCase(op, [(2, 9), (9,)], [element], variant=name)
    for op in integer.OPS
    for element, name in ((i64, "i64"), (i32, "i32"), (i8, "i8"))
]

_CHECKS = [
    OpCase(checking.CheckIndexOp, [(2, 30)], [i64], {"size": 3, "message": "IndexError: too far"}),
    OpCase(
        checking.CheckIndexOp,
        [(7,)],
        [i32],
        {"size": 5, "negative": True, "message": "?"},
        "negative_i32",
    ),
    OpCase(checking.RequireOp, [(2, 3), (3,), ()], [i1, i64], {"message": "IndexError: no such row"}),
]

_WINOGRAD = [
    OpCase(winograd.WinogradInputTransformOp, [(2, 10, 6, 3)], arguments={"tile": 4, "window": 3}),
    OpCase(
        winograd.WinogradInputTransformOp, [(1, 6, 20)], arguments={"tile": 2, "window": 3}, variant="line"
    ),
    OpCase(winograd.WinogradFilterTransformOp, [(3, 3, 5, 9)], arguments={"tile": 4, "window": 3}),
    OpCase(
        winograd.WinogradOutputTransformOp,
        [(6, 6, 2, 2, 1, 9)],
        arguments={"tile": 4, "window": 3, "shape": (2, 7, 4, 9)},
    ),
    OpCase(
        winograd.WinogradOutputTransformOp,
        [(4, 4, 1, 2, 3, 5)],
        arguments={"tile": 2, "window": 3, "shape": (1, 4, 5, 5)},
        variant="small",
    ),
]

STRUCTURED_CASES = [
    *_elementwise(),
    *_CONTRACTIONS,
    *_WINOGRAD,
    *_REDUCTIONS,
    *_VIEWS,
    *_GATHERS,
    *_TAKES,
    *_INTEGERS,
    *_CHECKS,
]
"""Every structured op, and pad and concat."""

COMPOSITE_CASES = [
    OpCase(composite.SoftmaxOp, [(3, 4)], arguments={"dimension": 1}),
    OpCase(composite.SoftmaxOp, [(3, 4)], arguments={"dimension": 0, "log": True}, variant="log"),
    OpCase(
        composite.LayerNormOp,
        [(3, 4), (4,), (4,)],
        arguments={"rank": 1, "eps": 1e-5, "has_weight": True, "has_bias": True},
    ),
    OpCase(composite.LayerNormOp, [(2, 3, 4)], arguments={"rank": 2, "eps": 1e-5}, variant="bare"),
    OpCase(
        composite.AttentionOp,
        [(2, 4, 3, 8), (2, 2, 5, 8), (2, 2, 5, 6), (5,)],
        arguments={"scale": 0.3, "has_mask": True},
    ),
    OpCase(
        composite.AttentionOp,
        [(3, 8), (3, 8), (3, 8)],
        arguments={"scale": 0.3, "causal": True},
        variant="causal",
    ),
    OpCase(
        transposed_convolution.ConvTransposeOp,
        [(2, 4, 3, 4), (4, 3, 3, 2)],
        arguments={
            "strides": [2, 1],
            "padding": [1, 0],
            "output_padding": [1, 0],
            "dilations": [1, 2],
            "groups": 1,
        },
    ),
]
"""Ops that decompose, on data that may be random (no variances)."""

ALL_CASES = [
    *STRUCTURED_CASES,
    *ALGORITHM_CASES,
    *COMPOSITE_CASES,
    OpCase(composite.BatchNormOp, [(2, 3, 4), *[(3,)] * 4], arguments={"eps": 1e-5}),
]
