"""Random small graphs: every statistic, path and set of inputs against the list of all paths."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets.semirings import FUSED, Hops, KBest, Product, SignedMax, Variance
from tests.core.oracle import all_paths
from tests.core.test_exact import check


def written_in_place(a, b):
    out = a.clone()
    out[0] += b[1]
    out.mul_(0.5)
    out.view(-1)[1:3] = b.reshape(-1)[:2]
    return out


# Every entry takes two 2 x 2 tensors and gives one; the second may be the first.
STEPS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a @ b,
    lambda a, b: a * a,
    lambda a, b: a - 0.5 * b.mT,
    lambda a, b: torch.relu(a),
    lambda a, b: torch.tanh(b),
    lambda a, b: F.gelu(a + b),
    lambda a, b: torch.stack([a[0], b[1]]),
    lambda a, b: torch.cat([b[1:], a[:1]]),
    lambda a, b: a.sum(0, keepdim=True) * b,
    lambda a, b: a.mean(1, keepdim=True) + b,
    lambda a, b: a.amax(1, keepdim=True).expand(2, 2) - b,
    lambda a, b: torch.softmax(a, -1),
    lambda a, b: torch.softmax(a.masked_fill(torch.tensor([[False, True], [False, False]]), -math.inf), -1),
    lambda a, b: F.log_softmax(b, 0),
    lambda a, b: F.layer_norm(a, (2,)),
    lambda a, b: F.rms_norm(a, (2,)) * 2,
    lambda a, b: torch.where(a > 0, a, b),
    lambda a, b: a[:, torch.tensor([1, 1])],
    written_in_place,
]
programs = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3
)
numbers = st.lists(st.floats(-2, 2).map(lambda v: round(v, 3)), min_size=4, max_size=4)
granularities = st.sampled_from(["primitive", "operator", "paper"])


def built(program, ending):
    def function(x):
        made = [x]
        for which, i, j in program:
            made.append(STEPS[which](made[i % len(made)], made[j % len(made)]))
        return ending(made[-1], x)

    return function


def point(values):
    # Equal numbers make ties in relu and amax, where derivatives are a convention.
    apart = torch.tensor([[0.0137, 0.0291], [0.0453, 0.0719]], dtype=torch.float64)
    return torch.tensor(values, dtype=torch.float64).reshape(2, 2) + apart


def recorded(function, x, granularity):
    with sw.record(granularity=granularity) as tape:
        score = function(x)
    return tape, score


def few(tape, score, x):
    """Skips graphs with more paths than can be listed one by one."""
    count = sw.backprop(tape, score, wrt=x, semiring="count").reduce().count
    assume(float(count) < math.log(20_000))


@given(programs, numbers, granularities)
@settings(max_examples=40, deadline=None)
def test_every_statistic(program, values, granularity):
    every_statistic(program, values, granularity)


@pytest.mark.slow
@given(programs, numbers, granularities)
@settings(max_examples=400, deadline=None)
def test_every_statistic_of_many(program, values, granularity):
    every_statistic(program, values, granularity)


def every_statistic(program, values, granularity):
    function = built(program, lambda out, x: out.sum() + (out * x).sum())
    x = point(values)
    few(*recorded(function, x, granularity), x)
    check(function, x, granularity)


@given(programs, numbers, granularities)
@settings(max_examples=150, deadline=None)
def test_a_score_per_example_counts_the_paths_to_all(program, values, granularity):
    x = point(values)
    tape, score = recorded(built(program, lambda out, x: (out * x).sum(1)), x, granularity)
    assert score.shape == (2,)
    few(tape, score, x)
    paths = all_paths(tape, score, x)
    result = sw.backprop(tape, score, wrt=x, semiring="fused")
    for element, weights in paths.items():
        mass = sum(map(abs, weights))
        expected = math.log(mass) if mass else -math.inf
        assert float(result.log_mass.flatten()[element]) == pytest.approx(expected, abs=1e-9)
        assert float(result.value.flatten()[element]) == pytest.approx(sum(weights), abs=1e-9)


@given(programs, numbers)
@settings(max_examples=150, deadline=None)
def test_several_inputs(program, values):
    """A list gives what each of its tensors gives alone, also where one is made from another."""
    x = point(values)
    with sw.record() as tape:
        h = x * 2 + 1
        score = built(program, lambda out, h: (out * h).sum())(h) + x.sum()
    together = sw.backprop(tape, score, wrt=[h, x], semiring="fused")
    for tensor, result in zip((h, x), together, strict=True):
        alone = sw.backprop(tape, score, wrt=tensor, semiring="fused")
        for part, other in zip(result.parts, alone.parts, strict=True):
            torch.testing.assert_close(part, other, rtol=1e-10, atol=1e-10)


@given(programs, numbers, granularities)
@settings(max_examples=120, deadline=None)
def test_best_and_sampled_paths(program, values, granularity):
    x = point(values)
    tape, score = recorded(built(program, lambda out, x: (out * x).sum()), x, granularity)
    few(tape, score, x)
    sizes = sorted((abs(w) for ws in all_paths(tape, score, x).values() for w in ws), reverse=True)
    assume(sizes)
    assume(len(sizes) < 2000)
    top = sw.top_paths(tape, score, wrt=x, k=len(sizes) + 5)
    assert [abs(p.weight) for p in top] == pytest.approx(sizes, rel=1e-6)
    assert sum(p.probability for p in top) == pytest.approx(1, rel=1e-6)
    whole = sw.backprop(tape, score, wrt=x, semiring=KBest(4)).reduce()
    expected = [math.log(s) for s in sizes[:4]]
    assert whole.log_weights.tolist() == pytest.approx(expected + [-math.inf] * (4 - len(expected)), abs=1e-9)
    drawn = sw.sample_paths(tape, score, wrt=x, n=400, seed=3)
    # The mean of log |weight| over samples is that of the distribution, within five standard errors.
    facts = sw.backprop(tape, score, wrt=x, semiring="variance").reduce()
    mean = float(facts.log_mass - facts.entropy)
    error = math.sqrt(float(facts.variance) / len(drawn))
    assert sum(p.log_weight for p in drawn) / len(drawn) == pytest.approx(mean, abs=5 * error + 1e-6)


@given(programs, numbers)
@settings(max_examples=100, deadline=None)
def test_a_product_is_its_factors(program, values):
    x = point(values)
    tape, score = recorded(built(program, lambda out, x: (out * x).sum()), x, "primitive")
    product = Product(*FUSED.factors, SignedMax(), Variance(), KBest(3), Hops(1))
    result = sw.backprop(tape, score, wrt=x, semiring=product)
    for factor, part in zip(product.factors, result.factors, strict=True):
        alone = sw.backprop(tape, score, wrt=x, semiring=factor)
        for name, fact in part.facts.items():
            torch.testing.assert_close(fact, alone.facts[name], rtol=1e-10, atol=1e-10)
    best = sw.backprop(tape, score, wrt=x, semiring="max")
    torch.testing.assert_close(result.factors[3].sign, best.sign)
