"""How tensors lie in memory, outputs that are not new tensors, and where operations come from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from imported import check
from torch import nn

from dlp.errors import UnsupportedOpsError
from dlp.frontends.torch.capture import capture
from dlp.frontends.torch.imported_graph import TensorSpec


def test_channels_last_is_passed_as_it_lies() -> None:
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    captured = check(model, torch.randn(2, 3, 6, 7).to(memory_format=torch.channels_last))
    (given,), (result,) = captured.imported.inputs, captured.imported.results
    assert given.spec.physical_shape == (2, 6, 7, 3) and not given.spec.contiguous_first
    assert result.physical_shape == (2, 4, 5, 4)
    assert captured.imported.weights[0].spec.physical_shape == (4, 3, 3, 3)
    assert "tensor<2x6x7x3xf32>)" in str(captured.imported.module)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 4),
        torch.randn(3, 4).t(),
        torch.randn(2, 3, 4).permute(2, 0, 1),
        torch.randn(1, 5, 1, 4).to(memory_format=torch.channels_last),
        torch.randn(4, 1, 3).transpose(0, 1),
        torch.randn(()),
    ],
)
def test_dense_tensors_are_not_copied(tensor: torch.Tensor) -> None:
    spec = TensorSpec.of(tensor)
    physical = spec.physical(tensor)
    assert not spec.contiguous_first
    assert physical.data_ptr() == tensor.data_ptr() and physical.is_contiguous()
    assert tuple(physical.shape) == spec.physical_shape
    assert torch.equal(physical.permute(spec.to_logical), tensor)


@pytest.mark.parametrize(
    "tensor", [torch.randn(4, 6)[:, ::2], torch.randn(1, 3).expand(4, 3), torch.randn(9)[::3]]
)
def test_tensors_with_gaps_or_overlaps_are_made_contiguous(tensor: torch.Tensor) -> None:
    spec = TensorSpec.of(tensor)
    assert spec.contiguous_first and spec.is_row_major
    assert torch.equal(spec.physical(tensor), tensor)
    check(lambda x: x * 2, tensor)


def test_results_that_are_inputs_weights_and_each_other() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3))

        def forward(self, x: torch.Tensor) -> tuple[object, ...]:
            y = x + self.weight
            return x, y, y, y.view(-1), x.view(-1), self.weight, self.weight * 1, None, 5, x.t()

    captured = check(Model(), torch.randn(2, 3))
    outputs = captured.imported.outputs
    assert outputs[0].kind == "input" and outputs[5].kind == "weight" and outputs[8].literal == 5
    assert outputs[1] == outputs[2] and outputs[3].index != outputs[1].index
    assert len(captured.imported.results) == len({o.index for o in outputs if o.kind == "result"})


def test_an_input_that_nothing_uses_stays_an_argument() -> None:
    captured = check(lambda x, y: x + 1, torch.randn(2), torch.randn(3))
    assert [i.spec.shape for i in captured.imported.inputs] == [(2,), (3,)]


def test_weights_have_the_names_of_the_state_dict() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()
    captured = capture(model, (torch.randn(2, 3),))
    names = captured.imported.weight_names
    assert set(names) <= set(model.state_dict()) and len(names) == 6
    assert "1.num_batches_tracked" not in names
    assert captured.weights["0.weight"].data_ptr() == model[0].weight.data_ptr()


def test_constants_are_weights() -> None:
    table = torch.randn(4)
    captured = check(lambda x: x + table, torch.randn(4))
    assert len(captured.imported.weights) == 1


def test_operations_know_the_line_they_come_from() -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(x) + 1

    captured = check(Model(), torch.randn(3))
    lines = [
        op.attributes["dlp.source"].data for op in captured.imported.module.walk() if op.name == "dlp.tanh"
    ]  # pyright: ignore
    assert len(lines) == 1 and lines[0].startswith("test_importer_layouts.py:")


class Model(nn.Module):
    """A function, called from this file."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> object:
        return self.function(x)


def unsupported(function: Callable[..., object], x: torch.Tensor) -> list[tuple[str, str]]:
    with pytest.raises(UnsupportedOpsError) as error:
        capture(Model(function), (x,))
    assert all("test_importer_layouts.py" in op.location for op in error.value.ops)
    return [(op.name, op.reason) for op in error.value.ops]


def test_all_unsupported_operations_are_reported_together() -> None:
    found = unsupported(
        lambda x: (
            torch.special.airy_ai(x),
            torch.igamma(torch.igammac(x, x), x),
            x.to(torch.complex64) * 2,
            x.half() + 1,
        ),
        torch.randn(4),
    )
    names = [name for name, _ in found]
    assert {"aten.special_airy_ai.default", "aten.igamma.default", "aten.igammac.default"} <= set(names)
    assert any("complex" in reason for _, reason in found) and any("float16" in reason for _, reason in found)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: (x * 10).long() // 0, "division of integers"),
        (lambda x: (x * 10).double().to(torch.uint8), "unsigned"),
        (lambda x: torch.rand_like(x) + x, "random numbers"),
        (lambda x: x.index_put(((x > 0).to(torch.uint8),), torch.tensor(0.0)), "mask of bytes"),
        (lambda x: x[:0][torch.zeros(2, dtype=torch.int64)], "without elements"),
    ],
)
def test_semantics_that_are_not_exact_are_refused(function: Callable[..., object], reason: str) -> None:
    assert any(reason in why for _, why in unsupported(function, torch.randn(1, 1, 4, 4)))


def test_training_is_refused() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).train()
    with pytest.raises(UnsupportedOpsError):
        capture(model, (torch.randn(4, 3),))
