"""Which node a tensor stands for, when tensors share memory and are written in place.

As functionalisation does it
(https://dev-discuss.pytorch.org/t/functionalization-in-pytorch-everything-you-wanted-to-know/965), but the
model keeps its own tensors; the README of `core/tape` says why.

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

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import Buffer, Parameter

from semiring_widgets.core.tape.aliasing.register import Register
from semiring_widgets.core.tape.aliasing.shared_memory import (
    Alias,
    Family,
    Geometry,
    MemoryPlace,
    key_of,
    notices_write,
)
from semiring_widgets.core.tape.nodes import Node, units
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Aliases", "Geometry", "is_foreign"]


class Aliases(Register):
    """A register that gives each tensor its node, and stays true under in-place writes.

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
        super().__init__(forgets)
        self._leaf, self._select, self._scatter, self._renew, self._used = leaf, select, scatter, renew, used
        self.copied = 0

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
                noticed = fresh or (not own.frozen and notices_write(family.tensors(alias), tensor))
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
        place = MemoryPlace.of(tensor)
        kin = self._kin(tensor, place.key)
        family = self._family(place.key, kin, cut=False) if kin is not None else None
        if family is not None and (to_write or family.written or family.flat is not None):
            if family.flat is None:
                family.flat = self._flatten(tensor, family)
            shown = self._select(family.flat, Geometry.of(tensor), tensor.detach())
            return self.bind(tensor, shown, source=kin)
        return self.meet(tensor, self._leaf(tensor.detach()), place)

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


def _whole(tensor: Tensor) -> Tensor:
    """The whole storage as a flat tensor of real scalars."""
    real = units(tensor.detach())
    numel = real.untyped_storage().nbytes() // real.element_size()
    return real.as_strided((numel,), (1,), 0)
