"""Every differentiable operator of PyTorch's database: our gradient is autograd's, or there is a sentence."""

import collections
import warnings
from functools import partial

import pytest
import torch
from torch.testing._internal.common_methods_invocations import op_db

from tests.core.databases import NOT_A_NUMBER, REFUSED, SAME, WRONG, floats, worst

# What can be compared, at the least: the share that is the same as autograd's.
SHARE = 0.98
SAMPLES = 6
# Autograd gives the replaced elements of the input the gradient and the others 0; it is the other way round.
AUTOGRAD_IS_WRONG = {"as_strided_scatter"}


@pytest.fixture(scope="module")
def verdicts():
    found = {}
    for operator in op_db:
        if not operator.supports_autograd or torch.float64 not in operator.supported_backward_dtypes("cpu"):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = list(operator.sample_inputs("cpu", torch.float64, requires_grad=True))[:SAMPLES]
        asked = (
            (partial(operator, s.input, *s.args, **s.kwargs), floats((s.input, s.args, s.kwargs)))
            for s in samples
        )
        if (verdict := worst(asked)) is not None:
            found[operator.formatted_name] = verdict
    return found


def test_no_wrong_number(verdicts):
    wrong = {name for name, verdict in verdicts.items() if verdict == WRONG}
    assert wrong <= AUTOGRAD_IS_WRONG
    assert {name for name, verdict in verdicts.items() if verdict == NOT_A_NUMBER} == set()


def test_most_operators_are_covered(verdicts):
    count = collections.Counter(verdicts.values())
    assert len(verdicts) > 500
    assert count[SAME] / len(verdicts) >= SHARE, sorted(n for n, v in verdicts.items() if v == REFUSED)


def test_replaced_elements_do_not_matter():
    """The case in which autograd is wrong, by its definition."""
    import semiring_widgets as sw

    x, patch = torch.ones(4), torch.zeros(2)
    with sw.record() as tape:
        score = torch.as_strided_scatter(x, patch, (2,), (1,), 1).sum()
    assert sw.backprop(tape, score, wrt=x).value.tolist() == [1, 0, 0, 1]
