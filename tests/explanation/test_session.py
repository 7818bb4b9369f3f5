"""What a click is told: of one part or several, the numbers of `select_paths`; and it can be stopped."""

import math

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import demo

SELECTIONS = {
    "token and head": [{"token": 2}, {"layer": 3, "head": 3}],
    "head and its layer": [{"layer": 3, "head": 2}, {"layer": 3}],
    "head and a cell": [{"layer": 3, "head": 3}, {"layer": 3, "token": 1}],
    "cell and skip": [{"layer": 2, "token": 2}, {"layer": 2, "branch": "skip"}],
    "heads of two layers": [{"layer": 3, "head": 3}, {"layer": 0, "head": 3}],
    "part of a head": [{"layer": 3, "head": 3}, {"layer": 3, "branch": "value"}],
    "mlp and token": [{"layer": 1, "branch": "mlp"}, {"token": 3}, {"layer": 3, "branch": "mlp_skip"}],
    "four": [{"token": 2}, {"layer": 0, "head": 3}, {"layer": 2, "token": 1}, {"layer": 3, "head": 3}],
    "no such path": [{"layer": 3, "head": 3}, {"layer": 3, "head": 1}],
    "two starts": [{"token": 2}, {"token": 3}],
}
ALL = pytest.mark.parametrize("parts", SELECTIONS.values(), ids=SELECTIONS.keys())


@pytest.fixture(scope="module")
def result():
    # Along the input minus zero contributions are those of a set along the input itself.
    return sw.explain(
        *sw.load_demo(), demo.DEMO_TEXT, target="are", contrast="is", rankings="best", reference="zero"
    )


@ALL
def test_flow_and_routes_are_those_of_the_set(result, question, parts):
    paths = sw.select_paths(*question, through=parts)
    table, log_share = result.session.conditioned(parts)
    assert math.exp(log_share) == pytest.approx(math.exp(paths.log_share), rel=1e-4, abs=1e-12)
    assert table.attrs["best_log_weight"] == pytest.approx(paths.log_weight, abs=1e-4)
    nothing = paths.log_mass == -math.inf
    assert table.node_mass_share.sum("token").values == pytest.approx(0 if nothing else 1, abs=1e-4)
    assert float(table.token_mass_share.sum()) == pytest.approx(0 if nothing else 1, abs=1e-4)
    ranking = result.session.ranking("contribution", parts, 3)
    whole = math.fsum(route.contribution for route in ranking.routes) + ranking.rest
    assert whole == pytest.approx(paths.contribution(), rel=1e-3, abs=1e-6)
    (best,) = result.session.ranking("best", parts, 1).routes or [None]
    assert (best is None) == nothing
    if best is not None:
        assert best.log_weight == pytest.approx(paths.log_weight, abs=1e-4)


@ALL
def test_head_maps_are_those_of_the_set(result, parts):
    """Summed over tokens, a map is what the table says of the head, asked with the table or before it."""
    for layer, head in ((0, 3), (3, 3), (3, 1), (1, 0)):
        shares = result.session.head_map(layer, head, parts)
        table, _ = result.session.conditioned(parts)
        again = result.session.head_map(layer, head, parts)
        assert np.array_equal(shares, again)
        wanted = table.head_mass_share[layer, head].values
        assert shares.sum((1, 2)) == pytest.approx(wanted, rel=1e-3, abs=1e-5)
    shown = result.session.head_map(3, 3)
    assert shown.sum((1, 2)) == pytest.approx(result.dataset.head_mass_share[3, 3].values, rel=1e-3)


def test_the_order_of_parts_does_not_matter(result):
    parts = SELECTIONS["four"]
    one, other = (result.session.conditioned(order) for order in (parts, [*parts[::-1], parts[0]]))
    assert one[0].equals(other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize("parts", [{"layer": 3, "head": 4}, {"head": 2}, {"token": 12}, "x", None], ids=str)
def test_what_there_is_not_is_refused(result, parts):
    asked = (
        lambda: result.session.conditioned(parts),
        lambda: result.session.ranking("best", parts, 1),
        lambda: result.session.head_map(0, 0, parts),
    )
    for ask in asked:
        with pytest.raises(InputError):
            ask()
    with pytest.raises(InputError, match="head is 99; layer 0 has 4 heads"):
        result.session.head_map(0, 99)


@pytest.mark.parametrize("by", ["best", "mass", "contribution"])
def test_it_stops_soon_after_it_is_told(result, by):
    class StopError(Exception):
        pass

    def ask(check):
        parts = SELECTIONS["token and head"]
        result.session.ranking(by, parts, 5, check)

    calls = []
    ask(lambda: calls.append(1))
    assert len(calls) > 100
    for stop in (1, len(calls) // 2):
        seen = []

        def check(stop=stop, seen=seen):
            seen.append(1)
            if len(seen) == stop:
                raise StopError

        with pytest.raises(StopError):
            ask(check)
        assert len(seen) == stop
    assert not result.session._held().lock.locked()


def test_the_flow_stops_soon_after_it_is_told(result):
    def stop():
        raise KeyError("stop")

    with pytest.raises(KeyError):
        result.session.conditioned({"token": 2}, stop)
    assert not result.session._held().lock.locked()
    table, _ = result.session.conditioned({"token": 2})
    assert torch.isfinite(torch.tensor(table.attrs["log_mass"]))
