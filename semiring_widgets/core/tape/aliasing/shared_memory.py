"""Tensors that share memory: what each shows of it, and which of them belong together.

A tape that may release memory holds these tensors weakly, see `Aliases.release`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
from torch import Tensor

from semiring_widgets.core.tape.nodes import Node, units
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Alias", "Family", "Geometry", "MemoryPlace", "key_of", "notices_write", "strong_reference"]


@dataclass(frozen=True)
class Geometry:
    """Strided window on a storage, in real scalars: a complex number is two of them, side by side."""

    size: torch.Size
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, tensor: Tensor) -> Geometry:
        """The window that ``tensor`` shows.

        Raises:
            UnsupportedOpError: the tensor shows its memory conjugated or negated.
        """
        if tensor.is_conj() or tensor.is_neg():
            raise UnsupportedOpError(
                f"A conjugated or negated view of shape {list(tensor.shape)} shares memory that is written "
                f"in place, which cannot be recorded. Make it a tensor of its own first, for example "
                f"`x.conj().resolve_conj()`."
            )
        real = units(tensor)
        return cls(real.shape, real.stride(), int(real.storage_offset()))

    def positions(self, numel: int, device: torch.device) -> Tensor:
        """Storage position of every element, shape ``size``."""
        return torch.arange(numel, device=device).as_strided(self.size, self.stride, self.offset)


class MemoryPlace(NamedTuple):
    """Where a tensor object is, and what it shows; ``.data = ...`` changes that.

    Attributes:
        key: of its storage.
        pointer: address of its first element.
        shape, stride: as usual.
    """

    key: int
    pointer: int
    shape: torch.Size
    stride: tuple[int, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> MemoryPlace:
        """The place of a tensor now.

        Raises:
            UnsupportedOpError: it is no strided tensor.
        """
        return cls(key_of(tensor), tensor.data_ptr(), tensor.shape, tensor.stride())

    def holds(self, tensor: Tensor) -> bool:
        """Whether a tensor that was here still is."""
        return (
            tensor.data_ptr() == self.pointer
            and tensor.shape == self.shape
            and tensor.stride() == self.stride
            and (self.pointer != 0 or key_of(tensor) == self.key)  # what has no memory has no address
        )


@dataclass(eq=False)
class Alias:
    """One tensor object.

    Attributes:
        tensor: gives the object, or None where the model has let it go and nothing here kept it alive.
        shown: what it showed of its storage when it was last bound; None where ``tensor`` keeps it alive.
        first, node: its node when it was first seen, and now.
        version: of the family's memory, as ``node`` shows it.
        family: what it shares memory and paths with.
        place: where it was when it was last looked at.
        seen: torch's own count of writes when the recording ended.
        root: whether it was made outside of the recording and is a leaf.
        split: whether other leaves stand for some of its memory too, which was then written.
    """

    tensor: Callable[[], Tensor | None]
    shown: Geometry | None
    first: Node
    node: Node
    version: int
    family: Family
    place: MemoryPlace
    seen: int = 0
    root: bool = False
    split: bool = False

    def window(self) -> Geometry:
        """What it shows of its storage."""
        tensor = self.tensor()
        return cast(Geometry, self.shown) if tensor is None else Geometry.of(tensor)

    def overlaps(self) -> bool:
        """Whether it shows an element twice, as an expanded tensor does."""
        tensor = self.tensor()
        if tensor is None:
            shown = cast(Geometry, self.shown)
            return _shows_twice(shown.size, shown.stride)
        return _shows_twice(tensor.shape, tensor.stride())


@dataclass(eq=False)
class Family:
    """Tensors that share memory and paths.

    Attributes:
        version: how often the memory was written.
        flat: the whole memory as one node, once it was written through one of several tensors.
        written: whether it was written with grad.
        frozen: whether it is a view made without grad, which autograd lets nobody write with grad.
        members: its tensors' aliases; those own their family, and not the other way round.
        nodes: nodes whose value is a view of the memory.
    """

    version: int = 0
    flat: Node | None = None
    written: bool = False
    frozen: bool = False
    members: list[weakref.ref[Alias]] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @property
    def aliases(self) -> list[Alias]:
        """Its tensors."""
        return [alias for member in self.members if (alias := member()) is not None]

    def tensors(self, first: Alias | None = None) -> list[Tensor]:
        """Those of its tensors that are alive; that of ``first`` in front."""
        aliases = self.aliases if first is None else [first, *self.aliases]
        return [tensor for alias in aliases if (tensor := alias.tensor()) is not None]

    def owners(self, numel: int) -> list[Alias]:
        """The tensors whose nodes together say what is in the memory.

        Of leaves made outside these are all that have no element in common. Where two have, the larger one is
        taken, and both are `Alias.split` from here on: a path from either would leave out that of the other.

        Args:
            numel: how many real scalars the memory has.
        """
        roots = [alias for alias in self.aliases if alias.root]
        if not roots:
            # An expanded tensor shows one element many times; what it was expanded from says the same.
            plain = [alias for alias in self.aliases if not alias.overlaps()]
            return [max(plain or self.aliases, key=lambda alias: alias.node.outer.numel())]
        if len(roots) == 1 and not roots[0].overlaps():
            return roots
        chosen: list[Alias] = []
        taken = torch.full((numel,), -1, dtype=torch.int32, device="cpu")
        for alias in sorted(roots, key=lambda alias: alias.node.outer.numel(), reverse=True):
            where = alias.window()
            shown = taken.as_strided(where.size, where.stride, where.offset)
            met = [chosen[i] for i in shown.unique().tolist() if i >= 0]
            if met or alias.overlaps():
                for other in (*met, alias):
                    other.split = True
            else:
                shown.fill_(len(chosen))
                chosen.append(alias)
        return chosen

    def pin(self) -> None:
        """Keep its tensors alive: `notices_write` needs one of them once another family shares the memory."""
        for alias in self.aliases:
            if (tensor := alias.tensor()) is not None:
                alias.tensor = strong_reference(tensor)


def key_of(tensor: Tensor) -> int:
    """Which storage holds a tensor.

    Raises:
        UnsupportedOpError: it is no strided tensor.
    """
    if tensor.layout is not torch.strided:
        raise UnsupportedOpError(
            f"A tensor of layout {tensor.layout} and shape {list(tensor.shape)} cannot be recorded; turn it "
            f"into a dense one with .to_dense() first."
        )
    key: int = tensor.untyped_storage()._cdata
    return key


def notices_write(family: Sequence[Tensor], written: Tensor) -> bool:
    """Whether a write into ``written`` bumps the version counter of a family, as its first tensor tells.

    True for a family without living tensors: nobody can read a stale value through it. Views and their base
    share one counter, `x.data` and its views have another one:
    https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks
    """
    if not family:
        return True
    tensor = family[0]
    if tensor.is_inference() or written.is_inference():
        return False
    before = tensor._version
    torch.autograd.graph.increment_version(written)
    return tensor._version != before


def strong_reference(tensor: Tensor) -> Callable[[], Tensor]:
    """A strong reference with the call signature of `weakref.ref`."""
    return lambda: tensor


def _shows_twice(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    return any(step == 0 and size > 1 for size, step in zip(sizes, strides, strict=True))
