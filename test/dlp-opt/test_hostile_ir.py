"""Text that is nearly IR through dlp-opt: one clear error or none, no stack, no hang, no gigabytes.

The texts are the inputs of the lit tests, each damaged in a few places, with fixed seeds.
"""

from __future__ import annotations

import ast
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
INPUTS = sorted(p for p in TESTS.rglob("*.mlir") if "Inputs" not in p.parts)

NUMBERS = ("0", "-1", "7", "4294967296", "1000000000000", "99999999999999999999999", "1e400")
PIECES = (
    *("%x", "}", "{", "(", "<", '"', "\x00", "é", "#map", "^bb0", ": i64", "f32", "loc(unknown)", "dense<0>"),
    *("tensor<?xf32>", "tensor<1000000000000x1000000xf32>", "memref<4xf32, strided<[-1], offset: ?>>"),
    *("array<i64: 1, 2>", "affine_map<(d0) -> (d0 floordiv 0)>", "dense<0xFF> : tensor<99999999xi8>"),
)
_TOKEN = re.compile(r'%?[\w.$-]+|"[^"]*"|\s+|.', re.DOTALL)


def damaged(text: str, rng: random.Random) -> str:
    """The text with tokens removed, repeated, exchanged, or replaced by what is extreme."""
    tokens = _TOKEN.findall(text)
    for _ in range(rng.choice([1, 1, 2, 5])):
        if not tokens:
            break
        i = rng.randrange(len(tokens))
        match rng.randrange(7):
            case 0:
                del tokens[i]
            case 1:
                del tokens[i:]
            case 2:
                tokens[i:i] = tokens[i : i + rng.randrange(1, 20)]
            case 3:
                j = rng.randrange(len(tokens))
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case 4:
                tokens[i] = rng.choice(PIECES)
            case _:
                numbers = [j for j, token in enumerate(tokens) if token.isdigit()]
                if numbers:
                    tokens[rng.choice(numbers)] = rng.choice(NUMBERS)
    return "".join(tokens)


_RUNNER = """
import contextlib, io, resource, sys
from pathlib import Path
from dlp.opt.driver import main
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for path in sorted(Path(sys.argv[1]).glob("*.mlir")):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = main([str(path), "-o", str(path.with_suffix(".out")), *sys.argv[2:]])
    print(path.name, status, repr(said.getvalue()), flush=True)
"""


@pytest.mark.parametrize(("options", "count"), [([], 250), (["--target=avx2", "-p", "default"], 40)])
def test_damaged_ir(options: list[str], count: int, tmp_path: Path) -> None:
    rng = random.Random(count)
    for i in range(count):
        part = rng.choice(rng.choice(INPUTS).read_text().split("// -----"))
        (tmp_path / f"{i:03}.mlir").write_text(damaged(part, rng))
    done = subprocess.run(
        [sys.executable, "-c", _RUNNER, tmp_path, *options, f"--reproducer-dir={tmp_path / 'failing'}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lines = done.stdout.splitlines()
    last = (tmp_path / f"{len(lines):03}.mlir") if len(lines) < count else None
    assert done.returncode == 0, f"{last and last.read_text()}\n{done.stderr[-2000:]}"
    assert len(lines) == count
    failed = 0
    for line in lines:
        name, status, said = line.split(" ", 2)
        assert status in ("0", "1"), line
        assert "Traceback" not in said, line
        if status == "1":
            failed += 1
            # The message may quote the text of a file that is itself about errors.
            messages = [
                text for text in ast.literal_eval(said).splitlines() if re.match(r"\S*: error: ", text)
            ]
            assert len(messages) == 1 and name in said, line
    assert failed > count / 4
