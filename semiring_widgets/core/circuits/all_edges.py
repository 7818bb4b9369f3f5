"""`edge_values`: every component-to-component edge of a transformer, in any semiring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import memory_limit, whole_number
from semiring_widgets.core.circuits.layout import Layout, Part, find_layout
from semiring_widgets.core.circuits.meeting import Met, meet
from semiring_widgets.core.effects.measuring import one_score
from semiring_widgets.core.effects.reference_values import Reference, inputs_of, reference_values
from semiring_widgets.core.graph import GradientGraph, check_uncut, find_nodes
from semiring_widgets.core.memory import fit
from semiring_widgets.core.paths import Ground, ground_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Program, run
from semiring_widgets.core.semirings import Semiring, Sum, Value, find_semiring
from semiring_widgets.core.sweeps import Span, sweep_forward
from semiring_widgets.core.tape import Node, Tape, record
from semiring_widgets.core.weighed_graph import Rules
from semiring_widgets.errors import InputError

__all__ = ["EdgeValues", "edge_values"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class EdgeValues:
    """All edges, as tables of one row for each source and one column for each target.

    Attributes:
        sources: inputs, heads and feed-forward parts, in order of execution.
        targets: the heads' queries, keys and values, feed-forward parts and the score.
        there: which edges there are, boolean (sources, targets).
        contribution: first-order estimate of the effect of each edge, in the unit of the score; 0 where there
            is no edge. None without a reference.
        facts: what the semiring says of all paths through each edge, by name; empty where only contributions
            were asked for.
        value: parts of the semiring's value, which the facts are read from.
        width: units of the stream.
    """

    sources: tuple[Part, ...]
    targets: tuple[Part, ...]
    there: Tensor
    contribution: Tensor | None
    facts: Mapping[str, Tensor]
    value: Value
    width: int

    def rows(self) -> list[dict[str, Any]]:
        """Every edge as a dict, by source and then by target, as `semiring_widgets.edges` has them."""
        tables = dict(self.facts)
        if self.contribution is not None:
            tables = {"contribution": self.contribution, **tables}
        where = self.there.nonzero().tolist()
        columns = {name: table[self.there].tolist() for name, table in tables.items()}
        found = []
        for number, (row, column) in enumerate(where):
            source, target = self.sources[row], self.targets[column]
            found.append(
                {
                    "source": source.node,
                    "target": target.node,
                    "branch": target.branch,
                    "source_kind": source.kind,
                    "source_layer": source.layer,
                    "source_head": source.head,
                    "target_kind": target.kind,
                    "target_layer": target.layer,
                    "target_head": target.head,
                    **{name: values[number] for name, values in columns.items()},
                }
            )
        return found


@in_full_precision
def edge_values(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    reference: Reference | None = None,
    *,
    semiring: str | Semiring = "sum",
    rules: Rules = None,
    steps: int | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> EdgeValues:
    """The edges of `semiring_widgets.edges`, as tensors; see there.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: the inputs; a tensor, or a list of them.
        reference: other inputs, another text, ``"zero"`` or ``"mean"``; None for no contributions.
        semiring: by name, or an object.
        rules: which number an edge of the graph carries, as in `semiring_widgets.backprop`.
        steps: see there.
        max_memory: bytes beside the tape; None for no limit.
        progress: called with (operators done, operators in all) of each sweep; may raise to cancel.
    """
    algebra = find_semiring(semiring)
    if not algebra.distributive:
        raise InputError(
            f"alpha times beta of {algebra.name} is not the value of the paths between; choose a semiring at "
            f"unit level."
        )
    steps = None if steps is None else whole_number(steps, "steps")
    if steps is not None and reference is None:
        raise InputError("steps are taken between a reference and the inputs; give reference=.")
    find_nodes(tape, score, wrt)
    one_score(score)
    ground = ground_of(tape, score, wrt, rules, reference)
    graph = ground.graph
    check_uncut(graph)
    if steps is not None and graph.rule.needs_reference:
        raise InputError(
            f"rules={graph.rule.name!r} goes from the reference to the inputs in one step; leave out steps."
        )
    layout = find_layout(graph, ground.anatomy)
    fit(graph, memory_limit(max_memory), "edges", sweeps=[algebra], beside=_size(graph, layout, algebra))
    sources, targets = layout.parts()
    contribution, facts = None, dict[str, Tensor]()
    value: Value = ()
    if reference is not None:
        met = _contributions(ground, layout, reference, steps, progress)
        (contribution,) = met.value
    if reference is None or not isinstance(algebra, Sum):
        met = _values(graph, layout, algebra, progress)
        facts, value = dict(algebra.facts(met.value)), met.value
    return EdgeValues(sources, targets, met.there, contribution, facts, value, layout.width)


def _size(graph: GradientGraph, layout: Layout, semiring: Semiring) -> int:
    """Bytes of what all sources send along the stream, and of what one layer's targets ask for."""
    units = max(node.shape.numel() for node in layout.stream)
    sources, _ = layout.sizes()
    item = torch.finfo(graph.dtype).bits // 8
    return 2 * sources * units * item * len(semiring.zero)


def _values(graph: GradientGraph, layout: Layout, semiring: Semiring, progress: Progress | None) -> Met:
    """All paths through each edge."""
    nodes = {group.node for group in layout.sources}
    sent = sweep_forward(graph, semiring, Span(keep=nodes), progress=progress)
    met = meet(graph, layout, semiring, sent, progress)
    if graph.dtype == torch.float32 and semiring.coarse(met.value):
        return _values(graph.in_float64(), layout, semiring, progress)
    return met


def _contributions(
    ground: Ground,
    layout: Layout,
    reference: Reference,
    steps: int | None,
    progress: Progress | None,
) -> Met:
    """Paths from the sources, times what these give here and do not give under the reference."""
    graph = ground.graph
    program = Program(graph.tape, graph.score)
    nodes = [group.node for group in layout.sources]
    with torch.no_grad():
        under = reference_values(ground, program, reference, nodes)
    moved = [(node.value.to(graph.dtype) - under[node].to(graph.dtype),) for node in nodes]
    if steps is None:
        return meet(graph, layout, Sum(), dict(zip(nodes, moved, strict=True)), progress)
    found, inputs = [], inputs_of(graph.wrt, reference)
    for step in range(steps):
        share = (step + 0.5) / steps
        between = {node: start + share * (node.value - start) for node, start in inputs.items()}
        here, twins = _recorded_at(program, between, graph)
        sent = {twins[node]: value for node, value in zip(nodes, moved, strict=True)}
        found.append(meet(here, layout.on(twins), Sum(), sent, progress))
    mean = torch.stack([met.value[0] for met in found]).mean(0)
    return Met((mean,), found[0].there)


def _recorded_at(
    program: Program, inputs: Mapping[Node, Tensor], graph: GradientGraph
) -> tuple[GradientGraph, dict[Node, Node]]:
    """The same forward pass with other inputs, recorded, and which of its nodes is which."""
    with torch.inference_mode(False), torch.enable_grad():
        given = {node: inputs[node].detach().clone() for node in graph.wrt}
        with record(graph.tape.granularity) as tape:
            values = run(program, given, keep=graph.nodes)
    node, starts = find_nodes(tape, values[graph.score], [given[start] for start in graph.wrt])
    twins = {own: tape.node(values[own]) for own in graph.nodes if own not in given}
    return GradientGraph(tape, node, starts, rule=graph.rule), {
        **twins,
        **dict(zip(graph.wrt, starts, strict=True)),
    }
