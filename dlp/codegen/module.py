"""Prints a module as one C file; `dlp.codegen.units` makes several that compile in parallel.

Every public function `f` gets a wrapper `int dlp_f(void *const *args, int threads)` with its arguments as an array
of pointers; it returns the number of a check that failed, or 0 (`dlp.codegen.checks`). Functions on values only (a
vector's exp) are inlined; the others are kernels on buffers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.ir import Operation, SSAValue

from dlp.codegen.c_library import CALLED
from dlp.codegen.c_types import SCALARS, element, lanes
from dlp.codegen.checks import messages
from dlp.codegen.function import FunctionPrinter
from dlp.codegen.helpers import HELPERS
from dlp.codegen.linear import Range
from dlp.codegen.liveness import dead_operations
from dlp.codegen.memory import argument_of
from dlp.codegen.names import identifier
from dlp.codegen.prelude import INLINE, Prelude, wrapped
from dlp.codegen.signatures import Signature, signatures
from dlp.codegen.table import HANDLERS
from dlp.errors import CodegenError
from dlp.targets import Target
from dlp.tiling.sizes import symbols_of

COMMENT = "dlp.comment"
"""String attribute of a function: what it computes and where it comes from; a comment above the C."""


def print_c(module: ModuleOp, target: Target) -> str:
    """The module as one C11 file.

    Args:
        module: functions over upstream dialects (func, scf, memref, vector, arith, math, affine.apply).
        target: spells vector types, loads and stores.

    Raises:
        CodegenError: something in the module has no spelling in C; the text names it.
    """
    functions_only(module)
    known = signatures(module.ops, parallel=target.threads == "openmp")
    numbers = {text: number for number, text in enumerate(messages(module), 1)}
    printed = FunctionTexts(target, known, numbers, [signature.c_name for signature in known.values()])
    prelude = Prelude(target, HELPERS)
    functions = [printed.function(signature, prelude) for signature in known.values()]
    return "\n".join([prelude.text(), *functions])


def functions_only(module: ModuleOp) -> None:
    """Raises:
    CodegenError: at the top of the module stands something that is no function.
    """
    for op in module.ops:
        if not isinstance(op, func.FuncOp):
            raise CodegenError(f"the C printer has no spelling for '{op.name}' at the top of a module")


class FunctionTexts:
    """Functions as C, one by one.

    Args:
        target: as in `print_c`.
        known: signatures of the functions that are printed, and of those that they call.
        numbers: of the messages of checks.
        names: of all functions of the module in C; no variable is called like one of them.
        split: the functions will stand in several files.
    """

    def __init__(
        self,
        target: Target,
        known: Mapping[str, Signature],
        numbers: Mapping[str, int],
        names: Iterable[str],
        *,
        split: bool = False,
    ) -> None:
        self._target = target
        self._known = known
        self._numbers = numbers
        self._names = CALLED.union(names)
        self._split = split
        self._heads: dict[str, str] = {}

    def function(self, signature: Signature, prelude: Prelude) -> str:
        """The text of a function, with its entry if it has one; what it uses becomes part of the prelude."""
        function = signature.function
        printer = self._printer(signature, prelude, dead_operations(signature.operations))
        if function.is_declaration:
            return self._declaration(printer, signature)
        try:
            head, names = self._head(printer, signature)
            printer.block(function.body.block)
        except CodegenError as error:
            raise CodegenError(f"in '{signature.name}': {error}") from None
        lines = [f"{_comment(function)}{self._linkage(signature)}{head} {{", *printer.lines, "}\n"]
        lines[1:1] = _silenced(names, printer.lines)
        text = "\n".join(lines)
        return text + self._entry(signature) if signature.has_entry else text

    def head(self, signature: Signature) -> str:
        """What declares a kernel: `void add(const float *restrict a, float *restrict out)`."""
        if signature.name not in self._heads:
            self._head(self._printer(signature, Prelude(self._target, HELPERS), frozenset()), signature)
        return self._heads[signature.name]

    def _printer(self, signature: Signature, prelude: Prelude, dead: frozenset[Operation]) -> FunctionPrinter:
        return FunctionPrinter(
            prelude, self._known, HANDLERS, self._names, signature.written_values, dead, self._numbers
        )

    def _head(self, printer: FunctionPrinter, signature: Signature) -> tuple[str, list[str]]:
        """The head of a function, and the names of its parameters."""
        parameters, names = self._parameters(printer, signature)
        head = wrapped(f"{self._result(printer, signature)} {signature.c_name}(", parameters, ")")
        self._heads[signature.name] = head
        return head, names

    def _parameters(self, printer: FunctionPrinter, signature: Signature) -> tuple[list[str], list[str]]:
        """Declarations of the parameters, and their names."""
        parameters: list[str] = []
        names: list[str] = []
        buffers: list[tuple[SSAValue, MemRefType, str]] = []
        symbols = symbols_of(signature.function)
        for number, argument in enumerate(signature.function.body.block.args):
            name = printer.names.fresh(argument.name_hint or f"arg{number}")
            type_ = argument.type
            if isinstance(type_, MemRefType):
                restrict = "" if number in signature.aliased else "restrict "
                parameters.append(f"{printer.type(argument)}{restrict}{name}")
                buffers.append((argument, type_, name))
            else:
                parameters.append(f"{printer.type(argument)} {name}")
                if element(type_) == "index" and lanes(type_) == 1:
                    printer.bind_index(
                        argument, name, Range(0, None) if argument in symbols.values() else Range()
                    )
                else:
                    printer.bind(argument, name)
            names.append(name)
        known = {symbol: printer.index(value) for symbol, value in symbols.items()}
        for argument, type_, name in buffers:
            printer.bind(argument, argument_of(printer, type_, name, known))
        for name in signature.extra_arguments:
            parameters.append(_EXTRA[name])
            names.append(name)
        return parameters or ["void"], names

    def _result(self, printer: FunctionPrinter, signature: Signature) -> str:
        outputs = signature.function.function_type.outputs.data
        if len(outputs) > 1:
            raise CodegenError("the C printer has no spelling for several results")
        if not outputs:
            return "void"
        name = element(outputs[0])
        if isinstance(outputs[0], MemRefType):
            raise CodegenError("functions write into buffers that they are given, they return none")
        if lanes(outputs[0]) > 1:
            name = {"i1": "i32", "index": "i64"}.get(name, name)
        return printer.prelude.type(name, lanes(outputs[0]))

    def _linkage(self, signature: Signature) -> str:
        if signature.is_value:
            return f"{INLINE} "
        is_used = signature.is_called or signature.has_entry
        return "static " if is_used and not self._split else ""

    def _declaration(self, printer: FunctionPrinter, signature: Signature) -> str:
        """A function from outside: `int32_t omp_get_thread_num(void);`"""
        parameters = [
            f"{SCALARS[element(type_)]} *"
            if isinstance(type_, MemRefType)
            else printer.prelude.type(element(type_))
            for type_ in signature.function.function_type.inputs
        ]
        return f"{self._result(printer, signature)} {signature.name}({', '.join(parameters) or 'void'});\n"

    def _entry(self, signature: Signature) -> str:
        """The entry by an array of pointers; scalars are read through theirs."""
        arguments: list[str] = []
        for number, type_ in enumerate(signature.function.function_type.inputs):
            if isinstance(type_, MemRefType):
                arguments.append(f"args[{number}]")
            else:
                arguments.append(f"*(const {SCALARS[element(type_)]} *)args[{number}]")
        unused = ["  (void)args;\n"] if not arguments else []
        if signature.needs_threads:
            arguments.append("threads")
        else:
            unused.append("  (void)threads;\n")
        status, result = "", "0"
        if signature.needs_status:
            arguments.append("&status")
            status, result = "  int status = 0;\n", "status"
        head = f"int dlp_{identifier(signature.name)}(void *const *args, int threads)"
        call = wrapped(f"  {signature.c_name}(", arguments, ");")
        return f"\n{head} {{\n{''.join(unused)}{status}{call}\n  return {result};\n}}\n"


_EXTRA = {"threads": "int threads", "status": "int *status"}
"""Declarations of the parameters that the IR does not have."""


def _silenced(names: Iterable[str], lines: Iterable[str]) -> list[str]:
    """Statements that use the parameters that nothing else uses: without OpenMP nobody reads `threads`."""
    used = {word for line in lines if not line.lstrip().startswith("#") for word in re.findall(r"\w+", line)}
    return [f"  (void){name};" for name in names if name not in used]


def _comment(function: func.FuncOp) -> str:
    """The attribute `dlp.comment` as a C comment."""
    text = function.attributes.get(COMMENT)
    if not isinstance(text, StringAttr):
        return ""
    lines = text.data.replace("*/", "* /").splitlines()
    return "/* " + "\n   ".join(lines) + " */\n" if lines else ""
