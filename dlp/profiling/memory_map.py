"""The arena over time: which intermediate lies where, from which call to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Operation, SSAValue

from dlp.size_text import size_text

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 1000, 480, 70, 34, 16, 40


@dataclass(frozen=True)
class Place:
    """An intermediate in the arena.

    Attributes:
        name: what the IR calls it.
        owner: the kernel that writes it first.
        offset, size: in bytes.
        first, last: the numbers of the calls between which it is needed, inclusive.
    """

    name: str
    owner: str
    offset: int
    size: int
    first: int
    last: int


def memory_map(module: ModuleOp) -> list[Place]:
    """The places of `@forward`'s intermediates that no run's sizes change, from a module after `plan-arena`."""
    places: list[Place] = []
    for function in module.body.block.ops:
        if isinstance(function, func.FuncOp) and function.sym_name.data == "forward":
            for op in function.walk():
                if isinstance(op, memref.ViewOp) and "dlp.bytes" in op.attributes:
                    offset = op.byte_shift.owner
                    if not isinstance(offset, arith.ConstantOp):
                        continue
                    size, first, last = (
                        _integer(op.attributes[f"dlp.{k}"]) for k in ("bytes", "first", "last")
                    )
                    name = op.result.name_hint or "buffer"
                    places.append(Place(name, _owner(op.result), _integer(offset.value), size, first, last))
    return places


def _integer(attribute: object) -> int:
    assert isinstance(attribute, IntegerAttr)
    return attribute.value.data


def _owner(buffer: SSAValue) -> str:
    """The first call that is given the buffer, or a view of it."""
    for use in sorted(buffer.uses, key=lambda use: _position(use.operation)):
        user = use.operation
        if isinstance(user, func.CallOp):
            return user.callee.string_value()
        if user.results and (name := _owner(user.results[0])):
            return name
    return ""


def _position(op: Operation) -> int:
    assert op.parent is not None
    return op.parent.get_operation_index(op)


def svg(places: Sequence[Place]) -> str:
    """A picture: calls from left to right, bytes from bottom to top, a colour for each kernel that writes."""
    top = max((p.offset + p.size for p in places), default=1)
    end = max((p.last for p in places), default=0) + 1
    owners = list(dict.fromkeys(p.owner for p in places))
    colours = {name: f"hsl({round(360 * k * 0.618) % 360}, 55%, 62%)" for k, name in enumerate(owners)}
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def y(byte: float) -> float:
        return _TOP + height * (1 - byte / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-weight="bold">arena: {size_text(top)}, {len(places)} intermediates of '
        f"{size_text(sum(p.size for p in places))}, {end} calls</text>",
    ]
    for quarter in range(5):
        at = y(top * quarter / 4)
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + width}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
        label = size_text(top * quarter / 4)
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for place in places:
        x, wide = _LEFT + width * place.first / end, width * (place.last - place.first + 1) / end
        tall = height * place.size / top
        about = (
            f"{place.name}: {size_text(place.size)} at {place.offset}, calls {place.first} to {place.last}"
        )
        parts.append(
            f'<rect x="{x:.1f}" y="{y(place.offset + place.size):.1f}" width="{wide:.1f}" height="{tall:.1f}" '
            f'fill="{colours[place.owner]}" stroke="white"><title>{escape(about)}; written by '
            f"{escape(place.owner)}</title></rect>"
        )
        if tall > 11 and wide > 6 * len(place.owner):
            parts.append(
                f'<text x="{x + 3:.1f}" y="{y(place.offset + place.size) + 11:.1f}" font-size="9">'
                f"{escape(place.owner)}</text>"
            )
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 14}">calls of kernels, in order →</text>')
    return "\n".join([*parts, "</svg>\n"])
