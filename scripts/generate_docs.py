"""Writes the pages that are derived from the code: docs/ops.md and docs/passes.md.

    python scripts/generate_docs.py           # write them
    python scripts/generate_docs.py --check   # exit with 1 if one is not what it would be now

What a page says is in the docstrings: of the class, of its module, and of its fields. Examples of operations are those
of the tests of the dialect.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerAttr, StringAttr, UnitAttr
from xdsl.ir import Operation
from xdsl.irdl import OptPropertyDef
from xdsl.utils.hints import type_repr

from dlp.context import make_context
from dlp.dialects.dlp import Dlp
from dlp.dialects.dlp.algorithm import AlgorithmOp
from dlp.dialects.dlp.structured import DecomposableOp, DestinationOp, StructuredOp
from dlp.dialects.dlp.view import ViewOp
from dlp.ir_text import ir_text
from dlp.opt.source import Source
from dlp.pass_pipeline import parse_passes
from dlp.pass_registry import PassEntry, own_passes
from dlp.pipeline import STAGES

ROOT = Path(__file__).resolve().parents[1]

GENERATED = "<!-- Written by scripts/generate_docs.py from the docstrings; `make docs` writes it anew. -->\n"

OPS = """\
# The operations of the dlp dialect

Operations compute new tensors or, after bufferisation, write into the buffer that they are given:

```mlir
%y = dlp.relu ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
dlp.relu ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
```

`ins` are the operands, in the order in which the descriptions number them; properties follow in braces. The verifier
infers shape and element type of the result and names the operand that does not fit. On tensors nothing has an effect
beside its result; on buffers an operation reads `ins` and writes `outs`.

What passes ask for is not the name of an operation but what kind it is:

- **structured**: an iteration space, an index map for each operand, and a body on scalars. *Element-wise* ones need one
  point of each operand for a point of the result (smaller operands broadcast as in NumPy); *reductions* combine many,
  by the combiner that is given here. Fusion, tiling, vectorisation and the conversion to `linalg` follow from these.
- **view**: structured, and moves elements only; where strides can say it, nothing is moved at all.
- **algorithm**: has loops of its own and is neither tiled nor fused.
- **decomposable**: defined by other operations, which the pass `decompose` puts in its place.
"""

PASSES = """\
# Passes

A network goes through the stages below from top to bottom (`dlp-opt -p default`); each can be run by itself, and so can
each pass: `dlp-opt net.mlir --target=avx2 -p kernels`, `-p 'fuse{without=chain}'`. What the options of `dlp-opt` show
of them is in [dlp-opt.md](dlp-opt.md). Options called `target` and `threads` are filled in by `--target` and by the
compiler.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; complain about what is out of date"
    )
    options = parser.parse_args()
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if options.check:
            print(f"{path.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
        else:
            path.write_text(pages()[path])
            print(path.relative_to(ROOT))
    return 1 if options.check and stale else 0


def pages() -> dict[Path, str]:
    """The pages as they should be, by path."""
    return {ROOT / "docs" / "ops.md": ops_page(), ROOT / "docs" / "passes.md": passes_page()}


def ops_page() -> str:
    examples = _examples()
    parts = [GENERATED + OPS]
    family: ModuleType | None = None
    for op in Dlp.operations:
        module = inspect.getmodule(op)
        if module is not family:
            family = module
            parts.append(
                f"## {module.__name__.rpartition('.')[2].capitalize().replace('_', ' ')}\n\n{_paragraphs(module)}"
            )
        parts.append(_op_entry(op, examples.get(op.name)))
    return "\n".join(parts)


def _op_entry(op: type[Operation], example: str | None) -> str:
    if not op.__dict__.get("__doc__"):
        raise SystemExit(f"{op.name} has no docstring")
    if example is None:
        raise SystemExit(f"{op.name} is in no test of test/dialects/dlp, so there is no example of it")
    lines = [f"### `{op.name}`\n", f"{_paragraphs(op)}", f"*{_kind(op)}.*\n"]
    properties = op.get_irdl_definition().properties
    rows = []
    for name, definition in properties.items():
        if name.endswith("SegmentSizes") or (name == "accumulate" and not getattr(op, "COMBINER", None)):
            continue
        base = next(iter(definition.constr.get_bases() or ()), None)
        optional = ", optional" if isinstance(definition, OptPropertyDef) else ""
        meaning = " ".join(_field_text(op, name).split())
        rows.append(f"- `{name}` ({_TYPES.get(base, 'number')}{optional}){': ' + meaning if meaning else ''}")
    if rows:
        lines.append("\n".join(rows) + "\n")
    lines.append(f"```mlir\n{example}\n```\n")
    return "\n".join(lines)


_TYPES = {
    StringAttr: "string",
    IntegerAttr: "integer",
    FloatAttr: "float",
    DenseArrayBase: "integers",
    UnitAttr: "flag",
}


def _kind(op: type[Operation]) -> str:
    """What passes see of an operation."""
    arity = getattr(op, "ARITY", None)
    operands = (
        "" if arity is None else f", {arity} operand{'' if arity == 1 else 's'}" if arity else ", no operands"
    )
    if issubclass(op, ViewOp):
        return f"View{operands}"
    if issubclass(op, StructuredOp):
        combiner = op.COMBINER
        checks = ", checks its operands" if op.CHECKS else ""
        return f"Structured: {f'a reduction by {combiner}' if combiner else 'element-wise'}{operands}{checks}"
    if issubclass(op, DecomposableOp):
        return f"Decomposable{operands}"
    if issubclass(op, AlgorithmOp):
        return f"Algorithm{operands}"
    if issubclass(op, DestinationOp):
        return "Parts of its result: producers write into them"
    traits = sorted({type(t).__name__ for t in op.traits})
    return f"Traits: {', '.join(traits)}" if traits else "No traits"


def _examples() -> dict[str, str]:
    """The first use of every operation in the tests of the dialect, on tensors where there is one."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "test" / "dialects" / "dlp").glob("*.mlir")):
        if path.stem == "invalid":
            continue
        for source in Source(path.name, path.read_text()).split():
            for op in source.parse(make_context()).walk():
                if op.name.startswith("dlp.") and (
                    op.name not in found or (op.results and "outs(" in found[op.name])
                ):
                    found[op.name] = textwrap.dedent(ir_text(op)).strip()
    return found


def passes_page() -> str:
    parts = [GENERATED + PASSES]
    told: set[str] = set()
    for stage in STAGES:
        steps = parse_passes(stage)
        parts.append(f"## Stage `{stage}`\n\n`{', '.join(map(str, steps))}`\n")
        for step in steps:
            name = step.instance.name
            if name not in told:
                told.add(name)
                parts.append(_pass_entry(own_passes()[name]))
    rest = [entry for name, entry in sorted(own_passes().items()) if name not in told]
    parts.append("## Not in the pipeline\n")
    parts += [_pass_entry(entry) for entry in rest]
    return "\n".join(parts)


def _pass_entry(entry: PassEntry) -> str:
    cls = entry.load()
    places = []
    for stage in STAGES:
        numbers = [
            str(i) for i, step in enumerate(parse_passes(stage), 1) if step.instance.name == entry.name
        ]
        if numbers:
            places.append(f"{stage} ({', '.join(numbers)})")
    where = f"Place: {'; '.join(places)}. " if places else ""
    lines = [f"### `{entry.name}`\n", _paragraphs(cls), f"{where}File: `{entry.origin}/{entry.file.name}`.\n"]
    types = get_type_hints(cls)
    rows = []
    for field in dataclasses.fields(cls):
        if field.init and field.name != "name":
            default = "" if field.default is dataclasses.MISSING else f", default `{_shown(field.default)}`"
            meaning = " ".join(_field_text(cls, field.name).split())
            option = field.name.replace("_", "-")
            rows.append(
                f"- `{option}` ({type_repr(types[field.name])}{default}){': ' + meaning if meaning else ''}"
            )
    if rows:
        lines.append("Options:\n\n" + "\n".join(rows) + "\n")
    return "\n".join(lines)


def _shown(default: object) -> str:
    return {(): "none", True: "true", False: "false"}.get(default, str(default))  # type: ignore[call-overload]


def _paragraphs(documented: object) -> str:
    """A docstring as Markdown: "Before:" and "after:" stand alone, and lines that begin so do not run together."""
    text = inspect.getdoc(documented)
    if not text:
        raise SystemExit(f"{documented} has no docstring")
    return re.sub(r"(?m)^(after: )", r"\n\1", text) + "\n"


def _field_text(cls: type, name: str) -> str:
    """The string below a field, in the class or in one that it inherits from."""
    for base in cls.__mro__:
        for field, text in _field_texts(base):
            if field == name:
                return text
    return ""


def _field_texts(cls: type) -> Iterator[tuple[str, str]]:
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    except (OSError, TypeError):
        return
    body = getattr(definition, "body", [])
    for line, below in itertools.pairwise(body):
        target = line.target if isinstance(line, ast.AnnAssign) else getattr(line, "targets", [None])[0]
        if (
            isinstance(target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield target.id, below.value.value


if __name__ == "__main__":
    sys.exit(main())
