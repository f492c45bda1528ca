"""Kernels on buffers: one for each function and layout of the buffers that it is called on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from dlp.dialects.dlp.structured import DestinationOp, shape_of
from dlp.dialects.dlp.view import CopyOp, ViewOp
from dlp.errors import PassError
from dlp.lowering._buffer_body import BufferBody
from dlp.lowering._buffers import Buffer, layout_of, strided_type
from dlp.lowering._kernel_names import KernelNames
from dlp.statistics import count


class Kernels:
    """Bufferised kernels, one for each function and layout of its arguments."""

    def __init__(self, functions: Sequence[func.FuncOp]) -> None:
        self._sources = {f.sym_name.data: f for f in functions}
        self._names = KernelNames(())
        self.made: dict[tuple[object, tuple[Attribute, ...]], func.FuncOp] = {}

    def source(self, call: func.CallOp) -> func.FuncOp:
        """The function on tensors that is called."""
        return self._sources[call.callee.string_value()]

    def of_function(
        self, call: func.CallOp, ins: Sequence[SSAValue], outs: Sequence[SSAValue]
    ) -> func.FuncOp:
        """The kernel for the function that is called on tensors, for these buffers."""
        name = call.callee.string_value()
        return self._get(name, self._sources[name], ins, outs)

    def of_op(self, op: DestinationOp, ins: Sequence[SSAValue], out: SSAValue) -> func.FuncOp:
        """A kernel of one op, for what stands outside the groups: a constant, a view that needs a copy."""
        key = (op.name, frozenset(op.properties.items()), op.res[0].type)
        tensors = [v.type for v in op.ins]
        block = Block(arg_types=tensors)
        alone = op.on(block.args, result_type=op.res[0].type)
        block.add_ops([alone, func.ReturnOp(alone.res[0])])
        name = f"{op.name.removeprefix('dlp.')}_alone"
        function = func.FuncOp(name, (tensors, [op.res[0].type]), Region(block), "private")
        function.attributes["dlp.comment"] = StringAttr(op.name.removeprefix("dlp."))
        return self._get(key, function, ins, [out])

    def of_copy(self, type_: Attribute, source: SSAValue, out: SSAValue) -> func.FuncOp:
        """A kernel that copies a tensor."""
        return self.of_op(CopyOp.of(Block(arg_types=[type_]).args[0]), [source], out)

    def _get(
        self, key: object, function: func.FuncOp, ins: Sequence[SSAValue], outs: Sequence[SSAValue]
    ) -> func.FuncOp:
        types = tuple(_argument_type(v) for v in (*ins, *outs))
        known = self.made.get((key, types))
        if known is None:
            name = self._names.fresh(function.sym_name.data)
            kernel = _Kernel(function, types[: len(ins)])
            known = self.made[key, types] = kernel.convert(name, types[len(ins) :])
            count("kernels bufferised")
        return known


class _Kernel(BufferBody):
    """A kernel: ops in destination form between its arguments and local buffers."""

    def __init__(self, function: func.FuncOp, types: Sequence[Buffer]) -> None:
        super().__init__(function)
        for argument, type_ in zip(self.source.args, types, strict=True):
            self.buffers[argument] = self.argument(type_, argument.name_hint)

    def convert(self, name: str, types: Sequence[Buffer]) -> func.FuncOp:
        """The kernel that writes into buffers of these types."""
        hints = ["out"] if len(types) == 1 else [f"out{i}" for i in range(len(types))]
        outs = [self.argument(type_, hint) for type_, hint in zip(types, hints, strict=True)]
        self.add_symbols()
        copies = self.take_destinations(outs)
        for op in self.source.ops:
            if isinstance(op, func.ReturnOp):
                break
            if not isinstance(op, DestinationOp):
                raise PassError(f"@{self.function.sym_name.data}: '{op.name}' cannot be given a buffer")
            if isinstance(op, ViewOp) and self.view(op):
                continue
            self.write(op, self.buffer_for(op.res[0]))
        for value, out in copies:
            self.block.add_op(CopyOp.of(self.buffers[value], out=out))
        return self.finish(name, {})

    def writes(self, value: SSAValue) -> bool:
        return isinstance(value.owner, DestinationOp)

    def write(self, op: DestinationOp, out: SSAValue) -> None:
        new = op.on([self.buffers[v] for v in op.ins], out=out)
        new.attributes.update(op.attributes)
        self.block.add_op(new)


def _argument_type(value: SSAValue) -> Buffer:
    """The type of a kernel's argument: a kernel does not depend on where in its buffer a view begins."""
    type_ = cast(Buffer, value.type)
    offset, strides = layout_of(type_)
    return strided_type(type_.element_type, shape_of(type_), (0 if offset == 0 else None, strides))
