"""From an FX graph of ATen operations to a module in the dlp dialect."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any, cast

import torch
from torch.fx import GraphModule, Node
from xdsl.dialects.builtin import FunctionType, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import BlockArgument, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from dlp.dialects.dlp.checking import RequireOp
from dlp.dialects.dlp.dim import Dim, Size
from dlp.dialects.dlp.elementwise import CastOp, ConstantOp
from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.view import CopyOp, ViewOp
from dlp.errors import StaticShapeRequired, UnsupportedOp, UnsupportedOpsError
from dlp.frontends.torch import source_lines
from dlp.frontends.torch.element_types import ELEMENT_TYPES, tensor_type
from dlp.frontends.torch.emitter import Emitter, NotSupported, first
from dlp.frontends.torch.empty import depends_on_sizes, is_empty, is_random, known_results, used_results
from dlp.frontends.torch.imported_graph import ImportedGraph, InputSpec, OutputSpec, TensorSpec, WeightSpec
from dlp.frontends.torch.registry import importers, moves_only, takes_empty, updates_first
from dlp.frontends.torch.size_numbers import is_size_number, size_number
from dlp.frontends.torch.symbols import size_of, sizes_of

ENTRY = "forward"


def import_graph(
    graph: GraphModule, weights: Mapping[int, str], *, keep_layouts: bool = True
) -> ImportedGraph:
    """Import a functional ATen graph.

    Args:
        graph: as the decompositions of `decompositions.py` leave it; every node has a fake tensor in `meta["val"]`.
        weights: which placeholders are weights, by index, and their names; the others become arguments.
        keep_layouts: whether arguments, weights and results are the physical tensors of what the framework has
            (see `TensorSpec`); else all of them are contiguous.

    Raises:
        UnsupportedOpsError: lists every node that dlp cannot compile.
        StaticShapeRequired: names the first that can be compiled for known sizes only.
    """
    return Importer(graph, weights, keep_layouts).run()


class Importer(Emitter):
    """One import: the walk over the graph."""

    def __init__(self, graph: GraphModule, weights: Mapping[int, str], keep_layouts: bool) -> None:
        super().__init__(next(iter(graph.graph.nodes)))
        self._graph = graph
        self._weight_names = weights
        self._keep_layouts = keep_layouts
        self._values: dict[Node, Any] = {}
        self._unsupported: list[UnsupportedOp] = []
        self._inputs: list[InputSpec] = []
        self._weights: list[WeightSpec] = []
        self._constants: dict[str, torch.Tensor] = {}

    def run(self) -> ImportedGraph:
        nodes = list(self._graph.graph.nodes)
        placeholders = {node: i for i, node in enumerate(_tensor_placeholders(self._graph))}
        outputs: list[OutputSpec] = []
        results: list[SSAValue] = []
        for node in nodes:
            self.node = node
            location = source_lines.of_node(node)
            self._source = StringAttr(os.path.basename(location)) if location else None
            try:
                match node.op:
                    case "placeholder":
                        number = _number(node)
                        if number is None:
                            self._values[node] = self._placeholder(node, placeholders[node])
                        else:
                            self._values[node] = self._size_of_an_input(node, number, placeholders)
                    case "get_attr":
                        self._values[node] = self._attribute(node)
                    case "call_function":
                        number = _number(node)
                        self._values[node] = self._import(node) if number is None else number
                    case "output":
                        outputs, results = self._outputs(node)
                    case _:
                        raise NotSupported(f"a node of the kind {node.op}")
            except (NotSupported, VerifyException) as reason:
                name = node.name if node.op == "call_function" else ""
                self._unsupported.append(UnsupportedOp(_name(node), str(reason), location, name))
                self._values[node] = self._stand_in(node)
            except StaticShapeRequired as error:
                user = next(iter(node.users)) if node.op == "placeholder" else node
                error.op = UnsupportedOp(_name(user), str(error), source_lines.of_node(user))
                raise
        if self._unsupported:
            raise UnsupportedOpsError(self._unsupported)
        self._add(ReturnOp(*results))
        arguments = [a.type for a in self._block.args]
        function = FuncOp(
            ENTRY, FunctionType.from_lists(arguments, [r.type for r in results]), Region([self._block])
        )
        return ImportedGraph(ModuleOp([function]), self._weights, self._inputs, outputs, self._constants)

    def _placeholder(self, node: Node, index: int) -> SSAValue | None:
        name = self._weight_names.get(index)
        if not node.users and (name is not None or not isinstance(node.meta.get("val"), torch.Tensor)):
            return None
        self._check_values(node)
        spec = self._spec(node.meta["val"])
        if name is not None:
            return self._weight(WeightSpec(name, index, spec))
        self._inputs.append(InputSpec(node.name, index, spec))
        argument = self._block.insert_arg(tensor_type(spec.physical_shape, spec.dtype), len(self._block.args))
        argument.name_hint = node.name
        return self.transpose(argument, spec.to_logical)

    def _size_of_an_input(self, node: Node, number: Size, tensors: Iterable[Node]) -> Size:
        """A number that comes beside the tensors; in code it is known by the tensor that has it as its size."""
        if isinstance(number, Dim) and node.users:
            sizes = {str(n) for tensor in tensors for n in sizes_of(tensor.meta["val"].shape)}
            if not sizes.issuperset(number.symbols):
                raise StaticShapeRequired(
                    f"{number}, which is the size of no tensor that the graph computes with"
                )
        return number

    def _attribute(self, node: Node) -> SSAValue | None:
        """A tensor that the graph holds becomes a weight."""
        name = cast(str, node.target)
        tensor = reduce(getattr, name.split("."), self._graph)
        if not isinstance(tensor, torch.Tensor):
            raise NotSupported(f"an attribute of type {type(tensor).__name__}")
        node.meta.setdefault("val", tensor)
        self._check_values(node)
        self._constants[name] = tensor
        return self._weight(WeightSpec(name, None, self._spec(tensor)))

    def _weight(self, weight: WeightSpec) -> SSAValue:
        self._weights.append(weight)
        op = self._add(WeightOp(weight.name, tensor_type(weight.spec.physical_shape, weight.spec.dtype)))
        name = re.sub(r"\W", "_", weight.name, flags=re.ASCII)
        op.results[0].name_hint = name if not name[0].isdigit() else f"w{name}"
        return self.transpose(op.results[0], weight.spec.to_logical)

    def _spec(self, tensor: torch.Tensor) -> TensorSpec:
        if self._keep_layouts:
            return TensorSpec.of(tensor)
        return TensorSpec(
            sizes_of(tensor.shape),
            sizes_of(tensor.stride()),
            tensor.dtype,
            tuple(range(tensor.dim())),
            contiguous_first=True,
        )

    def _import(self, node: Node) -> Any:
        if node.target is operator.getitem:
            source, index = cast(tuple[Node, int], node.args)
            picked = self._values[source][index]
            if picked is None and node.users:
                raise NotSupported(f"result {index} of {_name(source)} is not computed")
            return picked
        if depends_on_sizes(node):
            self._check_values(node)
            return self._known_by_sizes(node)
        if is_size_number(node):
            return size_number(self, *map(self._value, node.args))
        function = importers().get(str(node.target))
        if function is None:
            raise NotSupported(_why_unknown(node))
        self._check_values(node)
        if any(is_empty(n.meta.get("val")) for n in node.all_input_nodes):
            if updates_first(_name(node)):
                return self._values[cast(Node, node.args[0])]
            if not takes_empty(_name(node)):
                raise NotSupported("an operand without elements among others")
        if any(self._values[n] is None for n in node.all_input_nodes):
            # An operand that failed, and was reported, with a type that the IR does not have.
            return self._stand_in(node)
        self._computes = not moves_only(_name(node))
        values = function(self, *self._bind(node))
        return self._check_results(node, values)

    def _known_by_sizes(self, node: Node) -> Any:
        """Constants, as the framework computes them."""
        fakes: Any = node.meta["val"]
        results = known_results(node)
        if not isinstance(fakes, tuple | list):
            return self._known(results, fakes)
        used = used_results(node)
        return tuple(
            self._known(result, fake) if any(fake is u for u in used) else None
            for result, fake in zip(results, fakes, strict=True)
        )

    def _known(self, number: float | int | bool, fake: torch.Tensor) -> SSAValue:
        return self.constant(number, fake.dtype, sizes_of(fake.shape))

    def _bind(self, node: Node) -> list[Any]:
        """The node's arguments in the order of the schema, defaults filled in."""
        schema = cast(torch._ops.OpOverload, node.target)._schema
        given = dict(zip((a.name for a in schema.arguments), node.args, strict=False)) | node.kwargs
        return [self._value(given.get(a.name, a.default_value)) for a in schema.arguments]

    def _value(self, argument: Any) -> Any:
        if isinstance(argument, Node):
            value = self._values[argument]
            return self.widen(value) if self._is_wide(argument.meta["val"]) else value
        if isinstance(argument, list | tuple):
            return [self._value(a) for a in argument]
        if isinstance(argument, complex):
            raise NotSupported("complex numbers")
        return argument

    def _check_values(self, node: Node) -> None:
        """Refuse what the IR cannot represent, in operands and results."""
        for value in _tensors(
            [first(node.meta.get("val")), *(n.meta.get("val") for n in node.all_input_nodes)]
        ):
            if isinstance(value, torch.SymInt) or (
                isinstance(value, torch.SymFloat) and node.op != "placeholder"
            ):
                continue
            if isinstance(value, torch.SymFloat | torch.SymBool):
                raise NotSupported("a number that is known only at run time")
            if value.dtype not in ELEMENT_TYPES:
                raise NotSupported(f"elements of {str(value.dtype).removeprefix('torch.')}")
            if value.device.type not in ("cpu", "meta"):
                raise NotSupported(f"on the device {value.device.type}")

    def _check_results(self, node: Node, values: Any) -> Any:
        """An importer that computes another shape or type than the framework is a bug, found here."""
        expected: Any = node.meta.get("val")
        if isinstance(values, tuple | list):
            return tuple(self._check_result(v, fake) for v, fake in zip(values, expected, strict=True))
        return self._check_result(values, expected)

    def _check_result(self, value: SSAValue | None, fake: Any) -> SSAValue | None:
        if value is None:
            return None
        if self._is_wide(fake):
            value = self(CastOp, value, element_type=ELEMENT_TYPES[torch.uint8])
        if value.type != (right := tensor_type(sizes_of(fake.shape), fake.dtype)):
            raise AssertionError(f"{_name(self.node)} is imported as {value.type}, but is {right}")
        if value.name_hint is None and not isinstance(value, BlockArgument):
            value.name_hint = self.node.name
        return value

    def _stand_in(self, node: Node) -> Any:
        """Values with the right types for a node that failed, so that the rest of the graph is looked at as well."""

        def one(fake: object) -> SSAValue | None:
            if not isinstance(fake, torch.Tensor) or fake.dtype not in ELEMENT_TYPES:
                return None
            return self._add(WeightOp(node.name, tensor_type(sizes_of(fake.shape), fake.dtype))).results[0]

        fake = node.meta.get("val")
        return tuple(map(one, fake)) if isinstance(fake, tuple | list) else one(fake)

    def _outputs(self, node: Node) -> tuple[list[OutputSpec], list[SSAValue]]:
        outputs: list[OutputSpec] = []
        results: list[SSAValue] = []
        place: dict[Node, OutputSpec] = {}
        taken: set[SSAValue] = set()
        for argument in cast(Sequence[Any], node.args[0]):
            if not isinstance(argument, Node):
                outputs.append(OutputSpec("literal", literal=argument))
                continue
            if argument not in place:
                place[argument] = self._output(argument, results, taken)
            outputs.append(place[argument])
        if self._asserted:
            self._check_asserted(results)
        return outputs, results

    def _check_asserted(self, results: list[SSAValue]) -> None:
        """Make what was asserted a part of the smallest result: a check is part of some value."""
        if not results:
            raise NotSupported("an assertion in a graph without results")
        k = min(range(len(results)), key=lambda i: prod(self.shape_of(results[i])))
        for condition, message in self._asserted:
            results[k] = self(RequireOp, condition, results[k], results[k], message=message)

    def _output(self, node: Node, results: list[SSAValue], taken: set[SSAValue]) -> OutputSpec:
        fake = node.meta["val"]
        if node.op == "placeholder":
            placeholders = _tensor_placeholders(self._graph)
            spec = self._spec(fake)
            index = placeholders.index(node)
            if index in self._weight_names:
                return OutputSpec("weight", [w.placeholder for w in self._weights].index(index), spec)
            return OutputSpec("input", [i.placeholder for i in self._inputs].index(index), spec)
        if not isinstance(fake, torch.Tensor):
            raise NotSupported("an output that is not a tensor")
        spec = self._spec(fake)
        if is_empty(fake):
            return OutputSpec("empty", spec=spec)
        value = self._values[node]
        if value is None:
            if self._unsupported:  # what should have computed it is on the list
                return OutputSpec("literal")
            raise NotSupported(f"{_name(node)} as an output")
        # A result is memory of its own: not an argument or a weight, nor what another result lies in.
        root = _root(value)
        if root in taken or isinstance(root, BlockArgument) or isinstance(root.owner, WeightOp | ConstantOp):
            value = self(CopyOp, value)
            root = value
        taken.add(root)
        permutation = spec.permutation
        results.append(self.transpose(value, permutation))
        return OutputSpec("result", len(results) - 1, spec)


def _tensor_placeholders(graph: GraphModule) -> list[Node]:
    """The inputs, without the numbers among them."""
    return [n for n in graph.graph.nodes if n.op == "placeholder" and _number(n) is None]


def _number(node: Node) -> Size | None:
    """The size that a node computes, whichever way it does."""
    value = node.meta.get("val")
    return size_of(value) if isinstance(value, torch.SymInt) else None


def _root(value: SSAValue) -> SSAValue:
    """What `value` is a view of."""
    while isinstance(value.owner, ViewOp) and not isinstance(value.owner, CopyOp):
        value = value.owner.ins[0]
    return value


def _name(node: Node) -> str:
    return str(node.target)


_LINEAR_ALGEBRA = re.compile(r"aten\._?(linalg_|cholesky|lu_|triangular_solve|ormqr|geqrf)")


def _why_unknown(node: Node) -> str:
    if not isinstance(node.target, torch._ops.OpOverload):
        return "not an ATen operation"
    if is_random(node.target):
        return "random numbers, which come from the framework's generator"
    if _LINEAR_ALGEBRA.match(str(node.target)):
        return "linear algebra, which the framework leaves to LAPACK"
    return "dlp has no such operation"


def _tensors(values: object) -> list[Any]:
    if isinstance(values, list | tuple):
        return [t for v in values for t in _tensors(v)]
    return (
        [values] if isinstance(values, torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool) else []
    )
