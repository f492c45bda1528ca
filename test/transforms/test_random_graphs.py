"""Graph passes on random programs of views, element-wise ops, reductions, convolutions and matrix products."""

from __future__ import annotations

import random
from math import prod

import pytest
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue

from dlp.dialects.dlp.contraction import ConvOp, MatmulOp
from dlp.dialects.dlp.elementwise import AddOp, ConstantOp, MaximumOp, MulOp, NegOp, ReluOp, SubOp
from dlp.dialects.dlp.graph import WeightOp
from dlp.dialects.dlp.reduction import MaxOp, MaxPoolOp, SumOp
from dlp.dialects.dlp.structured import DestinationOp
from dlp.dialects.dlp.view import BroadcastOp, ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from dlp.testing import assert_pass_preserves

_LARGEST = 3000


class _Program:
    """Grows a function by one random op at a time; sizes stay small."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        shape = self.random.choice([(1, 4, 5, 6), (2, 3, 4, 4), (6, 8), (2, 3, 4), (1, 8, 1, 1)])
        self.block = Block(arg_types=[TensorType(f32, shape), TensorType(f32, shape)])
        self.values: list[SSAValue] = list(self.block.args)
        self.weights = 0

    def module(self, steps: int) -> ModuleOp:
        for _ in range(steps):
            self.step()
        used = {operand for op in self.block.ops for operand in op.operands}
        results = [v for v in self.values if v not in used][-4:]
        self.block.add_op(ReturnOp(*results))
        types = [a.type for a in self.block.args]
        function = FuncOp("forward", (types, [v.type for v in results]), Region(self.block))
        return ModuleOp([function])

    def step(self) -> None:
        x = self.random.choice(self.values[-5:])
        shape = _shape(x)
        kinds = [self.transpose, self.reshape, self.elementwise, self.elementwise, self.reduce, self.slice]
        kinds += [self.concat, self.broadcast] if prod(shape) * 2 <= _LARGEST else []
        kinds += [self.pad] if prod(n + 1 for n in shape) <= _LARGEST else []
        kinds += [self.conv, self.conv, self.pool] if len(shape) == 4 else []
        kinds += [self.matmul] if len(shape) >= 2 else []
        self.random.choice(kinds)(x, shape)

    def add(self, op_class: type[DestinationOp], *ins: SSAValue, **properties: object) -> None:
        op = op_class.of(*ins, **properties)
        self.block.add_op(op)
        self.values.append(op.result)

    def weight(self, shape: tuple[int, ...]) -> SSAValue:
        self.weights += 1
        op = WeightOp(f"w{self.weights}", TensorType(f32, shape))
        self.block.add_op(op)
        return op.res

    def transpose(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        order = self.random.sample(range(len(shape)), len(shape))
        self.add(TransposeOp, x, permutation=order)

    def reshape(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        """Merge neighbours, split a dimension, add or drop ones."""
        new = list(shape)
        for _ in range(self.random.randint(1, 3)):
            d = self.random.randrange(len(new) + 1)
            if d + 1 < len(new) and self.random.random() < 0.5:
                new[d : d + 2] = [new[d] * new[d + 1]]
            elif d < len(new) and new[d] % 2 == 0 and len(new) < 5:
                new[d : d + 1] = self.random.choice([[2, new[d] // 2], [new[d] // 2, 2]])
            elif len(new) < 5:
                new.insert(d, 1)
        self.add(ReshapeOp, x, shape=new)

    def elementwise(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        if self.random.random() < 0.3:
            self.add(self.random.choice([ReluOp, NegOp]), x)
            return
        same = [v for v in self.values if _shape(v) == shape]
        kind = self.random.random()
        if kind < 0.5:
            y = self.random.choice(same)
        elif kind < 0.7:
            constant = ConstantOp.of(
                shape=(), element_type=f32, value=self.random.choice([0.0, 1.0, -1.0, 2.0, 0.3])
            )
            self.block.add_op(constant)
            y = constant.result
        else:
            trailing = shape[self.random.randrange(len(shape) + 1) :]
            y = self.weight(tuple(n if self.random.random() < 0.6 else 1 for n in trailing))
        operands = [x, y] if self.random.random() < 0.5 else [y, x]
        self.add(self.random.choice([AddOp, MulOp, SubOp, MaximumOp]), *operands)

    def reduce(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        over = self.random.sample(range(len(shape)), self.random.randint(1, min(2, len(shape))))
        self.add(self.random.choice([SumOp, MaxOp]), x, dims=sorted(over))

    def slice(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        offsets = [self.random.randint(0, min(1, n - 1)) for n in shape]
        steps = [self.random.choice([1, 1, 2]) for _ in shape]
        sizes = [(n - o - 1) // s + 1 for n, o, s in zip(shape, offsets, steps, strict=True)]
        self.add(SliceOp, x, shape=sizes, offsets=offsets, steps=steps)

    def concat(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        same = [v for v in self.values if _shape(v) == shape]
        if shape:
            self.add(ConcatOp, x, self.random.choice(same), dimension=self.random.randrange(len(shape)))

    def broadcast(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        wide = [2 if n == 1 and self.random.random() < 0.4 else n for n in shape]
        if prod(wide) <= _LARGEST:
            self.add(BroadcastOp, x, shape=[*([2] if len(shape) < 4 else []), *wide])

    def pad(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        low, high = ([self.random.randint(0, 1) for _ in shape] for _ in range(2))
        self.add(PadOp, x, low=low, high=high, value=self.random.choice([0.0, 1.0]))

    def conv(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        groups = self.random.choice([1, 1, shape[1], 2 if shape[1] % 2 == 0 else 1])
        size = 1 if min(shape[2:]) < 3 else self.random.choice([1, 3])
        width = groups * self.random.randint(1, 5)
        w = self.weight((width, shape[1] // groups, size, size))
        strides = [self.random.choice([1, 1, 2])] * 2
        self.add(ConvOp, x, w, layout="channels_first", strides=strides, dilations=[1, 1], groups=groups)

    def pool(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        size = 1 if min(shape[2:]) < 2 else 2
        self.add(
            MaxPoolOp, x, layout="channels_first", kernel=[size] * 2, strides=[size] * 2, dilations=[1, 1]
        )

    def matmul(self, x: SSAValue, shape: tuple[int, ...]) -> None:
        self.add(MatmulOp, x, self.weight((shape[-1], self.random.randint(1, 20))))


def _shape(value: SSAValue) -> tuple[int, ...]:
    return tuple(value.type.get_shape())  # pyright: ignore[reportAttributeAccessIssue]


# Programs that failed while the passes were written.
_ONCE_WRONG = (133, 415, 502, 533)


@pytest.mark.parametrize("pipeline", ["canonicalize", "simplify-views", "channels-last", "graph"])
@pytest.mark.parametrize("seed", [*range(20), *_ONCE_WRONG])
def test_random_graph(seed: int, pipeline: str) -> None:
    module = _Program(seed).module(steps=18)
    module.verify()
    assert_pass_preserves(module, pipeline, target="avx2", rtol=1e-4, seed=seed)
