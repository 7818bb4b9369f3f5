"""What a corpus is said to show: numbers of its tables, in sentences that name no folder."""

from dataclasses import replace

import numpy as np
import pytest

from semiring_widgets.overview.aggregates import aggregate, largest
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.numbers import BINS
from semiring_widgets.overview.reading import numbers_of
from semiring_widgets.pictures.corpus_text import asked_in_words, found_in_words, plain_corpus
from semiring_widgets.results.wording import percent, signed


def test_it_says_how_often_the_target_is_preferred_and_which_part_does_most(corpus, numbers):
    preferred, first = found_in_words(numbers, whole := aggregate(numbers, Brush()))
    texts = corpus.examples()
    share = percent(texts["right"].astype(float).mean())
    assert preferred.startswith(f"The target is preferred in {share} of {len(texts)} texts: from ")
    of_groups = texts.assign(named=texts["group"].fillna("no group"), own=texts["right"].astype(float))
    means = of_groups.groupby("named")["own"].mean()
    assert f"{percent(means.min())} of “{means.idxmin()}”" in preferred
    assert f"{percent(means.max())} of “{means.idxmax()}”" in preferred
    parts = corpus.parts()
    parts = parts[parts["kind"].isin(["head", "mlp"])]
    place = parts["layer"].astype(str) + "·" + parts["head"].astype("string").fillna("mlp")
    wanted = parts.groupby(place)["effect"].mean()
    largest_of_all = wanted[wanted.abs().idxmax()]
    assert f"(mean effect {signed(largest_of_all)}, 95 % interval" in first
    assert all(said in plain_corpus(numbers, whole) for said in (preferred, first))


def test_what_is_not_told_apart_is_no_winner(numbers):
    whole = aggregate(numbers, Brush())
    order = largest(numbers, whole)
    sizes = np.abs(whole.part_mean)[[place for place, _ in order]]
    assert (np.diff(sizes) <= 0).all()
    assert all(numbers.parts[place].kind != "layer" for place, _ in order)
    wide = replace(whole, part_low=whole.part_mean - 100, part_high=whole.part_mean + 100)
    assert found_in_words(numbers, wide)[1].endswith("may do as much.")
    thin = replace(whole, part_low=whole.part_mean - 1e-9, part_high=whole.part_mean + 1e-9)
    assert found_in_words(numbers, thin)[1].endswith("comes next.")


def test_without_contrasts_and_parts_there_is_less_to_say(corpus):
    numbers = numbers_of(corpus, "right")
    whole = aggregate(numbers, Brush())
    assert "from" not in found_in_words(numbers, whole)[0]
    bare = replace(numbers, parts=(), texts=numbers.texts.assign(right=None))
    assert found_in_words(bare, whole) == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("/home/somebody/models/own-bert", "own-bert"),
        ("C:\\models\\own-bert", "own-bert"),
        ("./own-bert", "own-bert"),
        ("~/models/own-bert/", "own-bert"),
        ("google-bert/bert-base-cased", "google-bert/bert-base-cased"),
        ("", "BertForMaskedLM"),
    ],
)
def test_a_folder_of_a_model_is_not_said(numbers, name, wanted):
    manifest = {**numbers.manifest, "asked": {**numbers.manifest["asked"], "name": name}}
    assert asked_in_words(replace(numbers, manifest=manifest)).split(", ")[0] == wanted


def test_bins_end_at_round_numbers_around_all_texts(numbers):
    for name in numbers.numbers:
        low, high = numbers.edges(name)
        values = numbers.number(name)
        assert low <= np.nanmin(values) < np.nanmax(values) <= high
        # Of the ranges that would do, one that is narrow.
        assert high - low <= 2 * (np.nanmax(values) - np.nanmin(values))
        assert any(
            f"{(high - low) / count:.10g}".replace(".", "").strip("0") in {"1", "2", "25", "5"}
            for count in range(3, BINS)
            if BINS % count == 0
        )
