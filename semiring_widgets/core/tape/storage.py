"""Which node a tensor stands for, when tensors share memory and are written in place.

Views share a storage. While nobody writes, each tensor has one node, made once. A write through one
of them changes what all the others mean. We then describe the whole storage by one flat node,
``S' = S with the written elements replaced``, and every alias that is read later becomes a strided
selection from the newest flat node. So an in-place model gives the same graph as its functional twin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.tape.nodes import Node

__all__ = ["Aliases", "Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Strided window on a storage, in elements."""

    size: torch.Size
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, tensor: Tensor) -> Geometry:
        """The window that ``tensor`` shows."""
        return cls(tensor.shape, tensor.stride(), int(tensor.storage_offset()))

    def positions(self, numel: int, device: torch.device) -> Tensor:
        """Storage position of every element, shape ``size``."""
        return torch.arange(numel, device=device).as_strided(self.size, self.stride, self.offset)


@dataclass
class _Alias:
    tensor: Tensor
    first: Node
    node: Node
    version: int
    cut: bool


@dataclass
class _Storage:
    version: int = 0
    flat: Node | None = None
    aliases: list[_Alias] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


class Aliases:
    """Maps tensors to nodes and keeps the map true under in-place writes.

    Args:
        leaf: makes a leaf node that holds the given value.
        select: makes a node ``out[i] = flat[positions[i]]`` from (flat, geometry, value).
        scatter: makes a node from (flat, written, positions, value): ``flat`` with the elements at
            ``positions`` replaced by those of ``written``.
    """

    def __init__(
        self,
        leaf: Callable[[Tensor], Node],
        select: Callable[[Node, Geometry, Tensor], Node],
        scatter: Callable[[Node, Node, Geometry, Tensor], Node],
    ) -> None:
        self._leaf, self._select, self._scatter = leaf, select, scatter
        # Both maps key on identity; every key's object is kept alive by its entry.
        self._by_tensor: dict[int, _Alias] = {}
        self._by_storage: dict[int, _Storage] = {}

    def node(self, tensor: Tensor) -> Node:
        """The node of ``tensor`` as it is now; a leaf where it was never seen."""
        alias = self._by_tensor.get(id(tensor))
        storage = self._by_storage.get(_key(tensor))
        if alias is None:
            alias = self.bind(tensor, self._leaf(tensor.detach()))
            if storage is not None and storage.flat is not None:
                alias.version = -1  # an alias made out of sight of a storage that was written
        storage = self._by_storage[_key(tensor)]
        if alias.version != storage.version:
            value = tensor.detach()
            if alias.cut or storage.flat is None:
                alias.node = self._leaf(value)
            else:
                alias.node = self._select(storage.flat, Geometry.of(tensor), value)
            storage.nodes.append(alias.node)
            alias.version = storage.version
        return alias.node

    def find(self, tensor: Tensor) -> Node | None:
        """The node of ``tensor``, or None if the tape never saw this tensor object."""
        return self.node(tensor) if id(tensor) in self._by_tensor else None

    def first(self, tensor: Tensor) -> Node:
        """The node of ``tensor`` when it was first seen."""
        return self._by_tensor[id(tensor)].first

    def bind(self, tensor: Tensor, node: Node, *, cut: bool = False) -> _Alias:
        """Say that ``tensor`` is, from now on, ``node``."""
        storage = self._by_storage.setdefault(_key(tensor), _Storage())
        alias = self._by_tensor.get(id(tensor))
        if alias is None:
            alias = _Alias(tensor, node, node, storage.version, cut)
            self._by_tensor[id(tensor)] = alias
            storage.aliases.append(alias)
        else:
            alias.node, alias.version, alias.cut = node, storage.version, cut
        storage.nodes.append(node)
        return alias

    def before_write(self, tensor: Tensor) -> None:
        """Save the values that are about to be overwritten, and the storage's state."""
        self.node(tensor)
        storage = self._by_storage[_key(tensor)]
        for node in storage.nodes:
            node.value = node.value.clone()
        storage.nodes.clear()
        if storage.flat is None and len(storage.aliases) > 1:
            storage.flat = self._flatten(tensor, storage)

    def after_write(self, tensor: Tensor, written: Node) -> None:
        """Record that the elements of ``tensor`` now are those of ``written``."""
        storage = self._by_storage[_key(tensor)]
        storage.version += 1
        if storage.flat is not None:
            storage.flat = self._scatter(storage.flat, written, Geometry.of(tensor), _whole(tensor).clone())
        self.bind(tensor, written)

    def _flatten(self, tensor: Tensor, storage: _Storage) -> Node:
        """Node of the whole storage: a constant overlaid with the largest tensor that shows it."""
        whole = _whole(tensor).clone()
        flat = self._leaf(whole)
        owner = max(storage.aliases, key=lambda alias: alias.tensor.numel())
        if owner.cut or owner.version != storage.version:
            return flat
        return self._scatter(flat, owner.node, Geometry.of(owner.tensor), whole)


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _whole(tensor: Tensor) -> Tensor:
    """The whole storage as a flat tensor of the same dtype."""
    numel = tensor.untyped_storage().nbytes() // tensor.element_size()
    return tensor.detach().as_strided((numel,), (1,), 0)
