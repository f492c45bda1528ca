"""Loops of a network: a body that runs once for each step of a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from xdsl.dialects.builtin import TensorType, UnitAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    AttrSizedResultSegments,
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from dlp.dialects.dlp.dim import Size
from dlp.dialects.dlp.graph import YieldOp
from dlp.dialects.dlp.structured import shape_of, tensor_of


@irdl_op_definition
class ScanOp(IRDLOperation):
    """Runs its body once for each step of a sequence, in order, handing a state from step to step.

    ```mlir
    %h, %ys = dlp.scan ins(%xs : tensor<64x16x512xf32>) init(%h0 : tensor<16x512xf32>)
        -> (tensor<16x512xf32>) outputs(tensor<64x16x512xf32>) {
    ^bb0(%x: tensor<16x512xf32>, %s: tensor<16x512xf32>):
      %n = dlp.add ins(%x, %s : ...) -> tensor<16x512xf32>
      dlp.yield %n, %n : tensor<16x512xf32>, tensor<16x512xf32>
    }
    ```
    `ins` are sequences along their first dimension, all of the same length; the body gets the slice of each at its
    step, without that dimension, and then the states. It yields the next states and one slice of each output. Results
    are the states after the last step and the outputs, whose first dimension is the step. With `reverse` the steps
    run from the last to the first; slices keep their places. The body may use values from around the loop.
    Without a step the states are those of `init`.
    """

    name = "dlp.scan"
    ins = var_operand_def(TensorType)
    init = var_operand_def(TensorType)
    states = var_result_def(TensorType)
    outputs = var_result_def(TensorType)
    region = region_def("single_block")
    reverse = opt_prop_def(UnitAttr)
    """From the last step to the first."""
    irdl_options = (AttrSizedOperandSegments(as_property=True), AttrSizedResultSegments(as_property=True))
    traits = traits_def(RecursiveMemoryEffect())
    assembly_format = (
        "(`reverse` $reverse^)? `ins` `(` ($ins^ `:` type($ins))? `)` `init` `(` ($init^ `:` type($init))? `)` "
        "`->` `(` (type($states)^)? `)` `outputs` `(` (type($outputs)^)? `)` $region attr-dict"
    )

    def __init__(
        self, ins: Sequence[SSAValue], init: Sequence[SSAValue], body: Block, *, reverse: bool = False
    ) -> None:
        """`body` ends in `dlp.yield` of the next states, then the slices of the outputs."""
        yielded = [v.type for v in cast(YieldOp, body.last_op).arguments]
        steps = shape_of(ins[0].type)[0]
        outputs = [stacked(type_, steps) for type_ in yielded[len(init) :]]
        super().__init__(
            operands=[list(ins), list(init)],
            result_types=[yielded[: len(init)], outputs],
            regions=[Region(body)],
            properties={"reverse": UnitAttr() if reverse else None},
        )

    @property
    def body(self) -> Block:
        return self.region.block

    @property
    def steps(self) -> Size:
        return shape_of(self.ins[0].type)[0]

    @property
    def slices(self) -> Sequence[SSAValue]:
        """The body's arguments that are slices of `ins`."""
        return self.body.args[: len(self.ins)]

    @property
    def carried(self) -> Sequence[SSAValue]:
        """The body's arguments that are states."""
        return self.body.args[len(self.ins) :]

    @property
    def yielded_states(self) -> Sequence[SSAValue]:
        return cast(YieldOp, self.body.last_op).arguments[: len(self.init)]

    @property
    def yielded_outputs(self) -> Sequence[SSAValue]:
        return cast(YieldOp, self.body.last_op).arguments[len(self.init) :]

    def verify_(self) -> None:
        if not self.ins:
            raise VerifyException("dlp.scan: at least one sequence says how many steps there are")
        for k, value in enumerate((*self.ins, *self.outputs)):
            shape = shape_of(value.type)
            if not shape or shape[0] != self.steps:
                what = f"operand {k}" if k < len(self.ins) else f"output {k - len(self.ins)}"
                raise VerifyException(
                    f"dlp.scan: {what} ({value.type}) is no sequence of {self.steps} steps, as operand 0 is"
                )
        states = [v.type for v in self.init]
        wanted = [*(slice_type(v.type) for v in self.ins), *states]
        for k, (argument, type_) in enumerate(zip(self.body.args, wanted, strict=False)):
            if argument.type != type_:
                raise VerifyException(f"dlp.scan: argument {k} of the body is {argument.type}, not {type_}")
        if len(self.body.args) != len(wanted):
            raise VerifyException(
                f"dlp.scan: the body has {len(self.body.args)} arguments for {len(self.ins)} sequences and "
                f"{len(states)} states"
            )
        if not isinstance(self.body.last_op, YieldOp):
            raise VerifyException("dlp.scan: the body must end in dlp.yield")
        if [v.type for v in self.states] != states:
            raise VerifyException("dlp.scan: the final states do not have the types of the first")
        yielded = [v.type for v in self.body.last_op.arguments]
        if yielded != [*states, *(slice_type(v.type) for v in self.outputs)]:
            raise VerifyException(
                "dlp.scan: the yielded types are not those of the states and of slices of the outputs"
            )


def slice_type(sequence: Attribute) -> TensorType[Attribute]:
    """The type of one step of a sequence."""
    assert isinstance(sequence, TensorType)
    return tensor_of(cast(Attribute, sequence.element_type), shape_of(sequence)[1:])


def stacked(slice_: Attribute, steps: Size) -> TensorType[Attribute]:
    """The type of a sequence of so many steps."""
    assert isinstance(slice_, TensorType)
    return tensor_of(cast(Attribute, slice_.element_type), (steps, *shape_of(slice_)))


def graph_blocks(function: FuncOp) -> Iterator[Block]:
    """The blocks of a function on tensors that hold its graph: its own, and loop bodies, inner ones last."""
    for block in function.body.blocks:
        yield block
        for op in block.walk():
            if isinstance(op, ScanOp):
                yield op.body


def values_used(op: Operation) -> list[SSAValue]:
    """What an op reads: its operands, and what its regions use of the values around it."""
    if not op.regions:
        return list(op.operands)
    inside = {result for inner in op.walk() if inner is not op for result in inner.results}
    inside |= {
        argument
        for inner in op.walk()
        for region in inner.regions
        for block in region.blocks
        for argument in block.args
    }
    return [v for v in dict.fromkeys(o for inner in op.walk() for o in inner.operands) if v not in inside]


OPS = (ScanOp,)
