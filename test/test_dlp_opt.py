"""What lit cannot say about dlp-opt: what it imports, and how passes run from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from xdsl.dialects import arith, test
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dlp.context import make_context
from dlp.errors import PassError
from dlp.instruments import DumpIR
from dlp.pass_manager import Instrument, PassManager, PassRecord, timed
from dlp.pass_pipeline import parse_passes
from dlp.rewriting import apply_patterns
from dlp.statistics import collecting, count


def test_start_up_imports_no_framework() -> None:
    program = (
        "import io, sys; sys.stdin = io.TextIOWrapper(io.BytesIO(b'func.func private @f()'))\n"
        "from dlp.opt import main; status = main(['-p', 'cse'])\n"
        "print(status, [name for name in ('torch', 'numpy', 'rich', 'sympy') if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr == "0 []\n"


def test_reader_that_stops_early_is_no_error() -> None:
    result = subprocess.run(
        f"echo 'func.func private @f()' | {sys.executable} -m dlp.opt | true", shell=True, capture_output=True
    )
    assert result.stderr == b""


def two_sums() -> ModuleOp:
    """A module with two equal sums, both used."""
    a, b = test.TestOp(result_types=[f32, f32]).results
    first, second = arith.AddfOp(a, b), arith.AddfOp(a, b)
    return ModuleOp([a.owner, first, second, test.TestOp([first.result, second.result])])  # pyright: ignore[reportArgumentType]


def test_records_of_a_run() -> None:
    class WantsChanges(Instrument):
        wants_changes = True

    manager = PassManager(parse_passes("cse,dce"), verify=True, instruments=[WantsChanges()])
    first, second = manager.run(make_context(), two_sums())
    assert (first.name, first.index, first.total, first.changed) == ("cse", 1, 2, True)
    assert first.statistics == {"operations removed": 1}
    assert (second.name, second.changed, second.statistics) == ("dce", False, {})
    assert timed([first, second], by=lambda record: record.name).keys() == {"cse", "dce"}


def test_changes_are_not_tracked_unless_asked_for() -> None:
    (record,) = PassManager(parse_passes("cse")).run(make_context(), two_sums())
    assert record.changed is None


def test_dumps_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    for pipeline in ("dce,cse", "cse"):
        PassManager(parse_passes(pipeline), instruments=[DumpIR(tmp_path)]).run(make_context(), two_sums())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000-input.mlir", "001-cse.mlir"]


def test_count_outside_of_a_pass_does_nothing() -> None:
    count("things")
    with collecting() as outer:
        count("things", 2)
        with collecting() as inner:
            count("things")
        count("things")
    assert (outer, inner) == ({"things": 3}, {"things": 1})


class AddToMul(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: arith.AddfOp, rewriter: PatternRewriter) -> None:
        rewriter.replace(op, arith.MulfOp(op.lhs, op.rhs))


class MulToAdd(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: arith.MulfOp, rewriter: PatternRewriter) -> None:
        rewriter.replace(op, arith.AddfOp(op.lhs, op.rhs))


def test_patterns_that_undo_each_other_are_named() -> None:
    with pytest.raises(
        PassError, match=r"AddToMul on arith\.addf.*MulToAdd on arith\.mulf|MulToAdd.*AddToMul"
    ):
        apply_patterns(two_sums(), [AddToMul(), MulToAdd()])


def test_rewrites_are_counted_and_nothing_else_is_removed() -> None:
    module = two_sums()
    module.body.block.erase_op(module.body.block.last_op)  # pyright: ignore[reportArgumentType]
    with collecting() as statistics:
        assert apply_patterns(module, [AddToMul()])
    assert statistics == {"rewrites by AddToMul": 2}
    assert [op.name for op in module.ops] == ["test.op", "arith.mulf", "arith.mulf"]
    assert not apply_patterns(module, [AddToMul()])


def test_dead_operations_are_removed_on_request() -> None:
    module = two_sums()
    module.body.block.erase_op(module.body.block.last_op)  # pyright: ignore[reportArgumentType]
    assert apply_patterns(module, [], remove_dead=True)
    assert [op.name for op in module.ops] == ["test.op"]


def test_instruments_see_passes_in_order() -> None:
    seen: list[str] = []

    class Watch(Instrument):
        def before_pass(self, record: PassRecord, module: ModuleOp) -> None:
            seen.append(f"before {record.step}")

        def after_pass(self, record: PassRecord, module: ModuleOp) -> None:
            seen.append(f"after {record.step}")

    PassManager(parse_passes("cse,dce"), instruments=[Watch()]).run(make_context(), two_sums())
    assert seen == ["before cse", "after cse", "before dce", "after dce"]
