"""Loading a compiled module and calling it.

The functions of a module have one signature, `int NAME(void *const *args, int threads)`: pointers to inputs,
weights, outputs and the arena, in the order of the arguments of the function in the IR. They keep no state,
so any number of threads may call at once; Python's lock is released during a call.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Sequence

from dlp.errors import ToolchainError

EntryPoint = Callable[[bytes, int], int]
"""A function of a module: called with packed pointers and a number of threads; the number of a failed check, or 0."""

_packers: dict[int, Callable[..., bytes]] = {}


class Library:
    """A shared library of compiled functions. It stays loaded: threads of OpenMP may still be in it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Load a library, as `build_shared` makes them.

        Raises:
            ToolchainError: it cannot be loaded.
        """
        self.path = os.fspath(path)
        try:
            self._handle = ctypes.CDLL(self.path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            hint = ""
            if "failed to map segment" in str(error):
                hint = "; its file system forbids to execute code: set DLP_CACHE_DIR to a directory elsewhere"
            raise ToolchainError(f"cannot load the compiled library: {error}{hint}") from None
        self._entries: dict[str, EntryPoint] = {}

    def entry(self, name: str) -> EntryPoint:
        """The function of a name.

        Raises:
            ToolchainError: the library has no such function.
        """
        found = self._entries.get(name)
        if found is None:
            try:
                function = self._handle[name]
            except AttributeError:
                raise ToolchainError(f"{self.path} has no function {name}") from None
            # A bytes object goes down as the pointer to its characters: 1.5 µs for 80 pointers, where an
            # array of ctypes takes 10. The callee only reads them.
            function.argtypes = [ctypes.c_char_p, ctypes.c_int]
            function.restype = ctypes.c_int
            found = self._entries.setdefault(name, function)
        return found

    def call(self, entry: str, pointers: Sequence[int], threads: int) -> int:
        """Call a function with the addresses of its arguments. The memory must stay alive during the call."""
        return self.entry(entry)(pack_pointers(pointers), threads)


def pack_pointers(pointers: Sequence[int]) -> bytes:
    """The array of pointers that an entry point takes; parts that stay the same can be packed once."""
    count = len(pointers)
    packer = _packers.get(count)
    if packer is None:
        packer = _packers.setdefault(count, struct.Struct(f"{count}P").pack)
    return packer(*pointers)
