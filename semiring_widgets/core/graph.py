"""The gradient graph: tensors as nodes, blocks of local derivatives as edges.

Only what lies on some path from the inputs to the score is in it. Derivatives are taken when an operator is
first visited and then kept, so several sweeps over one graph share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from types import MappingProxyType
from typing import cast

import torch
from torch import Tensor

from semiring_widgets.checks import shown
from semiring_widgets.core.composites import Composite, Shortcut, Step, find_composites
from semiring_widgets.core.jacobian import Call, Edge, edges_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.rules import RULES, Gradient, Rule, Weighing
from semiring_widgets.core.semirings import Number, Weight, late_judge
from semiring_widgets.core.semirings.edge_weight import measure
from semiring_widgets.core.semirings.late_judge import read
from semiring_widgets.core.tape import Node, Op, Tape
from semiring_widgets.core.tape.backward_hooks import check_tensor
from semiring_widgets.errors import InputError, NonFiniteError, TapeError

__all__ = ["WIDENED", "GradientGraph", "check_uncut", "find_nodes", "listed", "told_cut"]

_INFINITE = float("inf")
# How many operators keep their derivatives where values are computed again: those would stay with them.
_ROOM = 4
# Bytes of weights in more digits than the model has them that are kept for the next sweep.
WIDENED = 1 << 28


class GradientGraph:
    """Everything between some inputs and a score, as recorded on a tape.

    Args:
        tape: a finished tape.
        score: the node(s) explained.
        wrt: the nodes that paths start from.
        room: keep the derivatives of at most this many operators; None for all. Dropped ones are recomputed.
        wide: force float64.
        rule: which number an edge carries; the gradient by default.
        reference_values: numbers of nodes under the reference, for a rule that compares with them.

    Attributes:
        ops: operators on a path, in order of execution. Where a rule holds a part of the model constant, the
            operators of that part are among them all the same, but make no edges.
        nodes: tensors on a path.
        dtype: what values are computed in: float64 if any of the tensors is, else float32.
        room: as given; may be changed while nothing is swept.
    """

    def __init__(
        self,
        tape: Tape,
        score: Node,
        wrt: Sequence[Node],
        *,
        room: int | None = None,
        wide: bool = False,
        rule: Rule = RULES["gradient"],
        reference_values: Mapping[Node, Tensor] = MappingProxyType({}),
    ) -> None:
        self.room = room
        self.tape, self.score, self.wrt = tape, score, tuple(wrt)
        below = _reached_from(tape.ops, wrt)
        self.nodes: set[Node] = set()
        self.ops: list[Op] = []
        if score in below:
            self.nodes.add(score)
        for op in reversed(tape.ops):
            if not self.nodes.isdisjoint(op.outputs):
                inputs = [node for node in op.inputs() if node in below]
                if inputs:
                    self.ops.append(op)
                    self.nodes.update(inputs)
        self.ops.reverse()
        self._own = set(self.ops)
        self.rule, self.reference_values = rule, reference_values
        self._weighing: Weighing | None = None
        if not isinstance(rule, Gradient):
            self._weighing = Weighing(rule, self.ops, self.wrt, score, reference_values)
        wide |= any(node.dtype == torch.float64 for node in self.nodes)
        self.dtype = torch.float64 if wide else torch.float32
        self.device = score.device
        self._edges: dict[Step, list[Edge]] = {}
        self._unchecked: dict[Step, list[Weight]] = {}
        self._widened: dict[Step, int] = {}
        self._extremes: list[tuple[Step, Tensor | float]] = []
        self._held: list[tuple[Step, Weight]] = []
        self._held_bytes = 0
        self._judging = Lock()
        self._consumers: dict[Node, list[Op]] | None = None

    @cached_property
    def composites(self) -> list[Composite]:
        """Operators that a sweep may take as one step, see `steps_of`; what they amount to, gradients say."""
        return find_composites(self) if self._weighing is None else []

    def edges(self, op: Step, *, checked: bool = True) -> list[Edge]:
        """The edges that one operator makes, or one composite; computed once, while there is room.

        Args:
            op: the operator.
            checked: if `room` evicts the derivatives of other operators, remember their extremes for
                `check_finite`.
        """
        found = self._edges.get(op)
        if found is None:
            self._make_room(checked=checked)
            # What a sweep does with an edge, it may do with a shortcut; nobody else asks for one.
            found = cast("list[Edge]", self._derived(op))
            weights = [weight for edge in found if (weight := edge.block.weight) is not None]
            if weights:
                self._unchecked[op] = weights
            # Two threads may be here at once: both take what the first one found.
            found = self._edges.setdefault(op, found)
            if weights and isinstance(op, Op) and (size := self.widened(op)):
                self._widened[op] = size
                while sum(list(self._widened.values())) > WIDENED and len(self._widened) > 1:
                    self._drop(next(iter(self._widened)), checked=checked)
        return found

    def widened(self, op: Op) -> int:
        """Bytes of an operator's weights in `dtype`, where the model has them in fewer digits."""
        if op.func.is_view:
            return 0
        numbers = 0
        for node in op.inputs():
            if node.dtype is not self.dtype and node.op is None and node not in self.nodes:
                numbers += node.shape.numel()
        return numbers * self.dtype.itemsize

    @in_full_precision
    def _derived(self, op: Step) -> list[Edge] | list[Shortcut]:
        if isinstance(op, Composite):
            return op.edges(self.dtype)
        if self._weighing is not None:
            return self._weighing.edges(op, self.nodes, self.dtype)
        sources = tuple(dict.fromkeys([node for node in op.inputs() if node in self.nodes]))
        targets = tuple([out for out in op.outputs if out is not None and out in self.nodes])
        return edges_of(Call(op, sources, targets, self.dtype))

    def _make_room(self, *, checked: bool) -> None:
        room = self.room
        if self.tape.segments.cuts:
            room = _ROOM if room is None else min(room, _ROOM)
        while room is not None and len(self._edges) >= room:
            self._drop(next(iter(self._edges)), checked=checked)

    def _drop(self, step: Step, *, checked: bool) -> None:
        """Let the derivatives of a step go."""
        self._edges.pop(step, None)
        self._widened.pop(step, None)
        weights = self._unchecked.pop(step, ())
        if checked and late_judge.current() is not None:
            self._hold(step, weights)
        elif checked:
            self._extremes += [(step, weight.extreme) for weight in weights]

    def _hold(self, step: Step, weights: Sequence[Weight]) -> None:
        """Keep weights until there are so many that their extremes are found together."""
        self._held += [(step, weight) for weight in weights]
        self._held_bytes += sum(weight.value.nbytes for weight in weights if not isinstance(weight, Number))
        if self._held_bytes > late_judge.HELD:
            self._measure_held()

    def _measure_held(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        if late_judge.current() is not None:
            measure(weight for _, weight in held)
        self._extremes += [(step, weight.extreme) for step, weight in held]

    def with_gradient(self) -> GradientGraph:
        """The same tensors and operators with local derivatives on their edges: what the model is made of."""
        if self._weighing is None:
            return self
        return GradientGraph(self.tape, self.score, self.wrt, room=self.room)

    def in_float64(self) -> GradientGraph:
        """The same graph, with float64 as its `dtype`."""
        return GradientGraph(
            self.tape,
            self.score,
            self.wrt,
            room=self.room,
            wide=True,
            rule=self.rule,
            reference_values=self.reference_values,
        )

    def consumers(self, node: Node) -> list[Op]:
        """The operators of the graph that use a node."""
        if self._consumers is None:
            self._consumers = {}
            for op in self.ops:
                for source in dict.fromkeys(op.inputs()):
                    self._consumers.setdefault(source, []).append(op)
        return self._consumers.get(node, [])

    def out_edges(self, node: Node) -> Iterable[Edge]:
        """The edges that leave a node."""
        for op in self.consumers(node):
            for edge in self.edges(op):
                if edge.source is node:
                    yield edge

    def __contains__(self, op: Op) -> bool:
        return op in self._own

    def check_unchanged(self) -> None:
        """Refuse graphs whose tensors were written after they were recorded.

        Raises:
            TapeError: see `Tape.check_unchanged`.
        """
        self.tape.check_unchanged(self._own)

    def forget_composites(self) -> None:
        """Ask no more about what composites amount to: their operators are to be asked one by one."""
        with self._judging:
            for step in [step for step in self._unchecked if isinstance(step, Composite)]:
                del self._unchecked[step]
            self._held = [each for each in self._held if not isinstance(each[0], Composite)]
            self._extremes = [each for each in self._extremes if not isinstance(each[0], Composite)]

    def check_finite(self) -> None:
        """Refuse graphs with NaN or infinite derivatives, naming the operator; each time it is asked.

        Raises:
            NonFiniteError: a path weight would not be a number.
        """
        taken = self.take_extremes()
        self.refuse(taken, read([extreme for _, extreme in taken]))

    def take_extremes(self) -> list[tuple[Step, Tensor | float]]:
        """Largest derivatives that nobody has looked at yet, where they are; `refuse` has to be told them."""
        with self._judging:
            # Others may sweep and add theirs meanwhile.
            unchecked = [(step, w) for step in list(self._unchecked) for w in self._unchecked.pop(step)]
            self._held += unchecked
            self._measure_held()
            taken, self._extremes = self._extremes, []
            return taken

    def refuse(self, taken: Sequence[tuple[Step, Tensor | float]], numbers: Sequence[float]) -> None:
        """The second half of `check_finite`.

        Args:
            taken: what `take_extremes` gave.
            numbers: what they are.

        Raises:
            NonFiniteError: as there.
        """
        refused = [each for each, number in zip(taken, numbers, strict=True) if not number < _INFINITE]
        if not refused:
            return
        self._extremes += refused
        step = refused[0][0]
        op = step.ops[-1] if isinstance(step, Composite) else step
        raise NonFiniteError(
            f"{op.where} has a NaN or infinite local derivative, so its path weights are no numbers. Look "
            f"for NaN or infinity in the model's weights and inputs."
        )


def check_uncut(graph: GradientGraph) -> None:
    """Refuse a score that depends on the inputs only through what was cut; autograd refuses it, too.

    Raises:
        TapeError: says where it was cut.
    """
    if _cut_in(graph) is not None:
        raise TapeError(
            f"{told_cut(graph)}Compute the score inside the `with sw.record()` block, without torch.no_grad "
            f"or detach in between, or ask for the paths from a tensor behind the cut."
        )


def told_cut(graph: GradientGraph) -> str:
    """Why no path leads from the inputs to the score, as a sentence to begin a message with; else ""."""
    if graph.nodes:
        return ""
    module = _cut_in(graph)
    if module is None:
        return "No path leads from these inputs to the score: it does not depend on them. "
    place = f"in module '{module}'" if module else "outside of any module"
    return (
        f"No path leads from these inputs to the score: all are cut, at last {place}, by "
        f"torch.no_grad or detach, as in autograd. "
    )


def _cut_in(graph: GradientGraph) -> str | None:
    """Module of the last cut between the inputs and the score, where all is cut; else None."""
    if graph.nodes:
        return None
    made = {out.index: op for op in graph.tape.ops for out in op.outputs if out is not None}
    cut = {made_here: (module, sources) for module, sources, made_here in graph.tape.cuts}
    starts = {node.index for node in graph.wrt}
    # Back from the score, across cuts as well; each node with the first cut met, which is the model's last.
    pending: list[tuple[int, str | None]] = [(graph.score.index, None)]
    seen: set[int] = set()
    while pending:
        index, module = pending.pop()
        if index in seen:
            continue
        seen.add(index)
        if index in starts and module is not None:
            return module
        if index in cut:
            here, sources = cut[index]
            pending += [(source, module if module is not None else here) for source in sources]
        elif index in made:
            pending += [(node.index, module) for node in made[index].inputs()]
    return None


def _reached_from(ops: Sequence[Op], starts: Sequence[Node]) -> set[Node]:
    reached = set(starts)
    for op in ops:
        if not reached.isdisjoint(op.inputs()):
            reached.update(out for out in op.outputs if out is not None)
    return reached


def listed(wrt: Tensor | Sequence[Tensor], name: str = "wrt") -> list[Tensor]:
    """One tensor or several, as a list.

    Raises:
        InputError: something else.
    """
    if isinstance(wrt, Tensor):
        return [wrt]
    if not isinstance(wrt, (list, tuple)) or not all(isinstance(one, Tensor) for one in wrt):
        raise InputError(f"{name} is {shown(wrt)}; give a tensor or a list of tensors.")
    return list(wrt)


def find_nodes(tape: Tape, score: Tensor, wrt: Tensor | Sequence[Tensor]) -> tuple[Node, list[Node]]:
    """The nodes of a score and of the inputs, checked.

    Raises:
        TapeError: the tape is still recording or its block raised, or it never saw one of them.
        InputError: the score has more than one dimension, or one of them is no floating-point number.
    """
    if not isinstance(tape, Tape):
        raise InputError(f"tape is {shown(tape)}; give what `with sw.record() as tape` gives.")
    if tape.failed:
        raise TapeError(
            "The recording of this tape ended with an error, so the tape is not complete. Repair what raised "
            "inside the `with sw.record()` block, and record again."
        )
    if not tape.finished:
        raise TapeError("The tape is still recording: call this after the `with sw.record()` block.")
    if not _is_float_tensor(score):
        raise InputError(
            f"score is {shown(score)}; give a floating-point tensor of shape () or (batch,), as it was "
            f"computed inside the `with sw.record()` block."
        )
    if score.is_meta:
        raise InputError(
            "score is on the meta device: it holds no number. Load the model's weights, or dispatch it with "
            "accelerate, which brings them when it is called."
        )
    if score.dim() > 1:
        raise InputError(
            f"score has shape {list(score.shape)}; give one number, shape (), or one per example, "
            f"shape (batch,)."
        )
    tensors = listed(wrt)
    for tensor in tensors:
        check_tensor(tensor, "wrt tensor")
    return tape.node(score, "score"), [tape.first_node(tensor, "wrt tensor") for tensor in tensors]


def _is_float_tensor(thing: object) -> bool:
    return isinstance(thing, Tensor) and thing.is_floating_point()
