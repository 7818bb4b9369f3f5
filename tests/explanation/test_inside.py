"""Parts taken together and taken apart: groups, units and scalar paths have the numbers of their paths."""

import math

import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import demo

GROUPS = {
    "heads one behind the other": [{"layer": 0, "head": 3}, {"layer": 3, "head": 3}],
    "heads side by side": [{"layer": 3, "head": 1}, {"layer": 3, "head": 3}],
    "a word and a head": [{"token": 2}, {"layer": 1, "head": 0}],
    "all starts": [{"token": token} for token in range(12)],
    "one, twice over": [{"layer": 3, "head": 3}, {"layer": 3, "branch": "value", "head": 3}],
    "rare": [{"layer": 3, "token": 9, "head": 1}, {"layer": 3, "token": 10, "head": 2}],
}


@pytest.fixture(scope="module")
def result():
    # Along the input minus zero contributions are those of a set along the input itself.
    return sw.explain(
        *sw.load_demo(), demo.DEMO_TEXT, target="are", contrast="is", rankings="best", reference="zero"
    )


@pytest.mark.parametrize("parts", GROUPS.values(), ids=GROUPS.keys())
def test_a_group_is_all_paths_but_those_around_its_parts(result, question, parts):
    group = result.group("some", parts)
    around = sw.select_paths(*question, avoiding=parts)
    whole = sw.paths(*question)
    assert group.share == pytest.approx(-math.expm1(around.log_share), rel=1e-3, abs=2e-6)
    assert group.contribution == pytest.approx(whole.contribution() - around.contribution(), abs=2e-4)
    # -sum p log p of both sides together is that of all paths.
    rest = math.exp(around.log_share)
    mixed = group.share * (group.entropy - math.log(group.share))
    if rest > 0:
        mixed += rest * (around.entropy - math.log(rest))
    assert mixed == pytest.approx(whole.entropy, rel=1e-4)


def test_the_flow_of_a_group_is_that_of_its_paths(result):
    parts = GROUPS["heads one behind the other"]
    table, log_share = result.session.conditioned([{"token": 2}], among=parts)
    one, two = ([{"token": 2}, part] for part in parts)
    alone = [result.session.conditioned(given) for given in (one, two, one + two[1:])]
    shares = [math.exp(share) for _, share in alone]
    union = shares[0] + shares[1] - shares[2]
    assert math.exp(log_share) == pytest.approx(union, rel=1e-4)
    found = sum(
        sign * share * data.node_mass_share.values
        for sign, share, (data, _) in zip((1, 1, -1), shares, alone, strict=True)
    )
    assert table.node_mass_share.values == pytest.approx(found / union, abs=1e-4)
    assert table.attrs["best_log_weight"] == pytest.approx(
        max(data.attrs["best_log_weight"] for data, _ in alone)
    )


def test_what_is_told_of_a_selection_is_that_of_exactly_these_paths(result, question):
    through, avoiding = [{"layer": 3, "head": 3}, {"token": 2}], [{"layer": 0, "head": 1}]
    table, _ = result.session.conditioned(through, avoiding=avoiding)
    paths = sw.select_paths(*question, through=through, avoiding=avoiding)
    assert table.attrs["entropy"] == pytest.approx(paths.entropy, rel=1e-4)
    assert table.attrs["contribution"] == pytest.approx(paths.contribution(), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", ["heads one behind the other", "heads side by side"])
@pytest.mark.parametrize("by", ["mass", "contribution"])
def test_routes_through_a_group_are_the_first_of_all_that_pass_a_part(result, by, name):
    parts = GROUPS[name]
    places = {(part["layer"], part["head"]) for part in parts}
    session = result.session
    passing = [
        route
        for route in session.ranking(by, [], 60).routes
        if any((step.layer, step.head) in places for step in route.steps)
    ]
    found = session.ranking(by, [], 3, among=parts)
    assert [route.label for route in found.routes] == [route.label for route in passing[:3]]
    size = {"mass": lambda route: route.log_mass, "contribution": lambda route: abs(route.contribution)}[by]
    assert found.missed >= size(passing[3]) - 1e-4
    together = found.rest + math.fsum(route.contribution for route in found.routes)
    assert together == pytest.approx(session.group("it", parts).contribution, rel=1e-3, abs=1e-5)
    # A family may pass a part of the group by some of its paths only.
    whole = {family.steps: family.contribution for family in session.ranking(by, [], 60).families}
    for family in found.families:
        assert family.contribution == pytest.approx(whole[family.steps], rel=1e-3, abs=1e-5)


def test_routes_through_a_word_or_a_head_have_other_shares_left(result):
    found = result.session.ranking("mass", [], 4, among=GROUPS["a word and a head"])
    group = result.session.group("it", GROUPS["a word and a head"])
    assert 0 < found.uncovered < 1
    listed = math.fsum(route.share for route in found.routes)
    assert listed == pytest.approx((1 - found.uncovered) * group.share, rel=1e-3)
    assert len(found.routes) == 4


def test_groups_are_saved_and_tested_together(result, tmp_path):
    parts = GROUPS["heads side by side"]
    group = result.group("  last   heads ", parts)
    assert group.name == "last heads"
    together = result.test(group)
    assert together.effect == result.test(parts).effect
    result.save(tmp_path / "e.npz")
    known = sw.load(tmp_path / "e.npz")
    assert known.groups["last heads"] == group
    known.groups.remove("last heads")
    with pytest.raises(InputError, match="There is no group 'last heads'"):
        known.groups.remove("last heads")
    with pytest.raises(InputError, match="group needs the model"):
        known.group("new", parts)
    for name, given, why in (
        ("", parts, "a name"),
        ("x", [], "at least one"),
        ("x", {"layer": 9}, "layer is 9"),
    ):
        with pytest.raises(InputError, match=why):
            result.group(name, given)


PARTS = {
    "head": {"layer": 3, "head": 3},
    "head at a token": {"layer": 3, "head": 3, "token": 6},
    "key": {"layer": 3, "head": 3, "branch": "key"},
    "value at a token": {"layer": 2, "head": 1, "branch": "value", "token": 2},
    "mlp": {"layer": 1, "branch": "mlp"},
    "mlp at a token": {"layer": 2, "branch": "mlp", "token": 6},
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_units_add_up_to_their_part(result, part):
    units = result.units(part)
    assert units.contribution.sum() == pytest.approx(result.test(part).predicted, rel=1e-4, abs=1e-6)
    assert units.contribution.abs().is_monotonic_decreasing
    assert sorted(units.unit) == list(range(256 if "mlp" in part.values() else 32))
    # A head at a token is its output there, while paths pass a selected head where they are read.
    if part != PARTS["head at a token"]:
        share = math.exp(result.session.conditioned(part)[1])
        assert units.mass_share.sum() == pytest.approx(share, rel=1e-3)


def test_the_strongest_path_has_its_derivatives_and_their_product(result, question):
    through, avoiding = [{"layer": 3, "head": 3}], [{"token": 1}]
    path = result.path(through, avoiding=avoiding)
    (best,) = sw.top_paths(*question, k=1, through=through, avoiding=avoiding)
    assert (path.stream, path.token, path.unit) == (best.input, *best.start[-2:])
    assert path.log_weight == pytest.approx(best.log_weight, abs=1e-5)
    table = path.to_pandas()
    assert table["product"].values == pytest.approx(table.derivative.cumprod().values, rel=1e-6)
    assert path.sign * math.exp(path.log_weight) == pytest.approx(table["product"].iloc[-1], rel=1e-6)
    assert result.path([{"layer": 3, "head": 3}, {"layer": 3, "head": 1}]) is None


def test_a_route_is_followed_along_its_strongest_path(result):
    for route in result.routes[:3]:
        assert result.path(route).log_weight == pytest.approx(route.log_weight, abs=1e-4)
    with pytest.raises(InputError, match="not among the first"):
        result.session.path((), result.routes[0].steps[:1])


def test_what_has_no_units_says_so(result):
    for part in ({"token": 2}, {"layer": 3}, {"layer": 3, "branch": "skip"}):
        with pytest.raises(InputError, match="Units are those of"):
            result.units(part)
    with pytest.raises(InputError, match="one part at a time"):
        result.units([{"layer": 3, "head": 1}, {"layer": 3, "head": 2}])
