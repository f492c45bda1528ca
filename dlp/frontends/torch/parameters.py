"""Packed weights, kept for as long as the weights that they were made from are alive and unchanged.

Packed copies belong to the *parameter set*, the tensors that a call passes, and not to the graph, because all
instances of a class may share a graph. A set is refreshed when, since it was packed,

- another tensor took a place (identity),
- a tensor's memory moved: `p.data = t` (address),
- a tensor was written by the framework: `p.add_(1)`, `load_state_dict` (version; inference tensors have none),
- or its contents changed in another way: `p.data.copy_(t)`, through NumPy, by a fused optimiser
  (a sample of the elements: `fingerprint.py` says what it can miss; `dlp.refresh(model)` is for that).
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter

import torch

from dlp.frontends.torch.fingerprint import Fingerprint

Prepare = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]

_data_ptr = torch.Tensor.data_ptr
_version = attrgetter("_version")


class ParameterSet:
    """Some tensors as they were at one moment, and their packed form."""

    def __init__(self, weights: tuple[torch.Tensor, ...], prepare: Prepare) -> None:
        # Taken before packing: a write by another thread meanwhile is noticed by the next call.
        self.identities = tuple(map(id, weights))
        self._addresses = tuple(map(_data_ptr, weights))
        versioned = [i for i, weight in enumerate(weights) if not weight.is_inference()]
        self._pick_versioned = pick(versioned)
        self._versions = tuple(map(_version, self._pick_versioned(weights)))
        self.fingerprint = Fingerprint(weights)
        # Packed weights outlive the call and must be usable in every grad mode that a later call is in.
        with torch.inference_mode(False), torch.no_grad():
            values = [weight.detach() for weight in weights]
            packed = prepare(values)
        own = {value.untyped_storage().data_ptr() for value in values}
        self.packed_bytes = sum(
            t.nbytes for t in packed if t.untyped_storage().data_ptr() not in own or not t.nbytes
        )
        self.packed: list[torch.Tensor] | None = packed
        """`None` once it is forgotten, that nobody who holds this keeps the memory."""

    def unchanged(self, weights: tuple[torch.Tensor, ...]) -> bool:
        """Whether these are the same tensors with, as far as can be told, the same contents."""
        return (
            tuple(map(id, weights)) == self.identities
            and tuple(map(_data_ptr, weights)) == self._addresses
            and tuple(map(_version, self._pick_versioned(weights))) == self._versions
            and self.fingerprint.unchanged()
        )


class ParameterSets:
    """The packed weights of one prepare function, of as many instances of a model as are alive and in use."""

    CAPACITY = 64
    """The set that was used longest ago goes: a bound for programs that make new weights for every call."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._lock = threading.RLock()
        self._sets: OrderedDict[tuple[int, ...], ParameterSet] = OrderedDict()
        self._deaths: dict[tuple[int, ...], list[weakref.ref[torch.Tensor]]] = {}
        self._last: ParameterSet | None = None
        self.prepared = 0
        """How often weights were packed."""
        self.seconds = 0.0
        """Spent on that."""

    def packed(self, weights: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        """The packed form of `weights`, as they are now."""
        while (packed := self.of(weights).packed) is None:
            pass  # another thread had it forgotten meanwhile
        return packed

    def of(self, weights: tuple[torch.Tensor, ...]) -> ParameterSet:
        """`weights`, packed as they are now."""
        last = self._last
        if last is not None and last.unchanged(weights):
            return last
        with self._lock:
            identities = tuple(map(id, weights))
            known = self._sets.get(identities)
            if known is None or not known.unchanged(weights):
                started = time.perf_counter()
                known = ParameterSet(weights, self._prepare)
                self.prepared += 1
                self.seconds += time.perf_counter() - started
                self._remember(known, weights)
            self._sets.move_to_end(identities)
            self._last = known
            return known

    def invalidate(self) -> None:
        """Pack again at the next call, whatever the weights look like."""
        with self._lock:
            for identities in list(self._sets):
                self._forget(identities)

    @property
    def packed_bytes(self) -> int:
        """Memory of the packed copies; weights that are used as they are do not count."""
        with self._lock:
            return sum(known.packed_bytes for known in list(self._sets.values()))

    def _remember(self, known: ParameterSet, weights: tuple[torch.Tensor, ...]) -> None:
        identities = known.identities
        self._forget(identities)
        self._sets[identities] = known
        sets = weakref.ref(self)

        def forget(_dead: object) -> None:
            if (alive := sets()) is not None:
                alive._forget(identities)

        self._deaths[identities] = [weakref.ref(weight, forget) for weight in weights]
        while len(self._sets) > self.CAPACITY:
            self._forget(next(iter(self._sets)))

    def _forget(self, identities: tuple[int, ...]) -> None:
        # Called whenever a tensor dies: nothing here may wait for a lock that another thread holds for long,
        # and each step is atomic.
        known = self._sets.pop(identities, None)
        self._deaths.pop(identities, None)
        if known is None:
            return
        known.packed = None
        if self._last is known:
            self._last = None


def pick(indices: Sequence[int]) -> Callable[[Sequence[torch.Tensor]], tuple[torch.Tensor, ...]]:
    """A fast function that picks these places of a sequence, always as a tuple."""
    if not indices:
        return lambda _values: ()
    if len(indices) == 1:
        only = indices[0]
        return lambda values: (values[only],)
    return itemgetter(*indices)
