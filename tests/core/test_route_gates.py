"""Routes of the paths through a part of the model, against the same set of paths found by masked sweeps."""

import math

import pytest
import torch

import semiring_widgets as sw
from tests.core.test_routes import EVERYTHING, RANKINGS, small
from tests.lanes import every, slow_but

PARTS = [
    {"layer": 1, "head": 1},
    {"layer": 0, "branch": "value", "head": 0, "token": 1},
    {"layer": 1, "branch": "skip"},
    {"layer": 0, "branch": "mlp", "token": 0},
    {"layer": 1, "token": 0},
    {"layer": 0},
    {"token": 1},
]
SEVERAL = [
    [{"token": 1}, {"layer": 1, "head": 1}],
    [{"layer": 0, "token": 0}, {"layer": 0, "branch": "skip"}],
    [{"layer": 0, "head": 0}, {"layer": 0}, {"layer": 1, "branch": "value"}],
    [{"layer": 0, "branch": "skip"}, {"layer": 0, "branch": "mlp"}, {"layer": 1, "head": 0, "token": 1}],
    [{"layer": 1, "head": 0}, {"layer": 1, "head": 1}],
]


@pytest.fixture(scope="module")
def question():
    return small(1, tokens=2, layers=2, heads=2)


def searching(question, part):
    return sw.paths(*question).through(part).route_search()


@pytest.mark.parametrize("part", slow_but([*PARTS, *SEVERAL[:-1]], every(3)), ids=str)
@RANKINGS
def test_routes_through_a_part(question, part, by):
    search = searching(question, part)
    routes = search.ranked(by, EVERYTHING, width=EVERYTHING)
    whole = sw.select_paths(*question, through=part)
    masses = torch.tensor([route.log_mass for route in routes], dtype=torch.float64)
    assert float(masses.logsumexp(0)) == pytest.approx(whole.log_mass, abs=1e-9)
    assert max(route.log_weight for route in routes) == pytest.approx(whole.log_weight, abs=1e-9)
    contributions = math.fsum(route.contribution for route in routes)
    size = math.fsum(abs(route.contribution) for route in routes)
    assert contributions == pytest.approx(whole.contribution(), abs=1e-9 * size)
    assert routes.rest == pytest.approx(0, abs=1e-9 * size)
    assert routes.uncovered == pytest.approx(0, abs=1e-9)
    assert routes.missed in (0.0, -math.inf)


@RANKINGS
def test_no_route_passes_what_no_path_passes(question, by):
    routes = searching(question, SEVERAL[-1]).ranked(by, 5, width=5)
    assert list(routes) == []
    assert (routes.rest, routes.missed) in ((0.0, 0.0), (0.0, -math.inf))


@pytest.mark.parametrize("part", [*PARTS[:5], *SEVERAL[:2]], ids=str)
def test_a_narrow_search_finds_the_first_ones(question, part):
    search = searching(question, part)
    for by, size in (("best", lambda r: r.log_weight), ("mass", lambda r: r.log_mass)):
        full, some = search.ranked(by, EVERYTHING, width=EVERYTHING), search.ranked(by, 3, width=3)
        assert [size(route) for route in some] == sorted(map(size, some), reverse=True)
        listed = {route.legs for route in some}
        rest = max(size(route) for route in full if route.legs not in listed)
        assert rest <= some.missed + 1e-9
        if by == "best":
            assert [size(r) for r in some] == pytest.approx([size(r) for r in full[:3]], abs=1e-9)
            assert [r.sign for r in some] == [r.sign for r in full[:3]]


def test_signs_are_those_of_the_best_paths():
    for route in sw.top_routes(*small(2), k=EVERYTHING):
        assert route.sign == math.copysign(1, route.path.weight)
