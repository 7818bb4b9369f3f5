"""The steps of a tape that lead to a score, those beside the paths included, and what changes when.

A step takes *slots* and gives slots: nodes, and tensors that are no nodes (a mask), known by identity. What a
replaced node does not reach stays as it was recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.replay.operators import is_random, stabiliser
from semiring_widgets.core.tape import Node, Op, Tape
from semiring_widgets.errors import TapeError, UnsupportedOpError

__all__ = ["Program", "Slot", "Step"]

aten = torch.ops.aten
Slot = Node | int
_SOFTMAXES = {"softmax", "log_softmax", "safe_softmax", "logsumexp"}
# Their numbers say how likely something is drawn; what was drawn is kept.
_DRAWS = {aten.bernoulli, aten.native_dropout, aten.multinomial, aten.rrelu_with_noise}


@dataclass(eq=False)
class Step:
    """One call.

    Attributes:
        op: the call.
        takes: what it takes, each once.
        gives: its results by position; None for what nothing else takes.
        read: the results that Python has read, by position; they may not change.
        beside: whether it is a constant to autograd.
    """

    op: Op
    takes: tuple[Slot, ...]
    gives: tuple[Slot | None, ...]
    read: dict[int, Any]
    beside: bool = False

    @property
    def checks(self) -> bool:
        """Whether it is run only to see that Python would go on in the same way."""
        return self.op.func is None or bool(self.read)

    @property
    def only_reads(self) -> bool:
        """Whether nothing is computed, and what it takes may not change."""
        return self.op.func in (None, aten._local_scalar_dense.default)


class Program:
    """All steps between some nodes and a score.

    Args:
        tape: a finished tape.
        score: the node of the score.

    Attributes:
        steps: those that lead to the score, in order, and those that decide how the model goes on.
        made: the position of the step that gives a slot.
        shifts: what softmaxes subtract before they take exponents, a constant of each.

    Raises:
        TapeError: the tape holds no values.
    """

    def __init__(self, tape: Tape, score: Node) -> None:
        if not tape.values:
            raise TapeError(
                "This tape was recorded with values=False, to know how much memory is needed; it cannot be "
                "run again. Record again without that."
            )
        self.score = score
        self._masks = {
            id(t): t for noted in tape.asides.steps for t in noted.results if isinstance(t, Tensor)
        }
        for results in tape.asides.further.values():
            self._masks.update((id(t), t) for t in results if isinstance(t, Tensor))
        renewed = {node for noted in tape.asides.steps for node in noted.op.outputs if node is not None}
        everything = list(self._in_order(tape, renewed))
        last = max((n for n, step in enumerate(everything) if score in step.gives), default=-1)
        needed: set[Slot] = {score}
        kept: list[Step] = []
        for step in reversed(everything[: last + 1]):
            if step.checks or not needed.isdisjoint(step.gives):
                kept.append(step)
                # What is given twice is taken as it was given last.
                needed.difference_update(step.gives)
                needed.update(step.takes)
        self.steps = kept[::-1]
        self.made = {slot: n for n, step in enumerate(self.steps) for slot in step.gives if slot is not None}
        # Renewed through memory that they share, by a write that is not on their own paths.
        taken = {slot for step in self.steps for slot in step.takes}
        self._unseen = [
            (op.inputs()[0], op.outputs[0])
            for op in tape.ops
            if op.func is aten.alias.default and op.outputs[0] in taken and op.outputs[0] not in renewed
        ]
        self._overwritten = tape.asides.overwritten
        self.shifts = {out for step in self.steps if _is_shift(step) for out in step.op.outputs if out}

    def reached(
        self,
        starts: Collection[Slot],
        closed: Collection[tuple[Op, Node]] = (),
        end: int | None = None,
    ) -> list[int]:
        """Positions of the steps that what is replaced reaches.

        Args:
            starts: the replaced nodes.
            closed: operands of operators that are taken as they were recorded.
            end: the last position that is asked for; None for all.

        Raises:
            UnsupportedOpError: what they do cannot be followed.
        """
        touched: set[Slot] = set(starts)
        found = []
        first = 1 + min((self.made.get(slot, -1) for slot in starts), default=-1)
        stop = len(self.steps) if end is None else end + 1
        for position in range(first, stop):
            step = self.steps[position]
            if touched.isdisjoint(step.takes):
                continue
            if closed and all((step.op, slot) in closed for slot in touched.intersection(step.takes)):
                continue
            if is_random(step.op):
                if step.op.func.overloadpacket in _DRAWS:
                    continue
                raise UnsupportedOpError(
                    f"{step.op.where} draws random numbers from a distribution that depends on what is "
                    f"replaced, so the forward pass cannot be repeated. Record the model in evaluation mode."
                )
            found.append(position)
            touched.update(slot for slot in step.gives if slot is not None)
        for source, node in self._unseen:
            written = (slot for slot in touched if slot in self._overwritten and isinstance(slot, Node))
            if any(source.index < other.index < node.index for other in written):
                raise UnsupportedOpError(
                    f"A tensor of shape {list(node.outer)} was overwritten through memory that it shares "
                    f"with a detached tensor, so it is not known what would be there with other numbers. "
                    f"Write into a clone: `x.detach().clone()`."
                )
        return found

    def leading_to(self, wanted: Collection[Slot], positions: Sequence[int]) -> list[int]:
        """Some steps without those that nothing wanted comes from; what decides how the model goes on stays.

        Args:
            wanted: slots.
            positions: of the steps, in order.
        """
        needed, found = set(wanted), []
        for position in reversed(positions):
            step = self.steps[position]
            if step.checks or not needed.isdisjoint(step.gives):
                found.append(position)
                needed.update(step.takes)
        return found[::-1]

    def recorded(self, slot: Slot) -> Tensor:
        """What a slot held in the recording."""
        return slot.value if isinstance(slot, Node) else self._masks[slot]

    def _in_order(self, tape: Tape, renewed: Collection[Node]) -> Iterator[Step]:
        beside = sorted(tape.asides.steps, key=lambda noted: noted.op.index)
        known = self._masks.keys()
        position = 0
        for index in range(len(tape.ops) + 1):
            while position < len(beside) and beside[position].op.index <= index:
                noted = beside[position]
                yield replace(
                    _step(noted.op, noted.results, known, noted.constants), beside=not noted.on_path
                )
                position += 1
            if index == len(tape.ops):
                return
            op = tape.ops[index]
            if op.func is aten.alias.default and op.outputs[0] in renewed:
                continue
            yield from _shift_of(op, renewed)
            yield _step(op, tape.asides.further.get(op, ()), known, _tensors(op.args) if known else ())


def _step(op: Op, results: tuple[Any, ...], known: Collection[int], constants: Iterable[Tensor]) -> Step:
    masks = [id(constant) for constant in constants if id(constant) in known]
    gives: list[Slot | None] = list(op.outputs)
    read = {}
    for position, result in enumerate(results):
        if gives[position] is None and isinstance(result, Tensor):
            gives[position] = id(result)
        elif gives[position] is None and result is not None:
            read[position] = result
    return Step(op, tuple(dict.fromkeys([*op.inputs(), *masks])), tuple(gives), read)


def _shift_of(op: Op, renewed: Collection[Node]) -> Iterator[Step]:
    """A softmax takes its largest exponent for a constant; with other numbers it has another one."""
    if op.scope.composite not in _SOFTMAXES or op.func is not aten.sub.Tensor:
        return
    x, shift = op.args[:2]
    if not (isinstance(shift, Node) and shift.op is None) or shift in renewed or x.complex:
        return
    dims = [d for d, size in enumerate(shift.shape) if size == 1]
    made = Op(op.index, partial(stabiliser, dims=dims), (x,), {}, (shift,), op.scope)
    yield Step(made, (x,), (shift,), {}, beside=True)


def _is_shift(step: Step) -> bool:
    return isinstance(step.op.func, partial) and step.op.func.func is stabiliser


def _tensors(given: Any) -> Iterator[Tensor]:
    for each in given:
        if isinstance(each, Tensor):
            yield each
        elif isinstance(each, (list, tuple)):
            yield from _tensors(each)
