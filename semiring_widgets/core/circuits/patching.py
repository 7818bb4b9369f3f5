"""Circuits of edges, really run: every target reads a stream of its own.

A source that is kept for a target gives it what it gives in this run; the others give it what they give under
the reference. From these the stream is computed once more for this target, with its additions and norms, and
read. The parts are run in order, so what an early target reads changes what later ones are given. For a plain
sum (pre-norm) that is how ACDC and EAP-IG evaluate a circuit: the stream of the run, with what is not kept
exchanged for the reference. Where norms lie on the stream they see what the target sees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor

from semiring_widgets.core.circuits.layout import Group, Layout
from semiring_widgets.core.replay import Program, mapped, run_step
from semiring_widgets.core.replay.program import Slot
from semiring_widgets.core.tape import Node

__all__ = ["Patching"]


@dataclass(frozen=True, eq=False)
class Patching:
    """A forward pass of which only some edges carry the inputs.

    Attributes:
        program: all that leads to the score.
        layout: sources, targets and the stream.
        reference: what the sources give under the reference.
    """

    program: Program
    layout: Layout
    reference: Mapping[Node, Tensor]
    _steps: dict[object, list[int]] = field(default_factory=dict)

    @torch.no_grad()
    def score(self, kept: Tensor) -> Tensor:
        """The score with some edges.

        Args:
            kept: boolean (sources, targets): which edges carry the inputs. The others carry the reference.
        """
        now = {group.node: group.node.value for group in self.layout.sources if group.component < 0}
        readers: dict[int, list[Group]] = {}
        for group in self.layout.targets:
            readers.setdefault(group.component, []).append(group)
        for component, groups in sorted(readers.items()):
            read = self._read(groups, now, kept)
            heads = [group for group in groups if group.reader is not None]
            if heads:
                after = [g.node for g in self.layout.sources if g.component == component]
                now.update(self._run(("inside", component), read, after, ()))
            else:
                now.update(read)
        return now[self.program.score]

    def _read(self, groups: Sequence[Group], now: Mapping[Node, Tensor], kept: Tensor) -> dict[Node, Tensor]:
        """What some targets of one component read, each from its own stream."""
        component = groups[0].component
        sources = [group for group in self.layout.sources if group.component < component]
        columns = torch.cat([torch.arange(group.first, group.places.stop) for group in groups])
        ways, which = torch.unique(kept[:, columns], dim=1, return_inverse=True)
        shown = [
            torch.where(source.chosen(ways[source.places].T), now[source.node], self.reference[source.node])
            for source in sources
        ]
        starts, ends = [source.node for source in sources], [group.node for group in groups]

        def once(*row: Tensor) -> tuple[Tensor, ...]:
            found = self._run(
                ("onto", component), dict(zip(starts, row, strict=True)), ends, self.layout.cuts
            )
            return tuple(found[end] for end in ends)

        made = dict(zip(ends, mapped(once, shown), strict=True))
        found, position = {}, 0
        for group in groups:
            own = made[group.node][which[position : position + len(group.parts)]]
            position += len(group.parts)
            if group.masks is None:
                found[group.node] = own[0]
            else:
                found[group.node] = own.gather(0, _owner(group)[None]).squeeze(0)
        return found

    def _run(
        self, name: object, given: Mapping[Node, Tensor], ends: Sequence[Node], walls: Collection[Node]
    ) -> dict[Node, Tensor]:
        """The steps between some tensors and others, and nothing beyond walls."""
        if name not in self._steps:
            self._steps[name] = steps_between(self.program, given, ends, walls)
        values = cast("dict[Slot, Tensor]", dict(given))
        for position in self._steps[name]:
            run_step(self.program, self.program.steps[position], values)
        return {end: values.get(end, end.value) for end in ends}


def _owner(group: Group) -> Tensor:
    """The part that each element belongs to, int64 of the node's shape."""
    if group.masks is None:
        return torch.zeros(group.node.shape, dtype=torch.int64, device=group.node.device)
    return group.masks.to(torch.uint8).argmax(0).expand(group.node.shape)


def steps_between(
    program: Program, starts: Collection[Node], ends: Collection[Node], walls: Collection[Node]
) -> list[int]:
    """Positions of the steps from some nodes to others that pass no wall."""
    touched: set[Slot] = set(starts)
    passed = []
    for position, step in enumerate(program.steps):
        if not touched.isdisjoint(step.takes):
            passed.append(position)
            touched.update(slot for slot in step.gives if slot is not None and slot not in walls)
    needed: set[Slot] = set(ends)
    found = []
    for position in reversed(passed):
        step = program.steps[position]
        if not needed.isdisjoint(slot for slot in step.gives if slot is not None):
            found.append(position)
            needed.update(slot for slot in step.takes if slot not in starts)
    return found[::-1]
