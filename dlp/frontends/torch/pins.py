"""Objects that must be as they were: modules, dictionaries and tensors, compared by one C function in one go.

CPython (up to 3.12) gives every state of every dictionary a number of its own: while that is what it was, the
dictionary has the same keys and values. A module is its class and its `__dict__`; a tensor its class, what its object
points to, its memory, sizes, strides, element type and version, and whether it requires gradients.

Pins own nothing, so that what a model lets go of is freed. They are compared in the order in which they were made, up
to the first that differs, and with Python's lock held: as an object is pinned after its owner, whatever is read is
alive.
"""

from __future__ import annotations

import ctypes
import functools
import os
from array import array
from collections import OrderedDict
from typing import Any

import torch

from dlp.errors import DlpError
from dlp.frontends.torch.fingerprint import Fingerprint

_SOURCE = """\
#include <stdint.h>
#include <string.h>

/* The network's run has left little of this in the caches: what comes is fetched in advance. */
enum { AHEAD = 16 };

struct word {
    const uint64_t *address;
    uint64_t value;
};

struct tensor {
    void *implementation;
    void *data;
    void *storage;
    const int64_t *sizes; /* and strides */
    int64_t dimensions;
    int64_t version; /* -1: has none */
    int32_t element_type;
    int32_t requires_grad;
};

struct pins {
    const struct word *words;
    const struct tensor *tensors;
    const uint32_t *const *samples;
    const uint32_t *sampled;
    const uint8_t *const *byte_samples;
    const uint8_t *sampled_bytes;
    int64_t word_count, tensor_count, sample_count, byte_sample_count;
    /* A tensor handle is a pointer to a pointer to the implementation. */
    int32_t (*data_of)(void *const *tensor, void **data);
    int32_t (*sizes_of)(void *const *tensor, const int64_t **sizes);
    int32_t (*strides_of)(void *const *tensor, const int64_t **strides);
    int32_t (*dimensions_of)(void *const *tensor, int64_t *dimensions);
    int32_t (*element_type_of)(void *const *tensor, int32_t *type);
    int64_t (*version_of)(void *const *tensor);
    _Bool (*requires_grad)(void *implementation);
};

static int tensor_holds(const struct pins *pins, const struct tensor *t) {
    void *const *handle = &t->implementation;
    void *data;
    const int64_t *sizes, *strides;
    int64_t dimensions;
    int32_t element_type;
    if (pins->data_of(handle, &data) || data != t->data)
        return 0;
    if (pins->dimensions_of(handle, &dimensions) || dimensions != t->dimensions)
        return 0;
    if (pins->element_type_of(handle, &element_type) || element_type != t->element_type)
        return 0;
    if (pins->sizes_of(handle, &sizes) || pins->strides_of(handle, &strides))
        return 0;
    for (int64_t d = 0; d < dimensions; d++)
        if (sizes[d] != t->sizes[d] || strides[d] != t->sizes[dimensions + d])
            return 0;
    if (t->version >= 0 && pins->version_of(handle) != t->version)
        return 0;
    return pins->requires_grad(t->implementation) == t->requires_grad;
}

int dlp_pins_hold(const struct pins *pins) {
    for (int64_t i = 0; i < pins->word_count; i++) {
        if (i + AHEAD < pins->word_count)
            __builtin_prefetch(pins->words[i + AHEAD].address);
        if (*pins->words[i].address != pins->words[i].value)
            return 0;
    }
    for (int64_t i = 0; i < pins->tensor_count; i++) {
        if (i + AHEAD < pins->tensor_count) {
            const struct tensor *next = &pins->tensors[i + AHEAD];
            for (int64_t line = 0; line < 3; line++)
                __builtin_prefetch((const char *)next->implementation + 64 * line);
            __builtin_prefetch(next->storage);
        }
        if (!tensor_holds(pins, &pins->tensors[i]))
            return 0;
    }
    uint32_t different = 0;
    for (int64_t i = 0; i < pins->sample_count; i++)
        different |= *pins->samples[i] ^ pins->sampled[i];
    for (int64_t i = 0; i < pins->byte_sample_count; i++)
        different |= *pins->byte_samples[i] ^ pins->sampled_bytes[i];
    return different == 0;
}
"""


class _Word(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("value", ctypes.c_uint64)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("implementation", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("storage", ctypes.c_void_p),
        ("sizes", ctypes.c_void_p),
        ("dimensions", ctypes.c_int64),
        ("version", ctypes.c_int64),
        ("element_type", ctypes.c_int32),
        ("requires_grad", ctypes.c_int32),
    ]


_FUNCTIONS = (
    "aoti_torch_get_data_ptr",
    "aoti_torch_get_sizes",
    "aoti_torch_get_strides",
    "aoti_torch_get_dim",
    "aoti_torch_get_dtype",
    "_ZNK2at10TensorBase8_versionEv",
    "_ZNK3c1010TensorImpl13requires_gradEv",
)
"""The framework's, in the order of the fields: its interface for compiled code, and two of C++."""


class _Pins(ctypes.Structure):
    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in ("words", "tensors", "samples", "sampled", "odd", "sampled_odd")
        ),
        *((f"{name}_count", ctypes.c_int64) for name in ("word", "tensor", "sample", "odd")),
        *((name, ctypes.c_void_p) for name in _FUNCTIONS),
    ]


class Pins:
    """What was pinned, in order. Each object has to be pinned after the one that it was found in."""

    def __init__(self) -> None:
        self._words: dict[int, int] = {}
        self._tensors: dict[int, torch.Tensor] = {}
        self._kept: tuple[object, ...] = ()
        self._all = _Pins()
        self._hold: Any = None

    def pin(self, value: object) -> bool:
        """Pin a module with its attributes, a dictionary, or a tensor; whether that can be done."""
        if isinstance(value, torch.nn.Module):
            return self._pin_module(value)
        if type(value) in (dict, OrderedDict):
            return self._pin_word(id(value) + _VERSION_OFFSET)
        return isinstance(value, torch.Tensor) and self._pin_tensor(value)

    def _pin_module(self, module: torch.nn.Module) -> bool:
        attributes = module.__dict__
        place = type(module).__dictoffset__
        address = id(module) + (place if place > 0 else _MANAGED_DICTIONARY)
        if _read(address) != id(attributes):
            return False
        return self._pin_class(module) and self._pin_word(address) and self.pin(attributes)

    def _pin_tensor(self, tensor: torch.Tensor) -> bool:
        if id(tensor) in self._tensors:
            return True
        if tensor.device.type != "cpu" or tensor.layout != torch.strided:
            return False
        for address in range(id(tensor) + 16, id(tensor) + type(tensor).__basicsize__, 8):
            if _read(address) == tensor._cdata:
                self._tensors[id(tensor)] = tensor
                return self._pin_class(tensor) and self._pin_word(address)
        return False

    def _pin_class(self, value: object) -> bool:
        address = id(value) + 8
        return _read(address) == id(type(value)) and self._pin_word(address)

    def _pin_word(self, address: int) -> bool:
        self._words.setdefault(address, _read(address))
        return True

    def close(self, fingerprint: Fingerprint | None) -> bool:
        """Have `hold` compare what is pinned by now, and this fingerprint of pinned tensors; whether it can."""
        native = _native()
        if native is None:
            return False
        self._hold, functions = native
        words = (_Word * len(self._words))(*self._words.items())
        tensors, sizes = self._tensor_states()
        samples = fingerprint.arrays if fingerprint is not None else ((), (), (), ())
        if any(part is None for part in samples):
            return False
        self._all = _Pins(
            _address(words),
            _address(tensors),
            *map(_address, samples),
            len(words),
            len(tensors),
            len(samples[0]),
            len(samples[2]),
            *functions,
        )
        self._kept = (words, tensors, sizes, fingerprint)
        self._hold = functools.partial(self._hold, ctypes.addressof(self._all))
        self._words, self._tensors = {}, {}
        return True

    def _tensor_states(self) -> tuple[ctypes.Array[_Tensor], array[int]]:
        values = list(self._tensors.values())
        sizes = array("q", [n for value in values for n in (*value.shape, *value.stride())])
        start = sizes.buffer_info()[0]
        states = (_Tensor * len(values))()
        for state, value in zip(states, values, strict=True):
            state.implementation = value._cdata
            state.data = value.data_ptr()
            state.storage = value.untyped_storage()._cdata
            state.sizes = start
            state.dimensions = value.dim()
            state.version = -1 if value.is_inference() else value._version
            state.element_type = _element_type(value)
            state.requires_grad = value.requires_grad
            start += 16 * value.dim()
        return states, sizes

    def hold(self) -> bool:
        """Whether everything that was pinned is as it was."""
        return self._hold()


_VERSION_OFFSET = 24
_MANAGED_DICTIONARY = -24


def _read(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _address(values: Any) -> int | None:
    return ctypes.addressof(values) if len(values) else None


@functools.cache
def pins_work() -> bool:
    """Whether this machine has what pins need: it is tried, for most of it is no interface of Python's.

    Every way to change a dictionary has to give it another number; reading must not.
    """
    return _native() is not None and all(_numbers_states(kind) for kind in (dict, OrderedDict))


def _numbers_states(kind: type[dict[Any, Any]]) -> bool:
    class Holder:
        pass

    holder = Holder()
    values = holder.__dict__ if kind is dict else OrderedDict()
    values["a"] = values["b"] = 1

    def number() -> int:
        return _read(id(values) + _VERSION_OFFSET)

    def changes(change: Any) -> bool:
        before = number()
        return change() is not changes and number() != before

    attribute = () if kind is OrderedDict else (lambda: setattr(holder, "a", object()),)
    written = all(
        changes(change)
        for change in (
            lambda: values.__setitem__("a", 2),
            *attribute,
            lambda: values.update(a=object()),
            lambda: values.__delitem__("b"),
            lambda: values.setdefault("c", 1),
            lambda: values.pop("c"),
            lambda: values.popitem(),
            lambda: values.update(d=1),
            lambda: values.clear(),
        )
    )
    before = number()
    return written and not values.get("a") and not list(values.items()) and number() == before


def _element_type(tensor: torch.Tensor) -> int:
    """The framework's number for it."""
    handle, found = ctypes.c_void_p(tensor._cdata), ctypes.c_int32()
    _framework()["aoti_torch_get_dtype"](ctypes.byref(handle), ctypes.byref(found))
    return found.value


@functools.cache
def _framework() -> ctypes.CDLL:
    return ctypes.CDLL(os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so"))


@functools.cache
def _native() -> tuple[Any, tuple[int, ...]] | None:
    """The comparison as machine code, and the framework's functions that it calls."""
    from dlp.targets import host
    from dlp.toolchain import build_shared

    try:
        functions = tuple(ctypes.cast(_framework()[name], ctypes.c_void_p).value or 0 for name in _FUNCTIONS)
        # Not `CDLL`, which lets other threads run meanwhile.
        library = ctypes.PyDLL(str(build_shared({"pins.c": _SOURCE}, host()).path))
    except (DlpError, OSError, AttributeError):
        return None
    hold = library["dlp_pins_hold"]
    hold.argtypes = [ctypes.c_void_p]
    hold.restype = ctypes.c_int
    return hold, functions
