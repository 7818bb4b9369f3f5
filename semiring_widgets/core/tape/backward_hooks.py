"""Hooks on gradients: what may change the derivatives of a model without being one of its operators.

A hook is anybody's code, called in a backward pass that never happens here. Whether it only looks or gives
another gradient cannot be told without calling it, so a sum over paths that passes one could silently differ
from autograd's: it is refused. Hooks that see accumulated gradients change none and do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import module as modules

from semiring_widgets.errors import UnsupportedOpError

__all__ = ["check_module", "check_tensor"]

_GO_ON = "Remove it for the recording (handle.remove()), or register it afterwards."


def check_module(module: nn.Module, path: str) -> None:
    """Refuse a module that runs with a backward hook.

    Args:
        module: is about to run.
        path: of the module, "" at the root.

    Raises:
        UnsupportedOpError: names the module and the hook.
    """
    for hooks in (modules._global_backward_hooks, modules._global_backward_pre_hooks):
        if hooks:
            raise UnsupportedOpError(
                f"A backward hook for all modules ({_name(hooks)}) is registered; it may change gradients, "
                f"and the paths of a recording would not know. {_GO_ON}"
            )
    for hooks in (module._backward_hooks, module._backward_pre_hooks):
        if hooks:
            raise UnsupportedOpError(
                f"Module '{path}' ({type(module).__name__}) has a backward hook ({_name(hooks)}); it may "
                f"change gradients, and the paths of a recording would not know. {_GO_ON}"
            )


def check_tensor(tensor: Tensor, what: str) -> None:
    """Refuse a tensor whose gradient a hook may change.

    Raises:
        UnsupportedOpError: names the hook.
    """
    if tensor._backward_hooks:
        raise UnsupportedOpError(
            f"The {what} has a hook ({_name(tensor._backward_hooks)}) that may change its gradient, and "
            f"paths would not know. {_GO_ON}"
        )


def _name(hooks: Mapping[int, Any]) -> str:
    hook = next(iter(hooks.values()))
    return str(getattr(hook, "__qualname__", type(hook).__name__))
