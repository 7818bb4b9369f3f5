"""Which node a tensor is: in short for as long as nobody writes, which is always in most models.

Until the first write a tensor is what it was when it was bound, whatever memory it shares. So only that is
noted, in order. When a question is about memory, `Aliases` learns what was noted and answers from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.tape.aliasing.aliases import Aliases, is_foreign
from semiring_widgets.core.tape.aliasing.constants import version_of
from semiring_widgets.core.tape.aliasing.families import Place, key_of
from semiring_widgets.core.tape.nodes import Node, Op

__all__ = ["Bindings"]

# Of all tapes, as it is seldom held and tapes can be copied.
_LEARNING = Lock()


class _Bound(NamedTuple):
    """One tensor: its node, where it was then, what `Aliases.bind` is told, and whether it was only met."""

    tensor: Tensor
    node: Node
    place: Place
    source: Tensor | None
    cut: bool
    frozen: bool
    outside: bool


class Bindings:
    """Maps tensors to nodes.

    Args:
        aliases: who knows about memory; it knows no tensor yet.
        leaf: makes a leaf node that holds the given value.
        brief: whether to note only what was bound while nobody writes; no tensor may be forgotten then.
    """

    def __init__(self, aliases: Aliases, leaf: Callable[[Tensor], Node], *, brief: bool) -> None:
        self._aliases, self._leaf, self._brief = aliases, leaf, brief
        # Keyed on identity; every entry keeps its tensor alive.
        self._bound: dict[int, _Bound] = {}
        self._versions: list[int] = []

    @property
    def about_memory(self) -> Aliases:
        """Who knows what memory the tensors share."""
        with _LEARNING:  # several questions may be asked at once
            self._learn()
        return self._aliases

    def _learn(self) -> None:
        if self._brief:
            for bound in self._bound.values():
                if bound.outside:
                    self._aliases.meet(bound.tensor, bound.node, bound.place)
                else:
                    self._aliases.bind(*bound[:3], source=bound.source, cut=bound.cut, frozen=bound.frozen)
            if self._versions:
                self._aliases.settle(self._versions)
            self._brief = False

    def node(self, tensor: Tensor, *, to_write: bool = False) -> Node:
        """The node of a tensor as it is now; a leaf where it was never seen; see `Aliases.node`."""
        if self._brief and not to_write:
            bound = self._bound.get(id(tensor))
            if bound is None:
                if not is_foreign(tensor):
                    node = self._leaf(tensor.detach())
                    self._bound[id(tensor)] = _Bound(tensor, node, Place.of(tensor), None, False, False, True)
                    return node
            elif bound.place.holds(tensor):
                return bound.node
        return self.about_memory.node(tensor, to_write=to_write)

    def find(self, tensor: Tensor) -> Node | None:
        """The node of a tensor, or None if the tape never saw this tensor object."""
        if self._brief:
            return self.node(tensor) if id(tensor) in self._bound else None
        return self._aliases.find(tensor)

    def first(self, tensor: Tensor) -> Node:
        """The node of a tensor when it was first seen; see `Aliases.first`."""
        return self._bound[id(tensor)].node if self._brief else self._aliases.first(tensor)

    def bind(
        self,
        tensor: Tensor,
        node: Node,
        *,
        source: Tensor | None = None,
        cut: bool = False,
        frozen: bool = False,
    ) -> None:
        """Say that a tensor is, from now on, a node; see `Aliases.bind`."""
        if self._brief and id(tensor) not in self._bound:
            self._bound[id(tensor)] = _Bound(tensor, node, Place.of(tensor), source, cut, frozen, False)
        else:
            self.about_memory.bind(tensor, node, source=source, cut=cut, frozen=frozen)

    def shares(self, tensor: Tensor) -> bool:
        """Whether a tensor that is no node shows the memory of one."""
        if not self._brief:
            return self._aliases.shares(tensor)
        if tensor.layout is not torch.strided:
            return False
        key = key_of(tensor)
        return any(bound.place.key == key for bound in self._bound.values())

    def settle(self) -> None:
        """The recording is complete: from here on nothing may be written."""
        if self._brief:
            self._versions = [version_of(bound.tensor) for bound in self._bound.values()]
        else:
            self._aliases.settle()

    def changed(self, ops: Set[Op]) -> Tensor | None:
        """A tensor whose memory holds what some operators take or gave, and was written since, or None."""
        if self._brief:
            pairs = zip(self._bound.values(), self._versions, strict=True)
            if all(version_of(bound.tensor) == version for bound, version in pairs):
                return None
        nodes = {node for op in ops for node in (*op.inputs(), *op.outputs) if node is not None}
        return self.about_memory.changed(nodes)

    @property
    def copied(self) -> int:
        """Bytes of values that were saved before a write."""
        return self._aliases.copied
