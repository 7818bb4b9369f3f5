"""Integer and boolean tensors among the arguments of operators: positions, indices, masks.

They are no nodes, and an operator on the tape refers to them as they are. Where a model writes one in place
after an operator has used it (``position += 1`` between two lookups), the operator gets a copy first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.tape.nodes import Op

__all__ = ["Constants", "version_of"]


class Constants:
    """Which operators refer to which memory."""

    def __init__(self) -> None:
        # Keyed on the storage's identity; every storage is kept alive by the tensors in its entry.
        self._held: dict[int, list[tuple[Op, Tensor]]] = {}
        self._versions: list[tuple[Op, Tensor, int]] = []

    def hold(self, op: Op, tensors: Iterable[Tensor]) -> None:
        """Remember the tensors among an operator's arguments."""
        for tensor in tensors:
            if tensor.layout is torch.strided:
                self._held.setdefault(tensor.untyped_storage()._cdata, []).append((op, tensor))

    def before_write(self, tensor: Tensor) -> None:
        """Give a copy to every operator that has used the memory which is about to be written."""
        if tensor.layout is not torch.strided:
            return
        for op, held in self._held.pop(tensor.untyped_storage()._cdata, ()):
            copy = held.clone()
            op.args = tuple(_replaced(arg, held, copy) for arg in op.args)
            op.kwargs = {name: _replaced(arg, held, copy) for name, arg in op.kwargs.items()}

    def settle(self) -> None:
        """The recording is complete: from here on nothing may be written."""
        entries = (entry for entries in self._held.values() for entry in entries)
        self._versions = [(op, tensor, version_of(tensor)) for op, tensor in entries]

    def changed(self, ops: Collection[Op]) -> Tensor | None:
        """A tensor that one of these operators refers to and that was written since, or None."""
        for op, tensor, version in self._versions:
            if version_of(tensor) != version and op in ops:
                return tensor
        return None


def version_of(tensor: Tensor) -> int:
    """How often a tensor's memory was written; inference tensors do not count that."""
    return 0 if tensor.is_inference() else tensor._version


def _replaced(arg: Any, old: Tensor, new: Tensor) -> Any:
    if isinstance(arg, (list, tuple)):
        return [_replaced(a, old, new) for a in arg]
    return new if arg is old else arg
