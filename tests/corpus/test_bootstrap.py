"""Intervals hold the true mean about as often as they say, of few texts and of many."""

import numpy as np
import pytest

from semiring_widgets.corpus.averaging import differences_with_intervals, means_with_intervals

LAWS = {
    "normal": (lambda draw, shape: draw.normal(2, 3, shape), 2.0),
    "skewed": (lambda draw, shape: draw.exponential(2, shape), 2.0),
    "two values": (lambda draw, shape: draw.random(shape) < 0.4, 0.4),
}


def share(low, high, true):
    return float(np.mean((low <= true) & (true <= high)))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("texts", [60, 400])
def test_a_mean_is_in_its_interval(law, texts):
    """Every column is a sample of its own: 600 of them, and a fifth of the texts lack each."""
    draw = np.random.default_rng(5)
    make, true = LAWS[law]
    numbers = make(draw, (texts, 600)).astype(float)
    numbers[draw.random(numbers.shape) < 0.2] = np.nan
    _, low, high = means_with_intervals(numbers, 600, 0)
    # Of 95 %, 600 samples leave open 1.8 points; percentiles of few texts are somewhat narrow.
    assert 0.91 < share(low, high, true) < 0.975


def test_a_difference_is_in_its_interval():
    draw = np.random.default_rng(6)
    one, other = draw.normal(3, 1, (80, 600)), draw.exponential(2, (50, 600))
    _, low, high = differences_with_intervals(one, other, 600, 0)
    assert 0.91 < share(low, high, 1.0) < 0.975


def test_a_part_in_one_block_alone_has_no_interval():
    """Its block is drawn again as it is, so nothing is known of how its mean would vary."""
    numbers = np.full((10_001, 2), np.nan)
    order = np.random.default_rng(0).permutation(10_001)  # as blocks are made
    numbers[order[[0, 1]], 0] = numbers[order[[0, 5_000]], 1] = 0, 10
    mean, low, high = means_with_intervals(numbers, 200, 0)
    assert mean == pytest.approx(5)
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (0, 10)


def test_many_texts_are_drawn_in_blocks_and_intervals_stay():
    """Neighbours are alike, as in a corpus that is sorted; they are not blocks."""
    draw = np.random.default_rng(7)
    rising = np.linspace(-3, 3, 12_000)[:, None]
    numbers = rising + draw.normal(0, 1, (12_000, 300))
    numbers[::5, 0] = np.nan
    mean, low, high = means_with_intervals(numbers, 1000, 0)
    assert mean == pytest.approx(np.nanmean(numbers, 0))
    wide = 2 * 1.96 * np.nanstd(numbers, 0) / np.sqrt(np.isfinite(numbers).sum(0))
    assert np.mean((high - low) / wide) == pytest.approx(1, abs=0.06)
    assert ((high - low) / wide).min() > 0.85
