"""A copy of a module tree that shares its tensors with the original."""

from __future__ import annotations

import copy
import ctypes
from collections.abc import Callable
from typing import Any

import torch


def copy_sharing_tensors(model: torch.nn.Module) -> torch.nn.Module:
    """Copy a module and everything that it holds, except tensors: those are the same objects in both.

    Modes, hooks, attributes and submodules of the copy are its own; an in-place change of a tensor shows in both.
    What cannot be copied (a lock, a file) is shared as well. `copy.to(...)` changes the copy only.
    """
    memo = _ShareTensors()
    try:
        copied = copy.deepcopy(model, memo)
    except Exception:
        # Something in the tree cannot be copied: only that is shared.
        copied = _copy_piecewise(model, _ShareTensors())
    unshare = Unshare(copied)
    for module in copied.modules():
        if "_apply" not in module.__dict__:
            module.__dict__["_apply"] = ApplyOwn(module, unshare)
    return copied


class _ShareTensors(dict[int, Any]):
    """A memo of `copy.deepcopy` that holds every tensor as its own copy, wherever in the tree it is found."""

    def get(self, key: int, default: Any = None) -> Any:
        found = super().get(key, default)
        if found is not default:
            return found
        # deepcopy asks with the id of an object that it has in hand.
        value = ctypes.cast(key, ctypes.py_object).value
        return value if isinstance(value, torch.Tensor) else default


def _copy_piecewise(model: torch.nn.Module, memo: dict[int, Any]) -> torch.nn.Module:
    copies = [(module, object.__new__(type(module))) for module in model.modules()]
    memo.update((id(module), copied) for module, copied in copies)
    for module, copied in copies:
        for name, value in module.__dict__.items():
            try:
                copied.__dict__[name] = copy.deepcopy(value, memo)
            except Exception:
                copied.__dict__[name] = value
    return memo[id(model)]


class Unshare:
    """Gives the parameters of a copied tree objects of their own, with the same memory, once.

    `module.to()` writes `parameter.data`, which on a shared parameter would convert the original too.
    """

    def __init__(self, root: torch.nn.Module) -> None:
        self.root = root

    def __call__(self) -> None:
        own: dict[int, torch.nn.Parameter] = {}
        for module in self.root.modules():
            if isinstance(module.__dict__.get("_apply"), ApplyOwn):
                del module.__dict__["_apply"]
            for name, parameter in module._parameters.items():
                if parameter is None:
                    continue
                if id(parameter) not in own:
                    fresh = torch.nn.Parameter(parameter.detach(), parameter.requires_grad)
                    vars(fresh).update(vars(parameter))
                    fresh.grad = parameter.grad
                    own[id(parameter)] = fresh
                module._parameters[name] = own[id(parameter)]


class ApplyOwn:
    """Stands in for `module._apply` until something converts the tree."""

    def __init__(self, module: torch.nn.Module, unshare: Unshare) -> None:
        self.module = module
        self.unshare = unshare

    def __call__(self, convert: Callable[[torch.Tensor], torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        self.unshare()
        return self.module._apply(convert, *args, **kwargs)
