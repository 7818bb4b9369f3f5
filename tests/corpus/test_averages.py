"""Averages over texts: what is not there does not count, and no order is told that texts do not tell."""

import numpy as np
import pandas as pd
import pytest

from semiring_widgets.corpus.averaging import jaccard_of_first, means_with_intervals, resolved
from semiring_widgets.corpus.corpus import Corpus
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


class Tables:
    """A folder of a run, in memory."""

    def __init__(self, **tables):
        self.tables = tables

    def read(self, name):
        return self.tables[name].copy()


@pytest.fixture
def corpus():
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
    return Corpus(Tables(parts=parts, examples=examples))


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


def test_what_cannot_be_told_is_refused(corpus):
    with pytest.raises(InputError, match="k is 3, and there are 2 parts of kind 'token'"):
        corpus.stability("effect", "token", k=3)
    one = Corpus(Tables(parts=corpus.parts().query("row == 0")))
    with pytest.raises(InputError, match="One text says nothing"):
        one.stability("effect", "token", k=1)
