"""`--verify-diagnostics`: errors against the comments that announce them.

```mlir
// expected-error @below {{does not dominate}}
%0 = arith.addf %1, %1 : f32
%2 = foo.bar                     // expected-error {{unregistered}}
```
As in mlir-opt: `@below`, `@above`, `@+2`, `@-1` or nothing say the line; the text in braces must occur in the
message. An error whose line is not known (in operations that a pass made) matches a comment on any line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dlp.opt.source import Source

_COMMENT = re.compile(
    r"//.*?expected-error\s*(?:@(?P<where>above|below|[+-]\d+))?\s*\{\{(?P<text>.*?)\}\}", re.MULTILINE
)


@dataclass(frozen=True)
class ReportedError:
    """An error as a user sees it.

    Attributes:
        message: one line.
        line: in the input file; None when it has no place there.
        text: all that is printed, with place, excerpt and notes.
    """

    message: str
    line: int | None
    text: str


def mismatches(source: Source, errors: list[ReportedError]) -> list[str]:
    """What differs between the errors of `source` and those its comments announce; empty if nothing does."""
    wrong: list[str] = []
    left = list(errors)
    for line, text in _expected(source):
        found = next((error for error in left if error.line in (line, None) and text in error.message), None)
        if found is None:
            wrong.append(f"{source.name}:{line}: error: expected error was not produced: {text}")
        else:
            left.remove(found)
    return wrong + [f"unexpected error: {error.text.rstrip()}" for error in left]


def _expected(source: Source) -> list[tuple[int, str]]:
    """The line and the text of every expected error."""
    result: list[tuple[int, str]] = []
    for number, content in enumerate(source.text.split("\n"), source.first_line):
        for match in _COMMENT.finditer(content):
            where = match["where"] or "+0"
            offset = {"above": -1, "below": 1}.get(where)
            result.append((number + (int(where) if offset is None else offset), match["text"]))
    return result
