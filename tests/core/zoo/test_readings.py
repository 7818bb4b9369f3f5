"""A path read step by step and its route, read at the stations it passes, tell the same."""

import pytest

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.paths.single_paths import drawn, graph_of
from semiring_widgets.core.paths.stations import Stations
from semiring_widgets.core.paths.walks import guide_through
from semiring_widgets.core.semirings import Abs
from tests.core.oracle import legs_of
from tests.core.zoo.feeding import feed, weigh
from tests.core.zoo.shrinking import build
from tests.core.zoo.table import MECHANISMS, TABLE

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.mark.parametrize("name", MECHANISMS)
def test_both_readings_agree(name):
    row = next(row for row in TABLE if row.name == name)
    model = build(name, **row.changes)
    inputs, call = feed(row.kind, model)
    with sw.record() as tape:
        score = weigh(call(inputs))
    graph = graph_of(tape, score, inputs)
    anatomy = find_anatomy(graph)
    stations = Stations(graph, anatomy)
    paths, _ = drawn(guide_through(graph, Abs()), 100, 0)
    lengths = set()
    for start, hops in paths:
        legs = stations.legs(stations.route_of(start, hops)[1])
        assert legs_of(anatomy, hops) == legs
        lengths.add(len(legs))
    assert max(lengths) >= 2
