"""Carrying a finite change along one way through a model, everything else as it was recorded.

The way is cut into segments by *doors*: operands of operators at which the change is let through, at some
elements, or not at all. Within a segment the operators are run with the change; at a door, with the change of
that one operand and all others as recorded. So what arrives at the score has passed all doors of the way, in
their order, and no closed one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.replay.program import Program, Slot
from semiring_widgets.core.replay.running import run_step
from semiring_widgets.core.tape import Node, Op

__all__ = ["Door", "carry"]

# An operand of an operator.
Operand = tuple[Op, Node]


@dataclass(frozen=True, eq=False)
class Door:
    """Where a change is let through.

    Attributes:
        op: the operator.
        source: its operand.
        kept: boolean, of the operand's shape: the elements that are changed.
    """

    op: Op
    source: Node
    kept: Tensor


def carry(
    program: Program,
    start: Mapping[Node, Tensor],
    doors: Sequence[Door],
    closed: Collection[Operand],
    progress: Callable[[], None] | None = None,
) -> Tensor:
    """The score when a change is carried along one way.

    Args:
        program: all that leads to the score.
        start: other numbers of some nodes.
        doors: of the way, in the order of execution.
        closed: all operands at which changes stop, those of ``doors`` among them.
        progress: called before every operator; may raise to cancel.

    Returns:
        Shaped as the score; the score itself where the change does not arrive.
    """
    position_of = {step.op: n for n, step in enumerate(program.steps)}
    values: dict[Slot, Tensor] = dict(start.items())
    for door in doors:
        position = position_of.get(door.op)
        arrived = _flow(program, values, door.source, closed, progress)
        if arrived is None or position is None:
            return program.score.value
        step = program.steps[position]
        passed: dict[Slot, Tensor] = {door.source: torch.where(door.kept, arrived, door.source.value)}
        run_step(program, step, passed)
        values = {slot: passed[slot] for slot in step.gives if slot is not None}
    arrived = _flow(program, values, program.score, closed, progress)
    return program.score.value if arrived is None else arrived


def _flow(
    program: Program,
    values: dict[Slot, Tensor],
    goal: Node,
    closed: Collection[Operand],
    progress: Callable[[], None] | None,
) -> Tensor | None:
    """What becomes of a node, with other numbers of some before it; None where nothing does."""
    if goal in values:
        return values[goal]
    end = program.made.get(goal)
    if end is None:
        return None
    reached = program.reached(values.keys(), closed, end)
    for position in program.leading_to({goal}, reached):
        if progress is not None:
            progress()
        step = program.steps[position]
        seen = {slot: values[slot] for slot in step.takes if slot in values and (step.op, slot) not in closed}
        run_step(program, step, seen)
        values.update((slot, seen[slot]) for slot in step.gives if slot is not None and slot in seen)
    return values.get(goal)
