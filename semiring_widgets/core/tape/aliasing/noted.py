"""Tensor -> node while nobody has written in place: a dict by identity is enough.

Until the first write a tensor is what it was when it was bound, whatever memory it shares. So only that is
noted, in order, and told to `Aliases` when a question is about memory. Most models never write.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.tape.aliasing.aliases import Aliases, is_foreign
from semiring_widgets.core.tape.aliasing.constants import version_of
from semiring_widgets.core.tape.aliasing.shared_memory import MemoryPlace, key_of
from semiring_widgets.core.tape.nodes import Node

__all__ = ["Noted"]


class _Bound(NamedTuple):
    """One tensor: its node, where it was then, what `Aliases.bind` is told, and whether it was only met.

    Of a copy only a weak reference, as it says nothing that its node does not hold.
    """

    tensor: Tensor | weakref.ref[Tensor]
    node: Node
    place: MemoryPlace
    source: Tensor | None
    cut: bool
    frozen: bool
    outside: bool


class Noted:
    """What was bound, in order; no tensor but copies may be forgotten meanwhile.

    Answers as `Aliases` does, or says that it cannot: then that one has to be asked.

    Args:
        leaf: makes a leaf node that holds the given value.
    """

    def __init__(self, leaf: Callable[[Tensor], Node]) -> None:
        self._leaf = leaf
        # Keyed on identity; every entry keeps its tensor alive, or goes with it.
        self._bound: dict[int, _Bound] = {}
        self._versions: dict[int, int] = {}

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

    def bind_copy(self, tensor: Tensor, node: Node, source: Tensor | None) -> bool:
        """As `bind`, for a tensor that shows its node's numbers in memory of its own."""
        key, own = id(tensor), weakref.ref(self)
        if key in self._bound:
            return False

        # Views of the copy may keep it alive in here, so this must not keep us alive.
        def forget(_: Any) -> None:
            noted = own()
            if noted is not None:
                noted._bound.pop(key, None)

        known = weakref.ref(tensor, forget)
        self._bound[key] = _Bound(known, node, MemoryPlace.of(tensor), source, False, False, False)
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
        # A list, as a copy may go meanwhile, in another thread.
        return any(bound.place.key == key for bound in list(self._bound.values()))

    def settle(self) -> None:
        """The recording is complete: from here on nothing may be written."""
        self._versions = {id(tensor): version_of(tensor) for tensor, _ in self._living()}

    def is_untouched(self) -> bool:
        """Whether no tensor was written since the recording was complete."""
        versions = self._versions
        for key, bound in list(self._bound.items()):
            tensor = bound.tensor() if isinstance(bound.tensor, weakref.ref) else bound.tensor
            if tensor is not None and version_of(tensor) != versions[key]:
                return False
        return True

    def tell(self, aliases: Aliases) -> None:
        """Tell all that was noted, as if it had been told at once."""
        versions = []
        for tensor, bound in self._living():
            if bound.outside:
                aliases.meet(tensor, bound.node, bound.place)
            else:
                aliases.bind(tensor, *bound[1:3], source=bound.source, cut=bound.cut, frozen=bound.frozen)
            versions.append(self._versions.get(id(tensor), 0))
        if self._versions:
            aliases.settle(versions)

    def _living(self) -> Iterator[tuple[Tensor, _Bound]]:
        """The tensors that are still there, in order."""
        for bound in list(self._bound.values()):
            tensor = bound.tensor() if isinstance(bound.tensor, weakref.ref) else bound.tensor
            if tensor is not None:
                yield tensor, bound
