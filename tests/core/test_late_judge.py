"""Sweeps judged at their end give what careful ones give, and are made again where that is not so."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core import kernels, sweeps
from semiring_widgets.core.semirings import late_judge
from semiring_widgets.errors import NonFiniteError

SEMIRINGS = ["abs", "max", "entropy", "count", "fused"]


@pytest.fixture
def far(monkeypatch):
    """What is on the CPU counts as far away; only torch computes."""
    monkeypatch.setattr(kernels.c_library, "library", lambda: None)

    def switch(*, on):
        monkeypatch.setattr(late_judge, "FAR", {"cpu"} if on else set())

    return switch


def recorded(first, second):
    torch.manual_seed(0)
    with sw.record() as tape:
        x = torch.randn(3, first.shape[0])
        score = ((x @ first).tanh() @ second).sum()
    return tape, score, x


def weights(kind):
    torch.manual_seed(1)
    first, second = torch.randn(6, 5), torch.randn(5, 4)
    if kind == "usual":
        return first, second
    if kind == "small":
        return first * 1e-20, second * 1e-25
    if kind == "large":
        return first * 1e18, second * 1e10
    # Some units are reached by next to nothing, and others by nothing at all.
    second[2] *= 1e-30
    first[3] = 0
    first[4] = torch.tensor([0, 0, 1e-30, 0, 0])
    return first, second


@pytest.mark.parametrize("semiring", SEMIRINGS)
@pytest.mark.parametrize("kind", ["usual", "small", "large", "lost"])
def test_the_numbers_are_those_of_careful_sweeps(kind, semiring, far):
    tape, score, x = recorded(*weights(kind))
    far(on=False)
    wanted = sw.backprop(tape, score, x, semiring).facts
    far(on=True)
    for _ in range(2):
        for name, fact in sw.backprop(tape, score, x, semiring).facts.items():
            torch.testing.assert_close(fact, wanted[name], rtol=1e-5, atol=1e-5)
    # Counting takes weights for 1, but what nothing reaches is looked at as well.
    doubted = kind == "lost" or (kind != "usual" and semiring != "count")
    assert bool(sweeps._DOUBTED.get(tape)) == doubted


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_refusals_are_the_same(number, far):
    first, second = weights("usual")
    first[2, 3] = number
    said = []
    for on in (False, True):
        far(on=on)
        tape, score, x = recorded(first, second)
        with pytest.raises(NonFiniteError) as refused:
            sw.backprop(tape, score, x, "max")
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_what_is_held_back_is_measured_in_time(monkeypatch, far):
    far(on=True)
    monkeypatch.setattr(late_judge, "HELD", 1)
    tape, score, x = recorded(*weights("usual"))
    found = sw.backprop(tape, score, x, "max").log_weight
    far(on=False)
    torch.testing.assert_close(found, sw.backprop(tape, score, x, "max").log_weight)
