"""Compiles many imported samples at once, and runs each with the code instead of the interpreter."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.outcome import Kind, Outcome
from conformance.runner import Attempt, ImportedSample
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region, SSAValue

from dlp.cache import Cache
from dlp.compiler import compile_module
from dlp.targets import host

OPERATIONS = 250
"""Of the dialect, in one module: about so many are compiled at once."""


def compiled_outcomes(attempts: Sequence[Attempt], cache: Cache) -> list[Outcome]:
    """The outcome of every attempt, which the interpreter found right, when its code runs.

    A module that does not compile is halved until the samples that it fails for are known.
    """
    outcomes: list[Outcome] = []
    for batch in _batches(attempts):
        outcomes += _batch_outcomes(batch, cache)
    return outcomes


def _batches(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    batches: list[list[Attempt]] = [[]]
    size = 0
    for attempt in attempts:
        operations = len(list(_graph(attempt).imported.module.walk()))
        if batches[-1] and size + operations > OPERATIONS:
            batches.append([])
            size = 0
        batches[-1].append(attempt)
        size += operations
    return batches if batches[-1] else []


def _batch_outcomes(attempts: Sequence[Attempt], cache: Cache) -> list[Outcome]:
    try:
        compiled = compile_module(_together(attempts), target=host(), threads=1, cache=cache)
    except Exception as error:
        if len(attempts) > 1:
            half = len(attempts) // 2
            return [*_batch_outcomes(attempts[:half], cache), *_batch_outcomes(attempts[half:], cache)]
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return [Outcome(Kind.CRASH, f"compile: {type(error).__name__}: {reason}")]
    compiled.poison = True
    arguments = [array for attempt in attempts for array in _graph(attempt).arguments]
    results = compiled.run_arrays(arguments, compiled.pack_arrays([]))
    outcomes: list[Outcome] = []
    start = 0
    for attempt in attempts:
        graph = _graph(attempt)
        stop = start + len(graph.imported.results)
        graph.runner = lambda _, own=results[start:stop]: own
        outcomes.append(attempt.run())
        start = stop
    return outcomes


def _graph(attempt: Attempt) -> ImportedSample:
    assert attempt.graph is not None
    return attempt.graph


def _together(attempts: Sequence[Attempt]) -> ModuleOp:
    """One @forward with the arguments of all samples and the results of all."""
    block = Block()
    results: list[SSAValue] = []
    for attempt in attempts:
        function = _graph(attempt).imported.module.clone().body.block.first_op
        assert isinstance(function, FuncOp)
        body = function.body.block
        for argument in list(body.args):
            outer = block.insert_arg(argument.type, len(block.args))
            argument.replace_all_uses_with(outer)
        for op in list(body.ops):
            op.detach()
            if isinstance(op, ReturnOp):
                results += op.operands
                op.drop_all_references()
            else:
                block.add_op(op)
    block.add_op(ReturnOp(*results))
    arguments: list[Attribute] = [argument.type for argument in block.args]
    module = ModuleOp([FuncOp("forward", (arguments, [r.type for r in results]), Region(block))])
    module.verify()
    return module
