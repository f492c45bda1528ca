"""Loops, branches and calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IndexType, MemRefType
from xdsl.ir import Block, Operation, SSAValue

from dlp.codegen.accumulators import chain
from dlp.codegen.c_types import SCALARS, element
from dlp.codegen.function import FunctionPrinter, assignment, is_mask
from dlp.codegen.linear import Range
from dlp.codegen.prelude import wrapped
from dlp.errors import CodegenError


def for_loop(printer: FunctionPrinter, op: Operation) -> None:
    """scf.for: what it carries lives in variables declared before it."""
    assert isinstance(op, scf.ForOp)
    body = op.body.block
    terminator = body.last_op
    assert isinstance(terminator, scf.YieldOp)
    variables: list[str] = []
    for number, (argument, init) in enumerate(zip(body.args[1:], op.iter_args, strict=True)):
        if isinstance(argument.type, MemRefType):
            raise CodegenError("the C printer has no spelling for loops that carry memrefs")
        result = op.res[number]
        variable = _carried_on(printer, op, number, init)
        if variable is None:
            variable = _declare(printer, argument, result, init)
        variables.append(variable)
        _same_mask(printer, init, argument, result)
        printer.bind(argument, variable)
        if is_mask(argument):
            continue
        followed = chain(argument, terminator.arguments[number], body)
        if followed is not None:
            printer.placed |= dict.fromkeys(followed.values, variable)
            printer.carried |= dict.fromkeys(followed.loops, variable)
    counter = body.args[0]
    with printer.names.scope():
        head = loop_head(printer, counter, op.lb, op.ub, op.step)
        with printer.braces(head):
            printer.results.append(variables)
            printer.block(body)
            printer.results.pop()
    for result, variable in zip(op.res, variables, strict=True):
        printer.bind(result, variable)
        if not result.uses:
            printer.emit(f"(void){variable};")


def loop_head(
    printer: FunctionPrinter, counter: SSAValue, low: SSAValue, high: SSAValue, step: SSAValue
) -> str:
    """`for (long h = 0; h < 56; h++)`, with the counter bound to its name and range."""
    name = printer.names.fresh(counter.name_hint or "i")
    type_ = SCALARS[element(counter.type)]
    if isinstance(counter.type, IndexType):
        start, end = printer.index(low), printer.index(high)
        last = end.range.high
        printer.bind_index(counter, name, Range(start.range.low, None if last is None else last - 1))
    else:
        printer.bind(counter, name)
    by = printer.text(step)
    advance = f"{name}++" if by == "1" else f"{name} += {by}"
    return f"for ({type_} {name} = {printer.text(low)}; {name} < {printer.text(high)}; {advance})"


def parallel(printer: FunctionPrinter, op: Operation) -> None:
    """scf.parallel: one OpenMP loop; inside another one, and for other targets, a plain loop."""
    assert isinstance(op, scf.ParallelOp)
    if op.initVals:
        raise CodegenError("the C printer has no spelling for 'scf.parallel' with reductions")
    body = op.body.block
    on_threads = printer.prelude.target.threads == "openmp" and not printer.in_parallel
    if on_threads:
        count = len(body.args)
        collapse = f" collapse({count})" if count > 1 else ""
        printer.emit(f"#pragma omp parallel for num_threads(threads) schedule(static){collapse}")
    loops = list(zip(body.args, op.lowerBound, op.upperBound, op.step, strict=True))
    outer, printer.in_parallel = printer.in_parallel, printer.in_parallel or on_threads
    _nest(printer, loops, body)
    printer.in_parallel = outer


def _nest(
    printer: FunctionPrinter, loops: Sequence[tuple[SSAValue, SSAValue, SSAValue, SSAValue]], body: Block
) -> None:
    if not loops:
        printer.block(body)
        return
    (counter, low, high, step), *inner = loops
    with printer.names.scope(), printer.braces(loop_head(printer, counter, low, high, step)):
        _nest(printer, inner, body)


def branch(printer: FunctionPrinter, op: Operation) -> None:
    """scf.if: its results are variables that both branches assign."""
    assert isinstance(op, scf.IfOp)
    variables: list[str] = []
    for result in op.output:
        variable = printer.names.fresh(result.name_hint or "choice")
        printer.emit(f"{printer.type(result)} {variable};")
        variables.append(variable)
    printer.results.append(variables)
    with printer.braces(f"if ({printer.text(op.cond)})"):
        printer.block(op.true_region.block)
    if op.false_region.blocks and _does_something(op.false_region.block):
        with printer.braces("else"):
            printer.block(op.false_region.block)
    printer.results.pop()
    for result, variable in zip(op.output, variables, strict=True):
        printer.bind(result, variable)


def while_loop(printer: FunctionPrinter, op: Operation) -> None:
    """scf.while: an endless loop that its condition leaves."""
    assert isinstance(op, scf.WhileOp)
    before, after = op.before_region.block, op.after_region.block
    state: list[str] = []
    for argument, init in zip(before.args, op.arguments, strict=True):
        variable = _declare(printer, argument, argument, init)
        _same_mask(printer, init, argument, argument)
        printer.bind(argument, variable)
        state.append(variable)
    results: list[str] = []
    for result, argument in zip(op.res, after.args, strict=True):
        variable = printer.names.fresh(result.name_hint or argument.name_hint or "state")
        printer.emit(f"{printer.type(result)} {variable};")
        printer.bind(result, variable)
        printer.bind(argument, variable)
        results.append(variable)
    with printer.braces("for (;;)"):
        printer.results.append(results)
        printer.block(before)
        printer.results[-1] = state
        printer.block(after)
        printer.results.pop()


def condition(printer: FunctionPrinter, op: Operation) -> None:
    """scf.condition: hands its values on, then leaves the loop or goes on."""
    assert isinstance(op, scf.ConditionOp)
    _assign(printer, printer.results[-1], op.args)
    printer.emit(f"if (!{printer.operand(op.condition)})")
    printer.emit("  break;")


def yielded(printer: FunctionPrinter, op: Operation) -> None:
    """scf.yield: assigns the variables of the loop or branch around it."""
    if op.operands:
        _assign(printer, printer.results[-1], op.operands)


def call(printer: FunctionPrinter, op: Operation) -> None:
    assert isinstance(op, func.CallOp)
    name = op.callee.string_value()
    signature = printer.signatures.get(name)
    if signature is None:
        raise CodegenError(f"the function '{name}' is called and not in the module")
    if len(op.res) > 1:
        raise CodegenError(f"the C printer has no spelling for the several results of '{name}'")
    arguments = [printer.text(value) for value in op.arguments]
    arguments += signature.extra_arguments
    if op.res and op.res[0].uses:
        printer.define(op.res[0], f"{signature.c_name}({', '.join(arguments)})", name.split("_")[0])
    else:
        printer.emit(wrapped(f"{signature.c_name}(", arguments, ");"))


def returned(printer: FunctionPrinter, op: Operation) -> None:
    """func.return"""
    if op.operands:
        printer.emit(f"return {printer.text(op.operands[0])};")


def _declare(printer: FunctionPrinter, argument: SSAValue, result: SSAValue, init: SSAValue) -> str:
    """A new variable for what a loop carries."""
    _same_mask(printer, init, argument, result)
    variable = printer.names.fresh(argument.name_hint or result.name_hint or "acc")
    printer.emit(f"{printer.type(argument)} {variable} = {printer.text(init)};")
    printer.variable_mask_bits[variable] = printer.mask_bits(init)
    return variable


def _carried_on(printer: FunctionPrinter, op: Operation, number: int, init: SSAValue) -> str | None:
    """The variable of the loop around this one, where the chain of accumulation goes through both."""
    variable = printer.carried.get((op, number))
    if variable is not None and printer.text(init) != variable:
        printer.emit(assignment(variable, printer.text(init)))
    return variable


def _same_mask(printer: FunctionPrinter, init: SSAValue, *values: SSAValue) -> None:
    for value in values:
        printer.set_mask_bits(value, printer.mask_bits(init))


def _assign(printer: FunctionPrinter, variables: Sequence[str], values: Sequence[SSAValue]) -> None:
    """Assign all variables at once: values that another assignment overwrites are saved first."""
    moves = [
        (variable, text, value)
        for variable, value in zip(variables, values, strict=True)
        if (text := printer.text_for(variable, value)) != variable
    ]
    targets = {variable for variable, _, _ in moves}
    for number, (variable, text, value) in enumerate(moves):
        if targets.intersection(re.findall(r"\w+", text)) - {variable}:
            saved = printer.names.fresh("next")
            printer.emit(f"{printer.type(value)} {saved} = {text};")
            moves[number] = variable, saved, value
    for variable, text, _ in moves:
        printer.emit(assignment(variable, text))


def _does_something(block: Block) -> bool:
    first = block.first_op
    return first is not None and not (isinstance(first, scf.YieldOp) and not first.arguments)


def forget(printer: FunctionPrinter, op: Operation) -> None:
    """scf.reduce without values: the end of a parallel loop."""
    if isinstance(op, scf.ReduceOp) and op.args:
        raise CodegenError("the C printer has no spelling for 'scf.parallel' with reductions")
