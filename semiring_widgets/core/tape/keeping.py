"""What a tape keeps: how many bytes, and which of them it lets go where they are too many.

Where memory does not matter everything is kept, and is only counted when somebody asks. With a limit, and
where a recording without one comes near to what is free, results are let go of that the model has let go of
and that `recomputation` gives again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.tape.aliasing.bindings import Bindings
from semiring_widgets.core.tape.arguments import tensors_in
from semiring_widgets.core.tape.free_memory import free_memory
from semiring_widgets.core.tape.nodes import Node, Op
from semiring_widgets.core.tape.recomputation import Segments, cuts_of
from semiring_widgets.errors import MemoryLimitError

__all__ = ["Keeping", "may_forget"]

# Bytes of results after which a recording without a limit looks again how much is left, or can be let go.
_LOOK = 1 << 28


class Keeping:
    """The memory of one tape.

    Args:
        ops: its operators, as far as they are recorded.
        bindings: which tensor is which node.
        segments: who computes again what is let go of.
        limit: bytes that may be kept; None for as many as leave half of the free memory.
        values: whether numbers are recorded at all.

    Attributes:
        copies: by identity, copies in another dtype or layout that stand for the same node. Others may follow
            at the same address, so it is only a hint.
    """

    def __init__(
        self, ops: Sequence[Op], bindings: Bindings, segments: Segments, limit: int | None, *, values: bool
    ) -> None:
        self._ops, self._bindings, self._segments = ops, bindings, segments
        self._limit, self._values = limit, values
        self._releases = limit is not None or not values
        self.copies: set[int] = set()
        # Where results may be released: the storages that are kept, and without values those that would be.
        self._counted: dict[int, int] = {}
        self._shed: list[tuple[int, list[Node]]] = []
        self._results = 0
        # Where all are kept: the operators whose results are new memory, results that are leaves, and how
        # many bytes were made.
        self._making: list[Op] = []
        self._leaves: list[Any] = []
        self._made, self._look_at = 0, _LOOK
        self._insists = True

    @property
    def nbytes(self) -> int:
        """Bytes that are kept, see `Tape.nbytes`."""
        held = self._results if self._releases else sum(self._storages().values())
        return held + self._bindings.copied

    def shrink(self, limit: int = 0) -> None:
        """Let go of values that can be computed again, until no more than some bytes are kept, if that goes.

        Args:
            limit: the bytes.
        """
        if self.nbytes <= limit:
            return
        if not self._releases:
            self._begin_to_release()
        self._segments.cut(
            self._ops, cuts_of(self._ops, self._segments.end, self._bindings.about_memory.living())
        )
        self._release()
        if self.nbytes > limit and self._segments.end < len(self._ops):
            self._segments.cut(self._ops, [len(self._ops)])
            self._release()

    def _begin_to_release(self) -> None:
        self._counted = self._storages()
        self._results = sum(self._counted.values())
        self._leaves.clear()
        self._making.clear()
        self._releases = True
        self._bindings.about_memory.forget(may_forget(values=self._values))

    def _storages(self) -> dict[int, int]:
        """The storages that it keeps, where it keeps all results, and their bytes."""
        found: dict[int, int] = {}
        for op in self._making:
            # Some give back what they were given.
            old = {_storage_of(node.held) for node in op.inputs() if node.held is not None}
            for out in op.outputs:
                if out is not None and out.held is not None and _storage_of(out.held) not in old:
                    found[_storage_of(out.held)] = out.held.untyped_storage().nbytes()
        for tensor in tensors_in(self._leaves):
            if tensor.layout == torch.strided:
                found[_storage_of(tensor)] = tensor.untyped_storage().nbytes()
        return found

    def count(self, made: Any, args: Any, kwargs: dict[str, Any], op: Op | None = None) -> None:
        """Count an operator's results, and release others where they are too many.

        Args:
            made: the result, or several; views and results in place are no new memory.
            args: the arguments.
            kwargs: those by name.
            op: the operator on the tape; None where the results are leaves.
        """
        if not self._releases:
            if op is None:
                self._leaves.append(made)
            else:
                self._making.append(op)
            self._made += made.nbytes if isinstance(made, Tensor) else sum(t.nbytes for t in tensors_in(made))
            if self._made > self._look_at:
                self._look(made if isinstance(made, Tensor) else next(tensors_in(made)))
            return
        if not self._values:
            self._forget_all()
        self._add(made, (args, kwargs))
        if self._limit is None or self.nbytes <= self._limit:
            return
        self.shrink(self._limit)
        if not self._insists:
            # Where it cannot be kept to, each operator would try again, and end a segment.
            self._limit = max(self._limit, self.nbytes + _LOOK)
        elif self.nbytes > self._limit:
            raise MemoryLimitError(
                f"The recording has reached {self.nbytes / 1e6:,.1f} MB after {len(self._ops)} operators, "
                f"more than max_memory={self._limit / 1e6:,.1f} MB, without what can be computed again. Give "
                f"a shorter text or a smaller batch, or raise max_memory."
            )

    def _look(self, made: Tensor) -> None:
        """Without a limit half of what is free is one, which need not be kept to."""
        limit = (self._made + free_memory(made.device)) // 2
        self._look_at = self._made + max(_LOOK, (limit - self._made) // 2)
        if self._made > limit:
            self._limit, self._insists = limit, False
            self._begin_to_release()

    def _add(self, made: Any, given: Any) -> None:
        # A copy that stands for its source's node was not counted: nothing but a view of it may keep it.
        old = {
            t.untyped_storage()._cdata
            for t in tensors_in(given)
            if t.layout == torch.strided and id(t) not in self.copies
        }
        for tensor in tensors_in((made,)):
            if tensor.layout == torch.strided:
                storage = tensor.untyped_storage()
                if storage._cdata not in old and storage._cdata not in self._counted:
                    self._counted[storage._cdata] = storage.nbytes()
                    self._results += storage.nbytes()

    def _release(self) -> None:
        """Let go of what the segments give again."""
        for key, _ in self._bindings.about_memory.release(self._segments.is_free):
            self._results -= self._counted.pop(key, 0)
        shed, self._shed = self._shed, []
        for size, nodes in shed:
            if all(map(self._segments.is_free, nodes)):
                self._results -= size
            else:
                self._shed.append((size, nodes))

    def _forget_all(self) -> None:
        """Without values: let go of all that the model has let go of, and count it all the same."""
        for key, nodes in self._bindings.about_memory.release():
            # What is free may be the address of something new, which counts again.
            size = self._counted.pop(key, 0)
            if size and nodes:
                self._shed.append((size, nodes))
            else:
                self._results -= size


def _storage_of(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def may_forget(*, values: bool) -> Callable[[Node], bool]:
    """Whether a node's tensor may be forgotten: its values can be computed again, or no values count."""
    return lambda node: node.repeats or not values
