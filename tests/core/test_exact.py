"""Every statistic against brute-force enumeration of all paths, on graphs small enough for it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

import semiring_widgets as sw
from semiring_widgets.core.semirings import KBest
from tests.core.oracle import all_paths


def mlp(x):
    w = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=x.dtype)
    return (torch.relu(x @ w) * torch.tensor([1.0, -2.0, 0.5], dtype=x.dtype)).sum()


def attention(x):
    scores = (x @ x.mT.clone()) * 0.3
    return (torch.softmax(scores, -1) @ x)[0, 1]


def norm(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])[1, 0]


def in_place(x):
    y = x.clone()
    y[0] += 2 * x[1]
    y.mul_(x)
    z = y.view(-1)
    z[1:3] *= 3.0
    return y.sum() * x[0, 0]


def selection(x):
    rows = torch.cat([x[1:], x[:1].tanh(), x], 0)
    return (rows[torch.tensor([0, 2, 2])] * rows.flip(0)[:3]).sum()


def branching(x):
    y = x.exp() / (1 + x * x)
    return (y.sum(0, keepdim=True) * y + x).prod(-1).sum()


def biased_square(x):
    y = x.tanh()
    return torch.addmm(x.exp(), y, y)[0].prod()


def linear(x):
    return functional.linear(x.tanh(), x.exp(), x[0])[1].prod()


def linear_of_a_batch(x):
    return functional.linear(torch.stack([x, x.sin()]), x.exp()).prod(-1).sum()


def linear_by_itself(x):
    return functional.linear(x, x, x[1]).prod() + functional.linear(x[0], x)[1]


FUNCTIONS = [
    *(mlp, attention, norm, in_place, selection, branching, biased_square),
    *(linear, linear_of_a_batch, linear_by_itself),
]
X = torch.tensor([[0.3, -1.2], [0.9, 0.4]], dtype=torch.float64)


def recorded(function, x, granularity="primitive"):
    with sw.record(granularity=granularity) as tape:
        score = function(x)
    return tape, score


def logsumexp(values):
    return math.log(sum(values)) if values else -math.inf


def check(function, x, granularity):
    tape, score = recorded(function, x, granularity)
    paths = all_paths(tape, score, x)
    results = {
        getattr(name, "name", name): sw.backprop(tape, score, wrt=x, semiring=name)
        for name in ("sum", "abs", "max", "signed_max", "entropy", "count", "boolean", "variance", KBest(3))
    }
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf), leaf)
    torch.testing.assert_close(results["sum"].value, gradient, rtol=1e-9, atol=1e-11)
    for element, weights in paths.items():
        sizes = [abs(w) for w in weights]
        mass = sum(sizes)

        def at(name, fact, element=element):
            return float(getattr(results[name], fact).reshape(-1)[element])

        assert at("sum", "value") == pytest.approx(sum(weights), rel=1e-8, abs=1e-10)
        for name in ("abs", "entropy"):
            assert at(name, "log_mass") == pytest.approx(logsumexp(sizes), rel=1e-9, abs=1e-9)
        assert at("count", "count") == pytest.approx(logsumexp([1.0] * len(weights)), rel=1e-9, abs=1e-9)
        assert at("max", "log_weight") == pytest.approx(
            math.log(max(sizes)) if sizes else -math.inf, abs=1e-9
        )
        assert at("boolean", "reachable") == bool(sizes)
        listed = results["3-best"].log_weights.reshape(-1, 3)[element].tolist()
        expected = [math.log(size) for size in sorted(sizes, reverse=True)[:3]]
        assert listed == pytest.approx(expected + [-math.inf] * (3 - len(expected)), abs=1e-9)
        if not sizes:
            assert at("max", "sign") == 0
            assert at("entropy", "entropy") == 0
            continue
        entropy = -sum(s / mass * math.log(s / mass) for s in sizes)
        assert at("entropy", "entropy") == pytest.approx(entropy, rel=1e-8, abs=1e-9)
        mean = sum(s / mass * math.log(s) for s in sizes)
        spread = sum(s / mass * (math.log(s) - mean) ** 2 for s in sizes)
        assert at("variance", "variance") == pytest.approx(spread, rel=1e-7, abs=1e-9)
        assert at("variance", "entropy") == pytest.approx(entropy, rel=1e-8, abs=1e-9)
        assert at("signed_max", "most_positive") == pytest.approx(max(0.0, *weights, 0.0), rel=1e-8)
        assert at("signed_max", "most_negative") == pytest.approx(min(0.0, *weights, 0.0), rel=1e-8)
        best = max(weights, key=abs)
        if sum(math.isclose(abs(w), abs(best), rel_tol=1e-9) for w in weights) == 1:
            assert at("max", "sign") == math.copysign(1, best)


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_statistic(function, granularity):
    check(function, X, granularity)


POOL = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a @ b,
    lambda a, b: a - 0.5 * b.mT,
    lambda a, b: torch.relu(a),
    lambda a, b: torch.tanh(b),
    lambda a, b: a / (b * b + 1),
    lambda a, b: torch.stack([a[0], b[1]]),
    lambda a, b: a.sum(0, keepdim=True) * b,
    torch.maximum,
]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=4),
       st.lists(st.floats(-2, 2).map(lambda v: round(v, 3)), min_size=4, max_size=4))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_random_graphs(program, numbers):
    def function(x):
        made = [x]
        for which, i, j in program:
            made.append(POOL[which](made[i % len(made)], made[j % len(made)]))
        return made[-1].sum() + (made[-1] * x).sum()

    # Equal numbers make ties in relu and maximum, where derivatives are a convention.
    x = torch.tensor(numbers, dtype=torch.float64).reshape(2, 2) + torch.tensor(
        [[0.0137, 0.0291], [0.0453, 0.0719]]
    )
    check(function, x, "primitive")


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_top_paths_are_all_paths_in_order(function):
    tape, score = recorded(function, X)
    weights = sorted((abs(w) for ws in all_paths(tape, score, X).values() for w in ws), reverse=True)
    found = sw.top_paths(tape, score, wrt=X, k=10_000)
    assert [abs(p.weight) for p in found] == pytest.approx(weights, rel=1e-6)
    assert sum(p.probability for p in found) == pytest.approx(1, rel=1e-6)
    for path in found[:20]:
        assert math.prod(step.derivative for step in path.steps) == pytest.approx(path.weight, rel=1e-6)


def test_a_rest_without_elements_is_no_way():
    def joined(x, rest):
        y = x.exp()
        return torch.cat([y.tanh(), *([y[2:] * 2] if rest else []), y.sin()])[1:].prod()

    with_rest, without = (
        sw.top_paths(*recorded(lambda x, rest=rest: joined(x, rest), X), wrt=X, k=9) for rest in (True, False)
    )
    assert [path.weight for path in with_rest] == [path.weight for path in without]


def test_samples_follow_the_distribution():
    tape, score = recorded(branching, X)
    top = sw.top_paths(tape, score, wrt=X, k=5)
    drawn = sw.sample_paths(tape, score, wrt=X, n=4000, seed=1)
    share = sum(abs(p.weight) >= abs(top[-1].weight) * (1 - 1e-9) for p in drawn) / len(drawn)
    expected = sum(p.probability for p in sw.top_paths(tape, score, wrt=X, k=10_000)
                   if abs(p.weight) >= abs(top[-1].weight) * (1 - 1e-9))  # fmt: skip
    assert share == pytest.approx(expected, abs=4 * math.sqrt(expected / 4000))
    again = sw.sample_paths(tape, score, wrt=X, n=10, seed=1)
    assert [p.weight for p in again] == [p.weight for p in sw.sample_paths(tape, score, wrt=X, n=10, seed=1)]


def test_reduce_joins_elements():
    tape, score = recorded(attention, X)
    result = sw.backprop(tape, score, wrt=X, semiring="entropy").reduce(-1)
    paths = all_paths(tape, score, X)
    for row in range(2):
        sizes = [abs(w) for element in (2 * row, 2 * row + 1) for w in paths[element]]
        assert float(result.log_mass[row]) == pytest.approx(math.log(sum(sizes)))


def test_several_inputs_that_depend_on_each_other():
    with sw.record() as tape:
        h = X * 2
        score = (h.relu() * h).sum()
    of_x, of_h = sw.backprop(tape, score, wrt=[X, h])
    torch.testing.assert_close(of_x.value, 2 * of_h.value)
    assert float(of_x.value.abs().sum()) > 0
