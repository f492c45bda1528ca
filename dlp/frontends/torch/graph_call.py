"""A compiled graph as the function that the framework calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from dlp.errors import StaticShapeRequired
from dlp.frontends.torch.imported_graph import TensorSpec
from dlp.frontends.torch.parameters import ParameterSet, ParameterSets, pick
from dlp.frontends.torch.seam import CompiledGraph
from dlp.frontends.torch.symbols import has_symbols


class WeightsGoneError(Exception):
    """The weights that a graph was bound to were forgotten before it ran: the call begins again without."""


@dataclass(frozen=True)
class BoundGraph:
    """A graph as a function of its other inputs, for weights that somebody else checks.

    Attributes:
        run: the function; raises WeightsGoneError.
        packed: the weights as they were packed.
        weights: what has to be checked.
    """

    run: Callable[..., list[Any]]
    packed: ParameterSet
    weights: tuple[torch.Tensor, ...]


class GraphCall:
    """Sorts a graph's inputs into weights and inputs, keeps the weights packed, and gives results eager's strides.

    Args:
        compiled: what the compile function returned.
        tensors: which of the values that a call passes are tensors; numbers are in the code.
        is_parameter: which tensors are weights, constants included.
        constants: values of the last tensors, which a call does not pass.
        outputs: fake tensors: shape and strides of eager's results.

    Raises:
        StaticShapeRequired: results of unknown sizes with gaps, or that share memory.
    """

    def __init__(
        self,
        compiled: CompiledGraph,
        parameters: ParameterSets,
        tensors: Sequence[bool],
        is_parameter: Sequence[bool],
        constants: Sequence[torch.Tensor],
        outputs: Sequence[torch.Tensor],
    ) -> None:
        self._compiled = compiled
        self._run = compiled.run
        self.parameters = parameters
        self._constants = tuple(constants)
        places = [i for i, tensor in enumerate([*tensors, *(True for _ in constants)]) if tensor]
        self._pick_weights = pick([i for i, yes in zip(places, is_parameter, strict=True) if yes])
        self._input_places = [i for i, yes in zip(places, is_parameter, strict=True) if not yes]
        self._pick_inputs = pick(self._input_places)
        self._restride = _restride_plan(outputs)

    def __call__(self, *args: torch.Tensor) -> list[torch.Tensor]:
        values = args + self._constants
        packed = self.parameters.packed(self._pick_weights(values))
        results = self._run(packed, self._pick_inputs(values))
        for place, restride in self._restride:
            results[place] = restride(results)
        return results

    def bind(self, known: Sequence[torch.Tensor | None]) -> BoundGraph | None:
        """The graph for the weights among its inputs.

        Args:
            known: of what a call passes, the weights; `None` for what differs between calls.

        Returns:
            `None` if what is known are not the weights.
        """
        values: tuple[Any, ...] = (*known, *self._constants)
        weights, inputs = self._pick_weights(values), self._pick_inputs(values)
        if any(w is None for w in weights) or any(i is not None for i in inputs):
            return None
        passed = [i for i, value in enumerate(known) if value is None]
        pick_inputs = pick([passed.index(i) for i in self._input_places])
        packed = self.parameters.of(weights)
        if packed.packed is None:
            return None
        run_bound, plan = self._compiled.bind(packed.packed), self._restride

        def run(*args: torch.Tensor) -> list[Any]:
            alive = packed.packed
            if alive is None:
                raise WeightsGoneError
            results = run_bound(alive, pick_inputs(args))
            for place, restride in plan:
                results[place] = restride(results)
            return results

        return BoundGraph(run, packed, weights)


_Restride = Callable[[Sequence[torch.Tensor]], torch.Tensor]


def _restride_plan(outputs: Sequence[torch.Tensor]) -> list[tuple[int, _Restride]]:
    """How to make results that are contiguous and apart like eager's: strides, and views of one another."""
    if any(map(has_symbols, outputs)):
        # The compiled function makes them as eager does, as long as each is dense and memory of its own.
        storages = {output.untyped_storage()._cdata for output in outputs}
        if len(storages) < len(outputs) or any(TensorSpec.of(o).contiguous_first for o in outputs):
            raise StaticShapeRequired("the strides of results")
        return []
    plan: list[tuple[int, _Restride]] = []
    whole: dict[int, tuple[int, torch.Tensor]] = {}
    for place, output in enumerate(outputs):
        storage = output.untyped_storage()
        if storage.nbytes() == output.numel() * output.element_size():
            whole.setdefault(storage._cdata, (place, output))
    for place, output in enumerate(outputs):
        base = whole.get(output.untyped_storage()._cdata)
        if (base is None or base[0] == place) and not output.is_contiguous():
            plan.append((place, _copier(place, tuple(output.shape), output.stride())))
    for place, output in enumerate(outputs):
        base = whole.get(output.untyped_storage()._cdata)
        if base is not None and base[0] != place and base[1].dtype == output.dtype:
            plan.append(
                (place, _viewer(base[0], tuple(output.shape), output.stride(), int(output.storage_offset())))
            )
    return plan


def _copier(place: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> _Restride:
    # Along a dimension with stride 0 all elements are one, and equal: the framework refuses to write them again.
    once = tuple(slice(0, 1) if step == 0 else slice(None) for step in strides)

    def copy(results: Sequence[torch.Tensor]) -> torch.Tensor:
        value = results[place]
        if value.stride() == strides:
            return value
        result = torch.empty_strided(shape, strides, dtype=value.dtype)
        result[once].copy_(value[once])
        return result

    return copy


def _viewer(base: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> _Restride:
    def view(results: Sequence[torch.Tensor]) -> torch.Tensor:
        return results[base].as_strided(shape, strides, offset)

    return view
