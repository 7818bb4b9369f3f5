"""How much of a set of paths passes each part of the model: tangents times cotangents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import (
    Attention,
    Conditioned,
    LayerFlow,
    by_token,
    condition,
    head_map,
    layer_flow,
    sweep_layers,
)
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths.set_sums import SetSums, ends_of
from semiring_widgets.core.paths.shared_sweeps import Values
from semiring_widgets.core.restriction import EVERY_PATH, Gate, Restriction
from semiring_widgets.core.semirings import Abs, Leaving, Max, Semiring, Value, Weight
from semiring_widgets.core.sweeps import Progress, Span, ones, sweep_backward, sweep_forward, zeros
from semiring_widgets.core.tape import Node

__all__ = ["Flow", "Visit", "flow_of"]


@dataclass(frozen=True, eq=False)
class Flow:
    """Values of the paths of a set through the parts of the model.

    Attributes:
        graph: the graph.
        semiring: the algebra of the answers.
        paths: which paths count, beside those that the values are conditioned on.
        found: tangents and cotangents of the set, in the algebra of ``paths``.
        seeds: what paths begin with at the inputs; None for *one*.
    """

    graph: GradientGraph
    semiring: Semiring
    paths: Restriction
    found: Conditioned
    seeds: Values | None = None

    @property
    def total(self) -> Value:
        """Of all paths of the set, parts of shape ()."""
        return self._counted(self.found.total)

    def start(self, node: Node) -> Value:
        """Of the paths that begin at an input, by token: parts of shape (tokens,), of all examples."""
        value = self.found.below.get(node)
        if value is None:
            value = zeros(self.graph, self._algebra, node)
        elif self.seeds is not None:
            value = self._algebra.times(self.seeds[node], value)
        outer, tokens, units = node.token_shape
        if self.graph.score.shape.numel() > 1:
            outer, tokens = 1, outer * tokens
        return self._counted(by_token(self._algebra, tuple(v.reshape(outer, tokens, units) for v in value)))

    def at(self, node: Node) -> Value:
        """Of the paths through each element of a node that is measured, parts of its shape."""
        # The uppermost pair, whose paths have also passed what lies at the node itself.
        for tangents, cotangents in reversed(self.found.pairs):
            if node in tangents and node in cotangents:
                return self._counted(self._algebra.times(tangents[node], cotangents[node]))
        return self._counted(zeros(self.graph, self._algebra, node))

    def layer(self, attention: Attention) -> LayerFlow:
        """Of the paths through the parts of a layer."""
        found = self.found
        flow = layer_flow(self.graph, self._algebra, attention, found.pairs, found.crossing, self.paths)
        if self._algebra is self.semiring:
            return flow
        stream = None if flow.stream is None else self._counted(flow.stream)
        parts = ({name: self._counted(v) for name, v in own.items()} for own in (flow.branches, flow.heads))
        return LayerFlow(stream, *parts)

    def head_map(
        self, attention: Attention, head: int, factor: type[Semiring] = Abs, examples: int = 1
    ) -> dict[str, Tensor]:
        """Of the paths through a head from token to token, by query, key and value, each (Tq, Tk).

        Args:
            attention: the layer.
            head: the head.
            factor: `Abs` for the log mass, `Max` for the best path; one of the semiring's factors.
            examples: how many texts the paths are of; of several, (examples, Tq, Tk).

        Raises:
            InputError: the attention is one step whose inside is not seen.
        """
        best = factor is Max
        draw = partial(self._map, attention, head, factor, examples)
        if not isinstance(self._algebra, Leaving) or attention.residual is None:
            # Without a known residual, the edges within a head are those that leave the skip.
            return draw("any", "any")
        # Whoever was marked before may go on by any way; whoever was not, by those that still are.
        marked, unmarked = draw("marked", "any"), draw("unmarked", "marked")
        join = torch.maximum if best else torch.logaddexp
        return {name: join(marked[name], unmarked[name]) for name in marked}

    def _map(
        self, attention: Attention, head: int, factor: type[Semiring], examples: int, before: str, after: str
    ) -> dict[str, Tensor]:
        scores, context = (op.outputs[0] for op in (attention.scores_op, attention.context_op))
        alpha: dict[Node, Tensor] = {}
        beta: dict[Node, Tensor] = {}
        products = ((attention.query, scores), (attention.key, scores), (attention.value, context))
        for operand, product in products:
            # The uppermost pair, whose paths have also passed what lies at the operand itself.
            for tangents, cotangents in reversed(self.found.pairs):
                if operand.node in tangents and product is not None and product in cotangents:
                    alpha[operand.node] = self._log(tangents[operand.node], factor, before)
                    beta[product] = self._log(cotangents[product], factor, after)
                    break
        return head_map(self.graph, attention, head, alpha, beta, best=factor is Max, examples=examples)

    def _log(self, value: Value, factor: type[Semiring], kind: str) -> Tensor:
        algebra = self._algebra
        if isinstance(algebra, Leaving):
            unmarked, marked = algebra.split(value)
            own = {"unmarked": unmarked, "marked": marked}
            value = own[kind] if kind in own else self.semiring.plus(unmarked, marked)
        return self.semiring.part(value, factor)[0]

    @cached_property
    def _algebra(self) -> Semiring:
        return self.paths.algebra(self.semiring)

    def _counted(self, value: Value) -> Value:
        return self.paths.counted(self._algebra, value)


Visit = Callable[[Attention, Flow], None]


def flow_of(
    sums: SetSums,
    semiring: Semiring,
    counted: Gate | None = None,
    *,
    direction: Mapping[Node, Tensor] | None = None,
    beta: Values | None = None,
    visit: Visit | None = None,
    beside: Collection[Node] = (),
    progress: Progress | None = None,
) -> Flow:
    """The flow of a set of paths.

    Args:
        sums: the set.
        semiring: the algebra.
        counted: edges at which the semiring itself counts marks, as `Hops` does.
        direction: what the paths are multiplied by where they begin; None for 1.
        beta: cotangents at the anatomy's nodes and the inputs, where they are known: of the paths that pass
            the set's masks and gates.
        visit: called with each layer, and a flow that can be asked for it. Where nothing is passed through,
            the layer's tangents are then dropped: the flow that is returned knows only inputs and total.
        beside: other nodes that the flow can be asked about.
        progress: as in `sweep_backward`.
    """
    graph, anatomy = sums.ground.graph, sums.ground.end_to_end
    gates = (*([] if counted is None else [counted]), *sums.paths.gates)
    paths = replace(sums.paths, gates=gates)
    algebra = paths.algebra(semiring)
    seeds = None
    if direction is not None:
        nodes = [node for node in graph.wrt if node in graph.nodes]
        seeds = {n: algebra.scale(ones(graph, algebra, n), Weight(direction[n])) for n in nodes}
    measured = anatomy.nodes() | set(beside)
    keep = measured.union(graph.wrt, *map(ends_of, sums.cuts))
    known = (
        sums.ground.sides(semiring) if sums.paths == EVERY_PATH and direction is None and not beside else None
    )
    if beta is None and known is None:
        sums.fit(algebra, kept=[(algebra, keep)] * 2 * (len(sums.cuts) + 1))
    if beta is None:
        beta = known[1] if known else sweep_backward(graph, algebra, Span(keep=keep), paths, progress)
    begun = (beta[n] if seeds is None else algebra.times(seeds[n], beta[n]) for n in graph.wrt if n in beta)
    none = algebra.full(algebra.zero, (), graph.score.empty(dtype=graph.dtype))
    flow = Flow(graph, semiring, paths, Conditioned([({}, beta)], {}, algebra.total([none, *begun])), seeds)

    def along(alpha: Values) -> Flow:
        return replace(flow, found=replace(flow.found, pairs=[(alpha, beta)]))

    if visit is not None and not sums.cuts:
        see = visit
        sweep_layers(
            graph,
            algebra,
            anatomy,
            lambda attention, alpha: see(attention, along(alpha)),
            seeds=seeds,
            paths=paths,
            progress=progress,
        )
        return flow
    alpha = known[0] if known else sweep_forward(graph, algebra, Span(seeds, keep), paths, progress)
    flow = along(alpha)
    if sums.cuts:
        found = condition(
            graph, algebra, sums.cuts, alpha, beta, keep=measured, paths=paths, progress=progress
        )
        flow = replace(flow, found=found)
    if visit is not None:
        for attention in anatomy.attentions:
            visit(attention, flow)
    return flow
