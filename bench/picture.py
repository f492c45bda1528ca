"""Bars for each network as SVG: how many times as fast as eager each candidate is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.rounds import REFERENCE, Result

_COLOURS = ("#9aa5b1", "#5b8db8", "#d1495b", "#edae49", "#66a182", "#8d6a9f", "#2e4057")
_HEIGHT, _BAR, _GAP = 220, 22, 34
_LEFT, _TOP, _BOTTOM = 46, 40, 34


def svg(results: Sequence[Result]) -> str:
    """The picture; candidates without figures have no bar."""
    names = list(dict.fromkeys(row.candidate for result in results for row in result.rows))
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)}
    group = len(names) * _BAR + _GAP
    width, height = _LEFT + group * max(1, len(results)) + 10, _TOP + _HEIGHT + _BOTTOM
    speeds = {
        (result.network, row.candidate): speed
        for result in results
        for row in result.rows
        if (speed := result.ratio(REFERENCE, row.candidate)) is not None
    }
    top = max([1.0, *speeds.values()]) * 1.1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="14" font-weight="bold">times as fast as eager</text>',
    ]
    for i, name in enumerate(names):
        x = _LEFT + i * 110
        parts.append(f'<rect x="{x}" y="20" width="10" height="10" fill="{colours[name]}"/>')
        parts.append(f'<text x="{x + 14}" y="29">{escape(name)}</text>')
    for step in range(int(top) + 1):
        y = _y(step, top)
        parts.append(f'<line x1="{_LEFT}" x2="{width - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{step}</text>')
    for g, result in enumerate(results):
        x = _LEFT + g * group + _GAP / 2
        for i, name in enumerate(names):
            speed = speeds.get((result.network, name))
            if speed is None:
                continue
            y = _y(speed, top)
            median = result.row(name).median
            parts.append(
                f'<rect x="{x + i * _BAR:.1f}" y="{y:.1f}" width="{_BAR - 3}" height="{_TOP + _HEIGHT - y:.1f}" '
                f'fill="{colours[name]}"><title>{escape(name)}: {median:.3f} ms</title></rect>'
            )
            label = f"{speed:.2f}"
            parts.append(
                f'<text x="{x + i * _BAR + _BAR / 2 - 1.5:.1f}" y="{y - 3:.1f}" font-size="9" '
                f'text-anchor="middle">{label}</text>'
            )
        middle = x + len(names) * _BAR / 2
        parts.append(
            f'<text x="{middle:.1f}" y="{_TOP + _HEIGHT + 16}" text-anchor="middle">{escape(result.network)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _y(value: float, top: float) -> float:
    return _TOP + _HEIGHT * (1 - value / top)
