"""Routes against the enumeration of every scalar path, each read step by step."""

import itertools
import math

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from tests.core.test_path_sets import bert_question

RANKINGS = pytest.mark.parametrize("by", ["best", "mass", "contribution"])
EVERYTHING = 10**6


class Layer(torch.nn.Module):
    """Attention with heads and a residual connection, and a feed-forward part; no norm, so few paths."""

    def __init__(self, units, heads):
        super().__init__()
        self.maps = torch.nn.ModuleList(torch.nn.Linear(units, units) for _ in range(4))
        self.mlp = torch.nn.Linear(units, units)
        self.heads = heads

    def forward(self, x):
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.maps[:3]
        )
        weights = torch.softmax(query @ key.mT, -1)
        x = x + self.maps[3]((weights @ value).transpose(1, 2).flatten(2))
        return x + torch.tanh(self.mlp(x))


def small(seed, tokens=2, units=2, heads=2, layers=1):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(*[Layer(units, heads) for _ in range(layers)]).double()
    x = torch.randn(1, tokens, units, dtype=torch.float64)
    with sw.record(granularity="operator") as tape:
        score = model(x)[0, -1, 0] * 1
    return tape, score, x


@pytest.fixture(scope="module")
def bert():
    """Norms and two layers: more paths than can be listed, and 900 routes."""
    return bert_question(strength=8)


def legs_by_steps(path):
    """The route as a path's own steps tell it: read by other code than the routes are."""
    legs = []
    for (layer, route), steps in itertools.groupby(path.steps, key=lambda s: (s.layer, s.route)):
        steps = list(steps)
        if layer is not None:
            heads = [s.head for s in steps if s.head is not None]
            legs.append((layer, route, heads[0] if heads else None, steps[0].token, steps[-1].token))
    return path.start[-2], tuple(legs)


def key_of(route):
    return route.token, tuple((g.layer, g.branch, g.head, g.source, g.target) for g in route.legs)


def enumerated(question):
    """{route: paths}, from all paths."""
    found = {}
    for path in sw.top_paths(*question, k=EVERYTHING):
        found.setdefault(legs_by_steps(path), []).append(path)
    return found


@pytest.mark.parametrize(("seed", "sizes"), [
    (0, {}), (1, {}), (2, {"tokens": 3}), (3, {"tokens": 3}), (4, {"layers": 2, "heads": 1, "units": 1}),
    # Every path of two layers is listed: two minutes of an idle machine.
    pytest.param(4, {"layers": 2, "heads": 1}, marks=[pytest.mark.slow, pytest.mark.timeout(1500)]),
], ids=str)  # fmt: skip
def test_every_number_of_every_route(seed, sizes):
    question = small(seed, **sizes)
    x = question[2]
    expected = enumerated(question)
    routes = sw.top_routes(*question, k=EVERYTHING, by="contribution", direction=torch.ones_like(x))
    assert {key_of(route) for route in routes} == set(expected)
    assert len(routes) == len(expected)
    whole = math.fsum(abs(p.weight) for paths in expected.values() for p in paths)
    for route in routes:
        weights = [path.weight for path in expected[key_of(route)]]
        mass = math.fsum(map(abs, weights))
        assert route.contribution == pytest.approx(math.fsum(weights), abs=1e-12 * whole)
        assert math.exp(route.log_mass) == pytest.approx(mass, rel=1e-9)
        assert route.share == pytest.approx(mass / whole, rel=1e-9)
        assert math.exp(route.log_weight) == pytest.approx(max(map(abs, weights)), rel=1e-9)
        assert route.cancellation == pytest.approx(abs(math.fsum(weights)) / mass, abs=1e-9)
        entropy = -math.fsum(abs(w) / mass * math.log(abs(w) / mass) for w in weights)
        assert route.entropy == pytest.approx(entropy, abs=1e-8)
        assert abs(route.path.weight) == pytest.approx(max(map(abs, weights)), rel=1e-9)
        assert legs_by_steps(route.path) == key_of(route)


@RANKINGS
@pytest.mark.parametrize("seed", range(3))
def test_order_and_bounds(seed, by):
    """A narrow beam gives routes in order, and what it missed is within the stated bounds."""
    question = small(seed, tokens=3, layers=2, heads=1)
    full = sw.top_routes(*question, k=EVERYTHING, by=by)
    some = sw.top_routes(*question, k=5, by=by, width=5, samples=20)
    size = {"best": lambda r: r.log_weight, "mass": lambda r: r.log_mass,
            "contribution": lambda r: abs(r.contribution)}[by]  # fmt: skip
    assert full.missed in (0.0, -math.inf)
    for routes in (full, some):
        assert [size(r) for r in routes] == sorted(map(size, routes), reverse=True)
    listed = {key_of(route) for route in some}
    others = [route for route in full if key_of(route) not in listed]
    assert len(some) == len(listed) == 5
    assert len(others) == len(full) - 5 > 0
    assert max(map(size, others)) <= some.missed + 1e-9
    assert math.fsum(r.share for r in others) == pytest.approx(some.uncovered, abs=1e-9)
    assert math.fsum(r.contribution for r in others) == pytest.approx(some.rest, abs=1e-9)
    if by == "best":
        assert [size(r) for r in some] == pytest.approx([size(r) for r in full[:5]], abs=1e-9)


def test_all_contributions_sum_to_the_gradient(bert):
    """Norms, softmax, two layers: 900 routes, as vectors and along a direction."""
    tape, score, x = bert
    gradient = sw.backprop(tape, score, x).value
    routes = sw.top_routes(tape, score, x, k=EVERYTHING, by="contribution")
    total = torch.zeros_like(gradient)
    for route in routes:
        total[:, route.token] += route.gradient
    torch.testing.assert_close(total, gradient, rtol=1e-9, atol=1e-12)
    assert len(routes) == 900
    assert routes.missed == 0.0
    assert routes.uncovered == pytest.approx(0, abs=1e-9)
    by_token = torch.zeros(3, dtype=torch.float64)
    for route in routes:
        by_token[route.token] += route.contribution
    torch.testing.assert_close(by_token, (gradient * x)[0].sum(-1), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_best_routes_are_distinct_and_first(bert):
    """In a graph with too many paths to list, the best path of a route is that of its set of paths."""
    routes = sw.top_routes(*bert, k=8, by="best")
    assert len({key_of(route) for route in routes}) == 8
    first = sw.top_paths(*bert, k=1)[0]
    assert routes[0].log_weight == pytest.approx(first.log_weight, abs=1e-9)
    everything = sw.top_routes(*bert, k=EVERYTHING, by="best")
    assert [r.log_weight for r in routes] == pytest.approx([r.log_weight for r in everything[:8]], abs=1e-9)
    for route in routes[:3]:
        paths = route.top_paths(4)
        assert paths[0].log_weight == pytest.approx(route.log_weight, abs=1e-9)
        assert {legs_by_steps(path) for path in paths} == {key_of(route)}


def test_a_route_is_its_set_of_paths(bert):
    """The masked sweep of `select_paths`, part by part, gives the same mass."""
    for route in sw.top_routes(*bert, k=3, by="mass"):
        parts = [
            {"layer": leg.layer, "branch": leg.branch, "head": leg.head, "token": leg.source}
            for leg in route.legs
        ]
        same = sw.select_paths(*bert, through=parts)
        assert same.log_mass == pytest.approx(route.log_mass, abs=1e-9)
        assert same.contribution() == pytest.approx(route.contribution, abs=1e-9)
        assert same.cancellation() == pytest.approx(route.cancellation, abs=1e-12)


@pytest.mark.parametrize(
    "dtype", [pytest.param(torch.float64, marks=pytest.mark.slow), torch.float32], ids=str
)
def test_two_inputs_and_cross_attention(dtype):
    """Encoder and decoder embeddings: all routes together are both gradients.

    A root mean square norm makes contributions along the input vanish, to the last digit of float32; the
    routes are listed nevertheless, with their gradients.
    """
    torch.manual_seed(0)
    config = T5Config(vocab_size=12, d_model=6, d_kv=3, num_layers=1, num_heads=2, d_ff=6,
                      decoder_start_token_id=0)  # fmt: skip
    model = T5ForConditionalGeneration(config).to(dtype).eval()
    first, second = (torch.randn(1, n, 6, dtype=dtype) for n in (3, 2))
    with sw.record() as tape:
        score = model(inputs_embeds=first, decoder_inputs_embeds=second).logits[0, -1, 3]
    routes = sw.top_routes(tape, score, [first, second], k=EVERYTHING, by="contribution")
    assert {route.input for route in routes} == {0, 1}
    for number, result in enumerate(sw.backprop(tape, score, [first, second])):
        total = torch.zeros_like(result.value)
        for route in routes:
            if route.input == number:
                total[:, route.token] += route.gradient
        size = float(result.value.abs().max())
        assert float((total - result.value).abs().max()) < size * (1e-12 if dtype is torch.float64 else 1e-5)
    assert routes.uncovered == pytest.approx(0, abs=1e-9 if dtype is torch.float64 else 1e-5)


@pytest.mark.parametrize(("more", "words"), [
    ({"by": "luck"}, "choose one of"), ({"k": 0}, "k is 0"), ({"width": 0}, "width is 0"),
    ({"direction": torch.ones(3)}, "direction has the shapes"),
])  # fmt: skip
def test_mistakes_are_sentences(bert, more, words):
    with pytest.raises(InputError, match=words):
        sw.top_routes(*bert, **more)


def test_a_model_without_attention_has_no_routes():
    x = torch.randn(1, 2, 3)
    with sw.record() as tape:
        score = torch.tanh(x).sum()
    with pytest.raises(InputError, match="no attention"):
        sw.top_routes(tape, score, x)
