"""Tangents times cotangents over every cut of a graph sum to the value of all paths."""

import pytest
import torch

from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.semirings import Abs, Count, Entropy, Max, Sum
from semiring_widgets.core.sweeps import sweep_backward, sweep_forward
from tests.core.test_models import FAMILIES, recorded

SEMIRINGS = [Sum(), Abs(), Max(), Count(), Entropy()]


def together(semiring, values):
    """All elements of several values, as one."""
    flat = tuple(torch.cat([v[i].reshape(-1) for v in values]) for i in range(len(semiring.zero)))
    return semiring.sum(flat, (0,))


@FAMILIES
@pytest.mark.parametrize("semiring", SEMIRINGS, ids=lambda s: s.name)
def test_every_layer_is_a_cut(family, semiring):
    """The edges that cross from before an operator to after it: every path uses exactly one of them."""
    tape, score, x, _ = recorded(family, dtype=torch.float64)
    graph = GradientGraph(tape, tape.node(score), [tape.first_node(x)])
    alpha, beta = sweep_forward(graph, semiring), sweep_backward(graph, semiring)
    expected = semiring.facts(alpha[graph.score])
    layers = find_anatomy(graph).attentions
    places = [op for layer in layers for op in (layer.scores_op, layer.context_op)]
    places += [r.op for layer in layers for r in (layer.residual, layer.mlp) if r is not None]
    assert len(layers) >= 2
    for place in places:
        crossing = [
            semiring.times(alpha[edge.source], edge.block.pull(semiring, beta[edge.target]))
            for op in graph.ops
            if op.index >= place.index
            for edge in graph.edges(op)
            if edge.source.op is None or edge.source.op.index < place.index
        ]
        for name, fact in semiring.facts(together(semiring, crossing)).items():
            torch.testing.assert_close(fact.reshape(()), expected[name].reshape(()), rtol=1e-8, atol=1e-9)
