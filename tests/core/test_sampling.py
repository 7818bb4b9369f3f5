"""Sampled paths and routes occur as often as their exact probabilities say: chi-square with fixed seeds."""

import math
from collections import Counter

import pytest
import torch
from scipy.stats import chi2
from torch import nn

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.paths.single_paths import drawn, graph_of
from semiring_widgets.core.paths.stations import Stations
from semiring_widgets.core.paths.walks import guide_through
from semiring_widgets.core.semirings import Abs
from tests.core.oracle import all_paths
from tests.core.test_exact import FUNCTIONS, X

DRAWN = 5_000
# Below this a sampler of the right distribution falls once in ten thousand seeds.
IMPROBABLE = 1e-4


def improbable(counts, probabilities):
    """Whether the counts could hardly come from these probabilities; rare outcomes are joined."""
    total = sum(counts.values())
    pairs, rest = [], [0.0, 0.0]
    for key, probability in probabilities.items():
        if probability * total >= 5:
            pairs.append((counts.get(key, 0), probability * total))
        else:
            rest = [rest[0] + counts.get(key, 0), rest[1] + probability * total]
    if rest[1] > 0:
        pairs.append(tuple(rest))
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in pairs)
    return chi2.sf(statistic, max(1, len(pairs) - 1)) < IMPROBABLE


def of_path(path):
    return path.input, path.start, tuple((step.op, step.index) for step in path.steps)


@pytest.mark.parametrize("granularity", ["primitive", "paper"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_paths(function, granularity):
    with sw.record(granularity=granularity) as tape:
        score = function(X)
    count = sum(map(len, all_paths(tape, score, X).values()))
    exact = {of_path(path): path.probability for path in sw.top_paths(tape, score, wrt=X, k=count + 1)}
    assert len(exact) == count
    assert math.fsum(exact.values()) == pytest.approx(1)
    seen = Counter(map(of_path, sw.sample_paths(tape, score, wrt=X, n=DRAWN, seed=1)))
    assert set(seen) <= set(exact)
    assert not improbable(seen, exact)
    # The test can tell: with two outcomes exchanged it fails.
    most, least = max(exact, key=exact.get), min(exact, key=exact.get)
    if exact[most] > 2 * exact[least]:
        assert improbable(seen, exact | {most: exact[least], least: exact[most]})


def test_seeds_are_independent():
    with sw.record() as tape:
        score = FUNCTIONS[1](X)
    first, second, again = (
        [of_path(p) for p in sw.sample_paths(tape, score, wrt=X, n=200, seed=seed)] for seed in (1, 2, 1)
    )
    assert first == again != second


class Attending(nn.Module):
    """One attention with two heads, and its skip connection."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.q, self.k, self.v, self.o = (nn.Linear(4, 4, bias=False) for _ in range(4))

    def forward(self, x):
        q, k, v = (p(x).view(-1, 3, 2, 2).transpose(1, 2) for p in (self.q, self.k, self.v))
        mixed = torch.softmax(q @ k.mT, -1) @ v
        return x + self.o(mixed.transpose(1, 2).reshape(x.shape))


def test_routes():
    net, x = Attending().double(), torch.randn(1, 3, 4, dtype=torch.float64)
    with sw.record() as tape:
        score = net(x)[0, 1].sum()
    graph = graph_of(tape, score, x)
    stations = Stations(graph, find_anatomy(graph))
    paths, _ = drawn(guide_through(graph, Abs()), DRAWN, seed=5)
    seen = Counter()
    for start, hops in paths:
        origin, stops = stations.route_of(start, hops)
        seen[origin.token, stations.legs(stops)] += 1
    routes = sw.top_routes(tape, score, wrt=x, k=1000, by="mass", samples=10)
    exact = {(route.token, route.legs): route.share for route in routes}
    assert len(exact) == len(routes) > 10
    assert math.fsum(exact.values()) == pytest.approx(1)
    assert set(seen) <= set(exact)
    assert not improbable(seen, exact)
