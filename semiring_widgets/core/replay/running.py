"""Running the steps behind some replaced nodes, once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core.replay.operators import call
from semiring_widgets.core.replay.program import Program, Slot, Step
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Patch", "Replaced", "check_unchanged", "last_uses", "put", "run", "run_step"]


class Patch(NamedTuple):
    """Other numbers for some elements of a node; the others are as they come.

    Attributes:
        kept: boolean, broadcasts to the node's shape: True where there are other numbers.
        value: shaped and typed as the node.
    """

    kept: Tensor
    value: Tensor


# Of a tensor all elements are replaced; it is shaped and typed as the node.
Replaced = Mapping[Node, Tensor | Patch]
_NOTHING: Replaced = {}


def put(change: Tensor | Patch, base: Tensor) -> Tensor:
    """What becomes of a node.

    Args:
        change: what is put in its place.
        base: its numbers.
    """
    return torch.where(change.kept, change.value, base) if isinstance(change, Patch) else change


def run(
    program: Program,
    replaced: Replaced,
    *,
    keep: Collection[Slot] = (),
    score: bool = True,
    progress: Callable[[], None] | None = None,
) -> dict[Slot, Tensor]:
    """The nodes behind the replaced ones, with other numbers.

    Args:
        program: the steps.
        replaced: what is put in the place of some nodes.
        keep: nodes whose numbers are wanted besides the score's.
        score: False where the score is not wanted, so that nothing is run that only leads there.
        progress: called before every step; may raise to cancel.

    Returns:
        Numbers of the score and of what is kept, where they may have changed.
    """
    values: dict[Slot, Tensor] = {node: put(change, node.value) for node, change in replaced.items()}
    wanted: set[Slot] = {*keep}
    if score:
        wanted.add(program.score)
    reached = program.reached(replaced.keys())
    if not score:
        reached = program.leading_to(wanted, reached)
    dying = last_uses(program, reached, wanted)
    for position in reached:
        if progress is not None:
            progress()
        run_step(program, program.steps[position], values, replaced)
        for slot in dying.get(position, ()):
            values.pop(slot, None)
    return {slot: value for slot, value in values.items() if slot in wanted}


def run_step(
    program: Program,
    step: Step,
    values: MutableMapping[Slot, Tensor],
    replaced: Replaced = _NOTHING,
    unchanged: Callable[[Slot], None] | None = None,
) -> None:
    """Run one step and put in what it gives.

    Args:
        program: the steps.
        step: one of them.
        values: the numbers that are others than recorded.
        replaced: what is put in the place of what some step gives.
        unchanged: is told what may not be another than recorded; None to look at once.
    """
    if step.only_reads:
        for slot in step.takes:
            if slot in values and unchanged is not None:
                unchanged(slot)
            elif slot in values:
                check_unchanged(program, step, slot, values[slot])
        return
    with torch.no_grad() if step.beside else nullcontext():
        results = call(
            step.op,
            # A node's recorded numbers may have to be computed again.
            lambda node: values[node] if node in values else node.value,  # noqa: SIM401
            lambda constant: values.get(id(constant), constant),
        )
    for position, given in enumerate(step.gives):
        if position in step.read and not _same(results[position], step.read[position]):
            raise _decided(step)
        if given is None:
            continue
        result = results[position]
        change = replaced.get(given) if isinstance(given, Node) else None
        values[given] = result if change is None else put(change, result)
        if isinstance(given, int) and result.shape != program.recorded(given).shape:
            raise _decided(step)


def check_unchanged(program: Program, step: Step, slot: Slot, value: Tensor) -> None:
    """Refuse other numbers where it cannot be seen what was done with them.

    Args:
        program: the steps.
        step: where they are read.
        slot: what is read.
        value: its numbers, with rows in front or without.

    Raises:
        UnsupportedOpError: they are others than recorded.
    """
    recorded = program.recorded(slot)
    if not _same(value, recorded.expand(value.shape)):
        raise _decided(step)


def last_uses(program: Program, positions: Sequence[int], wanted: Collection[Slot]) -> dict[int, list[Slot]]:
    """Which slots nobody takes any more, by the position of the step after which they may go."""
    last: dict[Slot, int] = {}
    for position in positions:
        step = program.steps[position]
        last.update(dict.fromkeys(step.takes, position))
        last.update((slot, position) for slot in step.gives if slot is not None)
    dying: dict[int, list[Slot]] = {}
    for slot, position in last.items():
        if slot not in wanted:
            dying.setdefault(position, []).append(slot)
    return dying


def _same(new: Any, recorded: Any) -> bool:
    if isinstance(recorded, Tensor):
        return new.shape == recorded.shape and torch.equal(new, recorded)
    return bool(new == recorded)


def _decided(step: Step) -> UnsupportedOpError:
    place = f"in module '{step.op.scope.module}'" if step.op.scope.module else "outside of any module"
    return UnsupportedOpError(
        f"With other numbers the model would go another way: what it does {place} depends on numbers, "
        f"indices or shapes that Python reads there, such as which expert of a mixture a token is sent to. "
        f"Run the model itself with these numbers instead."
    )
