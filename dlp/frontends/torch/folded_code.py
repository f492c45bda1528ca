"""The code that Dynamo makes for a variant, without fetching the weights from the modules in every call.

```
before:  modules = self._modules
         out = graph(modules["conv"]._parameters["weight"], modules["conv"]._parameters["bias"], x)
         return (out[0], x)
after:   out = bound_graph(x)
         return (out[0], x)
```
Dynamo's code is read instruction by instruction; what it does beside fetching is written as Python again, in the same
order. It is straight-line code. What is not in the table here (writes to objects, jumps) is not read: such a variant
keeps Dynamo's code.
"""

from __future__ import annotations

import dis
import inspect
import types
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from dlp.frontends.torch.globals import OverlaidGlobals
from dlp.frontends.torch.graph_call import BoundGraph
from dlp.frontends.torch.pins import Pins


class NotFoldableError(Exception):
    """The code does something that is not read."""


@dataclass(frozen=True)
class _Known:
    """A value that was found in a pinned object, or a constant."""

    value: Any


@dataclass(frozen=True)
class _Computed:
    """A variable of the new code."""

    name: str


@dataclass(frozen=True)
class _Graph:
    """The graph's function."""

    function: Any


_NULL = _Known(object())
"""What is on the stack below a function that is no method."""

_Value = _Known | _Computed | _Graph

_COLLECTING = (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS)
_NOTHING = frozenset({"EXTENDED_ARG", "RESUME", "NOP", "PRECALL", "CACHE", "COPY_FREE_VARS"})
_CONSTANTS = (int, float, complex, bool, str, bytes, type(None), torch.dtype, torch.device)


def folded_code(
    function: types.FunctionType, graphs: dict[str, Any], module: torch.nn.Module, pins: Pins
) -> tuple[types.FunctionType, BoundGraph]:
    """`function` with the weights bound to the graph's function, and what that is bound to.

    Args:
        function: Dynamo's code; the first argument is the module.
        graphs: the graphs' functions, by the names of the globals that they are called by.
        module: the first argument; it is pinned.
        pins: gets what the weights are found in, and the weights.

    Raises:
        NotFoldableError: the code cannot be read, or the graph binds no weights.
    """
    reader = _Reader(function, graphs, module, pins)
    folded = reader.read()
    assert reader.bound is not None
    return folded, reader.bound


class _Reader:
    def __init__(
        self, function: types.FunctionType, graphs: dict[str, Any], module: torch.nn.Module, pins: Pins
    ) -> None:
        code = function.__code__
        self._function = function
        self._graphs = graphs
        self._pins = pins
        self._stack: list[_Value] = []
        self._lines: list[str] = []
        self._globals: dict[str, Any] = {}
        self._keywords: tuple[str, ...] = ()
        self.bound: BoundGraph | None = None
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        collecting = [kind for kind in _COLLECTING if code.co_flags & kind]
        self._parameters = code.co_varnames[: len(arguments) + len(collecting)]
        self._locals: dict[str, _Value] = {name: _Computed(name) for name in self._parameters}
        self._locals[arguments[0]] = _Known(module)

    def read(self) -> types.FunctionType:
        result = None
        for instruction in dis.get_instructions(self._function.__code__):
            name = instruction.opname
            if result is not None:
                raise NotFoldableError("code after the end")
            if name == "RETURN_VALUE":
                result = self._text(self._stack.pop())
            elif name not in _NOTHING:
                step = getattr(self, f"_{name.lower()}", None)
                if step is None:
                    raise NotFoldableError(name)
                step(instruction)
        if result is None or self.bound is None:
            raise NotFoldableError("no graph")
        return self._compile(result)

    def _compile(self, result: str) -> types.FunctionType:
        original = self._function
        body = "".join(f"    {line}\n" for line in [*self._lines, f"return {result}"])
        text = f"def folded({', '.join(self._parameters)}):\n{body}"
        names: dict[str, Any] = {}
        exec(compile(text, f"<{original.__name__}, folded>", "exec"), names)
        plain = names["folded"].__code__
        read = original.__code__
        code = plain.replace(
            co_argcount=read.co_argcount,
            co_posonlyargcount=read.co_posonlyargcount,
            co_kwonlyargcount=read.co_kwonlyargcount,
            co_flags=plain.co_flags | (read.co_flags & sum(_COLLECTING)),
        )
        values = original.__globals__
        folded = types.FunctionType(
            code, OverlaidGlobals(values, self._globals), original.__name__, original.__defaults__
        )
        folded.__kwdefaults__ = original.__kwdefaults__
        return folded

    def _text(self, value: _Value) -> str:
        if isinstance(value, _Computed):
            return value.name
        if isinstance(value, _Known) and type(value.value) in (int, str):
            return repr(value.value)
        if isinstance(value, _Known) and _is_constant(value.value):
            return self._global(value.value)
        raise NotFoldableError("a value of the module beside the graph")

    def _global(self, value: object) -> str:
        name = f"_dlp_value{len(self._globals)}"
        self._globals[name] = value
        return name

    def _compute(self, expression: str) -> None:
        name = f"_dlp{len(self._lines)}"
        self._lines.append(f"{name} = {expression}")
        self._stack.append(_Computed(name))

    def _pop(self, count: int) -> list[_Value]:
        if not count:
            return []
        popped = self._stack[-count:]
        del self._stack[-count:]
        return popped

    def _load_fast(self, instruction: dis.Instruction) -> None:
        if instruction.argval not in self._locals:
            raise NotFoldableError("a variable without a value")
        self._stack.append(self._locals[instruction.argval])

    def _store_fast(self, instruction: dis.Instruction) -> None:
        self._locals[instruction.argval] = self._stack.pop()

    def _delete_fast(self, instruction: dis.Instruction) -> None:
        self._locals.pop(instruction.argval)

    def _load_const(self, instruction: dis.Instruction) -> None:
        self._stack.append(_Known(instruction.argval))

    def _push_null(self, _: dis.Instruction) -> None:
        self._stack.append(_NULL)

    def _load_global(self, instruction: dis.Instruction) -> None:
        if instruction.arg is not None and instruction.arg & 1:
            self._stack.append(_NULL)
        name = instruction.argval
        if name in self._graphs:
            self._stack.append(_Graph(self._graphs[name]))
        else:
            self._compute(name)

    def _load_attr(self, instruction: dis.Instruction) -> None:
        owner, name = self._stack.pop(), instruction.argval
        if isinstance(owner, _Known):
            if not isinstance(owner.value, torch.nn.Module) or name not in owner.value.__dict__:
                raise NotFoldableError("an attribute of the module that is none of its own")
            if hasattr(inspect.getattr_static(type(owner.value), name, None), "__set__"):
                raise NotFoldableError("a property")
            self._stack.append(self._found(owner.value, owner.value.__dict__[name]))
        else:
            self._compute(f"{self._text(owner)}.{name}")

    def _found(self, owner: object, value: object) -> _Known:
        if not self._pins.pin(owner):
            raise NotFoldableError("a value in what may change")
        return _Known(value)

    def _load_method(self, instruction: dis.Instruction) -> None:
        owner = self._text(self._stack.pop())
        self._stack.append(_NULL)
        self._compute(f"{owner}.{instruction.argval}")

    def _binary_subscr(self, _: dis.Instruction) -> None:
        owner, key = self._pop(2)
        if isinstance(owner, _Known) and isinstance(key, _Known):
            values = owner.value
            if type(values) not in (dict, OrderedDict) or key.value not in values:
                raise NotFoldableError("an element of what is no dictionary")
            self._stack.append(self._found(values, values[key.value]))
        else:
            self._compute(f"{self._text(owner)}[{self._text(key)}]")

    def _build_tuple(self, instruction: dis.Instruction) -> None:
        parts = [self._text(value) for value in self._pop(instruction.argval)]
        self._compute(f"({''.join(f'{part}, ' for part in parts)})")

    def _build_list(self, instruction: dis.Instruction) -> None:
        self._compute(f"[{', '.join(self._text(value) for value in self._pop(instruction.argval))}]")

    def _build_map(self, instruction: dis.Instruction) -> None:
        parts = [self._text(value) for value in self._pop(2 * instruction.argval)]
        pairs = zip(parts[::2], parts[1::2], strict=True)
        self._compute(f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}")

    def _build_const_key_map(self, instruction: dis.Instruction) -> None:
        *values, keys = self._pop(instruction.argval + 1)
        if not isinstance(keys, _Known):
            raise NotFoldableError("keys that are not constant")
        pairs = zip(keys.value, values, strict=True)
        self._compute(f"{{{', '.join(f'{self._global(k)}: {self._text(v)}' for k, v in pairs)}}}")

    def _list_extend(self, instruction: dis.Instruction) -> None:
        added = self._text(self._stack.pop())
        self._lines.append(f"{self._text(self._stack[-instruction.argval])}.extend({added})")

    def _list_to_tuple(self, _: dis.Instruction) -> None:
        self._compute(f"(*{self._text(self._stack.pop())},)")

    def _unpack_sequence(self, instruction: dis.Instruction) -> None:
        value = self._text(self._stack.pop())
        names = [f"_dlp{len(self._lines)}_{i}" for i in range(instruction.argval)]
        self._lines.append(f"{''.join(f'{name}, ' for name in names)} = {value}")
        self._stack += [_Computed(name) for name in reversed(names)]

    def _copy(self, instruction: dis.Instruction) -> None:
        self._stack.append(self._stack[-instruction.argval])

    def _swap(self, instruction: dis.Instruction) -> None:
        i = -instruction.argval
        self._stack[-1], self._stack[i] = self._stack[i], self._stack[-1]

    def _pop_top(self, _: dis.Instruction) -> None:
        self._stack.pop()

    def _kw_names(self, instruction: dis.Instruction) -> None:
        self._keywords = self._function.__code__.co_consts[instruction.arg or 0]

    def _call(self, instruction: dis.Instruction) -> None:
        arguments = self._pop(instruction.argval)
        keywords, self._keywords = self._keywords, ()
        first, second = self._pop(2)
        called = second if first is _NULL else first
        if first is not _NULL:
            arguments.insert(0, second)
        if isinstance(called, _Graph):
            if keywords:
                raise NotFoldableError("a graph with keywords")
            self._call_graph(called.function, arguments)
            return
        texts = [self._text(value) for value in arguments]
        for place, keyword in enumerate(keywords, len(texts) - len(keywords)):
            texts[place] = f"{keyword}={texts[place]}"
        self._compute(f"{self._text(called)}({', '.join(texts)})")

    def _call_graph(self, function: Any, arguments: list[_Value]) -> None:
        bind: Callable[[list[Any]], BoundGraph | None] | None = getattr(function, "bind", None)
        values = [value.value if isinstance(value, _Known) else None for value in arguments]
        bound = bind(values) if bind is not None and self.bound is None else None
        if bound is None or not all(
            map(self._pins.pin, (*bound.weights, *(v for v in values if v is not None)))
        ):
            raise NotFoldableError("a graph that does not bind these weights")
        self.bound = bound
        rest = [self._text(value) for value in arguments if not isinstance(value, _Known)]
        self._compute(f"{self._global(bound.run)}({', '.join(rest)})")


def _is_constant(value: object) -> bool:
    return type(value) in _CONSTANTS or (type(value) is tuple and all(map(_is_constant, value)))
