"""Sets of paths against the list of all paths: narrowed in any order, asked all they answer."""

import itertools
import math
import random
from collections import Counter

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import cut_of
from semiring_widgets.core.restriction import Restriction
from semiring_widgets.errors import InputError, TapeError
from tests.core.oracle import all_paths
from tests.core.test_routes import EVERYTHING, legs_by_steps, small
from tests.core.test_sampling import improbable, of_path
from tests.lanes import slow_but

SIZES = {"two heads": {"heads": 2}, "two layers": {"layers": 2, "heads": 1, "units": 1}}
CASES = 10
# Through two parts, which in one layer is no path; and through one: both around others, leaving the skip.
FAST = {6, 9}


@pytest.fixture(scope="module", params=SIZES, ids=str)
def question(request):
    return small(4, **SIZES[request.param])


@pytest.fixture(scope="module")
def everything(question):
    """All paths one by one: as many, with the same weights, as another program finds."""
    tape, score, x = question
    found = sw.top_paths(*question, k=EVERYTHING)
    weights = [w for own in all_paths(tape, score, x).values() for w in own]
    assert sorted(path.weight for path in found) == pytest.approx(sorted(weights), rel=1e-9)
    return found


def parts_of(whole):
    """Every kind of part that the model has."""
    for layer, attention in enumerate(whole.anatomy.attentions):
        yield {"layer": layer}
        for branch in ("skip", "query", "key", "value", "mlp", "mlp_skip"):
            yield {"layer": layer, "branch": branch}
            yield {"layer": layer, "branch": branch, "token": 1}
        for head in range(attention.heads):
            yield {"layer": layer, "head": head}
            yield {"layer": layer, "head": head, "branch": "value", "token": 0}
        yield {"layer": layer, "token": 1}
    yield {"token": 0}


def passes(path, cut):
    """Whether a path is at one of the elements of a cut."""
    at = [(hop.edge.source, hop.source) for hop in path.hops]
    at.append((path.hops[-1].edge.target, path.hops[-1].target))
    along = [(hop.edge, hop.source) for hop in path.hops]
    return any(bool(cut.nodes[node].reshape(-1)[e]) for node, e in at if node in cut.nodes) or any(
        bool(cut.edges[edge].reshape(-1)[e]) for edge, e in along if edge in cut.edges
    )


def drawn_case(question, everything, number):
    """A set made in a random order, and its paths taken from the list; the first is all paths."""
    whole = sw.paths(*question)
    chance = random.Random(number)
    parts = list(parts_of(whole))
    through, avoiding = (chance.sample(parts, min(number, chance.randint(0, 2))) for _ in range(2))
    leaving = number > 0 and chance.random() < 0.5
    calls = [("through", p) for p in through] + [("avoiding", p) for p in avoiding]
    calls += [("leaving_skip", None)] * leaving
    chance.shuffle(calls)
    chosen = whole
    for call, part in calls:
        chosen = getattr(chosen, call)(*([] if part is None else [part]))

    def belongs(path):
        cuts = {kind: [cut_of(whole.graph, whole.anatomy, p) for p in chosen_parts] for kind, chosen_parts in
                (("through", chosen.passed), ("avoiding", chosen.avoided))}  # fmt: skip
        leaves = any(hop.edge in whole.ground.leaving.edges for hop in path.hops)
        return (
            all(passes(path, cut) for cut in cuts["through"])
            and not any(passes(path, cut) for cut in cuts["avoiding"])
            and (leaves or not leaving)
        )

    listed = [path for path in everything if belongs(path)]
    asked = {"through": through, "avoiding": avoiding, "leaving_skip": leaving}
    return chosen, listed, asked


@pytest.fixture(scope="module", params=slow_but(range(CASES), lambda number: number in FAST))
def case(request, question, everything):
    return drawn_case(question, everything, request.param)


def mass_of(paths):
    return math.fsum(abs(path.weight) for path in paths)


def log(number):
    return math.log(number) if number > 0 else -math.inf


def test_the_cases_are_of_all_kinds(question, everything):
    cases = [drawn_case(question, everything, number) for number in range(CASES)]
    sizes = [len(listed) for _, listed, _ in cases]
    assert sizes[0] == len(everything)
    assert len({size for size in sizes if 0 < size < len(everything)}) >= 5
    assert any(asked["through"] and asked["avoiding"] for _, _, asked in cases)
    assert any(asked["leaving_skip"] and asked["through"] for _, _, asked in cases)


def test_sums(question, case):
    chosen, listed, asked = case
    x = question[2]
    result = chosen.backprop("fused")
    again = sw.backprop(*question, "fused", **asked)
    for element in itertools.product(*map(range, x.shape)):
        weights = [path.weight for path in listed if path.start == element]
        mass = math.fsum(map(abs, weights))
        assert float(result.value[element]) == pytest.approx(math.fsum(weights), abs=1e-12)
        assert float(result.log_mass[element]) == pytest.approx(log(mass), abs=1e-9)
        assert float(result.log_weight[element]) == pytest.approx(
            log(max(map(abs, weights), default=0)), abs=1e-9
        )
    for part, other in zip(result.parts, again.parts, strict=True):
        torch.testing.assert_close(part, other, rtol=1e-9, atol=1e-12)
    mass = mass_of(listed)
    shares = [abs(path.weight) / mass for path in listed if path.weight]
    assert chosen.log_mass == pytest.approx(log(mass), abs=1e-9)
    assert chosen.entropy == pytest.approx(-math.fsum(p * math.log(p) for p in shares), abs=1e-8)
    assert float(chosen.total("count").count) == pytest.approx(log(len(listed)), abs=1e-9)
    assert float(chosen.total().value) == pytest.approx(math.fsum(p.weight for p in listed), abs=1e-12)
    signed = math.fsum(path.weight * float(x[path.start]) for path in listed)
    assert chosen.contribution() == pytest.approx(signed, abs=1e-12)


def test_signs(case):
    chosen, listed, _ = case
    best = chosen.total("max")
    sign = max(listed, key=lambda path: abs(path.weight)).sign if listed else 0
    assert int(best.sign) == sign


def test_best_paths(question, case):
    chosen, listed, asked = case
    found = chosen.best(len(listed) + 1)
    assert sorted(map(of_path, found)) == sorted(map(of_path, listed))
    weights = [path.log_weight for path in found]
    assert weights == sorted(weights, reverse=True)
    assert sum(path.probability for path in found) == pytest.approx(1 if listed else 0)
    some = sw.top_paths(*question, k=3, **asked)
    assert [path.log_weight for path in some] == pytest.approx(weights[:3])


def test_samples(question, case):
    chosen, listed, asked = case
    drawn = chosen.sample(1000, seed=5)
    mass = mass_of(listed)
    exact = {of_path(path): abs(path.weight) / mass for path in listed}
    seen = Counter(map(of_path, drawn))
    assert len(drawn) == (1000 if listed else 0)
    assert set(seen) <= set(exact)
    if len(exact) > 1:
        assert not improbable(seen, exact)
    assert all(path.probability == pytest.approx(exact[of_path(path)], rel=1e-9) for path in drawn[:20])
    again = sw.sample_paths(*question, n=20, seed=1, **asked)
    assert [of_path(path) for path in again] == [of_path(path) for path in chosen.sample(20, seed=1)]


def of_legs(legs):
    return tuple((leg.layer, leg.branch, leg.head, leg.source, leg.target) for leg in legs)


@pytest.mark.parametrize("by", ["best", "mass", "contribution"])
def test_routes(question, case, by):
    chosen, listed, asked = case
    routes = chosen.routes(by, k=EVERYTHING, samples=100)
    grouped = {}
    for path in listed:
        grouped.setdefault(legs_by_steps(path), []).append(path)
    assert {(route.token, of_legs(route.legs)) for route in routes} == set(grouped)
    whole = mass_of(listed)
    for route in list(routes)[:25]:
        own = grouped[route.token, of_legs(route.legs)]
        assert math.exp(route.log_mass) == pytest.approx(mass_of(own), rel=1e-9)
        assert route.share == pytest.approx(mass_of(own) / whole, rel=1e-9)
        x = question[2]
        signed = math.fsum(path.weight * float(x[path.start]) for path in own)
        assert route.contribution == pytest.approx(signed, abs=1e-12)
    for route in list(routes)[:3]:
        own = grouped[route.token, of_legs(route.legs)]
        assert sorted(map(of_path, route.top_paths(len(own) + 1))) == sorted(map(of_path, own))
    some = sw.top_routes(*question, k=2, by=by, samples=100, **asked)
    assert [route.legs for route in some] == [route.legs for route in routes[: len(some)]]


def test_flow(question, case):
    chosen, listed, asked = case
    flow = chosen.flow("abs")
    table = sw.flow(*question, **asked)
    mass = mass_of(listed)
    assert float(flow.total[0]) == pytest.approx(log(mass), abs=1e-9)

    def inside(**part):
        (own,) = sw.paths(*question).through(part).cuts
        return mass_of(path for path in listed if passes(path, own))

    for attention in chosen.anatomy.attentions:
        layer = flow.layer(attention)
        for name, head, token in itertools.product(
            ("query", "key", "value"), range(attention.heads), range(2)
        ):
            wanted = inside(layer=attention.index, branch=name, head=head, token=token)
            assert float(layer.heads[name][0][head, token].exp()) == pytest.approx(wanted, abs=1e-12)
        for name, token in itertools.product(("skip", "mlp", "mlp_skip"), range(2)):
            wanted = inside(layer=attention.index, branch=name, token=token)
            assert float(layer.branches[name][0][token].exp()) == pytest.approx(wanted, abs=1e-12)
            share = float(table.branch_mass_share.sel(branch=name)[attention.index, token])
            assert share == pytest.approx(wanted / mass if mass else 0, abs=1e-6)
        for token in range(2):
            wanted = inside(layer=attention.index, token=token)
            assert float(layer.stream[0][token].exp()) == pytest.approx(wanted, abs=1e-12)
    started = [mass_of(path for path in listed if path.start[-2] == token) for token in range(2)]
    (node,) = chosen.graph.wrt
    assert flow.start(node)[0].exp().tolist() == pytest.approx(started, abs=1e-12)
    by_map = table.map_mass_share.sum(("query", "key")) - table.head_mass_share
    assert float(abs(by_map).max()) == pytest.approx(0, abs=1e-6)
    best = table.map_best_log_weight.max(("query", "key")).values
    assert best == pytest.approx(table.head_best_log_weight.values, abs=1e-5)


def test_lengths(question, case):
    _, listed, asked = case
    (hops,) = sw.path_lengths(*question, **asked)
    joined = hops.log_masses.flatten(0, -2).logsumexp(0).exp()
    seen = Counter()
    for path in listed:
        layers = {step.layer for step in path.steps if step.route in ("query", "key", "value")}
        seen[len(layers)] += abs(path.weight)
    assert joined.tolist() == pytest.approx([seen[number] for number in range(len(joined))], abs=1e-12)


def test_tables_of_a_set_and_of_its_tape_are_the_same(question):
    parts = {"through": {"layer": 0, "branch": "value"}, "leaving_skip": True}
    one = sw.flow(sw.select_paths(*question, **parts))
    other = sw.flow(*question, **parts)
    assert float(abs(one - other).max().to_array().max()) < 1e-6


@pytest.mark.parametrize("ask", [
    lambda chosen: chosen.log_mass, lambda chosen: chosen.total("sum"), lambda chosen: chosen.total("fused"),
], ids=["mass", "sum", "fused"])  # fmt: skip
def test_a_second_part_costs_no_sweep(question, monkeypatch, ask):
    whole = sw.paths(*question)
    parts = [{"layer": 0, "branch": branch} for branch in ("query", "key", "value")]
    visited = []

    def counting(carry):
        return lambda paths, semiring, edge, value: (
            visited.append(edge) or carry(paths, semiring, edge, value)
        )

    for name in ("pulled", "pushed"):
        monkeypatch.setattr(Restriction, name, counting(getattr(Restriction, name)))
    first = [ask(whole.through(part)) for part in parts]
    assert visited
    visited.clear()
    again = [ask(sw.paths(*question).through(part)) for part in parts]
    assert visited == []
    assert str(again) == str(first)


def test_a_tensor_gives_a_result_and_a_list_a_list(question):
    tape, score, x = question
    one, several = sw.paths(tape, score, x), sw.paths(tape, score, [x])
    assert torch.equal(one.backprop().value, several.backprop()[0].value)
    assert torch.equal(one.backprop().value, sw.backprop(tape, score, x).value)
    assert torch.equal(one.lengths().length, several.lengths()[0].length)
    chosen = sw.select_paths(tape, score, x)  # always lists, for those who unpack them
    assert [len(chosen.backprop()), len(chosen.lengths()), len(one.at_inputs())] == [1, 1, 1]


def test_a_score_per_example_may_be_narrowed():
    torch.manual_seed(0)
    x = torch.randn(3, 4, dtype=torch.float64)
    with sw.record() as tape:
        score = (x * x).sum(1)
    whole = sw.backprop(tape, score, x, "abs").log_mass
    there, around = (
        sw.backprop(tape, score, x, "abs", **{how: {"token": 1}}) for how in ("through", "avoiding")
    )
    assert torch.equal(there.log_mass[1], whole[1])
    assert torch.equal(around.log_mass[[0, 2]], whole[[0, 2]])
    assert bool((there.log_mass[[0, 2]] == -math.inf).all())


@pytest.mark.parametrize("ask", [
    lambda chosen: chosen.backprop("entropy").entropy[1, 2], lambda chosen: chosen.total("entropy").entropy,
], ids=["backprop", "total"])  # fmt: skip
def test_a_part_with_a_mass_beyond_float32_keeps_its_digits(ask):
    """As all paths do: it is computed again in float64."""
    torch.manual_seed(0)
    x, found = torch.rand(3, 4), []
    for dtype in (torch.float32, torch.float64):
        with sw.record() as tape:
            h = start = x.to(dtype)
            for _ in range(20):
                h = h + (h * 1e30 - h * 1e30)
            score = (h * h).sum()
        found.append(float(ask(sw.paths(tape, score, start).through({"token": 1}))))
    assert found[0] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize(("ask", "words"), [
    (lambda p: p.through({"layer": 9}), "layer is 9; there are"),
    (lambda p: p.avoiding({"head": 1}), "no layer that it is of"),
    (lambda p: p.through("all"), "A selection is a part or a list of parts"),
    (lambda p: p.through({"token": 0}).backprop("max", "branch"), "knows nothing of some of them"),
    (lambda p: p.routes("length"), "choose one of"),
    (lambda p: p.best(0), "k is 0"),
    (lambda p: p.sample(-1), "n is -1"),
    (lambda p: p.lengths("miles"), "choose one of"),
    (lambda p: p.backprop("mean"), "choose one of|is no semiring"),
])  # fmt: skip
def test_mistakes_are_sentences(question, ask, words):
    with pytest.raises(InputError, match=words):
        ask(sw.paths(*question))


def test_without_a_residual_stream_there_is_no_skip_to_leave():
    x = torch.ones(2)
    with sw.record() as tape:
        score = x.exp().sum()
    with pytest.raises(InputError, match="no skip to leave"):
        sw.paths(tape, score, x).leaving_skip()
    with pytest.raises(InputError, match="no routes"):
        sw.paths(tape, score, x).routes()


def test_an_input_that_is_given_twice_has_its_paths_once():
    tape, score, x = small(0)
    twice = sw.paths(tape, score, [x, x])
    gradient = sw.backprop(tape, score, x).value
    assert twice.contribution() == pytest.approx(float((gradient * x).sum()), abs=1e-12)


def test_a_score_behind_a_cut_is_refused():
    x = torch.ones(3)
    with sw.record() as tape:
        score = (x * 2).detach().sum()
    with pytest.raises(TapeError, match="cut"):
        sw.paths(tape, score, x)
