"""Values that a tape let go of, computed again a stretch of the forward pass at a time.

As gradient checkpointing does (https://arxiv.org/abs/1604.06174), but found from what was recorded: the tape
is cut where few bytes are alive, between the layers of a model, say, or behind an attention. What crosses a
cut is kept, and so are random draws, what was written in place, and whatever else cannot be repeated. All
other values of a *segment*, the operators between two cuts, are let go together. When one of them is asked
for, the operators that lead to it from what is kept run again, bit for bit.

While one segment is asked about, its products and all that was asked for stay, so that a sweep does not
multiply twice; pointwise results that came by the way are dropped at once, as a softmax alone leaves five of
the largest size behind. With the first question about another segment they all go.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from threading import RLock

import torch
from torch import Tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._ops import OpOverload

from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.tape.nodes import Layout, Node, Op, fill, units
from semiring_widgets.errors import TapeError

__all__ = ["Segments", "cuts_of", "is_product", "is_repeatable"]

aten = torch.ops.aten
# A cut keeps at most one byte for so many that it lets go of.
_WORTH = 8
# They sum in an order that changes from one call to the next where many threads add at once.
_UNORDERED = {
    *(aten.index_add, aten.index_put, aten._index_put_impl, aten._unsafe_index_put, aten.index_reduce),
    *(aten.scatter_add, aten.scatter_reduce, aten.scatter, aten.put, aten.masked_scatter),
    *(aten.embedding_bag, aten._embedding_bag, aten._embedding_bag_forward_only, aten.cumsum, aten.bincount),
    *(aten.histc, aten.kthvalue, aten.median),
}
# What they see depends on the memory around their argument.
_LOOKING_ROUND = {aten.as_strided, aten.as_strided_copy, aten.as_strided_scatter}
# They write into running means, which their schema does not tell.
_WRITING = {aten.native_batch_norm, aten.cudnn_batch_norm, aten.miopen_batch_norm}
_NEVER = _UNORDERED | _LOOKING_ROUND | _WRITING
_CONVOLUTIONS = {aten.convolution, aten._convolution, aten.cudnn_convolution}
_SUMS = {aten.sum, aten.mean, aten.amax, aten.amin, aten._softmax, aten._log_softmax}


@cache
def is_repeatable(func: OpOverload, *, exact: bool) -> bool:
    """Whether an operator gives the same digits whenever it is called with the same tensors.

    Args:
        func: the operator.
        exact: whether float32 products are made from all digits now, as they will be then.
    """
    if func.namespace != "aten" or func._schema.is_mutable:
        return False
    if torch.Tag.nondeterministic_seeded in func.tags or func.overloadpacket in _NEVER:
        return False
    if func.overloadpacket in _CONVOLUTIONS and torch.cuda.is_available():
        return False  # which has a setting of its own for their digits
    return exact or _is_cheap(func)


@cache
def _is_cheap(func: OpOverload) -> bool:
    return func.is_view or torch.Tag.pointwise in func.tags or func.overloadpacket in _SUMS


def is_product(func: OpOverload) -> bool:
    """Whether what it gives stays while its segment is asked about, as it takes long to compute again."""
    return not _is_cheap(func)


def cuts_of(ops: Sequence[Op], first: int, living: Collection[Node]) -> list[int]:
    """Positions at which little is alive of what was made since the cut before.

    Args:
        ops: the operators of a tape.
        first: the position of the last cut; later ones are looked for.
        living: the nodes that the model may still use.
    """
    home: dict[Node, Node] = {}  # views are no memory of their own
    last: dict[Node, int] = {}
    size: dict[Node, int] = {}
    never = len(ops)
    for position in range(first, never):
        op = ops[position]
        sources = op.inputs()
        for source in sources:
            if source in home:
                last[home[source]] = max(position, last[home[source]])
        for out in op.outputs:
            if out is None or not out.repeats:
                continue
            at = home.get(sources[0]) if op.func.is_view else out
            if at is None:
                continue  # it shows what is kept
            home[out] = at
            if at is out:
                size[out] = out.shape.numel() * out.dtype.itemsize
            last[at] = never if out in living else max(position, last.get(at, 0))
    ends: dict[int, list[Node]] = {}
    for node, position in last.items():
        ends.setdefault(position, []).append(node)
    found: list[int] = []
    alive: dict[Node, int] = {}
    gone = held = 0
    for position in range(first, never):
        for out in ops[position].outputs:
            if out in size:
                alive[out] = size[out]
                held += size[out]
        for node in ends.get(position, ()):
            if node in alive:
                held -= alive.pop(node)
                gone += size[node]
        if gone >= _WORTH * held and gone:
            found.append(position + 1)
            alive.clear()
            gone = held = 0
    return found


class Segments:
    """The segments of one tape, and the values of the one that was asked about last.

    Args:
        values: whether numbers are recorded at all.

    Attributes:
        cuts: the positions of the operators at which segments begin, but the first.
        borders: `Node.index` of those that some later segment takes; they are kept.
    """

    def __init__(self, *, values: bool) -> None:
        self._values = values
        self.cuts: list[int] = []
        # By number: the nodes know this object.
        self.borders: set[int] = set()
        self._scanned = 0
        self._at = -1
        self._made: dict[int, Tensor] = {}
        self._lock = RLock()

    @property
    def end(self) -> int:
        """How many operators lie in segments that are complete."""
        return self.cuts[-1] if self.cuts else 0

    def of(self, op: Op) -> int:
        """The segment of an operator."""
        return bisect_right(self.cuts, op.index)

    def cut(self, ops: Sequence[Op], cuts: Sequence[int]) -> None:
        """End segments, and see what crosses their ends.

        Args:
            ops: the operators of the tape.
            cuts: the new positions, in order.
        """
        self.cuts += cuts
        # What was in one segment before may be in two now.
        for op in ops[self._scanned :]:
            here = self.of(op)
            for node in op.inputs():
                made_by = node.op
                if made_by is not None and node.repeats and self.of(made_by) < here:
                    self.borders.add(node.index)
        self._scanned = self.end

    def is_free(self, node: Node) -> bool:
        """Whether a node's value may be let go of once no tensor of the model shows it."""
        op = node.op
        return op is not None and node.repeats and op.index < self.end and node.index not in self.borders

    def value(self, node: Node) -> Tensor:
        """The value of a node that was let go of."""
        op = node.op
        if op is None or not self._values:
            raise TapeError(
                "This tape was recorded with values=False, to know how much memory is needed; it cannot be "
                "swept over. Record again without that."
            )
        with self._lock:
            segment = self.of(op)
            if segment != self._at:
                self._made.clear()
                self._at = segment
            found = self._made.get(node.index)
            if found is None:
                found = self._run(node, op)
            return found

    def drop(self, node: Node) -> None:
        """A sweep has passed a node, and will not ask for it again."""
        if self._made:
            with self._lock:
                self._made.pop(node.index, None)

    def leave(self) -> None:
        """Let go of everything that was computed again."""
        with self._lock:
            self._made.clear()

    def _run(self, wanted: Node, last: Op) -> Tensor:
        """Run what leads to a node from what is there."""
        needed: dict[int, Op] = {}
        uses: dict[int, int] = {}
        pending = [last]
        while pending:
            op = pending.pop()
            if op.index in needed:
                continue
            needed[op.index] = op
            for node in op.inputs():
                if node.held is None and node.index not in self._made:
                    uses[node.index] = uses.get(node.index, 0) + 1
                    if (made_by := node.op) is not None:
                        pending.append(made_by)
        made = self._made
        # What it is a view of takes no more memory, and will be asked for next.
        stays = {wanted.index, *(node.index for node in _shown_by(wanted))}
        with torch.no_grad(), full_precision(), temporarily_clear_interpreter_stack():
            for index in sorted(needed):
                op = needed[index]
                self._step(op)
                for node in op.inputs():
                    if node.index in uses:
                        uses[node.index] -= 1
                        if not uses[node.index] and node.index not in stays and _is_by_the_way(node):
                            del made[node.index]
                for out in op.outputs:
                    # Of several results perhaps nobody takes one.
                    if out is not None and out is not wanted and out.index in made and out.index not in uses:
                        del made[out.index]
        return made[wanted.index]

    def _step(self, op: Op) -> None:
        layouts = iter(op.layouts or ())

        def given(node: Node) -> Tensor:
            value = self._made[node.index] if node.held is None else node.held
            return _laid_out(value, next(layouts, None) or node.laid)

        result = op.func(*fill(op.args, given), **fill(op.kwargs, given))
        results = result if isinstance(result, (tuple, list)) else (result,)
        for out, made in zip(op.outputs, results, strict=True):
            if out is not None and out.held is None:
                self._made[out.index] = units(made)


def _shown_by(node: Node) -> Iterator[Node]:
    """The nodes whose memory a view shows."""
    while (op := node.op) is not None and getattr(op.func, "is_view", False):
        node = op.inputs()[0]
        yield node


def _is_by_the_way(node: Node) -> bool:
    op = node.op
    return op is not None and not is_product(op.func)


def _laid_out(value: Tensor, layout: Layout | None) -> Tensor:
    """A tensor in the dtype and with the strides that an operator got it with."""
    if layout is None:
        return value
    dtype, stride = layout
    if value.dtype == dtype and value.stride() == stride:
        return value
    return torch.empty_strided(value.shape, stride, dtype=dtype, device=value.device).copy_(value)
