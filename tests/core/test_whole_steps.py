"""Norms and softmaxes that are run again as one step each give the same numbers; others are left alone."""

import pytest
import torch
from torch.nn import functional

import semiring_widgets as sw
from semiring_widgets.core.replay import Program
from semiring_widgets.core.replay.running import run
from semiring_widgets.core.replay.whole_steps import with_whole_steps

X = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
WEIGHT, BIAS = (
    torch.linspace(0.5, 2, 20).double().reshape(4, 5),
    torch.linspace(-1, 1, 20).double().reshape(4, 5),
)


def names(program):
    return [step.op.name.split(".")[1] for step in program.steps if hasattr(step.op.func, "overloadpacket")]


def both(function, x=X, granularity="primitive"):
    """A program as it is and with whole steps, the node of the input, and of the result."""
    with sw.record(granularity=granularity) as tape:
        result = function(x)
        score = (result * result.detach().cos()).sum()
    program = Program(tape, tape.node(score))
    return program, with_whole_steps(program, {program.score}), tape.first_node(x)


@pytest.mark.parametrize(("function", "name"), [
    (lambda x: functional.layer_norm(x, (5,)), "layer_norm"),
    (lambda x: functional.layer_norm(x, (4, 5), WEIGHT, BIAS, 0.1), "layer_norm"),
    (lambda x: functional.layer_norm(x, (4, 5), WEIGHT), "layer_norm"),
    (lambda x: torch.softmax(x, -1), "_softmax"),
    (lambda x: torch.softmax(x.masked_fill(x > 5, float("-inf")), 1), "_softmax"),
])  # fmt: skip
def test_one_step_gives_the_numbers_of_all(function, name):
    program, whole, start = both(function)
    assert name in names(whole)
    assert len(whole.steps) <= len(program.steps) - 4
    assert name not in names(program)
    other = X.flip(0) * 3 + 1
    expected, found = (run(each, {start: other})[each.score] for each in (program, whole))
    torch.testing.assert_close(found, expected)
    assert found != program.score.value


@pytest.mark.parametrize("function", [
    lambda x: functional.batch_norm(x, torch.zeros(3).double(), torch.ones(3).double(), training=True),
    lambda x: functional.group_norm(x, 3),
    lambda x: functional.rms_norm(x, (5,)),
    lambda x: torch.log_softmax(x, -1),
    lambda x: functional.layer_norm(x.float(), (5,)).double(),
])  # fmt: skip
def test_others_are_left_as_they_are_or_give_the_same(function):
    program, whole, start = both(function)
    other = X.flip(0) * 3 + 1
    expected, found = (run(each, {start: other})[each.score] for each in (program, whole))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0.0)


def test_with_the_variance_of_the_paper_it_is_another_step():
    _, whole, _ = both(lambda x: functional.layer_norm(x, (5,)), granularity="paper")
    assert "layer_norm" not in names(whole)


def test_what_is_needed_from_within_stays():
    program, _, _ = both(lambda x: torch.softmax(x, -1))
    within = next(step for step in program.steps if step.op.name == "aten.exp.default").gives[0]
    assert len(with_whole_steps(program, {within}).steps) == len(program.steps)
