"""Prints a module: one C file, or a header and several files that compile in parallel.

Every public function `f` gets a wrapper `int dlp_f(void *const *args, int threads)` with its arguments as an array
of pointers; it returns the number of a check that failed, or 0 (`dlp.codegen.checks`). Functions on values only (a
vector's exp) are inlined; the others are kernels on buffers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr
from xdsl.ir import SSAValue

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

HEADER = "kernels.h"


def print_c(module: ModuleOp, target: Target) -> str:
    """The module as one C11 file.

    Args:
        module: functions over upstream dialects (func, scf, memref, vector, arith, math, affine.apply).
        target: spells vector types, loads and stores.

    Raises:
        CodegenError: something in the module has no spelling in C; the text names it.
    """
    printed = _Module(module, target)
    parts = [printed.prelude.text()]
    parts += [text for signature, text in printed.functions if text]
    return "\n".join(parts)


def print_c_units(module: ModuleOp, target: Target, *, units: int = 8) -> dict[str, str]:
    """The module as files by name: a header, and C files of about the same length that compile in parallel.

    Args:
        module: as in `print_c`.
        target: as in `print_c`.
        units: at most this many C files.

    Raises:
        CodegenError: as in `print_c`.
    """
    printed = _Module(module, target, split=True)
    inlined = [text for signature, text in printed.functions if signature.is_value]
    kernels = [(signature, text) for signature, text in printed.functions if not signature.is_value]
    declared = "".join(
        f"{head};\n" for signature, _ in kernels if (head := printed.heads.get(signature.name))
    )
    hidden = f"#pragma GCC visibility push(hidden)\n{declared}#pragma GCC visibility pop\n"
    header = "\n".join(["#pragma once", printed.prelude.text(), *inlined, hidden])
    files = {HEADER: header}
    for number, texts in enumerate(_balanced([text for _, text in kernels], units)):
        files[f"kernels_{number}.c"] = "\n".join([f'#include "{HEADER}"\n', *texts])
    return files


class _Module:
    """All functions of a module as text, callees first."""

    def __init__(self, module: ModuleOp, target: Target, *, split: bool = False) -> None:
        for op in module.ops:
            if not isinstance(op, func.FuncOp):
                raise CodegenError(f"the C printer has no spelling for '{op.name}' at the top of a module")
        self.prelude = Prelude(target, HELPERS)
        self.signatures = signatures(module, parallel=target.threads == "openmp")
        self.heads: dict[str, str] = {}
        self._split = split
        self._messages = {text: number for number, text in enumerate(messages(module), 1)}
        self._names = CALLED.union(signature.c_name for signature in self.signatures.values())
        self.functions = [(signature, self._function(signature)) for signature in self.signatures.values()]

    def _function(self, signature: Signature) -> str:
        function = signature.function
        printer = FunctionPrinter(
            self.prelude,
            self.signatures,
            HANDLERS,
            self._names,
            signature.written_values,
            dead_operations(signature.operations),
            self._messages,
        )
        if function.is_declaration:
            return self._declaration(printer, signature)
        try:
            parameters, names = self._parameters(printer, signature)
            head = wrapped(f"{self._result(printer, signature)} {signature.c_name}(", parameters, ")")
            self.heads[signature.name] = head
            printer.block(function.body.block)
        except CodegenError as error:
            raise CodegenError(f"in '{signature.name}': {error}") from None
        lines = [f"{_comment(function)}{self._linkage(signature)}{head} {{", *printer.lines, "}\n"]
        lines[1:1] = _silenced(names, printer.lines)
        text = "\n".join(lines)
        return text + self._entry(signature) if signature.has_entry else text

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
        return self.prelude.type(name, lanes(outputs[0]))

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
            else self.prelude.type(element(type_))
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


def _balanced(texts: Iterable[str], bins: int) -> list[list[str]]:
    """Texts spread over bins of about the same length, in order within each bin."""
    numbered = sorted(enumerate(texts), key=lambda item: (-len(item[1]), item[0]))
    filled = [_Bin([]) for _ in range(max(1, min(bins, len(numbered))))]
    for number, text in numbered:
        smallest = min(filled, key=lambda one: one.length)
        smallest.texts.append((number, text))
        smallest.length += len(text)
    return [[text for _, text in sorted(one.texts)] for one in filled]


@dataclass
class _Bin:
    texts: list[tuple[int, str]]
    length: int = 0
