"""The results as SVG: for each network a group of bars, how many times as fast as eager each candidate is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.candidates import OURS, REFERENCE
from bench.results import Result
from bench.table import best_ratios

_COLOURS = {
    REFERENCE: "#9aa5b1",
    "channels_last": "#c7ccd1",
    OURS: "#d1495b",
    "inductor": "#a9c6de",
    "inductor_frozen": "#5b8db8",
    "onnxruntime": "#edae49",
    "openvino": "#66a182",
    "executorch": "#8d6a9f",
    "ncnn": "#b08968",
    "copy": "#2e4057",
}
_OTHER = "#e39aa4"
_BAR, _GAP, _HEAD = 15, 18, 20
_NAMES, _LENGTH, _FIGURES = 130, 300, 130
_COLUMN = _NAMES + _LENGTH + _FIGURES
_TOP = 34


def svg(results: Sequence[Result]) -> str:
    """The picture, groups in as many columns as make it readable; candidates without figures have no bar."""
    columns = 1 if len(results) < 4 else 2 if len(results) < 13 else 3
    bottoms = [_TOP] * columns
    parts: list[str] = []
    for result in results:
        speeds = _speeds(result)
        height = _HEAD + _BAR * len(speeds) + _GAP
        column = bottoms.index(min(bottoms))
        parts += _group(result, speeds, column * _COLUMN + 10, bottoms[column])
        bottoms[column] += height
    width, height = columns * _COLUMN + 20, max(bottoms) + 6
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="11">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            '<text x="10" y="18" font-size="13" font-weight="bold">times as fast as eager (longer is better), '
            "median ms</text>",
            *parts,
            "</svg>",
            "",
        ]
    )


def _speeds(result: Result) -> dict[str, float]:
    """Candidate -> how many times as fast as eager."""
    return {
        row.candidate: speed
        for row in result.rows
        if (speed := result.ratio(REFERENCE, row.candidate)) is not None
    }


def _group(result: Result, speeds: dict[str, float], x: float, y: float) -> list[str]:
    longest = max(speeds.values(), default=1.0)
    ratio = best_ratios([result]).get(result.network)
    beside = f", dlp {ratio:.2f} x the best peer" if ratio is not None else ""
    title = escape(f"{result.title or result.network}{beside}")
    parts = [f'<text x="{x}" y="{y + 12}" font-weight="bold">{title}</text>']
    for i, (name, speed) in enumerate(speeds.items()):
        top = y + _HEAD + i * _BAR
        length = _LENGTH * speed / longest
        left = x + _NAMES
        median = result.row(name).median
        parts += [
            f'<text x="{left - 5}" y="{top + 10}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{_BAR - 3}" '
            f'fill="{_COLOURS.get(name, _OTHER)}"><title>{escape(name)}: {median:.3f} ms</title></rect>',
            f'<text x="{left + length + 5:.1f}" y="{top + 10}">{speed:.2f} ({median:.2f} ms)</text>',
        ]
    return parts
