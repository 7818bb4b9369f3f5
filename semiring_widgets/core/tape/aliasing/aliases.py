"""Which node a tensor stands for, when tensors share memory and are written in place.

Views share a storage. While nobody writes, each tensor has one node, made once. A write through one
of them changes what all the others mean. We then describe the whole storage by one flat node,
``S' = S with the written elements replaced``, and every alias that is read later becomes a strided
selection from the newest flat node. So an in-place model gives the same graph as its functional twin.

A `detach` cuts the graph but shares the memory. The detached tensor and its views are a *family* of their
own: what is written through them is on their paths, and for other families it is a change of numbers that
leaves the history as it was, as in autograd. Writes through `x.data` are not even noticed by autograd: a step
may have kept x for its backward and would find other numbers there. They are refused once a step has made or
used what is overwritten.

Views that were made before the recording are leaves of their own for as long as nobody writes the memory.
What is first seen afterwards shows what was written, and so is a selection from the flat node. A tensor made
outside is known for a view by its base, as in autograd.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence, Set

import torch
from torch import Tensor
from torch.nn import Buffer, Parameter

from semiring_widgets.core.tape.aliasing.constants import version_of
from semiring_widgets.core.tape.aliasing.families import (
    Alias,
    Family,
    Geometry,
    Place,
    always,
    key_of,
    notices,
)
from semiring_widgets.core.tape.nodes import Node, units
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Aliases", "Geometry", "is_foreign"]


class Aliases:
    """Maps tensors to nodes and keeps the map true under in-place writes.

    Args:
        leaf: makes a leaf node that holds the given value.
        select: makes a node ``out[i] = flat[positions[i]]`` from (flat, geometry, value).
        scatter: makes a node from (flat, written, positions, value): ``flat`` with the elements at
            ``positions`` replaced by those of ``written``.
        renew: makes a node with new numbers, whose derivative by the old one is 1, from (old, value).
        used: whether any operator has used the numbers of a node.
        forgets: whether the tensor of a node may be forgotten where the model lets it go, so that `release`
            can free its memory; None to keep all.

    Attributes:
        copied: bytes of values that were saved before a write.
    """

    def __init__(
        self,
        leaf: Callable[[Tensor], Node],
        select: Callable[[Node, Geometry, Tensor], Node],
        scatter: Callable[[Node, Node, Geometry, Tensor], Node],
        renew: Callable[[Node, Tensor], Node],
        used: Callable[[Node], bool],
        *,
        forgets: Callable[[Node], bool] | None = None,
    ) -> None:
        self._leaf, self._select, self._scatter, self._renew, self._used = leaf, select, scatter, renew, used
        self._forgets = forgets
        self.copied = 0
        # Both maps key on identity. An entry keeps its object alive, or is looked at twice where it may not.
        self._by_tensor: dict[int, Alias] = {}
        self._by_storage: dict[int, list[Family]] = {}
        self._moved: list[Alias] = []
        self._owned: list[Alias] = []

    def node(self, tensor: Tensor, *, to_write: bool = False) -> Node:
        """The node of ``tensor`` as it is now; a leaf where it was never seen.

        Args:
            tensor: the tensor.
            to_write: whether it is about to be overwritten: then what is known of its memory is no longer
                left to leaves of its own.

        Raises:
            UnsupportedOpError: the tensor's memory was replaced, or it is an object of a subclass that was
                made out of sight.
        """
        alias = self._alias(tensor)
        if alias is None:
            if is_foreign(tensor) and self._by_storage.get(key_of(tensor)):
                raise UnsupportedOpError(
                    f"A {type(tensor).__name__} of shape {list(tensor.shape)} shares its memory with a "
                    f"recorded tensor, but how it was made from it cannot be seen. Use plain tensors inside "
                    f"the recording."
                )
            alias = self._adopt(tensor, to_write=to_write)
        elif not alias.place.holds(tensor):
            alias = self._elsewhere(tensor, alias)
        return alias.node if alias.version == alias.family.version else self._now(alias, tensor)

    def find(self, tensor: Tensor) -> Node | None:
        """The node of ``tensor``, or None if the tape never saw this tensor object."""
        return self.node(tensor) if self._alias(tensor) is not None else None

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

    def bind(
        self,
        tensor: Tensor,
        node: Node,
        place: Place | None = None,
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
            frozen: whether it is so because it is a view made without grad.
        """
        alias = self._alias(tensor)
        if alias is None or cut:
            place = Place.of(tensor) if place is None else place
            family = self._family(place.key, source, cut=cut)
            family.frozen |= frozen
            weak = (
                self._forgets is not None
                and self._forgets(node)
                and len(self._by_storage[place.key]) == 1
                and not (tensor.is_conj() or tensor.is_neg())
            )
            alias = Alias(
                weakref.ref(tensor) if weak else always(tensor),
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
            alias.place = Place.of(tensor)
            if alias.shown is not None:
                alias.shown = Geometry.of(tensor)
        alias.family.nodes.append(node)
        return alias

    def before_write(self, tensor: Tensor) -> Node:
        """Save the values that are about to be overwritten, and the storage's state; gives the old node.

        Raises:
            UnsupportedOpError: autograd would not notice that numbers change that it has used, or refuse it.
        """
        old = self.node(tensor)
        own = self._by_tensor[id(tensor)].family
        # Without grad a view may fill what no step has used, as that of Qwen3-VL's and Pegasus-X' positions.
        locked = own.frozen and torch.is_grad_enabled()
        for family in self._by_storage[key_of(tensor)]:
            others = family.aliases if family is not own and tensor.numel() else ()
            for alias in others:
                fresh = self._fresh(alias.node)
                noticed = fresh or (not own.frozen and notices(family.tensors(alias), tensor))
                if locked or not noticed:
                    raise UnsupportedOpError(
                        f"A tensor of shape {list(alias.node.outer)} was overwritten through `.data`, or "
                        f"through a view made without grad, so derivatives no longer belong to the numbers "
                        f"that they are taken at. Write into a clone: `x.detach().clone()`."
                    )
            for node in family.nodes:
                node.keep()
                self.copied += node.shape.numel() * node.dtype.itemsize
            family.nodes.clear()
        if own.flat is None and len(own.members) > 1:
            own.flat = self._flatten(tensor, own)
        return old

    def after_write(self, tensor: Tensor, written: Node, *, cut: bool = False) -> None:
        """Record that the elements of ``tensor`` now are those of ``written``.

        Args:
            tensor: what was overwritten.
            written: its new node.
            cut: whether that happened without grad, which changes numbers only.
        """
        own = self._by_tensor[id(tensor)].family
        own.written |= not cut
        for family in self._by_storage[key_of(tensor)]:
            family.version += 1
            if family is not own and family.flat is not None:
                family.flat = self._renew(family.flat, _whole(tensor).clone())
        if own.flat is not None:
            own.flat = self._scatter(own.flat, written, Geometry.of(tensor), _whole(tensor).clone())
        self.bind(tensor, written)

    def _adopt(self, tensor: Tensor, *, to_write: bool) -> Alias:
        """A tensor that no operator of this recording made; it may be a view that was made before."""
        place = Place.of(tensor)
        kin = self._kin(tensor, place.key)
        family = self._family(place.key, kin, cut=False) if kin is not None else None
        if family is not None and (to_write or family.written or family.flat is not None):
            if family.flat is None:
                family.flat = self._flatten(tensor, family)
            shown = self._select(family.flat, Geometry.of(tensor), tensor.detach())
            return self.bind(tensor, shown, source=kin)
        return self.meet(tensor, self._leaf(tensor.detach()), place)

    def meet(self, tensor: Tensor, node: Node, place: Place) -> Alias:
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

    def _kin(self, tensor: Tensor, key: int) -> Tensor | None:
        """A known tensor that is, for autograd, a view of the same one."""
        known = (other for family in self._by_storage.get(key, ()) for other in family.tensors())
        return next((other for other in known if _base(other) is _base(tensor)), None)

    def _fresh(self, node: Node) -> bool:
        """Whether no operator has made these numbers or used them."""
        while node.op is not None and node.op.func is torch.ops.aten.alias.default:
            if self._used(node):
                return False
            (node,) = node.op.inputs()
        return node.op is None and not self._used(node)

    def _elsewhere(self, tensor: Tensor, alias: Alias) -> Alias:
        """A weight whose ``.data`` was replaced, as `Module.to` does, is a new leaf; also on the same memory.

        Raises:
            UnsupportedOpError: it is the result of an operator, so its paths would not belong to its values.
        """
        if not isinstance(tensor, Parameter) and alias.node.op is not None:
            raise UnsupportedOpError(
                f"A tensor of shape {list(tensor.shape)} was given other memory during the recording (`.data "
                f"= ...` or `set_`), which hides where its values come from. Assign a new tensor instead."
            )
        del self._by_tensor[id(tensor)]
        self._moved.append(alias)
        if key_of(tensor) == alias.place.key:
            return self._adopt(tensor, to_write=False)
        return self.bind(tensor, self._leaf(tensor.detach()))

    def release(self, *, everything: bool = False) -> list[int]:
        """Let go of all memory that the model has let go of, as far as its content can be computed again.

        Args:
            everything: also of what cannot.

        Returns:
            The storages that are free now.
        """
        free = []
        for key, families in list(self._by_storage.items()):
            if any(family.tensors() for family in families):
                continue
            nodes = [node for family in families for node in family.nodes if _holds(node, key)]
            if everything or all(node.steps for node in nodes):
                for node in nodes:
                    node.release()
                del self._by_storage[key]
                free.append(key)
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

    def changed(self, nodes: Set[Node]) -> Tensor | None:
        """A tensor whose memory holds the value of one of these nodes and was written since, or None."""
        for alias in self._by_tensor.values():
            tensor = alias.tensor()
            if tensor is None or version_of(tensor) == alias.seen:
                continue
            if not nodes.isdisjoint(alias.family.nodes):
                return tensor
        return None

    def _alias(self, tensor: Tensor) -> Alias | None:
        alias = self._by_tensor.get(id(tensor))
        if alias is None or self._forgets is None:
            return alias
        # Another object may have had this address before.
        return alias if alias.tensor() is tensor else None

    def _now(self, alias: Alias, shown: Tensor) -> Node:
        """The node of a tensor, or of one that shows what it would show, after all that was written."""
        family, value = alias.family, shown.detach()
        if alias.version != family.version:
            if family.flat is None:  # only others have written
                alias.node = self._renew(alias.node, value)
            else:
                alias.node = self._select(family.flat, Geometry.of(shown), value)
            family.nodes.append(alias.node)
            alias.version = family.version
        return alias.node

    def _family(self, key: int, source: Tensor | None, *, cut: bool) -> Family:
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

    def _flatten(self, tensor: Tensor, family: Family) -> Node:
        """Node of the whole storage: a constant overlaid with the tensors that it consists of."""
        whole = _whole(tensor).clone()
        flat = self._leaf(whole)
        for owner in family.owners(whole.numel()):
            where, shown = owner.window(), owner.tensor()
            if shown is None:
                real = _whole(tensor).as_strided(where.size, where.stride, where.offset)
                now = self._now(owner, torch.view_as_complex(real) if owner.node.complex else real)
            else:
                now = self.node(shown)
            flat = self._scatter(flat, now, where, whole)
        return flat


def is_foreign(tensor: Tensor) -> bool:
    """Whether it is of a subclass whose objects torch makes anew, out of sight, for every result."""
    return type(tensor) is not Tensor and not isinstance(tensor, (Parameter, Buffer))


def _base(tensor: Tensor) -> Tensor:
    """What a tensor is a view of."""
    return tensor if tensor._base is None else tensor._base


def _holds(node: Node, key: int) -> bool:
    """Whether a node's value lies in a storage; that of a clone's node lies elsewhere."""
    return node.held is not None and node.held.untyped_storage()._cdata == key


def _whole(tensor: Tensor) -> Tensor:
    """The whole storage as a flat tensor of real scalars."""
    real = units(tensor.detach())
    numel = real.untyped_storage().nbytes() // real.element_size()
    return real.as_strided((numel,), (1,), 0)
