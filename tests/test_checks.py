"""The checks of arguments: what stands for a plain value gives it, everything else is one sentence."""

import math

import numpy as np
import pytest
import torch

from semiring_widgets.checks import (
    MOST,
    choice,
    memory_limit,
    real_number,
    seed_number,
    shown,
    truth,
    whole_number,
)
from semiring_widgets.errors import InputError

THREES = [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)]
NO_NUMBERS = [None, "", "3", b"3", True, np.True_, torch.tensor(True), [3], (), {}, object, 1j, math.nan]
NO_NUMBERS += [torch.tensor([3]), torch.empty((), device="meta"), np.array([3]), "\ud800", lambda: 3]


@pytest.mark.parametrize("three", THREES)
def test_numbers_of_numpy_and_torch(three):
    for found in (whole_number(three, "k"), seed_number(three), memory_limit(three), real_number(three, "x")):
        assert found == 3
        assert type(found) is int


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, MOST + 1, 1.5, 3.0, np.float32(3), math.inf])
def test_no_whole_numbers(value):
    with pytest.raises(InputError, match=r"^k is .*; give a whole number, 1 or more and at most 1,0"):
        whole_number(value, "k")


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_no_numbers_at_all(value):
    if value is not None:
        with pytest.raises(InputError, match=r"^max_memory is .*; give a number of bytes, or None"):
            memory_limit(value)
    with pytest.raises(InputError, match=r"^x is .*; give a number\.$"):
        real_number(value, "x")


def test_bounds():
    assert whole_number(0, "k", least=0) == 0
    assert whole_number(10**12, "k", most=None) == 10**12
    assert seed_number(-5) == -5
    assert real_number(np.float32(0.5), "x", least=0) == 0.5
    assert memory_limit(None) is memory_limit(math.inf) is None
    for call in (lambda: real_number(-0.1, "x", least=0), lambda: seed_number(2**64)):
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize("value", [True, np.True_, torch.tensor(True), np.array(True)])
def test_truths(value):
    assert truth(value, "maps") is True


@pytest.mark.parametrize("value", [None, 0, 1, "", "False", [], np.int64(1), torch.tensor([True])])
def test_no_truths(value):
    with pytest.raises(InputError, match=r"give True or False\.$"):
        truth(value, "maps")


@pytest.mark.parametrize("value", [None, "", "Best", ["best"], np.array("best"), torch.ones(2), b"best"])
def test_no_choices(value):
    assert choice(np.str_("best"), "by", ("best", "mass")) == "best"
    with pytest.raises(InputError, match=r"^by is .*; choose one of best, mass\.$"):
        choice(value, "by", ("best", "mass"))


def test_values_are_shown_in_few_words():
    assert shown(torch.nn.Linear(2, 2)) == "a Linear"
    assert shown(torch.ones(2)) == "a Tensor of shape [2] and dtype torch.float32"
    assert shown(dict) == "the class dict"
    assert shown(math.nan) == "nan"
    assert all(len(shown(long)) < 80 for long in ("x" * 10**6, list(range(10**6)), 10**5000, b"x" * 1000))
