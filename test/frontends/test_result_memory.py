"""Memory of large results is used again, and never while anybody can still see it."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import dlp
from dlp.frontends.torch import result_memory
from dlp.frontends.torch.result_memory import ResultMemory

_SHAPE = (5, 1 << 18)  # 5 MiB

_OWNERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "the tensor": lambda y: y,
    "a view": lambda y: y[2, 5:9],
    "a detached one": lambda y: y.detach(),
    "an array": lambda y: y.numpy(),
    "a part of an array": lambda y: memoryview(y.numpy()[1:2]),
    "DLPack": torch.utils.dlpack.to_dlpack,
    "a storage": lambda y: y.untyped_storage(),
    "a typed storage": lambda y: y.storage(),
    "a graph of autograd": lambda y: y * torch.ones(1, requires_grad=True),
}


class Scaled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 + 1


@pytest.fixture(params=[False, None], ids=["static", "open"])
def fast(request: pytest.FixtureRequest) -> nn.Module:
    """Compiled for one size, or for all."""
    model = dlp.optimize(Scaled().eval(), dynamic=request.param)
    with torch.no_grad():
        for rows in (5,) if request.param is False else (2, 3, 5):
            model(torch.ones(rows, _SHAPE[1]))
    return model


@torch.no_grad()
def test_memory_is_used_again(fast: nn.Module) -> None:
    places: set[int] = set()
    for i in range(6):
        result = fast(torch.full(_SHAPE, float(i)))
        assert torch.equal(result, torch.full(_SHAPE, 2.0 * i + 1))
        places.add(result.data_ptr())
    assert len(places) == result_memory.KEPT


@pytest.mark.parametrize("owner", _OWNERS)
@torch.no_grad()
def test_no_owner_loses_it(fast: nn.Module, owner: str) -> None:
    results = [fast(torch.full(_SHAPE, float(i))) for i in range(4)]
    assert len({result.data_ptr() for result in results}) == 4
    places = [result.data_ptr() for result in results]
    with torch.enable_grad():
        held = [_OWNERS[owner](result) for result in results]
    del results
    for _ in range(4):
        assert fast(torch.full(_SHAPE, 9.0)).data_ptr() not in places
    assert len(held) == 4


@pytest.mark.parametrize(
    "change",
    [lambda y: y.share_memory_(), lambda y: y.untyped_storage().resize_(0), lambda y: y.resize_(8, 1 << 20)],
    ids=["shared", "emptied", "resized"],
)
@torch.no_grad()
def test_memory_that_was_changed_is_not_used(fast: nn.Module, change: Callable[[torch.Tensor], Any]) -> None:
    for _ in range(4):
        result = fast(torch.ones(_SHAPE))
        assert result.untyped_storage().nbytes() == result.nbytes
        assert torch.equal(result, torch.full(_SHAPE, 3.0))
        change(result)


@pytest.mark.parametrize("inference", [False, True])
def test_results_are_the_frameworks_kind(fast: nn.Module, inference: bool) -> None:
    for _ in range(3):
        with torch.inference_mode(inference), torch.no_grad():
            x = torch.ones(_SHAPE)
            result, expected = fast(x), Scaled()(x)
        assert result.is_inference() == expected.is_inference()
        assert not result._is_view()
        assert result.stride() == expected.stride()
        assert result.untyped_storage().resizable() == expected.untyped_storage().resizable()


def test_gradients_keep_theirs(fast: nn.Module) -> None:
    x = torch.ones(_SHAPE, requires_grad=True)
    first, second = fast(x), fast(x * 3)
    (first * first).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full(_SHAPE, 12.0))
    assert torch.equal(second, torch.full(_SHAPE, 7.0))


def test_threads_have_their_own(fast: nn.Module) -> None:
    wrong: list[float] = []

    def work(start: float) -> None:
        with torch.no_grad():
            for i in range(12):
                result = fast(torch.full(_SHAPE, start + i))
                if not torch.equal(result, torch.full(_SHAPE, 2 * (start + i) + 1)):
                    wrong.append(start + i)

    threads = [threading.Thread(target=work, args=(100.0 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@torch.no_grad()
def test_memory_goes_with_the_model() -> None:
    before = set(result_memory._all)
    model = dlp.optimize(Scaled().eval())
    model(torch.ones(_SHAPE))
    own = [weakref.ref(memory) for memory in result_memory._all if memory not in before]
    assert own
    del model
    gc.collect()
    assert not any(memory() for memory in own)


def test_little_is_kept_without_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_memory, "MOST_IDLE", 12 << 20)
    memories = [ResultMemory() for _ in range(4)]
    for memory in memories:
        memory.take(_SHAPE, (_SHAPE[1], 1), torch.float32)
    in_use = memories[0].take(_SHAPE, (_SHAPE[1], 1), torch.float32)
    memories[1].take((2, *_SHAPE), (5 << 18, 1 << 18, 1), torch.float32)
    places = {address for memory in memories for _, address in memory._kept}
    # What has an owner, two of 5 MiB, and what was asked for last.
    assert len(places) == 4
    assert in_use.data_ptr() in places


def test_where_owners_cannot_be_told_memory_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_memory, "_idle_references", lambda: None)
    memory = ResultMemory()
    result = memory.take(_SHAPE, (1, 5), torch.int64)
    assert (result.shape, result.stride(), result.dtype) == (_SHAPE, (1, 5), torch.int64)
    assert not memory._kept
