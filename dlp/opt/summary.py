"""The tables of `--time-passes` and `--pass-statistics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dlp.pass_manager import PassRecord


def timing_text(records: Sequence[PassRecord], others: Mapping[str, float]) -> str:
    """Seconds by pass, in the order of the pipeline; `others` is what was spent outside of passes."""
    rows = {f"{record.index:>3} {record.name}": 0.0 for record in records}
    for record in records:
        rows[f"{record.index:>3} {record.name}"] += record.seconds
    rows |= {f"    {name}": seconds for name, seconds in others.items()}
    total = sum(rows.values())
    share = 100 / total if total else 0
    lines = [f"  {seconds:>8.4f} {seconds * share:>6.1f}%  {name}" for name, seconds in rows.items()]
    head = "===--- pass timing ---===\n   seconds  share   # pass\n"
    return head + "\n".join([*lines, f"  {total:>8.4f}  100.0%      total"]) + "\n"


def statistics_text(records: Sequence[PassRecord]) -> str:
    """What the passes counted, summed by name, in the order of the pipeline; those with nothing are left out."""
    sums: dict[str, Counter[str]] = {}
    for record in records:
        sums.setdefault(record.name, Counter()).update(record.statistics)
    lines = ["===--- pass statistics ---==="]
    for name, statistics in sums.items():
        if statistics:
            lines.append(name)
            lines += [f"  {number:>8} {what}" for what, number in statistics.items()]
    return "\n".join(lines) + "\n"
