"""Tensor -> node while nobody has written in place: a dict by identity is enough.

Until the first write a tensor is what it was when it was bound, whatever memory it shares. So only that is
noted, in order, and told to `Aliases` when a question is about memory. Most models never write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.tape.aliasing.aliases import Aliases, is_foreign
from semiring_widgets.core.tape.aliasing.constants import version_of
from semiring_widgets.core.tape.aliasing.shared_memory import MemoryPlace, key_of
from semiring_widgets.core.tape.nodes import Node

__all__ = ["Noted"]


class _Bound(NamedTuple):
    """One tensor: its node, where it was then, what `Aliases.bind` is told, and whether it was only met."""

    tensor: Tensor
    node: Node
    place: MemoryPlace
    source: Tensor | None
    cut: bool
    frozen: bool
    outside: bool


class Noted:
    """What was bound, in order; no tensor may be forgotten meanwhile.

    Answers as `Aliases` does, or says that it cannot: then that one has to be asked.

    Args:
        leaf: makes a leaf node that holds the given value.
    """

    def __init__(self, leaf: Callable[[Tensor], Node]) -> None:
        self._leaf = leaf
        # Keyed on identity; every entry keeps its tensor alive.
        self._bound: dict[int, _Bound] = {}
        self._versions: list[int] = []

    def node(self, tensor: Tensor, *, to_write: bool = False) -> Node | None:
        """As `Aliases.node`; None for what is about to be written, or has other memory now."""
        if to_write:
            return None
        bound = self._bound.get(id(tensor))
        if bound is None:
            if is_foreign(tensor):
                return None
            node = self._leaf(tensor.detach())
            self._bound[id(tensor)] = _Bound(tensor, node, MemoryPlace.of(tensor), None, False, False, True)
            return node
        return bound.node if bound.place.holds(tensor) else None

    def bind(
        self,
        tensor: Tensor,
        node: Node,
        *,
        source: Tensor | None = None,
        cut: bool = False,
        frozen: bool = False,
    ) -> bool:
        """As `Aliases.bind`; False, and nothing is noted, for a tensor that is bound already."""
        if id(tensor) in self._bound:
            return False
        self._bound[id(tensor)] = _Bound(tensor, node, MemoryPlace.of(tensor), source, cut, frozen, False)
        return True

    def knows(self, tensor: Tensor) -> bool:
        """Whether this tensor object was seen."""
        return id(tensor) in self._bound

    def first(self, tensor: Tensor) -> Node:
        """The node of a tensor when it was first seen."""
        return self._bound[id(tensor)].node

    def shares(self, tensor: Tensor) -> bool:
        """Whether a tensor that is no node shows the memory of one."""
        if tensor.layout is not torch.strided:
            return False
        key = key_of(tensor)
        return any(bound.place.key == key for bound in self._bound.values())

    def settle(self) -> None:
        """The recording is complete: from here on nothing may be written."""
        self._versions = [version_of(bound.tensor) for bound in self._bound.values()]

    def is_untouched(self) -> bool:
        """Whether no tensor was written since the recording was complete."""
        pairs = zip(self._bound.values(), self._versions, strict=True)
        return all(version_of(bound.tensor) == version for bound, version in pairs)

    def tell(self, aliases: Aliases) -> None:
        """Tell all that was noted, as if it had been told at once."""
        for bound in self._bound.values():
            if bound.outside:
                aliases.meet(bound.tensor, bound.node, bound.place)
            else:
                aliases.bind(*bound[:3], source=bound.source, cut=bound.cut, frozen=bound.frozen)
        if self._versions:
            aliases.settle(self._versions)
