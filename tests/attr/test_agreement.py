"""Rank correlation against scipy, overlap against sets, and what happens at the edges."""

import numpy as np
import pytest

from semiring_widgets.attr.agreement import rank_correlation, top_k_overlap


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return rng.integers(-4, 5, size=(5, 9)).astype(float)  # small integers: many ties


def test_rank_correlation_is_scipys_of_absolute_scores(scores):
    stats = pytest.importorskip("scipy.stats")
    found = rank_correlation(scores)
    for a, row in enumerate(np.abs(scores)):
        for b, other in enumerate(np.abs(scores)):
            assert found[a, b] == pytest.approx(stats.spearmanr(row, other).statistic)


def test_overlap_is_the_share_of_common_tokens():
    scores = np.array([[5.0, -4.0, 3.0, 0.0], [0.0, 4.0, -5.0, 1.0]])
    assert top_k_overlap(scores, 2)[0, 1] == 0.5
    assert top_k_overlap(scores, 3)[0, 1] == pytest.approx(2 / 3)
    assert top_k_overlap(scores, 100)[0, 1] == 1.0


def test_a_failed_method_compares_with_nothing():
    scores = np.array([[1.0, 2.0, 3.0], [np.nan] * 3])
    for found in [rank_correlation(scores), top_k_overlap(scores, 1)]:
        assert found[0, 0] == pytest.approx(1.0)
        assert np.isnan(found[1]).all()
        assert np.isnan(found[:, 1]).all()


def test_without_an_order_there_is_no_rank_correlation():
    assert np.isnan(rank_correlation(np.array([[1.0, -1.0], [1.0, 2.0]]))[0]).all()
    assert np.isnan(rank_correlation(np.array([[1.0]]))).all()
