"""`explain` and `compare` under other rules than the gradient."""

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import demo

ASKED = (demo.DEMO_TEXT, "are", "is")


@pytest.fixture(scope="module")
def pair():
    return sw.load_demo()


@pytest.fixture(scope="module")
def told(pair):
    return {rules: sw.explain(*pair, *ASKED, rules=rules, paths=2) for rules in ("linear", "secant")}


@pytest.mark.parametrize("rules", ["linear", "secant"])
def test_an_explanation_says_which_rules_were_used(told, rules, tmp_path):
    explanation = told[rules]
    assert explanation.rules == explanation.to_xarray().attrs["rules"] == rules
    assert explanation.counted == f"granularity primitive, level unit, rules {rules}"
    assert explanation.counted in repr(explanation)
    explanation.save(tmp_path / "saved")
    assert sw.load(tmp_path / "saved").rules == rules


def test_contributions_of_words_sum_to_what_the_reference_changes(told):
    found = told["secant"]
    total = float(found.dataset.token_contribution.sum())
    assert total == pytest.approx(found.score.value - found.reference.score, abs=2e-2)


def test_paths_keep_to_what_is_not_constant(told):
    shares = told["linear"].dataset.head_mass_share
    # Query, key, value.
    assert np.nansum(shares.values[..., :2]) == 0
    assert np.nansum(shares.values[..., 2]) > 0.1
    assert {"Q", "K"}.isdisjoint(
        leg[0] for route in told["linear"].routes for leg in route.label.split(" → ")
    )


def test_tests_do_not_depend_on_rules(told):
    one, other = (told[rules].dataset.head_effect.values for rules in ("linear", "secant"))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_click_asks_the_same_graph(told):
    explanation = told["linear"]
    maps = explanation.session.head_map(3, 3)
    assert maps[2].sum() == pytest.approx(float(explanation.dataset.head_mass_share[3, 3, 2]), rel=1e-3)
    assert maps[:2].sum() == 0


def test_compare_says_which_rules_its_path_methods_follow(pair):
    methods = ["best path", "Saliency"]
    compared = sw.compare(*pair, *ASKED, methods=methods, metrics=(), rules="linear")
    plain = sw.compare(*pair, *ASKED, methods=methods, metrics=())
    assert [method.label for method in compared.methods] == ["best path (rules linear)", "Saliency"]
    (best, saliency), (other, same) = compared.dataset.scores.values, plain.dataset.scores.values
    np.testing.assert_allclose(saliency, same)
    assert not np.allclose(best, other)


def test_unknown_rules_are_refused_before_anything_runs(pair):
    for ask in (sw.explain, sw.compare):
        with pytest.raises(InputError, match="rules is 'straight'"):
            ask(*pair, *ASKED, rules="straight")
