"""Code lengths, against what they mean: bits that a code spends, label by label."""

import math

import numpy as np
import pytest

from semiring_widgets import tasks
from semiring_widgets.errors import InputError


def test_blocks_add_up_to_the_training_set():
    for n in (100, 101, 999, 3600, 10_000):
        sizes = tasks.block_sizes(n)
        assert len(sizes) == 14
        assert sum(sizes) == n
        assert min(sizes) > 0


def test_a_code_costs_what_its_models_said():
    """A model that is certain to p of every label costs -ln p for each; the first block costs ln C each."""
    sizes = tasks.block_sizes(3600)
    losses = [np.full(size, -math.log(0.8)) for size in sizes[1:]]
    expected = 2 * math.log(2) - 3598 * math.log(0.8)
    assert tasks.prequential_code_length(losses, first=2, classes=2) == pytest.approx(expected)
    assert tasks.mdl_as_published(losses) == pytest.approx(2 * math.log(36) - 13 * math.log(0.8))


def test_only_the_published_number_forgets_the_sizes():
    small, large = [np.zeros(2), np.ones(100)], [np.ones(2), np.zeros(100)]
    assert tasks.mdl_as_published(small) == tasks.mdl_as_published(large)
    lengths = [tasks.prequential_code_length(losses, 2, 2) for losses in (small, large)]
    assert lengths[0] - lengths[1] == pytest.approx(98)


@pytest.mark.parametrize("measure", [tasks.mdl_as_published, tasks.prequential_code_length])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([[0.1], [math.nan]], 2, 2), r"losses\[1\] holds a number that is negative, infinite or NaN"),
        (([[-0.1]], 2, 2), r"losses\[0\] holds"),
        (([[math.inf]], 2, 2), r"losses\[0\] holds"),
        (([0.1, 0.2], 2, 2), r"losses\[0\] has shape \[\]; give one loss for each example"),
        (([[]], 2, 2), r"losses\[0\] has shape \[0\]"),
        (([[0.1]], 0, 2), "first is 0"),
        (([[0.1]], 2, 1), "classes is 1; give a whole number, 2 or more"),
    ],
)
def test_wrong_losses_are_refused(measure, arguments, said):
    with pytest.raises(InputError, match=said):
        measure(*arguments)


def test_too_few_examples_for_fourteen_blocks():
    with pytest.raises(InputError, match="n is 99; give a whole number, 100 or more"):
        tasks.block_sizes(99)
