"""Which module is running: dotted module paths for the operators of a forward pass.

Global module hooks fire in every thread, so each tracker listens only to its own thread; they are
removed when recording ends, also on error. Why not torch's own tracker is said in this folder's README.
"""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from semiring_widgets.core.tape.backward_hooks import check_module

__all__ = ["ModulePaths"]


class ModulePaths:
    """Context manager that knows the dotted path of the module that runs now.

    Names are relative to the outermost module that is called; a module that is called without
    being registered under it is named by its class.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._stack: list[nn.Module] = []
        self._names: dict[nn.Module, str] = {}
        self._handles = ExitStack()
        self.root: nn.Module | None = None

    @property
    def path(self) -> str:
        """Dotted path of the innermost running module, "" outside of any."""
        return self._names.get(self._stack[-1], "") if self._stack else ""

    def __enter__(self) -> ModulePaths:
        pre = register_module_forward_pre_hook(self._enter)
        self._handles.callback(pre.remove)
        post = register_module_forward_hook(self._leave, always_call=True)
        self._handles.callback(post.remove)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.clear()
        self._handles.close()

    def _enter(self, module: nn.Module, args: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if _is_compiled(module):
            warnings.warn(
                f"A {type(module).__name__} is compiled; it runs eagerly while it is recorded, because "
                f"compiled code hides its operators.",
                UserWarning,
                stacklevel=2,
            )
        if not self._stack:
            self.root = self.root or module
            for name, child in module.named_modules():
                self._names.setdefault(child, name)
        elif module not in self._names:
            self._names[module] = f"{self.path}.<{type(module).__name__}>".lstrip(".")
        self._stack.append(module)
        if torch.is_grad_enabled():
            check_module(module, self.path)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        # With an error inside, always_call hooks run innermost first; pop down to this module.
        while self._stack and self._stack.pop() is not module:
            pass


def _is_compiled(module: nn.Module) -> bool:
    # Whoever has compiled a model has imported the compiler; importing it for others takes a second.
    compiler = sys.modules.get("torch._dynamo")
    return compiler is not None and (
        isinstance(module, compiler.OptimizedModule) or module._compiled_call_impl is not None
    )
