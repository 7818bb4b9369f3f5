"""Averages over texts: what is not there does not count, and no order is told that texts do not tell."""

import numpy as np
import pandas as pd
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.corpus.averaging import (
    differences_with_intervals,
    jaccard_of_first,
    means_with_intervals,
    resolved,
)
from semiring_widgets.corpus.files import Folder, encoded
from semiring_widgets.corpus.table_columns import SCHEMA_VERSION
from semiring_widgets.errors import InputError

NONE = np.nan


def drawn_by_hand(column, samples, seed):
    """Every draw written out: the mean over the texts drawn that have the part."""
    draw, means = np.random.default_rng(seed), []
    for _ in range(samples):
        own = column[draw.integers(0, len(column), len(column))]
        if np.isfinite(own).any():
            means.append(own[np.isfinite(own)].mean())
    return np.percentile(means, [2.5, 97.5])


def test_intervals_are_percentiles_of_means_of_texts_drawn_again():
    numbers = np.array([[1.0, NONE, 3.0], [2.0, 4.0, NONE], [5.0, 7.0, NONE], [0.0, NONE, NONE]])
    mean, low, high = means_with_intervals(numbers, 300, 7)
    assert mean.tolist() == [2.0, 5.5, 3.0]
    for part in (0, 1):
        assert (low[part], high[part]) == pytest.approx(tuple(drawn_by_hand(numbers[:, part], 300, 7)))
    # One text has the last part.
    assert np.isnan([low[2], high[2]]).all()


def test_intervals_of_a_difference_draw_the_texts_of_each_group():
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((9, 2)) + 2, rng.standard_normal((5, 2))
    one[0, 1] = NONE
    difference, low, high = differences_with_intervals(one, other, 70, 5)
    assert difference == pytest.approx(np.nanmean(one, 0) - np.nanmean(other, 0))
    draws = [np.random.default_rng((5, group)) for group in (0, 1)]
    drawn = []
    for _ in range(70):
        mine, its = (
            np.nanmean(group[draw.integers(0, len(group), len(group))], 0)
            for draw, group in zip(draws, (one, other), strict=True)
        )
        drawn.append(mine - its)
    wanted = np.percentile(drawn, [2.5, 97.5], axis=0)
    np.testing.assert_allclose([low, high], wanted, rtol=1e-12)
    # One text tells nothing of how texts differ.
    _, *interval = differences_with_intervals(one, other[:1], 20, 5)
    assert np.isnan(interval).all()


@pytest.mark.parametrize(
    ("intervals", "wanted"),
    [
        ([(5, 6), (3, 4), (1, 2)], [True, True, True]),
        ([(5, 6), (-4, -3), (-1, 2)], [True, True, True]),
        # As large, of the other sign.
        ([(5, 7), (-6.5, -4)], [False, True]),
        # The next is told from the first, the one below is not.
        ([(5, 6), (3, 4), (-1, 5.5)], [False, False, True]),
        ([(5, 6), (NONE, NONE)], [False, False]),
        ([], []),
    ],
)
def test_an_order_is_resolved_where_all_below_are_smaller(intervals, wanted):
    low, high = np.array(intervals, float).reshape(-1, 2).T
    assert resolved(low, high) == wanted


def test_the_first_stay_where_texts_agree():
    rng = np.random.default_rng(0)
    steady = np.array([5.0, -3.0, 1.0, 0.0]) + 0.01 * rng.standard_normal((20, 4))
    assert jaccard_of_first(steady, 2, 50, 0) == 1.0
    assert jaccard_of_first(rng.standard_normal((20, 40)), 2, 50, 0) < 0.8


def kept(path, parts, examples, chunk_size=2):
    """A run with these tables, in chunks of two texts."""
    folder = Folder(path)
    folder.begin(
        {"schema_version": SCHEMA_VERSION, "rows": len(examples), "asked": {"chunk_size": chunk_size}}
    )
    for chunk, start in enumerate(range(0, len(examples), chunk_size)):
        own = [table[table["row"].isin(range(start, start + chunk_size))] for table in (parts, examples)]
        folder.write(chunk, encoded({"parts": own[0], "examples": own[1], "errors": []}, []))
    return sw.read_corpus(path)


@pytest.fixture
def corpus(tmp_path):
    """Three texts; the tokens of a class become one number, and the last text has no word."""
    parts = pd.DataFrame(
        [
            (0, "token", "word", 1.0, NONE),
            (0, "token", "word", 2.0, NONE),
            (0, "token", "special", 0.5, NONE),
            (1, "token", "word", 5.0, NONE),
            (1, "token", "special", -0.5, NONE),
            (2, "token", "special", 1.5, NONE),
            (0, "branch", "word", NONE, 0.25),
            (0, "branch", "special", NONE, 0.5),
            (1, "branch", "word", NONE, 0.75),
            (2, "branch", "special", NONE, 0.5),
        ],
        columns=["row", "kind", "token_class", "effect", "best_share"],
    )
    names = ("contribution", "mass_share", "paths_contribution", "cancellation")
    parts = parts.assign(
        id=parts["row"].astype(str), layer=0, head=None, branch="skip", **dict.fromkeys(names)
    )
    examples = pd.DataFrame(
        {"row": [0, 1, 2], "id": list("012"), "group": ["a", None, "a"], "right": [True, None, False]}
    ).astype({"right": "boolean"})
    examples = examples.assign(entropy=[1.0, 2.0, 5.0], score=[1.0, NONE, -1.0])
    return kept(tmp_path / "run", parts, examples)


def test_tokens_of_a_text_become_one_number_first(corpus):
    found = corpus.averages("effect", "token").set_index("token_class")
    assert found.loc["word", ["mean", "n"]].tolist() == [4.0, 2]
    assert found.loc["special", ["mean", "n"]].tolist() == [0.5, 3]
    (best,) = corpus.averages("best_share", "branch").to_dict("records")
    assert (best["mean"], best["n"]) == (pytest.approx((0.5 + 0.75 + 0.5) / 3), 3)


@pytest.mark.parametrize("by", ["group", "right", "id", "row", ["group", "right"]])
def test_groups(corpus, by):
    found = corpus.averages("effect", "token", by)
    keys = [by] if isinstance(by, str) else by
    examples = corpus.examples()
    assert list(found)[: len(keys)] == keys
    assert len(found[keys].drop_duplicates()) == len(examples[keys].drop_duplicates())
    assert found["n"].sum() == 5
    # Nothing is resolved of a group of one text.
    alone = found[found["n"] == 1]
    assert len(alone)
    assert alone["low"].isna().all()
    assert not alone["resolved"].any()


def test_what_cannot_be_told_is_refused(corpus, tmp_path):
    with pytest.raises(InputError, match="k is 3, and there are 2 parts of kind 'token'"):
        corpus.stability("effect", "token", k=3)
    one = kept(tmp_path / "one", corpus.parts().query("row == 0"), corpus.examples().query("row == 0"))
    with pytest.raises(InputError, match="One text says nothing"):
        one.stability("effect", "token", k=1)


def test_numbers_of_texts(corpus):
    (found,) = corpus.averages("entropy", "example").to_dict("records")
    assert (found["mean"], found["n"]) == (pytest.approx(8 / 3), 3)
    (found,) = corpus.averages("score", "example", "group").query("group == 'a'").to_dict("records")
    assert (found["mean"], found["n"]) == (0.0, 2)
    with pytest.raises(InputError, match="of is 'effect'; choose one of score"):
        corpus.averages("effect", "example")


def test_groups_are_compared(corpus):
    found = corpus.differences("right", "entropy", "example")
    assert found.attrs["between"] == (True, False)
    assert found[["difference", "n_one", "n_other"]].values.tolist() == [[-4.0, 1, 1]]
    assert not found["resolved"].any()
    found = corpus.differences("id", "effect", "token", between=("2", "0"))
    assert found[["token_class", "difference"]].values.tolist()[0] == ["special", 1.0]
    # The last text has no word.
    assert found["n_one"].tolist() == [1, 0]
    assert np.isnan(found["difference"][1])
    for given, said in (
        ({"by": "id"}, "'id' has 3 values .*; say by between= which two"),
        ({"by": "id", "between": ("0", "7")}, "No text has id = '7'"),
        ({"by": "group"}, "'group' has 1 values"),
        ({"by": "colour"}, "by names 'colour'"),
    ):
        with pytest.raises(InputError, match=said):
            corpus.differences(of="effect", kind="token", **given)


def test_a_difference_that_is_clear_is_resolved(tmp_path):
    rng = np.random.default_rng(0)
    examples = pd.DataFrame({"row": range(40), "group": ["a", "b"] * 20})
    examples["entropy"] = rng.standard_normal(40) + 3 * (examples["group"] == "b")
    examples["log_mass"] = rng.standard_normal(40)
    corpus = kept(tmp_path / "run", pd.DataFrame({"row": []}), examples, 50)
    (found,) = corpus.differences("group", "entropy", "example").to_dict("records")
    assert found["resolved"]
    assert 2 < found["low"] < found["difference"] < found["high"] < 4
    assert not corpus.differences("group", "log_mass", "example")["resolved"].any()


def test_edges_are_averaged_and_ranked(demo, rows, tmp_path):
    found = sw.explain_corpus(*demo, rows[:2], out=tmp_path, tested=False, kinds=["edge", "head"])
    own = found.parts().query("kind == 'edge'")
    table = found.averages("contribution", "edge")
    assert len(table) == len(own) // 2
    wanted = own.groupby(["source", "target", own["branch"].fillna("")])["contribution"].mean()
    for row in table.to_dict("records"):
        branch = row["branch"] if isinstance(row["branch"], str) else ""
        assert row["mean"] == pytest.approx(wanted[row["source"], row["target"], branch], abs=1e-12)
        assert row["n"] == 2
    assert 0 < found.stability("contribution", "edge", 5) <= 1
    # And they are those of one text asked alone.
    model, tokenizer = demo
    words = [tokenizer(text, return_tensors="pt").input_ids for text in (rows[0]["text"],)]
    x = model.get_input_embeddings()(words[0]).detach()
    masks = model.get_input_embeddings()(torch.full_like(words[0], tokenizer.mask_token_id)).detach()
    good, bad = tokenizer.convert_tokens_to_ids([rows[0]["target"], rows[0]["contrast"]])
    with torch.no_grad(), sw.record(reference=masks) as tape:
        logits = model(inputs_embeds=x).logits[0, words[0][0].tolist().index(tokenizer.mask_token_id)]
        score = logits[good] - logits[bad]
    alone = sw.edges(tape, score, x, masks)
    mine = own.query("row == 0")
    assert mine["source"].tolist() == alone["source"].tolist()
    np.testing.assert_allclose(mine["contribution"], alone["contribution"], atol=1e-5)


@pytest.mark.parametrize("kind", [3, ["head"], float("nan")], ids=str)
def test_a_kind_is_a_word(corpus, kind):
    with pytest.raises(InputError, match="give a kind of parts, such as 'head'"):
        corpus.averages("effect", kind)


def test_groups_have_names_of_their_own(corpus):
    with pytest.raises(InputError, match="by names 'group' twice"):
        corpus.averages("effect", "token", by=["group", "group"])
