"""Many replacements at once: a batch that grows along the tape.

Replacements are sorted by where they begin. One that replaces a head of the last layer leaves everything
below
as it was recorded, so it joins the batch only there: rows of the batch are the replacements that have begun,
and the steps between two beginnings are run under `torch.vmap`. What it cannot batch (a step that Python
decides by) is run row by row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.replay.narrowing import Narrow, Narrowing, Rows, rows_of
from semiring_widgets.core.replay.operators import call
from semiring_widgets.core.replay.program import Program, Slot, Step
from semiring_widgets.core.replay.running import Patch, Replaced, check_unchanged, last_uses, put, run_step
from semiring_widgets.core.replay.whole_steps import with_whole_steps
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import SemiringWidgetsError

__all__ = ["mapped", "room_on", "run_batched"]

_LOG = logging.getLogger(__name__)
# Rows are run together as long as the largest result of a step is no larger: more would not fit into the
# caches of a CPU, and be slower.
_CHUNK = 32 << 20
_CHUNK_ON_GPU = 512 << 20


def room_on(device: torch.device) -> int:
    """Bytes that the largest result of a step takes at most, in all rows that are run together.

    Args:
        device: where.
    """
    return _CHUNK if device.type == "cpu" else _CHUNK_ON_GPU


def run_batched(
    program: Program,
    many: Sequence[Replaced],
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """The score for each of several replacements.

    Args:
        program: the steps.
        many: what is put in the place of some nodes, by replacement.
        limit: bytes that this may take; None for no limit. At least one replacement is run at a time.
        progress: called with (steps done, steps in all); may raise to cancel.

    Returns:
        Shape (replacements, *score).
    """
    starts = _starts(many)
    program = with_whole_steps(program, {*starts, program.score})
    begins = [_begin(program, replaced) for replaced in many]
    order = sorted(range(len(many)), key=begins.__getitem__)
    found: list[Tensor] = [program.score.value] * len(many)
    narrowing = Narrowing.of(program.steps, program.reached(starts), {*starts, program.score})
    chunks = list(_chunks(program, narrowing, [many[i] for i in order], limit))
    total = sum(len(program.reached(_starts(chunk))) for chunk in chunks)
    done = 0

    def step() -> None:
        nonlocal done
        if progress is not None:
            progress(done, total)
        done += 1

    position = 0
    for chunk in chunks:
        scores = _run_chunk(program, narrowing, chunk, step)
        for i, score in zip(order[position : position + len(chunk)], scores, strict=True):
            found[i] = score
        position += len(chunk)
    return torch.stack(found) if found else program.score.value.new_empty((0, *program.score.shape))


def _begin(program: Program, replaced: Replaced) -> int:
    """After which step a replacement begins."""
    return min((program.made.get(node, -1) for node in replaced), default=len(program.steps))


def _starts(many: Sequence[Replaced]) -> set[Node]:
    return {node for replaced in many for node in replaced}


def _chunks(
    program: Program, narrowing: Narrowing, many: Sequence[Replaced], limit: int | None
) -> Iterator[list[Replaced]]:
    """As many at a time as fit, one at least."""
    room = room_on(program.score.device)
    position = 0
    while position < len(many):
        largest, living = _sizes(program, narrowing, program.reached(many[position].keys()))
        rows = room // max(1, largest)
        if limit is not None:
            rows = min(rows, limit // max(1, living))
        count = max(1, rows)
        yield list(many[position : position + count])
        position += count


def _sizes(program: Program, narrowing: Narrowing, reached: Sequence[int]) -> tuple[int, int]:
    """Bytes of the largest result of a step, and of all that one row holds at its peak."""

    def size(slots: Iterable[Slot | None]) -> list[int]:
        found = []
        for slot in slots:
            if isinstance(slot, Node):
                rows = narrowing.stored.get(slot)
                part = 1.0 if rows is None else len(rows.places) / max(1, slot.shape[rows.dim])
                found.append(int(slot.shape.numel() * slot.dtype.itemsize * part))
        return found

    dying = last_uses(program, reached, {program.score})
    held = peak = largest = 0
    for n in reached:
        made = size(program.steps[n].gives)
        held, largest = held + sum(made), max([largest, *made])
        peak = max(peak, held)
        held -= sum(size(dying.get(n, ())))
    return largest, peak


def _run_chunk(
    program: Program, narrowing: Narrowing, many: Sequence[Replaced], step: Callable[[], None]
) -> Tensor:
    starts = _starts(many)
    reached = program.reached(starts)
    dying = last_uses(program, reached, {program.score})
    begins = [_begin(program, replaced) for replaced in many]
    batch = _Batch(program, narrowing, many)
    # A node is replaced once the step that makes it has run, or at once if none does.
    marks = sorted({program.made.get(node, -1) for node in starts})
    for mark, following in zip(marks, [*marks[1:], len(program.steps)], strict=True):
        active = sum(begin <= mark for begin in begins)
        batch.grow(active, [node for node in starts if program.made.get(node, -1) == mark])
        part = [n for n in reached if mark < n <= following]
        batch.run(part, starts, dying, step)
    return batch.rows(program.score, len(many))


class _Batch:
    """The numbers of all rows that have begun, by slot, the rows in front.

    Args:
        program: the steps.
        narrowing: which of their rows are needed.
        many: the replacements, in the order in which they begin.
    """

    def __init__(self, program: Program, narrowing: Narrowing, many: Sequence[Replaced]) -> None:
        self._program, self._narrowing, self._many = program, narrowing, many
        self._values: dict[Slot, Tensor] = {}
        self._active = 0

    def grow(self, active: int, nodes: Sequence[Node]) -> None:
        """Let further rows begin, and replace some nodes in the rows that say so."""
        self._active = active
        for node in nodes:
            rows = [(i, self._many[i][node]) for i in range(active) if node in self._many[i]]
            if len(rows) == active and not any(isinstance(change, Patch) for _, change in rows):
                self._values[node] = torch.stack([put(change, node.value) for _, change in rows])
                continue
            whole = self.rows(node, active).clone()
            for i, change in rows:
                whole[i] = put(change, whole[i])
            self._values[node] = whole

    def rows(self, slot: Slot, count: int) -> Tensor:
        """The numbers of the first rows; those that have just begun have what was recorded."""
        held = self._values.get(slot)
        recorded = self._program.recorded(slot)
        if isinstance(slot, Node):
            recorded = rows_of(recorded, None, self._narrowing.stored.get(slot))
        if held is None:
            return recorded.expand(count, *recorded.shape)
        if len(held) < count:
            held = torch.cat([held, recorded.expand(count - len(held), *recorded.shape)])
        return held

    def run(
        self,
        positions: Sequence[int],
        fixed: set[Node],
        dying: Mapping[int, list[Slot]],
        step: Callable[[], None],
    ) -> None:
        """Run some steps for all rows."""
        if not positions:
            return
        made = {slot for n in positions for slot in self._program.steps[n].gives}
        taken = {slot for n in positions for slot in self._program.steps[n].takes}
        gone = {slot for n in positions for slot in dying.get(n, ())}
        inputs = [slot for slot in self._values if slot in taken]
        given = [self.rows(slot, self._active) for slot in inputs]
        outputs: list[Slot] = []
        reads: list[tuple[Step, Slot]] = []

        def once(*row: Tensor) -> tuple[Tensor, ...]:
            values = dict(zip(inputs, row, strict=True))
            read: list[Tensor] = []
            reads.clear()

            def noted(here: Step, values: Mapping[Slot, Tensor], slot: Slot) -> None:
                reads.append((here, slot))
                read.append(values[slot])

            for n in positions:
                step()
                here = self._program.steps[n]
                if n in self._narrowing.steps:
                    _run_narrow(here, self._narrowing.steps[n], self._narrowing.stored, values)
                else:
                    note = partial(noted, here, values)
                    run_step(self._program, here, values, unchanged=note)
                for slot in dying.get(n, ()):
                    values.pop(slot, None)
            outputs[:] = [slot for slot in values if slot in made]
            return (*read, *(values[slot] for slot in outputs))

        results = mapped(once, given)
        for (where, slot), read in zip(reads, results[: len(reads)], strict=True):
            check_unchanged(self._program, where, slot, read)
        for slot in gone:
            self._values.pop(slot, None)
        self._values.update(zip(outputs, results[len(reads) :], strict=True))


def _run_narrow(
    step: Step, how: Narrow, stored: Mapping[Node, Rows], values: MutableMapping[Slot, Tensor]
) -> None:
    """Run an operator on the rows that are needed, and put in what it gives."""

    def given(node: Node) -> Tensor:
        if node in values:
            return rows_of(values[node], stored.get(node), how.needs.get(node))
        return rows_of(node.value, None, how.needs.get(node))

    def constant(tensor: Tensor) -> Tensor:
        found = values.get(id(tensor), tensor)
        if how.made is None or not how.broadcast:
            return found
        dim = how.made.dim - (len(made.shape) - found.dim())
        if dim < 0 or found.shape[dim] == 1:
            return found
        return rows_of(found, None, Rows(dim, how.made.places))

    (made,) = (node for node in step.op.outputs if node is not None)
    shape = list(made.shape)
    if how.made is not None:
        shape[how.made.dim] = len(how.made.places)
    with torch.no_grad() if step.beside else nullcontext():
        values[made] = call(step.op.taking(how.args, step.op.kwargs), given, constant, shape)[0]


def mapped(once: Callable[..., tuple[Tensor, ...]], given: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """A function of one row, for all rows at once or else one after the other."""
    if len(given[0]) > 1:
        try:
            with _without_warnings():
                return torch.vmap(once)(*given)
        except SemiringWidgetsError:
            raise
        # Whatever it cannot do; what fails by itself, fails again.
        except Exception as error:  # noqa: BLE001
            _LOG.debug("one after the other, because of %r", error)
    rows = [once(*row) for row in zip(*given, strict=True)]
    return tuple(torch.stack(each) for each in zip(*rows, strict=True))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Operators without a batching rule are run row by row by PyTorch, which says so every time."""
    functorch: Any = torch._C._functorch
    functorch._set_vmap_fallback_warning_enabled(False)
    try:
        yield
    finally:
        functorch._set_vmap_fallback_warning_enabled(True)
