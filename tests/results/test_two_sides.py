"""Two explanations side by side: alignment, exact numbers, tables, files, refusals."""

from dataclasses import replace

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.results.aligned_words import aligned_by_words, places_of
from semiring_widgets.results.parts import Reference, Score, Statistic, Stream
from tests.conftest import build_tokens

WORDS = ("The", "keys", "are")


def stream(text):
    return Stream("input", build_tokens(text.split()))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("the keys are", "the keys are", [(0, 0), (1, 1), (2, 2)]),
        ("the keys are", "the key are", [(0, 0), (1, 1), (2, 2)]),
        ("the keys are", "the old keys are", [(0, 0), (-1, 1), (1, 2), (2, 3)]),
        ("the old keys are", "keys are here", [(0, -1), (1, -1), (2, 0), (3, 1), (-1, 2)]),
        ("a b", "c", [(0, 0), (1, -1)]),
        ("a", "b c d", [(0, 0), (-1, 1), (-1, 2)]),
    ],
)
def test_every_token_of_both_has_one_place_in_order(first, second, expected):
    a, b = stream(first), stream(second)
    found = places_of(aligned_by_words(a, first, b, second), len(b.tokens))
    assert list(found) == expected
    for side, one in enumerate((a, b)):
        assert [place[side] for place in found if place[side] >= 0] == list(range(len(one.tokens)))


def test_numbers_stand_at_their_places_and_are_subtracted_exactly(make_beside):
    sides = make_beside()
    a, b = sides.sides
    at = [place for place, (i, j) in enumerate(sides.places[0]) if i >= 0 and j >= 0]
    own = np.array([sides.places[0][place] for place in at])
    for name in ("token_effect", "node_contribution", "branch_mass_share", "token_best_log_weight"):
        found = sides.dataset[name].values
        one, other = a.dataset[name].values[..., own[:, 0]], b.dataset[name].values[..., own[:, 1]]
        np.testing.assert_array_equal(found[0][..., at], one)
        np.testing.assert_array_equal(found[1][..., at], other)
        np.testing.assert_array_equal(found[2][..., at], one - other)
    assert "map_mass_share" not in sides.dataset
    np.testing.assert_array_equal(
        sides.to_xarray().head_effect.sel(side="A - B"), a.dataset.head_effect - b.dataset.head_effect
    )


def test_what_one_side_has_alone_has_no_difference(make_beside):
    sides = make_beside()
    (place,) = (place for place, (i, _) in enumerate(sides.places[0]) if i < 0)
    effect = sides.dataset["token_effect"].values[:, place]
    assert np.isnan(effect[[0, 2]]).all()
    assert effect[1] == sides.second.dataset["token_effect"].values[sides.places[0][place][1]]
    assert sides.tokens[place].text == "old"
    assert sides.words[0][place] == ("", "old")
    assert [token.text for token in sides.tokens][1] == "keys / key"


def test_the_table_has_every_statistic_of_both_and_no_head_that_is_not_there(make_beside):
    sides = make_beside()
    table = sides.to_pandas()
    assert {*table.kind} == {"token", "node", "branch", "head", "mlp"}
    per_part = table.groupby(["kind", "statistic"]).size()
    assert per_part["head", "effect"] == 3 * 2
    assert per_part["head", "mass_share"] == 3 * 2 * 3  # by query, key or value
    assert per_part["node", "contribution"] == 3 * len(sides.places[0])
    both = table.dropna(subset=["a", "b"])
    np.testing.assert_allclose(both.difference, both.a - both.b, atol=1e-5)
    only = sides.to_pandas("effect")
    assert {*only.statistic} == {"effect"}
    assert only[only.text_b == "old"].a.isna().all()
    with pytest.raises(InputError, match=r"statistic is 'effects'; choose one of .*effect"):
        sides.to_pandas("effects")


def test_two_inputs_are_aligned_each_for_itself(make_explanation):
    def asked(encoder, decoder):
        pair = (stream(encoder), stream(decoder))
        layers = tuple(replace(one, stream=one.index > 0, key_stream=0) for one in make_explanation().layers)
        named = tuple(replace(one, name=name) for one, name in zip(pair, ("encoder", "decoder"), strict=True))
        known = make_explanation(tuple("abcd"), text=f"{encoder}\n{decoder}", streams=named)
        return replace(known, layers=layers)

    sides = sw.beside(asked("a b c d", "x y"), asked("a c d", "x y z"))
    assert sides.places == (((0, 0), (1, -1), (2, 1), (3, 2)), ((0, 0), (1, 1), (-1, 2)))
    found = sides.dataset["node_contribution"].values
    own = [side.dataset["node_contribution"].values for side in sides.sides]
    np.testing.assert_array_equal(found[1, 0], [own[1][0, 0], np.nan, own[1][0, 1], own[1][0, 2]])
    np.testing.assert_array_equal(found[1, 1:, :3], own[1][1:, :3])
    assert np.isnan(found[:, 1:, 3]).all()


def test_only_statistics_of_both_are_compared(make_explanation):
    spread, width = Statistic("spread", "nats"), Statistic("width", "")
    sides = sw.beside(make_explanation(statistics=(spread, width)), make_explanation(statistics=(width,)))
    assert list(sides.dataset.statistic.values) == ["width"]
    np.testing.assert_array_equal(
        sides.dataset["token_statistic"].values[0, 0],
        sides.first.dataset["token_statistic"].sel(statistic="width").values,
    )
    assert {*sides.to_pandas("width").statistic} == {"width"}


def test_sentences_say_the_largest_differences_first(make_beside):
    sides = make_beside()
    first, second, *others = sides.sentences
    assert first.text == "logit(are) - logit(is) at [MASK] is +3.2 in A and −2.5 in B: 5.8 more in A."
    assert second.text == "They differ in their text: A has *keys*, B has *key, old*."
    heads = [sentence for sentence in others if sentence.parts[0].head is not None]
    effect = np.abs(sides.dataset["head_effect"].values[2])
    layer, head = np.unravel_index(effect.argmax(), effect.shape)
    assert (heads[0].parts[0].layer, heads[0].parts[0].head) == (layer, head)
    difference = sides.dataset["head_effect"].values[2, layer, head]
    more = "A" if difference > 0 else "B"
    assert heads[0].text.startswith(f"Head {layer}·{head} carries {abs(difference):.2f}")
    assert f"more in {more}: " in heads[0].text


@pytest.mark.parametrize(
    ("changes", "said", "names"),
    [
        (
            {"score": Score("logit(were)", 1.0, "were", None, 5)},
            "in what is asked: are, not is in A, were in B",
            ("are, not is", "were"),
        ),
        ({"model": "Other"}, "the model: BertForMaskedLM in A, Other in B", ("BertForMaskedLM", "Other")),
        ({"rules": "linear"}, "the rules of the edges: gradient", ("rules gradient", "rules linear")),
        (
            {"reference": Reference("zero", "zeros", 0.0)},
            "the reference: [MASK] in the place of every token in A, zeros in B",
            None,
        ),
        ({"granularity": "paper"}, "the graph that is counted: primitive in A, paper in B", None),
        ({}, "if anything differs, it is the model itself", ("first", "second")),
    ],
)
def test_it_says_what_was_asked_differently(make_explanation, changes, said, names):
    sides = sw.beside(make_explanation(), make_explanation(**changes))
    assert said in sides.sentences[1].text
    if names is not None:
        assert sides.names == names
    assert sw.beside(make_explanation(), make_explanation(), names=("old", "new")).names == ("old", "new")


def test_nothing_is_told_of_what_does_not_differ(make_explanation):
    sides = sw.beside(make_explanation(), make_explanation())
    assert len(sides.sentences) == 2
    assert sides.sentences[0].text.endswith(": the same.")


def test_a_file_brings_everything_back_but_the_sessions(make_beside, tmp_path):
    sides = make_beside()
    sides.save(tmp_path / "sides.npz")
    known = sw.SideBySide.load(tmp_path / "sides.npz")
    assert (known.names, known.places, known.sentences) == (sides.names, sides.places, sides.sentences)
    assert known.first.session is None
    for name, variable in sides.dataset.data_vars.items():
        np.testing.assert_array_equal(known.dataset[name], variable)
    with pytest.raises(InputError, match=r"'beside', not 'explanation'; read it with .*SideBySide.load"):
        sw.load(tmp_path / "sides.npz")


def test_what_does_not_fit_is_refused(make_explanation, make_comparison):
    known = make_explanation()
    with pytest.raises(InputError, match=r"takes two explanations; the second is <?.*Comparison"):
        sw.beside(known, make_comparison())
    for other in (make_explanation(layers=4), make_explanation(heads=3)):
        with pytest.raises(
            InputError, match=r"same layers, heads and inputs; A \(.*\) has 3 layers of 2 heads, .* B \("
        ):
            sw.beside(known, other)
    with pytest.raises(InputError, match="names is 'AB'; give two words"):
        sw.beside(known, known, names="AB")
