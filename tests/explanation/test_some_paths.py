"""An explanation, or a comparison, of some of the paths alone: every number is that of the set."""

import json
import math

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import demo
from semiring_widgets.explanation.chosen_words import words_of
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.result import facts_of
from semiring_widgets.terminal import show

HEAD = {"layer": 3, "head": 3}
SETS = {
    "through": {"through": HEAD},
    "around": {"avoiding": [HEAD, {"layer": 0, "branch": "mlp"}]},
    "all three": {"through": {"token": 2}, "avoiding": {"layer": 0, "branch": "mlp"}, "leaving_skip": True},
}
WORDS = {
    "through": "only paths through head 3·3",
    "around": "only paths avoiding the MLP of layer 0 and head 3·3",
    "all three": "only paths from keys, avoiding the MLP of layer 0, leaving the skip",
}
# Of the table that every click brings: what is of the set, and known to `explain`, too.
SHARED = ("node_mass_share", "branch_mass_share", "head_mass_share", "token_mass_share")
WITHIN = {"layer": 2, "head": 1}


def asked(**more):
    model, tokenizer = sw.load_demo()
    return sw.explain(model, tokenizer, demo.DEMO_TEXT, "are", "is", **{"paths": 3, **more})


@pytest.fixture(scope="module")
def whole():
    return asked(rankings="best")


@pytest.fixture(scope="module", params=SETS, ids=str)
def case(request):
    rankings = ("best", "contribution")
    return request.param, asked(semiring="hops", rankings=rankings, reference="zero", **SETS[request.param])


@pytest.mark.parametrize(
    ("through", "words"),
    [
        ([HEAD, {"layer": 0, "head": 3}, {"token": 2}], "only paths from keys through head 0·3 and head 3·3"),
        ([{"token": 5}, {"token": 2}], "only paths from both cabinet and keys"),
    ],
    ids=["heads", "words"],
)
def test_several_parts_are_one_sentence(question, whole, through, words):
    assert words_of(sw.select_paths(*question, through=through), whole.streams) == words


def test_the_numbers_are_those_of_the_set(question, case):
    name, result = case
    few, data = sw.select_paths(*question, **SETS[name]), result.dataset
    units = few.backprop("fused")[0]
    tokens = units.reduce(-1)
    assert result.totals.log_mass == pytest.approx(few.log_mass, rel=1e-5)
    assert result.totals.entropy == pytest.approx(few.entropy, rel=1e-4)
    assert result.totals.best_log_weight == pytest.approx(few.log_weight, abs=1e-4)
    assert result.totals.best_sign == int(few.total("max").sign)
    gradient = units.value[0].double()
    expected = {
        "token_log_mass": tokens.log_mass[0],
        "token_entropy": tokens.entropy[0],
        "token_best_log_weight": tokens.log_weight[0],
        "token_best_sign": few.backprop("max")[0].reduce(-1).sign[0],
        "token_gradient_norm": gradient.square().sum(-1).sqrt(),
        "token_gradient_x_input": (gradient * question[2][0].double()).sum(-1),
        "token_statistic": few.lengths()[0].reduce(-1).length[0][None],
    }
    for variable, values in expected.items():
        np.testing.assert_allclose(data[variable].values, values, rtol=2e-3, atol=2e-4, err_msg=variable)
    assert float(data.token_mass_share.sum()) == pytest.approx(1, abs=1e-4)
    flow = sw.flow(few, maps=False)
    for part in ("node", "branch", "head"):
        for fact in ("mass_share", "best_log_weight"):
            found, wanted = data[f"{part}_{fact}"].values, flow[f"{part}_{fact}"].values
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4, err_msg=part)


def test_so_are_the_routes(question, case):
    name, result = case
    (exact,) = sw.top_routes(*question, k=1, **SETS[name])
    route = result.ranking("best").routes[0]
    assert route.log_weight == pytest.approx(exact.log_weight, abs=1e-4)
    assert route.share == pytest.approx(exact.share, rel=1e-2)
    assert route.contribution == pytest.approx(exact.contribution, rel=1e-2, abs=1e-6)
    assert [len(ranking.routes) for ranking in result.rankings] == [3, 3]
    (first,) = result.ranking("contribution").routes[:1]
    assert abs(first.contribution) >= abs(route.contribution)


def test_the_score_is_that_of_the_model(whole, case):
    assert case[1].score == whole.score


def test_it_is_what_a_click_on_the_whole_tells(whole):
    result = asked(rankings="best", through=HEAD)
    table, log_share = whole.session.conditioned(HEAD)
    for variable in SHARED:
        np.testing.assert_allclose(result.dataset[variable], table[variable], atol=1e-4, err_msg=variable)
    assert result.totals.log_mass == pytest.approx(table.attrs["log_mass"], rel=1e-5)
    assert result.totals.log_mass - whole.totals.log_mass == pytest.approx(log_share, abs=1e-3)
    best = whole.session.ranking("best", HEAD, 3).routes
    assert [route.label for route in result.routes] == [route.label for route in best]
    ours, theirs = (r.session.head_map(3, 3, chosen) for r, chosen in ((result, ()), (whole, HEAD)))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_click_narrows_further(question, case):
    name, result = case
    few = sw.select_paths(*question, **SETS[name])
    within = few.through(WITHIN)
    table, log_share = result.session.conditioned(WITHIN)
    assert log_share == pytest.approx(within.log_mass - few.log_mass, abs=1e-3)
    assert table.attrs["best_log_weight"] == pytest.approx(within.log_weight, abs=1e-4)
    (route,) = result.session.ranking("best", WITHIN, 1).routes
    assert route.log_weight == pytest.approx(within.log_weight, abs=1e-4)
    shares = result.session.head_map(WITHIN["layer"], WITHIN["head"], WITHIN)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-3)


def test_a_session_can_be_asked_to_avoid(whole, question):
    around = sw.select_paths(*question, HEAD, {"layer": 0})
    table, log_share = whole.session.conditioned(HEAD, avoiding={"layer": 0})
    assert log_share == pytest.approx(around.log_share, abs=1e-3)
    assert float(table.branch_mass_share.sel(branch="value")[0].sum()) == 0
    (route,) = whole.session.ranking("best", HEAD, 1, avoiding={"layer": 0}).routes
    assert route.log_weight == pytest.approx(around.log_weight, abs=1e-4)
    shares = whole.session.head_map(3, 3, HEAD, avoiding={"layer": 0})
    assert not np.allclose(shares, whole.session.head_map(3, 3, HEAD), atol=1e-4)


def test_it_is_said_everywhere_and_kept(case, tmp_path, capsys):
    name, result = case
    assert result.paths == WORDS[name]
    assert WORDS[name] in plain(result).splitlines()
    show(result)
    assert WORDS[name] in capsys.readouterr().out.splitlines()
    assert WORDS[name] in repr(result)
    assert result.to_xarray().attrs["paths"] == WORDS[name]
    result.save(tmp_path / "few.npz")
    assert sw.load(tmp_path / "few.npz").paths == WORDS[name]


def test_the_whole_says_nothing(whole, tmp_path):
    assert whole.paths == ""
    assert "paths" not in whole.to_xarray().attrs
    assert "paths" not in facts_of(whole)  # for older versions, which read it
    whole.save(tmp_path / "whole.npz")
    assert sw.load(tmp_path / "whole.npz").paths == ""


@pytest.mark.slow
def test_a_page_names_them_and_answers_within(case, tmp_path):
    name, result = case
    page = result.to_html(tmp_path / "few.html", chart=False, answers=2).read_text(encoding="utf-8")
    assert json.dumps(WORDS[name])[1:-1] in page or WORDS[name] in page


def test_no_path_at_all():
    result = asked(through=[HEAD, {"layer": 3, "head": 1}])
    assert result.totals.log_mass == -math.inf
    assert result.routes == ()
    assert not result.dataset.token_mass_share.values.any()
    assert result.session.conditioned(WITHIN)[1] == -math.inf


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"through": {"layer": 9}}, "layer is 9; there are 4 layers"),
        ({"avoiding": "head"}, "A selection is a part"),
        ({"leaving_skip": "yes"}, "leaving_skip"),
        ({"through": HEAD, "level": "branch"}, "ask for all paths"),
    ],
)
def test_what_cannot_be_asked_is_said_before_any_sweep(wrong, said, monkeypatch):
    monkeypatch.delattr("semiring_widgets.explanation.run_steps.fitted")
    with pytest.raises(InputError, match=said):
        asked(**wrong)


def test_a_limit_of_memory_holds(case):
    name, result = case
    same = asked(rankings="best", max_memory=2 * 10**8, **SETS[name])
    assert same.totals.log_mass == pytest.approx(result.totals.log_mass, rel=1e-6)
    with pytest.raises(sw.errors.MemoryLimitError):
        asked(rankings="best", max_memory=10**5, **SETS[name])


@pytest.mark.parametrize("name", SETS)
def test_path_methods_of_a_comparison(question, name, tmp_path):
    few = sw.select_paths(*question, **SETS[name])
    methods = ["Saliency", "path sum", "best path", "path entropy", "path length"]
    model, tokenizer = sw.load_demo()
    found = sw.compare(model, tokenizer, demo.DEMO_TEXT, "are", "is", methods=methods, **SETS[name])
    tokens = few.backprop("fused")[0].reduce(-1)
    rows = found.dataset.scores.values
    gradient = few.backprop()[0].value[0].double()
    assert [method.error for method in found.methods] == [None] * 5
    np.testing.assert_allclose(rows[1], gradient.square().sum(-1).sqrt(), rtol=1e-3, atol=1e-5)
    best = tokens.log_weight[0].exp()
    np.testing.assert_allclose(np.abs(rows[2]), best, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(rows[3], tokens.entropy[0], rtol=1e-4)
    np.testing.assert_allclose(rows[4], few.lengths()[0].reduce(-1).length[0], rtol=1e-3)
    # Captum knows no paths, and the table says so.
    assert [method.label for method in found.methods[:2]] == ["Saliency (all paths)", "path sum"]
    assert found.paths == WORDS[name]
    assert WORDS[name] in plain(found).splitlines()
    found.save(tmp_path / "few.npz")
    assert type(found).load(tmp_path / "few.npz").paths == WORDS[name]


def test_a_comparison_through_a_part_that_is_not_there():
    with pytest.raises(InputError, match="there are 4 layers"):
        sw.compare(*sw.load_demo(), demo.DEMO_TEXT, "are", methods="path mass", through={"layer": 9})
