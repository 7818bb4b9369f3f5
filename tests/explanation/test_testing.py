"""Effects and tests of an explanation are those of its recording; the log of tests stays."""

import math

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.messages import encode
from semiring_widgets.errors import CancelledError, InputError, UnsupportedOpError
from semiring_widgets.explanation import effect_numbers
from semiring_widgets.explanation.demo import DEMO_TEXT
from semiring_widgets.explanation.explaining import explain_run
from semiring_widgets.export.answers_ahead import answers_ahead

OTHER = "The key to the cabinet [MASK] on the table."


@pytest.fixture(scope="module")
def result():
    return sw.explain(*sw.load_demo(), DEMO_TEXT, "are", "is", rankings="contribution", paths=6)


@pytest.fixture(scope="module")
def mask(question):
    model, tokenizer = sw.load_demo()
    return model.get_input_embeddings().weight[tokenizer.mask_token_id].detach().expand_as(question[2])


def test_effects_are_those_of_the_recording(result, question, mask):
    expected = sw.effects(*question, mask)
    found = result.effects()
    assert list(found.columns) == ["kind", "layer", "head", "token", "text", "effect", "contribution"]
    assert list(found.kind) == list(expected.kind)
    for column in ("effect", "contribution"):
        np.testing.assert_allclose(found[column], expected[column], atol=2e-3)
    correlations = {one.kind: one.rank_correlation for one in result.correlations}
    for kind, wanted in expected.attrs["rank_correlation"].items():
        assert correlations[f"{kind}s"] == pytest.approx(wanted, abs=0.05)


def test_contributions_of_the_stream_are_told_of_every_cell(result, question, mask):
    expected = sw.contributions(*question, mask, kind="layers").contribution.to_numpy()
    np.testing.assert_allclose(result.dataset.node_contribution.values.ravel(), expected, atol=2e-3)
    assert np.isnan(result.dataset.node_effect.values).all()


def test_routes_and_families_are_along_input_minus_reference(result, question, mask):
    tape, score, x = question
    ranking = result.ranking("contribution")
    wanted = float((sw.backprop(tape, score, x).value * (x - mask)).sum())
    assert math.fsum(r.contribution for r in ranking.routes) + ranking.rest == pytest.approx(wanted, abs=1e-3)
    first = ranking.families[0]
    assert first.sentence == "Head 0·3 writes *keys* onto *The*; head 3·3 carries it to the blank."
    assert first.share == pytest.approx(first.contribution / wanted, rel=1e-3)
    assert sorted(rank for family in ranking.families for rank in family.routes) == list(range(6))
    sizes = [abs(family.contribution) for family in ranking.families]
    assert sizes == sorted(sizes, reverse=True)
    assert result.routes == ranking.routes


@pytest.mark.parametrize(
    ("part", "by", "label"),
    [
        ({"token": 2}, None, "keys → [MASK]"),
        ({"layer": 3, "head": 3}, None, "head 3·3"),
        ({"layer": 3, "head": 3, "token": 6}, "zero", "head 3·3 at [MASK], set to zero"),
        ({"layer": 2, "token": 1}, "mean", "The at layer 2, set to its mean"),
        ({"layer": 1, "branch": "mlp"}, "reference", "the MLP of layer 1"),
        ([{"token": 2}, {"layer": 2}], None, "keys and the attention of layer 2"),
        (
            [{"layer": 0, "head": 3}, {"layer": 3, "head": 3}, {"token": 2}],
            "zero",
            "head 0·3, head 3·3 and keys, set to zero",
        ),
    ],
)
def test_a_test_is_that_of_the_core(result, question, mask, part, by, label):
    tape, score, x = question
    parts = part if isinstance(part, list) else [part]
    pairs = [(one, by or "reference") for one in parts]
    expected = sw.test(tape, score, [pairs], wrt=x, reference=mask)[0]
    found = result.test(part, by)
    assert (found.before, found.after) == pytest.approx((expected.before, expected.after), abs=2e-3)
    assert found.effect == found.before - found.after
    assert found.label == label
    assert found in result.tests
    assert math.isfinite(found.predicted)
    known = result.effects()
    if by is None and "layer" not in parts[-1]:
        row = known[(known.kind == "token") & (known.token == 2)].iloc[0]
        assert (found.effect, found.predicted) == pytest.approx((row.effect, row.contribution), abs=2e-3)


def test_with_the_value_of_another_text(result):
    found = result.test({"token": 2}, by=OTHER)
    flipped = sw.explain(*sw.load_demo(), OTHER, "are", "is", rankings="best", paths=1)
    assert found.after == pytest.approx(flipped.score.value, abs=1e-3)
    assert (found.by, found.label) == ("resample", "keys → key")
    with pytest.raises(InputError, match="give that text as by="):
        result.test({"token": 2}, by="resample")


def test_a_route_and_its_family(result, question, mask):
    tape, score, x = question
    ranking = result.ranking("contribution")
    family, route = ranking.families[0], ranking.routes[0]
    expected = sw.test(tape, score, [[(sw.RouteSteps(2, family.steps), "reference")]], wrt=x, reference=mask)[
        0
    ]
    tested = result.test(family)
    assert tested.after == pytest.approx(expected.after, abs=2e-3)
    assert tested.predicted == pytest.approx(family.contribution, abs=1e-5)
    single = result.test(route)
    assert single.predicted == pytest.approx(route.contribution, abs=1e-5)
    assert abs(single.effect) < abs(tested.effect)
    (sentence,) = [s.text for s in result.sentences if s.kind == "route"]
    assert f"({tested.effect:+.1f} by this route alone)" in sentence
    assert result.test(tested) == tested
    (core_route,) = sw.top_routes(tape, score, x, k=1, by="contribution", direction=x - mask)
    assert result.test(core_route).effect == pytest.approx(single.effect, abs=2e-3)


def test_all_parts_of_a_kind(result):
    cells = result.test_all("layers")
    assert list(cells.columns) == list(result.effects().columns)
    assert len(cells) == 48
    assert set(cells.kind) == {"layer"}
    assert (result.effects().kind == "layer").sum() == 48
    heads = (result.effects().kind == "head").sum()
    assert set(result.test_all("heads_at").kind) == {"head_at"}
    result.test({"layer": 1, "branch": "mlp", "token": 2})
    kinds = result.effects().kind
    assert (kinds == "head").sum() == heads == 16
    assert ((kinds == "mlp").sum(), (kinds == "mlp_at").sum()) == (4, 1)
    zeros = result.test_all("mlps", by="zero")
    assert len(zeros) == 4
    assert len([test for test in result.tests if test.by == "zero" and test.parts[0].branch == "mlp"]) == 4


@pytest.mark.parametrize("of", ["parts", "edges"])
def test_a_circuit_is_that_of_the_core(result, question, mask, of):
    tape, score, x = question
    expected = sw.circuit(tape, score, x, mask, k=0.5, of=of)
    found = result.circuit(0.5, of)
    assert (len(found.kept), found.total) == (len(expected.kept), expected.total)
    assert found.score == pytest.approx(expected.score, abs=2e-3)
    assert found.score_nothing == pytest.approx(result.reference.score, abs=1e-3)


def test_the_log_is_saved_sent_and_needs_no_model(result, tmp_path):
    result.test({"layer": 0, "head": 3})
    result.save(tmp_path / "e.npz")
    known = sw.load(tmp_path / "e.npz")
    assert list(known.tests) == list(result.tests) != []
    assert known.answer == result.answer != ""
    assert (known.sentences, known.reference) == (result.sentences, result.reference)
    assert known.effects().equals(result.effects())
    header, _ = encode(known, 1)
    assert len(header["tests"]) == len(result.tests)
    assert " ".join(one["text"] for one in header["answer"]) == result.answer
    with pytest.raises(InputError, match="test needs the model, and this explanation came without it"):
        known.test({"token": 2})
    with pytest.raises(InputError, match="test_all needs the model"):
        known.test_all()


def test_the_same_test_is_in_the_log_once(result):
    count = len({(test.parts, test.steps, test.by, test.label) for test in result.tests})
    for _ in range(2):
        result.test({"token": 1})
    assert len(result.tests) in (count, count + 1)
    result.test({"token": 1})
    assert len({id(test) for test in result.tests}) == len(result.tests)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({}, "A test is about some part"),
        ({"layer": 9}, "layer is 9; there are 4 layers"),
        ({"layer": 1, "branch": "skip"}, "is an edge, and no part with an output of its own"),
        ("keys", "A selection is a part or a list of parts"),
    ],
)
def test_what_cannot_be_tested(result, part, sentence):
    before = len(result.tests)
    with pytest.raises(InputError, match=sentence):
        result.test(part)
    assert len(result.tests) == before


def test_a_question_of_the_page_is_answered_and_noted(result):
    steps = [vars(step) for step in result.ranking("contribution").families[0].steps]
    header, _ = answer(result, {"type": "test", "id": 4, "selection": [], "steps": steps})
    assert (header["type"], header["id"]) == ("test", 4)
    assert header["test"]["label"] == "keys → The → [MASK] (heads 0·3, 3·3)"
    assert header["test"]["steps"] == steps
    assert header["test"]["label"] in {test.label for test in result.tests}

    def stop():
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        answer(result, {"type": "test", "selection": [{"token": 3}]}, stop)


def test_a_page_holds_tests_of_families_and_layers(result):
    labels = [test["label"] for test in answers_ahead(result, 10**7).tests]
    assert labels[0] == "keys → The → [MASK] (heads 0·3, 3·3)"
    layers = [f"the attention of layer {layer}" for layer in range(4)]
    assert labels[labels.index(layers[0]) :][:4] == layers
    assert sum(" and " in label for label in labels) == 50


def test_effects_and_answer_come_first():
    """Before any sweep has run, the words are known; a cancel there ends it."""
    seen = []
    run = explain_run(*sw.load_demo(), DEMO_TEXT, "are", "is")

    def check():
        if seen and seen[-1].status.message == "mass and entropy":
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        run(seen.append, check)
    last = seen[-1]
    assert [s.kind for s in last.sentences] == ["score", "words", "replaced", "remark"]
    assert np.isfinite(last.dataset.head_effect.values).all()
    assert np.isnan(last.dataset.token_mass_share.values).all()


def test_where_a_model_goes_another_way_estimates_remain(monkeypatch, result):
    """A mixture that sends a token to another expert cannot be run again; it is recorded instead."""
    real = effect_numbers.effect_rows

    def refusing(*args, tested=True, **kwargs):
        if tested or not isinstance(args[3], sw.Aligned):
            raise UnsupportedOpError("a token would go to another expert.")
        return real(*args, tested=tested, **kwargs)

    monkeypatch.setattr(effect_numbers, "effect_rows", refusing)
    found = sw.explain(*sw.load_demo(), DEMO_TEXT, "are", "is", rankings="best", paths=1)
    assert found.effects().effect.isna().all()
    np.testing.assert_allclose(found.effects().contribution, result.effects().contribution[:32], atol=2e-3)
    assert found.correlations == ()
    assert found.sentences[-1].text == (
        "Nothing could be tested here, so the numbers are estimates: a token would go to another expert."
    )


@pytest.mark.parametrize("narrow", [{"through": {"layer": 3, "head": 3}}, {"avoiding": {"layer": 0}}])
def test_effects_are_of_the_whole_model_whatever_paths_are_told(result, narrow):
    few = sw.explain(*sw.load_demo(), DEMO_TEXT, "are", "is", rankings="contribution", paths=2, **narrow)
    np.testing.assert_allclose(few.dataset.token_effect, result.dataset.token_effect, atol=2e-3)
    assert torch.isfinite(torch.tensor([family.contribution for family in few.rankings[0].families])).all()


def test_rounding_is_no_order():
    """Of another text in which one word differs, the words that stay are not ranked by their rounding."""
    found = sw.explain(*sw.load_demo(), DEMO_TEXT, "are", "is", reference=OTHER, rankings="best", paths=1)
    correlations = {one.kind: one.rank_correlation for one in found.correlations}
    assert correlations["tokens"] == pytest.approx(1)
    (replaced,) = [s.text for s in found.sentences if s.kind == "replaced"]
    assert replaced == "With *key* for *keys* the score falls from +8.0 to −7.9: the answer flips."
