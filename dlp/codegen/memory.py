"""Memrefs: a pointer to the first element and strides; views move the pointer, accesses fold their index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from xdsl.dialects import memref, vector
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.ir import Operation, SSAValue

from dlp.codegen.c_types import BYTES, SCALARS, element, lanes
from dlp.codegen.function import Buffer, FunctionPrinter
from dlp.codegen.indexing import floor_divide, multiply
from dlp.codegen.linear import Linear, Range
from dlp.dialects.dlp.dim import Dim, Size, Symbol
from dlp.dialects.dlp.structured import dims_of
from dlp.dialects.memref import PrefetchOp
from dlp.errors import CodegenError

LARGEST_SCRATCH = 256 * 1024
"""Bytes of one buffer on a thread's stack; larger ones belong into the arena."""


def argument_of(
    printer: FunctionPrinter, type_: MemRefType, pointer: str, symbols: dict[str, Linear]
) -> Buffer:
    """The buffer of an argument: sizes and strides that only a run knows are computed from the symbols."""
    dims = dims_of(type_)
    if dims is None:
        return buffer_of(type_, pointer)
    sizes, strides = (
        tuple(_size(printer, n, symbols) for n in numbers)
        for numbers in (dims.get_sizes(), dims.get_strides())
    )
    return Buffer(pointer, strides, sizes)


def _size(printer: FunctionPrinter, size: Size, symbols: dict[str, Linear]) -> Linear:
    if not isinstance(size, Dim):
        return Linear(size)
    total = Linear()
    for product, k in size.terms.items():
        term = Linear(k)
        for atom in product:
            if isinstance(atom, Symbol):
                term = multiply(term, symbols[atom.name])
            else:
                term = multiply(term, floor_divide(printer, _size(printer, atom.of, symbols), atom.by))
        total += term
    return total


def buffer_of(type_: MemRefType, pointer: str) -> Buffer:
    """A buffer whose strides and sizes are those of its type, as far as the type has them."""
    strides = type_.get_strides()
    if strides is None:
        raise CodegenError(f"the C printer knows strided memrefs, not {type_}")
    sizes = tuple(None if size == DYNAMIC_INDEX else Linear(size) for size in type_.get_shape())
    return Buffer(pointer, tuple(None if stride is None else Linear(stride) for stride in strides), sizes)


def offset(buffer: Buffer, indices: Sequence[Linear]) -> Linear:
    """Elements from the first one to that with these indices."""
    total = Linear()
    for index, stride in zip(indices, buffer.strides, strict=True):
        if index == Linear():
            continue
        if stride is None:
            raise CodegenError(f"the stride of '{buffer.pointer}' is not known")
        total += multiply(index, stride)
    return total


def address(printer: FunctionPrinter, source: SSAValue, indices: Sequence[SSAValue]) -> str:
    """Pointer to an element: `x`, `&x[64 * h + c]`."""
    buffer = printer.buffer(source)
    distance = offset(buffer, [printer.index(value) for value in indices])
    return buffer.pointer if distance == Linear() else f"&{buffer.pointer}[{distance}]"


def access(printer: FunctionPrinter, source: SSAValue, indices: Sequence[SSAValue]) -> str:
    """An element as C reads and writes it: `x[64 * h + c]`."""
    buffer = printer.buffer(source)
    return f"{buffer.pointer}[{offset(buffer, [printer.index(value) for value in indices])}]"


def load(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, memref.LoadOp)
    printer.define(op.res, access(printer, op.memref, op.indices), _loaded_name(printer, op.memref))


def store(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, memref.StoreOp)
    printer.emit(f"{access(printer, op.memref, op.indices)} = {printer.text(op.value)};")


def prefetch(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, PrefetchOp)
    if op.is_data_cache.value.data:
        write = int(op.is_write.value.data)
        printer.emit(
            f"__builtin_prefetch({address(printer, op.memref, op.indices)}, {write}, {op.locality});"
        )


def vector_load(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, vector.LoadOp)
    type_ = op.result.type
    name = _loaded_name(printer, op.base)
    if lanes(type_) == 1:
        printer.define(op.result, access(printer, op.base, op.indices), name)
        return
    pointer = address(printer, op.base, op.indices)
    if element(type_) == "i1":
        printer.set_mask_bits(op.result, 8)
        helper = printer.prelude.helper("load_mask", "i8", lanes(type_))
    else:
        helper = printer.prelude.helper("load", element(type_), lanes(type_))
    printer.define(op.result, f"{helper}({pointer})", name)


def vector_store(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, vector.StoreOp)
    type_ = op.vector.type
    if lanes(type_) == 1:
        printer.emit(f"{access(printer, op.base, op.indices)} = {printer.text(op.vector)};")
        return
    pointer = address(printer, op.base, op.indices)
    if element(type_) == "i1":
        helper = printer.prelude.helper("store_mask", "i8", lanes(type_))
        printer.emit(f"{helper}({pointer}, {printer.mask(op.vector, 8)});")
    else:
        helper = printer.prelude.helper("store", element(type_), lanes(type_))
        printer.emit(f"{helper}({pointer}, {printer.text(op.vector)});")


def transfer_read(printer: FunctionPrinter, op: Operation) -> None:
    """vector.transfer_read of one dimension inside its bounds."""
    assert isinstance(op, vector.TransferReadOp)
    _check_transfer(op)
    helper = printer.prelude.helper("load", element(op.result.type), lanes(op.result.type))
    printer.define(op.result, f"{helper}({address(printer, op.source, op.indices)})", "x")


def transfer_write(printer: FunctionPrinter, op: Operation) -> None:
    """vector.transfer_write of one dimension inside its bounds."""
    assert isinstance(op, vector.TransferWriteOp)
    _check_transfer(op)
    helper = printer.prelude.helper("store", element(op.vector.type), lanes(op.vector.type))
    printer.emit(f"{helper}({address(printer, op.source, op.indices)}, {printer.text(op.vector)});")


def masked_load(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, vector.MaskedLoadOp)
    name, count = element(op.result.type), lanes(op.result.type)
    helper = printer.prelude.helper("masked_load", name, count)
    mask = printer.mask(op.mask, 8 * BYTES[name])
    pointer = address(printer, op.base, op.indices)
    printer.define(op.result, f"{helper}({pointer}, {mask}, {printer.text(op.pass_thru)})", "x")


def masked_store(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, vector.MaskedStoreOp)
    type_ = op.value_to_store.type
    name, count = element(type_), lanes(type_)
    helper = printer.prelude.helper("masked_store", name, count)
    mask = printer.mask(op.mask, 8 * BYTES[name])
    printer.emit(
        f"{helper}({address(printer, op.base, op.indices)}, {mask}, {printer.text(op.value_to_store)});"
    )


def allocate(printer: FunctionPrinter, op: Operation) -> None:
    """memref.alloca, memref.alloc: scratch of the thread that runs the scope."""
    assert isinstance(op, memref.AllocOp | memref.AllocaOp)
    type_ = op.memref.type
    assert isinstance(type_, MemRefType)
    count = 1
    for size in type_.get_shape():
        if size == DYNAMIC_INDEX:
            raise CodegenError(f"scratch needs a static size: {type_}")
        count *= size
    if count * BYTES[element(type_)] > LARGEST_SCRATCH:
        raise CodegenError(
            f"'{op.name}' of {count * BYTES[element(type_)]} bytes does not fit a thread's stack (at most "
            f"{LARGEST_SCRATCH}): {type_} belongs into the arena"
        )
    alignment = op.alignment.value.data if op.alignment is not None else 0
    name = printer.names.fresh(op.memref.name_hint or "scratch")
    at_least = max(alignment, printer.prelude.target.alignment)
    printer.emit(f"{SCALARS[element(type_)]} {name}[{max(count, 1)}] __attribute__((aligned({at_least})));")
    printer.bind(op.memref, buffer_of(type_, name))


def nothing(printer: FunctionPrinter, op: Operation) -> None:
    """memref.dealloc and terminators that C does not need."""


def subview(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, memref.SubviewOp)
    source = printer.buffer(op.source)
    offsets = _mixed(printer, op.static_offsets.get_values(), op.offsets)
    sizes = _mixed(printer, op.static_sizes.get_values(), op.sizes)
    steps = _mixed(printer, op.static_strides.get_values(), op.strides)
    strides = [
        None if stride is None else multiply(stride, step)
        for stride, step in zip(source.strides, steps, strict=True)
    ]
    kept = _kept_dimensions(op, sizes, strides)
    _view(printer, op, offset(source, offsets), [strides[d] for d in kept], [sizes[d] for d in kept])


def reinterpret_cast(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, memref.ReinterpretCastOp)
    start = _mixed(printer, op.static_offsets.get_values(), op.offsets)[0]
    sizes = _mixed(printer, op.static_sizes.get_values(), op.sizes)
    strides = _mixed(printer, op.static_strides.get_values(), op.strides)
    _view(printer, op, start, strides, sizes)


def same_memory(printer: FunctionPrinter, op: Operation) -> None:
    """memref.cast and the like: the type of the result may know more or less than that of the operand."""
    source = printer.buffer(op.operands[0])
    type_ = op.results[0].type
    assert isinstance(type_, MemRefType)
    view = buffer_of(type_, source.pointer)
    strides, sizes = (
        tuple(new if new is not None else old for new, old in zip(after, before, strict=True))
        for after, before in ((view.strides, source.strides), (view.sizes, source.sizes))
    )
    printer.bind(op.results[0], Buffer(source.pointer, strides, sizes))


def reshape(printer: FunctionPrinter, op: Operation) -> None:
    """memref.expand_shape, memref.collapse_shape."""
    type_ = op.results[0].type
    assert isinstance(type_, MemRefType)
    printer.bind(op.results[0], buffer_of(type_, printer.buffer(op.operands[0]).pointer))


def byte_view(printer: FunctionPrinter, op: Operation) -> None:
    """memref.view: elements of another type at a place in bytes."""
    assert isinstance(op, memref.ViewOp)
    type_ = op.result.type
    assert isinstance(type_, MemRefType)
    source = printer.buffer(op.source)
    shift = printer.index(op.byte_shift)
    place = source.pointer if shift == Linear() else f"({source.pointer} + {shift})"
    pointee = printer.type(op.result)
    name = printer.names.fresh(op.result.name_hint or "buffer")
    printer.emit(f"{pointee}{name} = ({pointee.rstrip()}){place};")
    view = buffer_of(type_, name)
    given = iter(op.sizes)
    sizes = tuple(printer.index(next(given)) if size is None else size for size in view.sizes)
    printer.bind(op.result, Buffer(name, _row_major(sizes), sizes))


def copy(printer: FunctionPrinter, op: Operation) -> None:
    """memref.copy: one memcpy where both are contiguous, else loops."""
    assert isinstance(op, memref.CopyOp)
    source, destination = printer.buffer(op.source), printer.buffer(op.destination)
    if any(size is None for size in source.sizes):
        raise CodegenError(f"the sizes of '{source.pointer}' are not known")
    sizes = [size for size in source.sizes if size is not None]
    contiguous = _row_major(sizes)
    if tuple(source.strides) == contiguous == tuple(destination.strides):
        total = Linear(BYTES[element(op.source.type)])
        for size in sizes:
            total = multiply(total, size)
        printer.emit(f"memcpy({destination.pointer}, {source.pointer}, {total});")
        return
    _copy_dimension(printer, source, destination, sizes, [])


def dimension(printer: FunctionPrinter, op: Operation) -> None:
    """memref.dim"""
    assert isinstance(op, memref.DimOp)
    number = printer.index(op.index)
    size = printer.buffer(op.source).sizes[number.constant] if number.is_constant else None
    if size is None:
        raise CodegenError(f"the size of '{printer.buffer(op.source).pointer}' is not known")
    printer.bind(op.result, size)


def _copy_dimension(
    printer: FunctionPrinter, source: Buffer, destination: Buffer, sizes: list[Linear], outer: list[Linear]
) -> None:
    if len(outer) == len(sizes):
        printer.emit(
            f"{destination.pointer}[{offset(destination, outer)}] = {source.pointer}[{offset(source, outer)}];"
        )
        return
    size = sizes[len(outer)]
    if size == Linear(1):
        _copy_dimension(printer, source, destination, sizes, [*outer, Linear()])
        return
    with printer.names.scope():
        name = printer.names.fresh("ijklmn"[len(outer)] if len(outer) < 6 else "i")
        with printer.braces(f"for (long {name} = 0; {name} < {size}; {name}++)"):
            index = Linear.atom(name, Range(0, None))
            _copy_dimension(printer, source, destination, sizes, [*outer, index])


def _view(
    printer: FunctionPrinter,
    op: Operation,
    distance: Linear,
    strides: Sequence[Linear | None],
    sizes: Sequence[Linear | None],
) -> None:
    """Bind a result to a pointer some elements further."""
    result, source = op.results[0], printer.buffer(op.operands[0])
    pointer = source.pointer
    if distance != Linear():
        pointer = printer.names.fresh(result.name_hint or _view_name(source.pointer))
        printer.emit(f"{printer.type(result)}{pointer} = {source.pointer} + {distance};")
    printer.bind(result, Buffer(pointer, tuple(strides), tuple(sizes)))


def _mixed(printer: FunctionPrinter, static: Sequence[int], dynamic: Sequence[SSAValue]) -> list[Linear]:
    given = iter(dynamic)
    return [printer.index(next(given)) if number == DYNAMIC_INDEX else Linear(number) for number in static]


def _kept_dimensions(
    op: memref.SubviewOp, sizes: Sequence[Linear], strides: Sequence[Linear | None]
) -> tuple[int, ...]:
    """Dimensions of the source that the result keeps: those it drops have size 1; its strides settle ties."""
    type_ = op.result.type
    assert isinstance(type_, MemRefType)
    wanted = buffer_of(type_, "")
    every = range(len(sizes))
    if len(sizes) == len(wanted.sizes):
        return tuple(every)
    for kept in combinations(every, len(wanted.sizes)):
        dropped = set(every).difference(kept)
        if all(sizes[d] == Linear(1) for d in dropped) and all(
            expected is None or expected == actual
            for d, size, stride in zip(kept, wanted.sizes, wanted.strides, strict=True)
            for expected, actual in ((size, sizes[d]), (stride, strides[d]))
        ):
            return kept
    raise CodegenError(f"'{op.name}' of {op.source.type} cannot have the type {type_}")


def _row_major(sizes: Sequence[Linear | None]) -> tuple[Linear | None, ...]:
    strides: list[Linear | None] = []
    stride: Linear | None = Linear(1)
    for size in reversed(sizes):
        strides.append(stride)
        stride = None if stride is None or size is None else multiply(stride, size)
    return tuple(reversed(strides))


def _check_transfer(op: vector.TransferReadOp | vector.TransferWriteOp) -> None:
    inside = all(bound.value.data for bound in op.in_bounds)
    if op.mask is not None or not inside or not op.permutation_map.data.is_minor_identity():
        raise CodegenError(f"the C printer writes '{op.name}' in bounds, in order and without a mask only")


def _loaded_name(printer: FunctionPrinter, source: SSAValue) -> str:
    return f"{_root_name(printer.buffer(source).pointer)}_v"


def _view_name(pointer: str) -> str:
    return f"{_root_name(pointer)}_at"


def _root_name(pointer: str) -> str:
    """`x` of `x_at_1`: views of views are named after the buffer."""
    return _AFTER_ROOT.sub("", pointer)


_AFTER_ROOT = re.compile(r"(_at(_\d+)?|_\d+)$")
