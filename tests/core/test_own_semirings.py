"""A user's semiring: exact on every edge, checked for the laws, and refused if it breaks one."""

import math

import pytest
import torch
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets import semirings
from semiring_widgets.core import kernels
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.sweeps import sweep_backward, sweep_forward
from semiring_widgets.errors import InputError
from tests.core.oracle import all_paths
from tests.core.test_semirings import SEMIRINGS
from tests.own_semirings import Bottleneck, Collision

PROGRAMS = {
    "mlp": lambda x, w: torch.tanh(x @ w) @ w + x,
    "norm": lambda x, w: F.layer_norm(x @ w, (2,)) * x,
    "attention": lambda x, w: torch.softmax(x @ w @ x.mT, -1) @ x + x,
    "views": lambda x, w: torch.cat([x[1:], x[:1].expand(1, 2)]).mT.reshape(2, 2) @ w,
    "mask": lambda x, w: torch.where(w > 0, x * x, x.sum(0, keepdim=True)),
    "zero weights": lambda x, w: x @ (w * (w > 0)),
}


def recorded(program, granularity, seed):
    noise = torch.Generator().manual_seed(seed)
    x, w = (torch.randn(2, 2, generator=noise, dtype=torch.float64) for _ in range(2))
    with sw.record(granularity=granularity) as tape:
        score = program(x, w).sum()
    return tape, score, x


@pytest.mark.parametrize("granularity", ["primitive", "operator"])
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("seed", range(3))
def test_brute_force(name, granularity, seed):
    """Every edge counts, those of weight 1 too: the narrowest place of a path may be an addition."""
    tape, score, x = recorded(PROGRAMS[name], granularity, seed)
    widths = all_paths(tape, score, x, join=lambda width, weight: min(width, abs(weight)), start=math.inf)
    found = sw.backprop(tape, score, x, semiring=Bottleneck())
    expected = torch.tensor([max(widths[i], default=0.0) for i in range(4)], dtype=torch.float64)
    torch.testing.assert_close(found.Bottleneck.reshape(-1), expected, rtol=1e-9, atol=1e-12)
    assert float(found.reduce().Bottleneck) == pytest.approx(float(expected.max()))
    weights = all_paths(tape, score, x)
    spread = Collision().readout(sw.backprop(tape, score, x, semiring=Collision()).parts).reshape(-1)
    for place, own in weights.items():
        if own:
            squares = math.fsum(w * w for w in own)
            assert float(spread[place]) == pytest.approx(
                2 * math.log(math.fsum(map(abs, own))) - math.log(squares), abs=1e-9
            )


def test_both_directions_meet_at_every_node():
    tape, score, x = recorded(PROGRAMS["mlp"], "primitive", 0)
    node, starts = find_nodes(tape, score, x)
    graph = GradientGraph(tape, node, starts)
    semiring = Bottleneck()
    beta, alpha = sweep_backward(graph, semiring), sweep_forward(graph, semiring)
    whole = float(sw.backprop(tape, score, x, semiring=semiring).reduce().Bottleneck)
    met = [n for n in beta if n in alpha and n.op is not None and len(graph.ops) - 1 == graph.ops.index(n.op)]
    assert met
    assert float(semiring.total([semiring.times(alpha[node], beta[node])])[0]) == pytest.approx(whole)
    assert float(semiring.total([semiring.times(alpha[starts[0]], beta[starts[0]])])[0]) == pytest.approx(
        whole
    )
    assert not find_anatomy(graph).attentions


@pytest.mark.parametrize("semiring", [*SEMIRINGS, Bottleneck(), Collision()], ids=lambda s: s.name)
def test_semirings_pass_their_check(semiring):
    semirings.check_laws(semiring)
    assert semiring.unital is not isinstance(semiring, Bottleneck)


class Average(Bottleneck):
    """No law of associativity."""

    def plus(self, a, b):
        return ((a[0] + b[0]) / 2,)


class Added(Bottleneck):
    """Distributes the wrong way round."""

    def plus(self, a, b):
        return (a[0] + b[0],)


class Ordered(Bottleneck):
    one = (1.0,)

    def times(self, a, b):
        return (a[0] * b[0] ** 2,)


class Undefined(Bottleneck):
    one = (1.0,)

    def times(self, a, b):
        return (a[0] / a[0] * b[0],)


class Nothing(Bottleneck):
    zero = (1.0,)


class Hasty(Collision):
    def sum(self, value, dims):
        return tuple(v.amax(tuple(dims), keepdim=True) for v in value)


class Parts(Bottleneck):
    zero = (0.0, 0.0)


class Truth(Bottleneck):
    def lift(self, weight):
        return (weight != 0,)


class Bare(Bottleneck):
    def lift(self, weight):
        return weight.abs()


class Single(Bottleneck):
    one = math.inf


@pytest.mark.parametrize(
    ("semiring", "says"),
    [
        (Average(), r"\(a \+ b\) \+ c"),
        (Added(), r"\(a \+ b\) \* c = a \* c \+ b \* c"),
        (Ordered(), r"a \* b = b \* a"),
        (Undefined(), "NaN"),
        (Nothing(), r"a \+ zero = a"),
        (Hasty(), "sum gives what plus and times define"),
        (Parts(), "no fixed number of parts: lift has 1, zero has 2, one has 1"),
        (Truth(), "torch.bool"),
        (Bare(), "Bare.lift gives Tensor; give a tuple"),
        (Single(), "Single.one is inf; give a tuple"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_semiring_is_told_so(semiring, says):
    with pytest.raises(InputError, match=says):
        semirings.check_laws(semiring)


@pytest.mark.parametrize("semiring", [Parts(), Truth(), Bare(), Single(), Bottleneck, "hops", "luck", 3])
def test_backprop_refuses_by_a_sentence(semiring):
    tape, score, x = recorded(PROGRAMS["mlp"], "primitive", 0)
    with pytest.raises(InputError, match=r"give|choose one of|pass an object|sw\.path_lengths"):
        sw.backprop(tape, score, x, semiring=semiring)


def test_what_is_lifted_from_a_weight_of_zero_does_not_matter():
    class Edges(Bottleneck):
        """Number of edges of the longest path: every edge counts one."""

        zero, one = (-math.inf,), (0.0,)

        def lift(self, weight):
            return (torch.ones_like(weight),)

        def times(self, a, b):
            return (a[0] + b[0],)

    tape, score, x = recorded(PROGRAMS["zero weights"], "primitive", 1)
    lengths = all_paths(tape, score, x, join=lambda count, _: count + 1, start=0)
    assert any(not own for own in lengths.values())
    found = sw.backprop(tape, score, x, semiring=Edges()).Edges.reshape(-1).tolist()
    assert found == [max(lengths[i], default=-math.inf) for i in range(4)]


@pytest.mark.parametrize("chunk", [1, 50, 500])
@pytest.mark.parametrize("semiring", [Bottleneck(), Collision(), semirings.KBest(9)], ids=repr)
def test_contractions_in_pieces(semiring, chunk, monkeypatch):
    """By rows, and where one row is too much by columns: the same numbers, and never more at once."""
    noise = torch.Generator().manual_seed(0)
    weight = semirings.Weight(torch.randn(2, 7, 11, generator=noise, dtype=torch.float64))
    value = semiring.lift(torch.randn(2, 5, 7, generator=noise, dtype=torch.float64))
    whole = semiring.contract(value, weight)
    monkeypatch.setitem(kernels._CHUNKS, "cpu", chunk)
    for part, wanted in zip(semiring.contract(value, weight), whole, strict=True):
        assert part.shape == (2, 5, 11)
        torch.testing.assert_close(part, wanted, rtol=1e-12, atol=0)
    rows, columns = kernels.tile(2 * 7, 11, torch.device("cpu"))
    assert rows * columns * 2 * 7 <= max(chunk, 2 * 7)


def test_an_object_that_was_changed_is_asked_as_it_is():
    """What it makes of an edge of weight 1 is remembered, and only for as long as it stays so."""

    class Scaled(sw.Semiring):
        zero, one = (0.0,), (1.0,)

        def __init__(self, factor):
            self.factor = factor

        def lift(self, weight):
            return (weight.abs() * self.factor,)

        def times(self, a, b):
            return (a[0] * b[0],)

        def plus(self, a, b):
            return (a[0] + b[0],)

    x = torch.tensor([1.0, 2.0])
    with sw.record() as tape:
        score = (x * 3).sum()
    scaled = Scaled(1.0)
    paths = sw.paths(tape, score, x)
    for factor in (1.0, 2.0, 1.0):
        scaled.factor = factor
        expected = torch.full((2,), 3 * factor**2)  # two edges
        torch.testing.assert_close(sw.backprop(tape, score, x, scaled).parts[0], expected)
        torch.testing.assert_close(paths.total(scaled).parts[0], expected.sum())
