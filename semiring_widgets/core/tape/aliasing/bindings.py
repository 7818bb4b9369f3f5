"""Which node a tensor is: asked of `Noted` for as long as it can answer, and of `Aliases` from then on."""

from __future__ import annotations

from collections.abc import Callable, Set
from threading import Lock

from torch import Tensor

from semiring_widgets.core.tape.aliasing.aliases import Aliases
from semiring_widgets.core.tape.aliasing.noted import Noted
from semiring_widgets.core.tape.nodes import Node, Op

__all__ = ["Bindings"]

# Of all tapes, as it is seldom held and tapes can be copied.
_LEARNING = Lock()


class Bindings:
    """Maps tensors to nodes.

    Args:
        aliases: who knows about memory; it knows no tensor yet.
        leaf: makes a leaf node that holds the given value.
        brief: whether to begin by noting only what was bound; no tensor may be forgotten then.
    """

    def __init__(self, aliases: Aliases, leaf: Callable[[Tensor], Node], *, brief: bool) -> None:
        self._aliases = aliases
        self._asked: Noted | Aliases = Noted(leaf) if brief else aliases

    @property
    def about_memory(self) -> Aliases:
        """Who knows what memory the tensors share."""
        with _LEARNING:  # several questions may be asked at once
            if isinstance(self._asked, Noted):
                self._asked.tell(self._aliases)
                self._asked = self._aliases
        return self._aliases

    def node(self, tensor: Tensor, *, to_write: bool = False) -> Node:
        """The node of a tensor as it is now; a leaf where it was never seen; see `Aliases.node`."""
        node = self._asked.node(tensor, to_write=to_write)
        return self.about_memory.node(tensor, to_write=to_write) if node is None else node

    def find(self, tensor: Tensor) -> Node | None:
        """The node of a tensor, or None if the tape never saw this tensor object."""
        return self.node(tensor) if self._asked.knows(tensor) else None

    def first(self, tensor: Tensor) -> Node:
        """The node of a tensor when it was first seen; see `Aliases.first`."""
        return self._asked.first(tensor)

    def bind(
        self,
        tensor: Tensor,
        node: Node,
        *,
        source: Tensor | None = None,
        cut: bool = False,
        frozen: bool = False,
        copied: bool = False,
    ) -> None:
        """Say that a tensor is, from now on, a node; see `Aliases.bind`.

        Args:
            tensor: the tensor, like the next four as there.
            node: its node.
            source: what it was made from.
            cut: whether it is detached from what shares its memory.
            frozen: whether it is a view made without grad.
            copied: whether it shows the node's numbers in memory of its own, so that it may be forgotten.
        """
        if copied and isinstance(self._asked, Noted):
            done = self._asked.bind_copy(tensor, node, source)
        else:
            done = bool(self._asked.bind(tensor, node, source=source, cut=cut, frozen=frozen))
        if not done:
            self.about_memory.bind(tensor, node, source=source, cut=cut, frozen=frozen)

    def shares(self, tensor: Tensor) -> bool:
        """Whether a tensor that is no node shows the memory of one."""
        return self._asked.shares(tensor)

    def settle(self) -> None:
        """The recording is complete: from here on nothing may be written."""
        self._asked.settle()

    def changed(self, ops: Set[Op]) -> Tensor | None:
        """A tensor whose memory holds what some operators take or gave, and was written since, or None."""
        return None if self._asked.is_untouched() else self.about_memory.changed(ops)

    @property
    def copied(self) -> int:
        """Bytes of values that were saved before a write."""
        return self._aliases.copied
