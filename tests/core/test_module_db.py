"""Every module of PyTorch's database: our gradient is autograd's, or there is a sentence."""

import collections
import warnings
from functools import partial

import pytest
import torch
from torch.testing._internal.common_modules import module_db

from tests.core.databases import NOT_A_NUMBER, REFUSED, SAME, WRONG, floats, worst

SHARE = 1.0
SAMPLES = 6


@pytest.fixture(scope="module")
def verdicts():
    found = {}
    for info in module_db:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = info.module_inputs_func(
                info, device="cpu", dtype=torch.float64, requires_grad=True, training=False
            )[:SAMPLES]
            asked = [_asked(info, sample) for sample in samples if sample.forward_input is not None]
        if (verdict := worst(asked)) is not None:
            found[info.name] = verdict
    return found


def _asked(info, sample):
    made, given = sample.constructor_input, sample.forward_input
    module = info.module_cls(*made.args, **made.kwargs).double().eval()
    return partial(module, *given.args, **given.kwargs), floats((given.args, given.kwargs))


def test_no_wrong_number(verdicts):
    assert {name for name, verdict in verdicts.items() if verdict == WRONG} == set()
    assert {name for name, verdict in verdicts.items() if verdict == NOT_A_NUMBER} == set()


def test_most_modules_are_covered(verdicts):
    count = collections.Counter(verdicts.values())
    assert len(verdicts) > 80
    assert count[SAME] / len(verdicts) >= SHARE, sorted(n for n, v in verdicts.items() if v == REFUSED)
