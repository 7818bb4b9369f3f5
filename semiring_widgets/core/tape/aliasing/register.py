"""Which tensors a recording knows, and which of them share memory. Nothing here makes a node.

A tensor is known by its identity, its memory by that of its storage. Tensors that share memory *and* paths
are a `Family`: a `detach` or a view made without grad shares the memory only, and so begins another one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence, Set

import torch
from torch import Tensor

from semiring_widgets.core.tape.aliasing.constants import version_of
from semiring_widgets.core.tape.aliasing.shared_memory import (
    Alias,
    Family,
    Geometry,
    MemoryPlace,
    key_of,
    strong_reference,
)
from semiring_widgets.core.tape.nodes import Node, Op
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Register"]


class Register:
    """The known tensors, each with its node and its family.

    Args:
        forgets: whether the tensor of a node may be forgotten where the model lets it go, so that `release`
            can free its memory; None to keep all.
    """

    def __init__(self, forgets: Callable[[Node], bool] | None) -> None:
        self._forgets = forgets
        # Both maps key on identity. An entry keeps its object alive, or is looked at twice where it may not.
        self._by_tensor: dict[int, Alias] = {}
        self._by_storage: dict[int, list[Family]] = {}
        self._moved: list[Alias] = []
        self._owned: list[Alias] = []

    def bind(
        self,
        tensor: Tensor,
        node: Node,
        place: MemoryPlace | None = None,
        *,
        source: Tensor | None = None,
        cut: bool = False,
        frozen: bool = False,
    ) -> Alias:
        """Say that ``tensor`` is, from now on, ``node``.

        Args:
            tensor: the tensor.
            node: its node.
            place: where it was then; None for now.
            source: the tensor that it was made from, which it may be a view of.
            cut: whether it is detached from what shares its memory.
            frozen: True if ``cut`` and the reason is a view taken under `no_grad`; autograd forbids writing
                through those with grad.
        """
        alias = self._alias(tensor)
        if alias is None or cut:
            place = MemoryPlace.of(tensor) if place is None else place
            family = self._family(place.key, source, cut=cut)
            family.frozen |= frozen
            weak = self._is_forgotten(tensor, node, place.key)
            alias = Alias(
                weakref.ref(tensor) if weak else strong_reference(tensor),
                Geometry.of(tensor) if weak else None,
                node,
                node,
                family.version,
                family,
                place,
                version_of(tensor),
            )
            self._by_tensor[id(tensor)] = alias
            family.members.append(weakref.ref(alias))
            self._owned.append(alias)
        else:
            alias.node, alias.version = node, alias.family.version
            alias.place = MemoryPlace.of(tensor)
            if alias.shown is not None:
                alias.shown = Geometry.of(tensor)
        alias.family.nodes.append(node)
        return alias

    def meet(self, tensor: Tensor, node: Node, place: MemoryPlace) -> Alias:
        """A leaf that was made outside of the recording; nobody has written its memory yet.

        Args:
            tensor: the tensor.
            node: its node.
            place: where it was then.
        """
        kin = self._kin(tensor, place.key)
        alias = self.bind(tensor, node, place, source=kin, cut=kin is None)
        alias.root = True
        return alias

    def knows(self, tensor: Tensor) -> bool:
        """Whether this tensor object was seen."""
        return self._alias(tensor) is not None

    def shares(self, tensor: Tensor) -> bool:
        """Whether a tensor that is no node shows the memory of one."""
        if tensor.layout is not torch.strided:
            return False
        return any(family.tensors() for family in self._by_storage.get(key_of(tensor), ()))

    def first(self, tensor: Tensor) -> Node:
        """The node of ``tensor`` when it was first seen.

        Raises:
            UnsupportedOpError: it was given other memory later, so it is several nodes; or several leaves
                stood for memory that was written.
        """
        if any(alias.tensor() is tensor for alias in self._moved):
            raise UnsupportedOpError(
                f"A tensor of shape {list(tensor.shape)} was given other memory after it was first used "
                f"(`.data = ...`), so paths from it begin at several places. Do that before the recording."
            )
        alias = self._by_tensor[id(tensor)]
        if alias.split:
            raise UnsupportedOpError(
                f"A tensor of shape {list(tensor.shape)} shares memory with another one that was also made "
                f"before the recording; both were read, and then one was overwritten, so paths from it would "
                f"begin at several places. Make the view inside the recording, or pass a clone to the model."
            )
        return alias.first

    def forget(self, forgets: Callable[[Node], bool]) -> None:
        """Keep no tensors alive any more that may be forgotten.

        Args:
            forgets: as for this class.
        """
        self._forgets = forgets
        for alias in self._by_tensor.values():
            tensor = alias.tensor()
            if tensor is None or alias.shown is not None:
                continue
            if self._is_forgotten(tensor, alias.node, alias.place.key):
                alias.shown, alias.tensor = Geometry.of(tensor), weakref.ref(tensor)

    def _is_forgotten(self, tensor: Tensor, node: Node, key: int) -> bool:
        """Whether a tensor of a node is only known for as long as the model has it."""
        if self._forgets is None or len(self._by_storage[key]) > 1 or tensor.is_conj() or tensor.is_neg():
            return False
        # A copy in another dtype or layout says nothing that the node does not hold.
        return self._forgets(node) or not _holds(node, key)

    def living(self) -> set[Node]:
        """The nodes whose memory is shown by some tensor."""
        families = (family for kin in self._by_storage.values() for family in kin)
        return {node for family in families if family.tensors() for node in family.nodes}

    def release(self, may: Callable[[Node], bool] | None = None) -> list[tuple[int, list[Node]]]:
        """Let go of memory that the model has let go of.

        Args:
            may: which nodes may go, that with all others in the same memory; None for all.

        Returns:
            The storages that are free now, each with the nodes whose values were there.
        """
        free = []
        for key, families in list(self._by_storage.items()):
            if any(family.tensors() for family in families):
                continue
            nodes = [node for family in families for node in family.nodes if _holds(node, key)]
            if may is None or all(map(may, nodes)):
                for node in nodes:
                    node.release()
                del self._by_storage[key]
                free.append((key, nodes))
        return free

    def settle(self, versions: Sequence[int] | None = None) -> None:
        """The recording is complete: from here on nothing may be written.

        Args:
            versions: how often the memory of each tensor, in the order of binding, had been written then;
                None for now.
        """
        for position, alias in enumerate(self._by_tensor.values()):
            if (tensor := alias.tensor()) is not None:
                alias.seen = version_of(tensor) if versions is None else versions[position]

    def is_untouched(self) -> bool:
        """Whether no tensor was written since the recording was complete."""
        living = (
            (alias, tensor) for alias in self._by_tensor.values() if (tensor := alias.tensor()) is not None
        )
        return all(version_of(tensor) == alias.seen for alias, tensor in living)

    def changed(self, ops: Set[Op]) -> Tensor | None:
        """A tensor whose memory holds what some operators take or gave, and was written since, or None."""
        nodes = {node for op in ops for node in (*op.inputs(), *op.outputs) if node is not None}
        for alias in self._by_tensor.values():
            tensor = alias.tensor()
            if tensor is None or version_of(tensor) == alias.seen:
                continue
            if not nodes.isdisjoint(alias.family.nodes):
                return tensor
        return None

    def _alias(self, tensor: Tensor) -> Alias | None:
        """What is known of a tensor object, or None."""
        alias = self._by_tensor.get(id(tensor))
        if alias is None or self._forgets is None:
            return alias
        # Another object may have had this address before.
        return alias if alias.tensor() is tensor else None

    def _kin(self, tensor: Tensor, key: int) -> Tensor | None:
        """A known tensor that is, for autograd, a view of the same one."""
        known = (other for family in self._by_storage.get(key, ()) for other in family.tensors())
        return next((other for other in known if _base(other) is _base(tensor)), None)

    def _family(self, key: int, source: Tensor | None, *, cut: bool) -> Family:
        """The family, in some storage, of what is made from ``source``; a new one for what is cut off."""
        families = self._by_storage.setdefault(key, [])
        if self._forgets is not None and not any(
            family.tensors() or any(_holds(node, key) for node in family.nodes) for family in families
        ):
            families.clear()  # another storage had this address before
        if cut or not families:
            for other in families:
                other.pin()
            families.append(Family())
            return families[-1]
        shared = self._alias(source) if source is not None else None
        return shared.family if shared is not None and shared.place.key == key else families[0]


def _base(tensor: Tensor) -> Tensor:
    """What a tensor is a view of."""
    return tensor if tensor._base is None else tensor._base


def _holds(node: Node, key: int) -> bool:
    """Whether a node's value lies in a storage; that of a clone's node lies elsewhere."""
    return node.held is not None and node.held.untyped_storage()._cdata == key
