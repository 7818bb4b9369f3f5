"""Softmax and norms as one step give what their single steps give, and only where nobody looks inside."""

import pytest
import torch
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.restriction import Gate, Restriction
from semiring_widgets.core.semirings import FUSED, NAMED, Batch, Leaving, Passing
from semiring_widgets.core.sweeps import Span, ones, sweep_backward, sweep_forward
from semiring_widgets.errors import NonFiniteError

NAMES = [name for name, cls in NAMED.items() if not cls.counts_marks]
ALGEBRAS = [
    *(NAMED[name]() for name in NAMES),
    sw.semirings.Hops(2),
    FUSED,
    Batch(sw.semirings.Entropy(), 2),
    Batch(FUSED, 3),
    Leaving(sw.semirings.Max()),
    Passing(sw.semirings.Abs(), 2),
]


def score_of(x):
    """All kinds of composites in a row, with branches around them."""
    y = F.layer_norm(x, x.shape[-1:], torch.linspace(-1, 2, x.shape[-1], dtype=x.dtype), None, 1e-5)
    scores = (y @ y.mT).masked_fill(torch.ones(5, 5).tril() == 0, float("-inf"))
    y = x + scores.softmax(-1) @ y
    y = y + y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)
    y = y + F.group_norm(y.mT, 2).mT.softmax(0)
    return F.layer_norm(y, y.shape[-2:]).sin().sum()


def asked(dtype=torch.float64):
    torch.manual_seed(0)
    x = torch.randn(2, 5, 6, dtype=torch.float64).to(dtype)
    with sw.record() as tape:
        x = x.clone()
        score = score_of(x)
    return GradientGraph(tape, *find_nodes(tape, score, x))


def close(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("algebra", ALGEBRAS, ids=lambda each: each.name)
def test_both_sweeps_give_what_single_steps_give(algebra):
    graph = asked()
    assert len(graph.composites) == 6
    (x,) = graph.wrt
    close(sweep_backward(graph, algebra, Span(keep=()))[x], sweep_backward(graph, algebra)[x])
    whole = sweep_forward(graph, algebra)[graph.score]
    close(sweep_forward(graph, algebra, Span(keep=(graph.score,)))[graph.score], whole)


def steps(graph, algebra, span, paths=None):
    """How many steps a sweep takes."""
    taken = []
    paths = Restriction() if paths is None else paths
    sweep_backward(graph, algebra, span, paths, lambda _, every: taken.append(every))
    return taken[0]


def test_what_is_asked_about_stays_apart():
    graph, algebra = asked(), sw.semirings.Abs()
    every, few = len(graph.ops), steps(graph, algebra, Span(keep=()))
    assert few == every - sum(len(composite.ops) - 1 for composite in graph.composites)
    composite = graph.composites[1]
    saved = len(composite.ops) - 1
    inner = next(iter(composite.inside()))
    (edge, *_) = graph.edges(composite.ops[1])
    close(sweep_backward(graph, algebra, Span(keep=(inner,)))[inner], sweep_backward(graph, algebra)[inner])
    assert steps(graph, algebra, Span(keep=(inner,))) == few + saved
    assert steps(graph, algebra, Span(keep=(composite.source, composite.target))) == few
    kept = torch.ones(inner.shape, dtype=torch.bool)
    for paths in (
        Restriction(nodes={inner: kept}),
        Restriction(edges={edge: None}),
        Restriction(gates=(Gate({edge: None}),)),
    ):
        assert steps(graph, algebra, Span(keep=()), paths) == few + saved
    assert steps(graph, algebra, Span({inner: ones(graph, algebra, inner)}, ())) == few + saved
    assert steps(graph, algebra, Span()) == every
    before = graph.ops.index(composite.ops[-1])
    seeds = {graph.score: ones(graph, algebra, graph.score)}
    above = sweep_backward(graph, algebra, Span(seeds, (), (before, every)))
    (x,) = graph.wrt
    close(sweep_backward(graph, algebra, Span(above, (), (0, before)))[x], sweep_backward(graph, algebra)[x])


class Bottleneck(sw.Semiring):
    """The widest path: not even the product of two edges is that of their weights."""

    zero, one = (0.0,), (float("inf"),)

    def lift(self, weight):
        return (weight.abs(),)

    def times(self, a, b):
        return (torch.minimum(a[0], b[0]),)

    def plus(self, a, b):
        return (torch.maximum(a[0], b[0]),)


class Doubled(sw.semirings.Max):
    """Derived from one that joins steps, but lifts otherwise."""

    def lift(self, weight):
        return (weight.abs().log() + 1,)


@pytest.mark.parametrize(
    "algebra", [Bottleneck(), Doubled(), sw.semirings.Product(sw.semirings.Sum(), Doubled())]
)
def test_semirings_that_say_nothing_see_every_step(algebra):
    graph = asked()
    assert steps(graph, algebra, Span(keep=())) == len(graph.ops)


def test_a_refusal_names_the_operator_within():
    x = torch.zeros(3)
    with sw.record() as tape:
        x = x.clone()
        y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 0.0)
        score = y.sum()
    graph = GradientGraph(tape, *find_nodes(tape, score, x))
    assert len(graph.composites) == 1
    for _ in range(2):
        with pytest.raises(NonFiniteError, match=r"aten\.(mul\.Tensor|rsqrt\.default) has a NaN"):
            sw.backprop(tape, score, x, "abs")
        with pytest.raises(NonFiniteError) as planned:
            sweep_backward(graph, sw.semirings.Abs(), Span(keep=()))
        with pytest.raises(NonFiniteError) as single:
            sweep_backward(graph, sw.semirings.Abs())
        assert str(planned.value) == str(single.value)


@pytest.mark.parametrize("semiring", ["sum", "max", "entropy"])
def test_the_gradient_of_single_precision_is_as_close(semiring):
    single, double = asked(torch.float32), asked()
    algebra = NAMED[semiring]()
    found = sweep_backward(single, algebra, Span(keep=()))[single.wrt[0]]
    wanted = sweep_backward(double, algebra)[double.wrt[0]]
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-4)
