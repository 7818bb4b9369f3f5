"""Intervals and rank statistics of the studies, against other people's."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from examples import studies
from examples.studies import ranks
from examples.studies.bootstrap import estimate, interval

FOLDER = Path(studies.__path__[0])
WITH_EXAMPLES = [
    ".".join(("examples.studies", *file.relative_to(FOLDER).with_suffix("").parts))
    for file in sorted(FOLDER.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_an_interval_covers_as_often_as_it_says():
    generator = np.random.default_rng(0)
    samples = generator.exponential(1.0, (300, 60))
    covered = np.mean([found.low <= 1.0 <= found.high for found in map(estimate, samples)])
    assert 0.89 < covered <= 0.98


def test_the_interval_of_a_mean_is_the_same_either_way():
    values = np.random.default_rng(3).normal(size=80)
    told = estimate(values)
    ends = interval(len(values), lambda some: values[some].mean())
    assert ends == pytest.approx((told.low, told.high), abs=0.05)
    sometimes = interval(3, lambda some: 1.0 if 0 in some else float("nan"))
    assert sometimes == (1.0, 1.0), "a draw without the statistic is left out"


def test_an_interval_leaves_out_what_is_missing():
    assert estimate([1.0, float("nan"), 3.0]) == estimate([1.0, 3.0])
    assert estimate([float("nan")]).told() == "–"


@pytest.mark.parametrize("ties", [False, True])
def test_correlations_are_those_of_pandas(ties):
    one, other = np.random.default_rng(1).normal(size=(2, 50))
    if ties:
        one = one.round()
    frame = pd.DataFrame({"one": one, "other": other})
    assert ranks.spearman(one, other) == pytest.approx(frame.rank().corr().iloc[0, 1])
    assert ranks.pearson(one, other) == pytest.approx(frame.corr().iloc[0, 1])
    assert np.isnan(ranks.spearman(np.zeros(50), other))


def test_auroc_is_the_share_of_pairs():
    generator = np.random.default_rng(2)
    scores, true = generator.integers(0, 5, 40), generator.random(40) < 0.3
    above = scores[true][:, None] - scores[~true][None]
    assert ranks.auroc(scores, true) == pytest.approx(np.mean((above > 0) + 0.5 * (above == 0)))
    assert np.isnan(ranks.auroc(scores, np.zeros(40)))
