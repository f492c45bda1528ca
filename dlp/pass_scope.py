"""What of a module a pass looks at: a compiler may run those for single functions on a few functions at a time."""

from __future__ import annotations

from enum import Enum

from xdsl.passes import ModulePass


class Scope(Enum):
    """The attribute `scope` of a pass; `MODULE` where it has none."""

    MODULE = "the module"
    FUNCTION = "each function by itself; of calls, the arguments of the function that is called as well"
    KERNEL = "each private function by itself"
    ENTRY = "public functions alone"


def scope_of(instance: ModulePass) -> Scope:
    """What the pass looks at."""
    return getattr(type(instance), "scope", Scope.MODULE)
