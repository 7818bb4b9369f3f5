"""Whether modules are as they were when they ran: the same weights at the same place, the same mode, hooks.

A graph reads weights where they lie, so weights that were changed in place are no change to it. Weights that
were replaced, moved or converted are, and so is `model.train()`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

__all__ = ["AsTheyWere", "modules_run"]


@contextmanager
def modules_run() -> Iterator[dict[nn.Module, None]]:
    """A block; gives the modules that this thread calls in it, as it goes on."""
    thread, found = threading.get_ident(), dict[nn.Module, None]()

    def note(module: nn.Module, args: Any) -> None:
        if threading.get_ident() == thread:
            found[module] = None

    handle = register_module_forward_pre_hook(note)
    try:
        yield found
    finally:
        handle.remove()


class AsTheyWere:
    """Modules, and what they were made of; they are not kept alive.

    Args:
        modules: those that ran.
        gone: a method, called once one of them is no more; its object is not kept alive either.
    """

    def __init__(self, modules: Iterable[nn.Module], gone: Callable[[], None]) -> None:
        # The object has us: memory of a GPU would wait for the garbage collector.
        known = weakref.WeakMethod(gone)

        def tell(_: Any) -> None:
            call = known()
            if call is not None:
                call()

        self._was = [(weakref.ref(module, tell), _made_of(module)) for module in modules]

    def still(self) -> bool:
        """Whether they are so still."""
        return all(
            (module := known()) is not None and _is_same(_made_of(module), was) for known, was in self._was
        )


def _made_of(module: nn.Module) -> tuple[list[int], list[Any]]:
    """Numbers that are equal, and objects that are identical, as long as nothing is replaced."""
    tensors = [*module._parameters.values(), *module._buffers.values()]
    places = [0 if tensor is None else tensor.data_ptr() for tensor in tensors]
    hooks = len(module._forward_hooks), len(module._forward_pre_hooks)
    children = [id(child) for child in module._modules.values()]
    return [module.training, *hooks, *children, *places], tensors


def _is_same(now: tuple[list[int], list[Any]], was: tuple[list[int], list[Any]]) -> bool:
    return now[0] == was[0] and all(a is b for a, b in zip(now[1], was[1], strict=True))
